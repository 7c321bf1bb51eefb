// The governor of one workflow on this node: how many of its items may be under way, and why not
// more. It puts together what operators set, this node's share of the cluster's limit, and what
// refusals taught; the sums are in src/core.

import type { Clock, MonotonicMs } from '../src/core/clock.js'
import type { ConcurrencyState } from '../src/core/concurrency-plan.js'
import {
  allowedItems,
  moveCeiling,
  onEnd,
  onOwnOverload,
  onRefusal,
  startConcurrency,
} from '../src/core/concurrency-plan.js'
import { messageOf } from '../src/core/errors.js'
import type { Outcome } from '../src/core/outcome.js'
import type { PlanFigures } from '../src/core/share-plan.js'
import { shareOf } from '../src/core/share-plan.js'
import type { Cohort } from '../src/core/steering-plan.js'
import { cohortOf } from '../src/core/steering-plan.js'
import type { ConcurrencyReason } from '../src/core/why-plan.js'
import type { Steering } from '../src/store/steering.js'
import type { Store, WorkflowHandle } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'
import { type Pace, Pacer } from './pacer.js'
import type { Reserver } from './reserver.js'
import { createTicker } from './ticker.js'

export interface GovernorOptions {
  /** Items under way on this node, at most: its slots. */
  readonly concurrency: number
  /** Items under way at first; grows from here. Null starts with all. */
  readonly start: number | null
  /** Items under way in the cluster, over all that share the plan. Null: what the account says. */
  readonly planConcurrency: number | null
  /** Items started in a minute in the cluster, over all that share the plan; null: no limit. */
  readonly ratePerMinute: number | null
  /** Time that a slot rests after a success; 0: none. */
  readonly successPauseMs: number
  /**
   * Whether a 429 speaks of all calls together, as that of a proxy API does. Fetched directly, it
   * is the word of one host, and no reason to spare the others.
   */
  readonly hasOnePlan: boolean
  /** The word that workflows sharing one limit have in common. */
  readonly plan: string
}

export interface GovernorDeps {
  readonly store: Store
  readonly workflow: WorkflowHandle
  readonly nodeId: string
  readonly clock: Clock
  readonly events: EventBus
  readonly options: GovernorOptions
  /** What the upstream's account says of the plan. */
  readonly plan: () => PlanFigures
  /** Whether the database has few connections left: nothing grows then. */
  readonly isDatabaseCrowded: () => boolean
  /** What the budgets still pay for. */
  readonly purse: Pick<Reserver, 'left' | 'isSpent'>
  /** What is set was read: there may be room, or other cohorts. */
  readonly onSteered: (steering: Steering) => void
  /** The pace lets something start again. */
  readonly onRoom: () => void
}

export interface Governor {
  readonly start: () => void
  readonly stop: () => Promise<void>
  /** Items that may be under way in all workers of this node, given how many are. */
  readonly allowed: (active: number) => number
  /** Items that may be started now, given how many are under way. */
  readonly room: (active: number) => number
  /** Items that are worth leasing ahead, given the pace. */
  readonly ahead: () => number
  /** This node's share of the rate, and the rest of a slot after a success. */
  readonly pace: () => Pace
  /** So many items were started. */
  readonly noteStarts: (items: number) => void
  /** What keeps the next item from being started, given how many are under way. */
  readonly reason: (active: number) => ConcurrencyReason
  /** What may be under way, without the budgets. */
  readonly limit: () => number
  readonly steering: () => Steering | null
  readonly cohortOf: (itemKey: string) => Cohort
  /** An item's attempt ended. `active` counts those under way before, itself included. */
  readonly noteEnd: (outcome: Outcome, active: number) => void
  /** A worker's event loop was late by this much. */
  readonly noteDelay: (workerId: string, eventLoopDelayMs: number) => void
}

/** How often what operators set is read: a change holds within two of them. */
const STEERING_MS = 1_000
/** An event loop that is late by this much has more to do than it can. */
const LATE_MS = 250
/** Late answers in a row before they count: a single one may be a collection of garbage. */
const LATE_TIMES = 3
/** Own overloads count once in this time. */
const OWN_OVERLOAD_MS = 5_000

