// Which targets are handed to somebody else who fetches them. We cannot see what a name means over
// there, so this refuses what can be told from the URL alone; the rest is the provider's duty.

import { isIP } from 'node:net'
import type { AddressGuard } from '../address-guard.js'
import { FetchFailure } from '../failure.js'

/** Last labels of names that mean something inside of a network only. */
const PRIVATE_SUFFIXES: ReadonlySet<string> = new Set([
  'internal',
  'intranet',
  'local',
  'localdomain',
  'localhost',
  'lan',
  'home',
  'corp',
  'private',
  'consul',
])

const LOOPBACK = '127.0.0.1'

/**
 * Refuses a target that leads into a private network. `parseTarget` has looked at scheme, user name
 * and port; the URL parser has made dotted decimals of every spelling of an IPv4 address.
 *
 * @throws {FetchFailure} `ssrf`.
 */
export function checkRemoteTarget(target: URL, guard: AddressGuard): void {
  const name = target.hostname.toLowerCase().replace(/\.+$/, '')
  const refusal = refusalOfName(name, guard)
  if (refusal === null) return
  throw new FetchFailure('ssrf', `${target.hostname.slice(0, 100)} may not be fetched (${refusal})`)
}

function refusalOfName(name: string, guard: AddressGuard): string | null {
  const bare = name.replace(/^\[|\]$/g, '')
  if (isIP(bare) !== 0) return guard.refusalOf(bare)
  const labels = name.split('.')
  const last = labels.at(-1) ?? ''
  if (last === 'localhost') return guard.refusalOf(LOOPBACK) === null ? null : 'loopback'
  if (labels.length === 1) return 'a name without a domain'
  if (PRIVATE_SUFFIXES.has(last) || name.endsWith('.home.arpa')) return 'a private name'
  return null
}
