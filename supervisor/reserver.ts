// The reserver of one workflow on this node: how many calls may be begun. Calls that cost something
// are reserved in the database before they are begun, a few at a time and ahead of need, so that a
// budget holds whoever is killed, and what a dead node had in hand can be booked.
//
// What the database has written down is never less than what this node may have open. Therefore
// nothing is begun on the strength of an answer that has not come, and while one is awaited only so
// much as every possible answer allows.

import type { Clock, MonotonicMs } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import type { Store } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'
import { createTicker } from './ticker.js'

/** What this node has to do with calls. */
export interface CallsInHand {
  /** Under way, or ended and not in the ledger. */
  readonly open: number
  /** Calls that could be begun soon, for items that are here. */
  readonly startable: number
}

export interface ReserverDeps {
  readonly store: Store
  readonly workflow: { readonly workflowId: number; readonly name: string }
  readonly nodeId: string
  readonly clock: Clock
  readonly events: EventBus
  /** What a call is expected to cost; 0 for calls that cost nothing. */
  readonly creditsPerCall: number
  readonly inHand: () => CallsInHand
  /** Calls may be begun that could not be before. */
  readonly onReserved: () => void
}

export interface Reserver {
  readonly start: () => void
  readonly stop: () => Promise<void>
  /** Calls that may be begun now; infinitely many while calls are not counted. */
  readonly left: () => number
  /** Whether the budgets pay for less than could be begun. */
  readonly isSpent: () => boolean
  /** Whether this node has written reserves. */
  readonly isCounting: () => boolean
  readonly noteBudget: (hasBudget: boolean) => void
  readonly noteStarts: (calls: number) => void
  /**
   * An attempt was charged so much, or will be. What was reserved for a lower price is reserved
   * anew.
   */
  readonly noteCredits: (credits: number) => void
  /** More is asked for at once when little is left. */
  readonly ask: () => void
}

/** How often the reserve is set right: what was written since then is given back to the budgets. */
const INTERVAL_MS = 1_000

export function createReserver(deps: ReserverDeps): Reserver {
  return new CallReserver(deps)
}

class CallReserver implements Reserver {
  readonly #deps: ReserverDeps
  readonly #ticker: ReturnType<typeof createTicker>
  #isCounting: boolean
  /** The dearest attempt so far: an item may take several calls, and some sites cost more. */
  #creditsEach: number
  #left = 0
  #startsWhileAsking = 0
  #isSpent = false
  #serial = 0
  #quietUntilMs: MonotonicMs = Number.NEGATIVE_INFINITY

  constructor(deps: ReserverDeps) {
    this.#deps = deps
    this.#isCounting = deps.creditsPerCall > 0
    // A budget for calls that are not known to cost anything: one credit each, to be safe.
    this.#creditsEach = Math.max(1, deps.creditsPerCall)
    this.#ticker = createTicker(deps.clock, () => this.#turn())
  }

  readonly start = (): void => this.#ticker.start()

  readonly stop = (): Promise<void> => this.#ticker.stop()

  readonly left = (): number => (this.#isCounting ? this.#left : Number.POSITIVE_INFINITY)

  readonly isSpent = (): boolean => this.#isSpent

  readonly isCounting = (): boolean => this.#isCounting

  readonly noteBudget = (hasBudget: boolean): void => {
    if (!hasBudget || this.#isCounting) return
    this.#isCounting = true
    this.#ticker.wake()
  }

  readonly noteStarts = (calls: number): void => {
    this.#left = Math.max(0, this.#left - calls)
    this.#startsWhileAsking += calls
  }

  readonly noteCredits = (credits: number): void => {
    if (credits <= this.#creditsEach) return
    this.#creditsEach = credits
    this.#left = 0
    if (this.#isCounting) this.#ticker.wake()
  }

  readonly ask = (): void => {
    if (!this.#isCounting || this.#isSpent) return
    if (this.#deps.clock.nowMs() < this.#quietUntilMs) return
    const { startable } = this.#deps.inHand()
    if (startable > this.#left && this.#left <= startable / 2) this.#ticker.wake()
  }

  async #turn(): Promise<number> {
    if (!this.#isCounting) return INTERVAL_MS
    try {
      await this.#reserve()
    } catch (error) {
      const { events, workflow, clock } = this.#deps
      this.#quietUntilMs = clock.nowMs() + INTERVAL_MS
      const message = `calls could not be reserved: ${messageOf(error)}`
      events.emit('steering.failed', { workflow: workflow.name, message })
    }
    return INTERVAL_MS
  }

  async #reserve(): Promise<void> {
    const { store, workflow, nodeId, inHand, onReserved } = this.#deps
    const { open, startable } = inHand()
    // Once spent, one call is asked for all the time: that is how a raised budget is noticed.
    const wanted = this.#isSpent ? Math.max(1, startable) : startable
    const kept = Math.min(this.#left, wanted)
    this.#left = kept
    this.#startsWhileAsking = 0
    this.#serial += 1
    const creditsEach = this.#creditsEach
    const granted = await store.reserveCalls({
      nodeId,
      workflowId: workflow.workflowId,
      serial: this.#serial,
      open,
      kept,
      wanted,
      creditsEach,
    })
    // Somebody has come who costs more: the next request, which is on its way, asks for that.
    if (creditsEach < this.#creditsEach) return
    this.#isSpent = granted === null || granted < wanted
    this.#left = Math.max(0, (granted ?? 0) - this.#startsWhileAsking)
    onReserved()
  }
}
