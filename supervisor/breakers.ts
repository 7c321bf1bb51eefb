// The breakers of one workflow on this node. Through a proxy API there is one, for the upstream;
// fetched directly, each lane (a host) has its own, and one that is down holds up no other.

import type { Breaker, BreakerEvent, BreakerView } from '../src/core/breaker-plan.js'
import { breakerEventOf, CLOSED, mayStart, nextBreaker, started } from '../src/core/breaker-plan.js'
import type { CancelTimer, Clock } from '../src/core/clock.js'
import { LIMITS } from '../src/core/limits.js'
import type { OutcomeCode } from '../src/core/outcome.js'
import type { HeldItem } from '../src/core/settlement.js'
import type { EventBus } from '../src/telemetry/events.js'

/** What one breaker stands for. */
export type BreakerScope = 'upstream' | 'lane'

export interface BreakersDeps {
  readonly workflow: string
  readonly scope: BreakerScope
  readonly clock: Clock
  readonly events: EventBus
  /** The upstream may be probed now. */
  readonly onProbe: () => void
}

/** The key of the one breaker of an upstream. */
const UPSTREAM = ''
/** An item of a lane that is being probed comes back after this. */
const PROBED_WAIT_MS = 1_000

export class Breakers {
  readonly #deps: BreakersDeps
  /** Those with a failure since their last success, the one heard of longest ago first. */
  readonly #breakers = new Map<string, Breaker>()
  /** Keys of those that are not closed. */
  readonly #open = new Set<string>()
  #cancelTimer: CancelTimer = () => {}
  #isStopped = false

  constructor(deps: BreakersDeps) {
    this.#deps = deps
  }

  /** Ends of items still count; nobody is woken for a probe any more. */
  stop(): void {
    this.#isStopped = true
    this.#cancelTimer()
  }