export function createGovernor(deps: GovernorDeps): Governor {
  return new WorkflowGovernor(deps)
}

class WorkflowGovernor implements Governor {
  readonly #deps: GovernorDeps
  readonly #ticker: ReturnType<typeof createTicker>
  readonly #pacer: Pacer
  #state: ConcurrencyState
  #steering: Steering | null = null
  #share: number | null = null
  #isPlanAwaited = false
  #hasBegun = false
  /** Late answers in a row, of workers that were late last time. */
  readonly #lateTimes = new Map<string, number>()
  #ownOverloadMs: MonotonicMs = Number.NEGATIVE_INFINITY
  #ownOverload = false
  #told: { readonly limit: number; readonly reason: ConcurrencyReason } | null = null

  constructor(deps: GovernorDeps) {
    this.#deps = deps
    const { concurrency, start } = deps.options
    this.#state = startConcurrency({ start: start ?? concurrency, ceiling: concurrency })
    this.#ticker = createTicker(deps.clock, () => this.#read())
    this.#pacer = new Pacer(deps.clock, deps.onRoom)
  }

  readonly start = (): void => this.#ticker.start()

  readonly stop = (): Promise<void> => {
    this.#pacer.stop()
    return this.#ticker.stop()
  }

  readonly steering = (): Steering | null => this.#steering

