import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { FetchyardError } from '../core/errors.js'

/** Decides which addresses may be connected to. */
export interface AddressGuard {
  /** Why the address is refused, in a word or two; null when it may be fetched. */
  readonly refusalOf: (address: string) => string | null
}

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = [Address, number]

/** Public by number, private by use: the platform service of a large cloud answers here. */
const METADATA: readonly Range[] = [ipaddr.parseCIDR('168.63.129.16/32')]
/** All that is handed out to hosts on the Internet; what lies beyond is reserved. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3')
/** Addresses of NAT64 that stand for an IPv4 address in their last four bytes. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96')

/**
 * A guard that lets through public unicast addresses, and `allowedRanges` (CIDR) whatever they are.
 *
 * An IPv6 address that stands for an IPv4 address (mapped, NAT64) is judged by that one. One that
 * leads to an IPv4 address through a tunnel (ISATAP) has to pass as both.
 *
 * @throws {FetchyardError} CONFIG_INVALID for a range that is no CIDR.
 */
export function createAddressGuard(allowedRanges: readonly string[]): AddressGuard {
  const allowed = allowedRanges.map(parseRange)
  const judge = (address: Address) => (isWithin(address, allowed) ? null : refusal(address))
  return {
    refusalOf: (text) => {
      const address = parseAddress(text)
      if (address === null) return 'no address'
      const tunnelled = tunnelledIpv4(address)
      return judge(address) ?? (tunnelled === null ? null : judge(tunnelled))
    },
  }
}

function parseRange(text: string): Range {
  try {
    return ipaddr.parseCIDR(text)
  } catch (error) {
    throw new FetchyardError(
      'CONFIG_INVALID',
      `Expected an allowed range in CIDR notation such as 10.0.0.0/8, got ${JSON.stringify(text)}.`,
      { cause: error },
    )
  }
}

function isWithin(address: Address, ranges: readonly Range[]): boolean {
  return ranges.some((range) => address.kind() === range[0].kind() && address.match(range))
}

function refusal(address: Address): string | null {
  if (isWithin(address, METADATA)) return 'metadata service'
  const range = address.range()
  if (range !== 'unicast') return range
  return address.kind() === 'ipv6' && !address.match(GLOBAL_UNICAST) ? 'not globally routed' : null
}

/**
 * The address that a socket would take `text` for. Of ipaddr.js only the groups of an IPv6 address
 * are asked: it reads `::8.8.8.8` as a mapped address, which to a socket it is not.
 */
function parseAddress(text: string): Address | null {
  const [bare = ''] = text.split('%')
  const version = isIP(bare)
  if (version === 0) return null
  const groups = version === 6 ? new URL(`http://[${bare}]/`).hostname.slice(1, -1) : bare
  return meantAddress(ipaddr.parse(groups))
}

function meantAddress(address: Address): Address {
  if (!(address instanceof ipaddr.IPv6)) return address
  if (address.isIPv4MappedAddress()) return address.toIPv4Address()
  return address.match(NAT64) ? lastFourBytes(address) : address
}

function tunnelledIpv4(address: Address): ipaddr.IPv4 | null {
  if (!(address instanceof ipaddr.IPv6)) return null
  const [, , , , fifth, sixth] = address.parts
  const isIsatap = (fifth === 0 || fifth === 0x200) && sixth === 0x5efe
  return isIsatap ? lastFourBytes(address) : null
}

function lastFourBytes(address: ipaddr.IPv6): ipaddr.IPv4 {
  return new ipaddr.IPv4(address.toByteArray().slice(12))
}