  /** Items that may be started now, for what the upstream says: all, a single one, or none. */
  room(): number {
    if (this.#deps.scope === 'lane') return Number.POSITIVE_INFINITY
    const breaker = this.#look(UPSTREAM)
    if (breaker.state === 'closed') return Number.POSITIVE_INFINITY
    return mayStart(breaker) ? 1 : 0
  }

  /** The breaker of the upstream, while it is not closed. */
  view(): BreakerView | null {
    if (this.#deps.scope === 'lane') return null
    const { state, failures, code, openUntilMs } = this.#look(UPSTREAM)
    if (state === 'closed') return null
    const waitMs = state === 'open' ? Math.max(0, openUntilMs - this.#deps.clock.nowMs()) : 0
    return { state, failures, code, waitMs: Math.round(waitMs) }
  }

  /** Lanes that are left alone. */
  get lanesOpen(): number {
    if (this.#deps.scope === 'upstream') return 0
    return [...this.#open].filter((lane) => this.restMsOf(lane) !== null).length
  }

  /** Lanes of which items may have to be held back. */
  openLanes(): readonly string[] {
    return this.#deps.scope === 'lane' ? [...this.#open] : []
  }

  /** Time for which nothing more of a lane is to be started; null when something may be. */
  restMsOf(lane: string): number | null {
    if (this.#deps.scope === 'upstream') return null
    const { state, probe, openUntilMs } = this.#breakers.get(lane) ?? CLOSED
    if (state === 'half-open') return probe === null ? null : PROBED_WAIT_MS
    // One whose cool-down is over is left alone no longer, whether anybody asks it again or not.
    const restMs = state === 'open' ? Math.ceil(openUntilMs - this.#deps.clock.nowMs()) : 0
    return restMs > 0 ? restMs : null
  }

  /**
   * Whether an item that waits must go back. Of a lane that may be probed the first one stays, and
   * is its probe.
   */
  isHeldBack(held: HeldItem): boolean {
    const key = this.#keyOf(held)
    if (key === null || this.#deps.scope === 'upstream') return false
    const breaker = this.#look(key)
    if (breaker.state === 'closed' || breaker.probe === held.itemId) return false
    if (!mayStart(breaker)) return true
    this.#keep(key, started(breaker, held.itemId))
    return false
  }

  /** When an item that is held back should come again. */
  waitMsOf(held: HeldItem): number {
    return Math.max(PROBED_WAIT_MS, this.restMsOf(held.lane ?? '') ?? 0)
  }

  noteStart(itemIds: readonly string[]): void {
    const [first] = itemIds
    if (this.#deps.scope === 'lane' || first === undefined) return
    const breaker = this.#look(UPSTREAM)
    if (breaker.state === 'half-open') this.#keep(UPSTREAM, started(breaker, first))
  }

  /**
   * An attempt ended.
   *
   * @returns whether it failed while the other side is down, which is no fault of the item.
   */
  noteEnd(held: HeldItem, code: OutcomeCode): boolean {
    const key = this.#keyOf(held)
    if (key === null) return false
    const event = breakerEventOf(code)
    const breaker = this.#look(key)
    const isProbe = breaker.probe === held.itemId
    if (event === null) this.forget(held)
    // Of those that are tried only the probe tells that it still fails.
    else if (event === 'success' || isProbe || breaker.state !== 'half-open') {
      this.#apply(key, breaker, event, code)
    }
    return event === 'failure' && this.#look(key).state !== 'closed'
  }

  /** The item was given back or died with its worker: if it was a probe, it told nothing. */
  forget(held: HeldItem): void {
    const key = this.#keyOf(held)
    const breaker = key === null ? undefined : this.#breakers.get(key)
    if (key === null || breaker?.probe !== held.itemId) return
    this.#apply(key, breaker, 'forgot')
    if (this.#deps.scope === 'upstream') this.#deps.onProbe()
  }

  /** An item without a lane asks nobody in particular. */
  #keyOf({ lane = '' }: HeldItem): string | null {
    if (this.#deps.scope === 'upstream') return UPSTREAM
    return lane === '' ? null : lane
  }

  /** The breaker as of now: a cool-down that is over ends when somebody looks. */
  #look(key: string): Breaker {
    const breaker = this.#breakers.get(key) ?? CLOSED
    const isOver = breaker.state === 'open' && this.#deps.clock.nowMs() >= breaker.openUntilMs
    return isOver ? this.#apply(key, breaker, 'elapsed') : breaker
  }

  #apply(key: string, before: Breaker, event: BreakerEvent, code?: OutcomeCode): Breaker {
    const { clock, events, workflow, scope } = this.#deps
    const nowMs = clock.nowMs()
    const failuresMax = LIMITS.breakerFailuresMax[scope]
    const after = nextBreaker(before, {
      ...{ event, nowMs, failuresMax },
      ...(code === undefined ? {} : { code }),
    })
    this.#keep(key, after)
    if (after.state === before.state) return after
    const { state, failures } = after
    const coolDownMs = state === 'open' ? after.openUntilMs - nowMs : 0
    const fields = { state, failures, coolDownMs, code: after.code }
    events.emit('breaker.changed', { workflow, lane: key, ...fields })
    if (scope === 'upstream' && state === 'open' && !this.#isStopped) {
      this.#cancelTimer()
      this.#cancelTimer = clock.setTimer(coolDownMs, this.#deps.onProbe)
    }
    return after
  }

  #keep(key: string, breaker: Breaker): void {
    this.#breakers.delete(key)
    if (breaker.state === 'closed') this.#open.delete(key)
    else this.#open.add(key)
    if (breaker === CLOSED) return
    this.#breakers.set(key, breaker)
    if (this.#breakers.size <= LIMITS.breakersMax) return
    const [oldest] = this.#breakers.keys()
    if (oldest === undefined) return
    this.#breakers.delete(oldest)
    this.#open.delete(oldest)
  }
}
