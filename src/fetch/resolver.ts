import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import type { AddressGuard } from './address-guard.js'
import { FetchFailure } from './failure.js'

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>

/** The operating system's resolver, hosts file included. */
export const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true, verbatim: true })

const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** RFC 6761, 6.3: these names mean this machine and are asked of no server. */
function isLocalhost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  return name === 'localhost' || name.endsWith('.localhost')
}

/**
 * A `lookup` for sockets that yields only addresses the guard lets through. The socket connects to
 * what is returned here and to nothing else, so a name that resolves differently a moment later
 * gains nothing. Connections that start together share one question.
 */
export function createGuardedLookup(guard: AddressGuard, resolve: Resolve): LookupFunction {
  // Bounded by the sockets that are being connected.
  const asked = new Map<string, Promise<readonly LookupAddress[]>>()

  const resolveOnce = (hostname: string) => {
    const pending = asked.get(hostname)
    if (pending !== undefined) return pending
    const answer = resolve(hostname).finally(() => asked.delete(hostname))
    asked.set(hostname, answer)
    return answer
  }

  return (hostname, options, callback) => {
    const answer = isLocalhost(hostname) ? Promise.resolve(LOOPBACK) : resolveOnce(hostname)
    answer
      .then((all) => onlyAllowed(hostname, all, guard))
      .then(
        (allowed) => {
          const first = allowed[0]
          if (options.all === true || first === undefined) callback(null, [...allowed])
          else callback(null, first.address, first.family)
        },
        (error: NodeJS.ErrnoException) => callback(error, ''),
      )
  }
}

function onlyAllowed(
  hostname: string,
  all: readonly LookupAddress[],
  guard: AddressGuard,
): readonly LookupAddress[] {
  if (all.length === 0) throw new FetchFailure('dns', `${hostname} has no address`)
  const allowed = all.filter(({ address }) => guard.refusalOf(address) === null)
  const refused = all[0]
  if (allowed.length === 0 && refused !== undefined) throw refusedAddress(hostname, refused, guard)
  return allowed
}

function refusedAddress(hostname: string, refused: LookupAddress, guard: AddressGuard) {
  const why = guard.refusalOf(refused.address)
  return new FetchFailure('ssrf', `${hostname} resolves to ${refused.address} (${why})`)
}
