import { isIP } from 'node:net'
import { buildConnector } from 'undici'
import type { Clock } from '../core/clock.js'
import type { AddressGuard } from './address-guard.js'
import { FetchFailure } from './failure.js'
import { createGuardedLookup, type Resolve } from './resolver.js'

export interface ConnectorOptions {
  readonly connectTimeoutMs: number
  readonly guard: AddressGuard
  readonly resolve: Resolve
  readonly clock: Clock
}

/**
 * Opens sockets for undici, to addresses that the guard lets through, within the connect timeout
 * (which covers name resolution, TCP and TLS).
 */
export function createConnector(options: ConnectorOptions): buildConnector.connector {
  const { connectTimeoutMs, guard, resolve, clock } = options
  const connect = buildConnector({
    // The socket's own timer is coarse (a second); it only cleans up after ours.
    timeout: connectTimeoutMs,
    allowH2: false,
    lookup: createGuardedLookup(guard, resolve),
    // TLS verification is not an option here: the default verifies.
    noDelay: true,
  })

  return (target, callback) => {
    // Sockets ask no lookup about a literal address.
    const refusal = isIP(target.hostname) === 0 ? null : guard.refusalOf(target.hostname)
    if (refusal !== null) {
      const failure = new FetchFailure('ssrf', `${target.hostname} may not be fetched (${refusal})`)
      queueMicrotask(() => callback(failure, null))
      return
    }
    let isOver = false
    const cancelTimer = clock.setTimer(connectTimeoutMs, () => {
      isOver = true
      callback(new FetchFailure('timeout_connect', `no connection in ${connectTimeoutMs} ms`), null)
    })
    connect(target, (...answer) => {
      cancelTimer()
      if (!isOver) return callback(...answer)
      // Too late: nobody waits for this socket any more.
      answer[1]?.on('error', () => {}).destroy()
    })
  }
}
