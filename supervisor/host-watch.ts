// What the shelf of hosts asks for as time goes by: surplus goes back, an open host is woken for.

import type { CancelTimer, Clock } from '../src/core/clock.js'
import type { EventBus } from '../src/telemetry/events.js'
import type { HostShelf } from './host-shelf.js'
import type { Returns } from './returns.js'
import type { Waiting } from './waiting.js'

export interface HostWatchDeps {
  readonly workflow: string
  readonly hosts: HostShelf<Waiting>
  readonly returns: Returns
  readonly clock: Clock
  readonly events: EventBus
  readonly isAbandoned: () => boolean
  /** Looks for work now. */
  readonly wake: () => void
}

export class HostWatch {
  readonly #deps: HostWatchDeps
  #cancelTimer: CancelTimer = () => {}

  constructor(deps: HostWatchDeps) {
    this.#deps = deps
  }

  /** What a host does not get through soon waits in the database, not here under a lease. */
  defer(): void {
    const { workflow, hosts, returns, events, isAbandoned } = this.#deps
    const deferred = hosts.surplus()
    if (deferred.length === 0 || isAbandoned()) return
    for (const { one, delayMs } of deferred) returns.holdBack(one.held, delayMs)
    events.emit('items.released', { workflow, items: deferred.length, reason: 'host' })
  }

  /** A host whose delay is over makes no event of its own. */
  watch(): void {
    this.stop()
    const { hosts, clock, wake } = this.#deps
    const { opensAtMs } = hosts
    if (opensAtMs === null) return
    this.#cancelTimer = clock.setTimer(Math.max(1, opensAtMs - clock.nowMs()), wake)
  }

  stop(): void {
    this.#cancelTimer()
  }
}