  readonly cohortOf = (itemKey: string): Cohort => cohortOf(itemKey, this.#steering?.rollout ?? 100)

  /**
   * Nothing before the first reading: a node that has not heard who else is there would take more
   * than its share.
   */
  readonly allowed = (active: number): number => {
    const { purse } = this.#deps
    const items = this.limit()
    // What is under way is paid for already; what is started from here on must be affordable.
    return purse.isSpent() ? Math.min(items, active + purse.left()) : items
  }

  readonly room = (active: number): number => {
    const free = this.allowed(active) - active - this.#pacer.resting()
    return Math.max(0, Math.min(free, this.#pacer.room()))
  }

  readonly ahead = (): number => this.#pacer.ahead()

  readonly pace = (): Pace => this.#pacer.pace

  readonly noteStarts = (items: number): void => this.#pacer.noteStarts(items)

  readonly limit = (): number => {
    const steering = this.#steering
    if (steering === null || this.#isPlanAwaited) return 0
    // One in all the cluster: the oldest node works it, so that a node that comes takes nothing
    // over from one which has an item in hand.
    if (steering.mode === 'sequential') return steering.workers[0] === this.#deps.nodeId ? 1 : 0
    return this.#share === 0 ? 0 : allowedItems(this.#state)
  }

  readonly reason = (active: number): ConcurrencyReason =>
    this.#pacer.reason(active, this.allowed(active)) ?? this.#limitReason()

  #limitReason(): ConcurrencyReason {
    const { mode } = this.#steering ?? { mode: 'concurrent' }
    const { purse } = this.#deps
    if (purse.isSpent() && purse.left() === 0) return 'budget'
    if (mode === 'sequential') return 'sequential'
    if (this.#isPlanAwaited) return 'start'
    const limit = this.limit()
    if (limit < this.#state.ceiling) {
      if (this.#share === 0) return 'share'
      if (!this.#mayGrow()) return 'database'
      if (this.#state.isSlowStart) return 'start'
      return this.#ownOverload ? 'event_loop' : 'refusals'
    }
    if (this.#share !== null && this.#share <= this.#configured()) return 'share'
    return this.#steering?.concurrency == null ? 'configured' : 'operator'
  }

  readonly noteEnd = (outcome: Outcome, active: number): void => {
    if (outcome.result === 'release') return
    const isRefused = outcome.result === 'failed' && outcome.code === 'rate_limited'
    if (!isRefused) this.#pacer.noteTaken()
    if (outcome.result === 'complete') {
      this.#pacer.noteSuccess()
      this.#state = onEnd(this.#state, { active, isSuccess: true, mayGrow: this.#mayGrow() })
    } else if (isRefused && this.#deps.options.hasOnePlan) {
      this.#ownOverload = false
      if (active <= 1) this.#pacer.noteCrowded(outcome.retryAfterMs)
      this.#state = onRefusal(this.#state, active)
    } else {
      this.#state = onEnd(this.#state, { active, isSuccess: false })
    }
    this.#tell()
  }

  readonly noteDelay = (workerId: string, eventLoopDelayMs: number): void => {
    if (eventLoopDelayMs < LATE_MS) {
      this.#lateTimes.delete(workerId)
      return
    }
    const times = (this.#lateTimes.get(workerId) ?? 0) + 1
    this.#lateTimes.set(workerId, times)
    const nowMs = this.#deps.clock.nowMs()
    if (times < LATE_TIMES || nowMs - this.#ownOverloadMs < OWN_OVERLOAD_MS) return
    this.#ownOverloadMs = nowMs
    this.#ownOverload = true
    this.#state = onOwnOverload(this.#state)
    this.#tell()
  }

  async #read(): Promise<number> {
    const { store, workflow, options, events } = this.#deps
    try {
      const { workflowId, name } = workflow
      const steering = await store.readSteering({ workflowId, workflow: name, plan: options.plan })
      if (steering !== null) this.#steer(steering)
    } catch (error) {
      // What was read last still holds; who steers sees in the log that nobody heard it.
      events.emit('steering.failed', { workflow: workflow.name, message: messageOf(error) })
    }
    return STEERING_MS
  }

  #steer(steering: Steering): void {
    const { nodeId, workflow, options, onSteered } = this.#deps
    this.#steering = steering
    const plan = this.#deps.plan()
    const planConcurrency = options.planConcurrency ?? plan.limit
    this.#isPlanAwaited = planConcurrency === null && plan.isAwaited
    this.#share =
      planConcurrency === null
        ? null
        : shareOf(planConcurrency, steering.sharers, `${nodeId}/${workflow.name}`)
    if (!this.#isPlanAwaited) this.#setCeiling(plan.limit ?? planConcurrency, plan.inUse ?? 0)
    this.#pacer.set(this.#paceOf(steering))
    this.#tell()
    onSteered(steering)
  }

  /**
   * What may be in flight at most. More comes as far as the plan has room: calls of nodes that were
   * here before end under the share that they had, and those of the dead go on.
   */
  #setCeiling(most: number | null, inUse: number): void {
    const { concurrency, start } = this.#deps.options
    const share = this.#share ?? Number.POSITIVE_INFINITY
    const ceiling = Math.max(1, Math.min(this.#configured(), share))
    const free = most === null ? Number.POSITIVE_INFINITY : Math.max(0, most - inUse)
    if (this.#hasBegun) {
      this.#state = moveCeiling(this.#state, ceiling, { mayGrow: this.#mayGrow(), free })
      return
    }
    this.#hasBegun = true
    const first = Math.max(1, Math.min(start ?? concurrency, free))
    this.#state = startConcurrency({ start: first, ceiling })
  }

  /** Divided as the plan is; a node whose share is nothing starts nothing. */
  #paceOf({ ratePerMinute, successPauseMs, sharers }: Steering): Pace {
    const { nodeId, workflow, options } = this.#deps
    const rate = ratePerMinute ?? options.ratePerMinute
    return {
      perMinute: rate === null ? null : shareOf(rate, sharers, `${nodeId}/${workflow.name}`),
      successPauseMs: successPauseMs ?? options.successPauseMs,
    }
  }

  /** What a person set for this node: by options, or while it runs. */
  #configured(): number {
    const { concurrency } = this.#deps.options
    return Math.min(this.#steering?.concurrency ?? concurrency, concurrency)
  }

  #mayGrow(): boolean {
    return !this.#deps.isDatabaseCrowded()
  }

  #tell(): void {
    const { workflow, events } = this.#deps
    const limit = this.limit()
    const reason = this.#limitReason()
    if (this.#told?.limit === limit && this.#told.reason === reason) return
    this.#told = { limit, reason }
    events.emit('concurrency.changed', { workflow: workflow.name, limit, reason })
  }
}
