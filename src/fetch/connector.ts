import { isIP, Socket } from 'node:net'
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

/** A connector for one socket; `abandoned` ends a connection that is being made. */
export type OpenConnector = (abandoned: AbortSignal) => buildConnector.connector

/**
 * Opens sockets for undici, to addresses that the guard lets through, within the connect timeout
 * (which covers name resolution, TCP and TLS).
 */
export function createConnector(options: ConnectorOptions): OpenConnector {
  const { connectTimeoutMs, guard, resolve, clock } = options
  const connect = buildConnector({
    // The socket's own timer is coarse (a second); it only cleans up after ours.
    timeout: connectTimeoutMs,
    allowH2: false,
    lookup: createGuardedLookup(guard, resolve),
    // TLS verification is not an option here: the default verifies.
    noDelay: true,
  })

  return (abandoned) => (target, callback) => {
    // Sockets ask no lookup about a literal address.
    const refusal = isIP(target.hostname) === 0 ? null : guard.refusalOf(target.hostname)
    if (refusal !== null) {
      const failure = new FetchFailure('ssrf', `${target.hostname} may not be fetched (${refusal})`)
      queueMicrotask(() => callback(failure, null))
      return
    }
    let isOver = false
    const giveUp = (failure: FetchFailure) => {
      isOver = true
      stop()
      // Its declared type hides that undici hands out the socket it is connecting.
      if (socket instanceof Socket) socket.on('error', () => {}).destroy()
      callback(failure, null)
    }
    const onAbandoned = () => giveUp(new FetchFailure('reset', 'the connection was given up'))
    const cancelTimer = clock.setTimer(connectTimeoutMs, () => {
      giveUp(new FetchFailure('timeout_connect', `no connection in ${connectTimeoutMs} ms`))
    })
    const stop = () => {
      cancelTimer()
      abandoned.removeEventListener('abort', onAbandoned)
    }
    abandoned.addEventListener('abort', onAbandoned, { once: true })
    const socket: unknown = connect(target, (...answer) => {
      if (isOver) return
      stop()
      callback(...answer)
    })
  }
}
