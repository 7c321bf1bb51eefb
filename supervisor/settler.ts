// The settler: gathers the decisions about items of one workflow and writes them in micro-batches.
//
// A batch is sent until the database answers: sending it twice is safe, since the statement takes only
// what is still ours. After a lost answer the receipts tell whether an earlier try took effect. Rows
// that the database refuses are found by halving the batch, so that one bad page fails alone.

import type { CancelTimer, Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import { LIMITS } from '../src/core/limits.js'
import type { AttemptFacts } from '../src/core/outcome.js'
import type { HeldItem, Settlement } from '../src/core/settlement.js'
import { sinkFailure } from '../src/core/settlement.js'
import { classifyFault } from '../src/store/client.js'
import type { Store, WorkflowHandle } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'

/** A decision on its way to the database. */
export interface Ending {
  readonly held: HeldItem
  readonly settlement: Settlement
  readonly facts: AttemptFacts | null
}

export interface SettlerDeps {
  readonly store: Store
  readonly workflow: WorkflowHandle
  readonly nodeId: string
  readonly clock: Clock
  readonly events: EventBus
  /** Called when the backlog shrinks: dispatching may go on. */
  readonly onProgress: () => void
  /** Called when the results cannot be written for a reason that will not pass by itself. */
  readonly onBlocked: (message: string) => void
}

export interface Settler {
  readonly offer: (ending: Ending) => void
  /** Decisions that are not yet written. */
  readonly pending: () => number
  /** Resolves when everything offered so far is written or was abandoned. */
  readonly flush: () => Promise<void>
  /** Drops everything, now and later: the node is fenced or halts, and nothing it says counts. */
  readonly abandon: () => void
}

interface Batch {
  readonly endings: readonly Ending[]
  /** A try may have taken effect although its answer was lost. */
  isUncertain: boolean
  failures: number
}

export function createSettler(deps: SettlerDeps): Settler {
  return new BatchingSettler(deps)
}

class BatchingSettler implements Settler {
  readonly #deps: SettlerDeps
  #waiting: Ending[] = []
  /** Batches to be sent before anything new: halves of refused ones. */
  readonly #urgent: Batch[] = []
  #underWay = 0
  /** What waits has waited long enough, and is sent as soon as a statement may be. */
  #isRipe = false
  #pending = 0
  #isAbandoned = false
  #cancelDelay: CancelTimer | null = null
  #idle: (() => void)[] = []

  constructor(deps: SettlerDeps) {
    this.#deps = deps
  }

  readonly offer = (ending: Ending): void => {
    if (this.#isAbandoned) return
    this.#waiting.push(ending)
    this.#pending += 1
    if (this.#waiting.length >= LIMITS.settleItemsMax) this.#pump()
    else this.#cancelDelay ??= this.#deps.clock.setTimer(LIMITS.settleDelayMs, this.#ripen)
  }

  readonly pending = (): number => this.#pending

  readonly flush = (): Promise<void> => {
    if (this.#pending === 0) return Promise.resolve()
    this.#ripen()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  readonly abandon = (): void => {
    this.#isAbandoned = true
    this.#cancelDelay?.()
    this.#waiting = []
    this.#urgent.length = 0
    this.#pending = 0
    this.#wakeIdle()
  }

  /** The oldest decision has waited long enough for company. */
  readonly #ripen = (): void => {
    this.#stopDelay()
    this.#isRipe = true
    this.#pump()
  }

  #stopDelay(): void {
    this.#cancelDelay?.()
    this.#cancelDelay = null
  }

  #pump(): void {
    while (this.#underWay < LIMITS.settleConcurrencyMax && !this.#isAbandoned) {
      const batch = this.#urgent.shift() ?? this.#nextBatch()
      if (batch === null) return
      this.#underWay += 1
      void this.#send(batch)
    }
  }

  /**
   * What is there, when it is ripe or fills a batch. An answer of the database alone is no reason to
   * send what came meanwhile: that would make statements of one or two items, one after the other.
   */
  #nextBatch(): Batch | null {
    const isFull = this.#waiting.length >= LIMITS.settleItemsMax
    if (this.#waiting.length === 0 || !(this.#isRipe || isFull)) return null
    const endings = this.#waiting.splice(0, LIMITS.settleItemsMax)
    if (this.#waiting.length === 0) {
      this.#isRipe = false
      this.#stopDelay()
    }
    return { endings, isUncertain: false, failures: 0 }
  }

  async #send(batch: Batch): Promise<void> {
    const { store, workflow, nodeId, clock } = this.#deps
    const sentMs = clock.nowMs()
    try {
      const settlements = batch.endings.map((ending) => ending.settlement)
      const applied = new Set(await store.settleItems(workflow, { nodeId, settlements }))
      if (batch.isUncertain && applied.size < settlements.length) {
        const open = settlements.filter((settlement) => !applied.has(settlement.itemId))
        for (const itemId of await store.findReceipts(open)) applied.add(itemId)
      }
      this.#settled(batch, applied, clock.nowMs() - sentMs)
    } catch (error) {
      this.#failed(batch, error)
    }
  }

  #settled(batch: Batch, applied: ReadonlySet<string>, durationMs: number): void {
    this.#underWay -= 1
    if (this.#isAbandoned) return
    const { events, workflow } = this.#deps
    for (const ending of batch.endings) {
      this.#announce(ending, applied.has(ending.settlement.itemId))
    }
    events.emit('settle.applied', {
      workflow: workflow.name,
      items: applied.size,
      rejected: batch.endings.length - applied.size,
      durationMs,
    })
    this.#release(batch.endings.length)
  }

  #release(count: number): void {
    this.#pending -= count
    this.#pump()
    if (this.#pending === 0) this.#wakeIdle()
    this.#deps.onProgress()
  }

  #wakeIdle(): void {
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  #announce({ held, settlement, facts }: Ending, isApplied: boolean): void {
    const { event } = settlement
    const state = event === 'reclaim' || event === 'cancel' ? 'release' : event
    this.#deps.events.emit('item.settled', {
      workflow: this.#deps.workflow.name,
      itemId: held.itemId,
      itemKey: held.itemKey,
      state: isApplied ? state : 'rejected',
      code: settlement.code,
      attempt: settlement.attempt,
      durationMs: facts?.durationMs ?? 0,
      httpStatus: settlement.httpStatus,
      resultRows: Object.values(settlement.rows).reduce((sum, rows) => sum + rows.length, 0),
      requests: facts?.requests ?? 0,
      reused: facts?.reused ?? false,
      bytes: facts?.bytes ?? 0,
      message: settlement.error,
    })
  }

  #failed(batch: Batch, error: unknown): void {
    if (this.#isAbandoned) {
      this.#underWay -= 1
      return
    }
    const fault = classifyFault(error)
    const message = messageOf(error)
    const { events, workflow } = this.#deps
    if (fault === 'data') {
      this.#underWay -= 1
      events.emit('settle.split', { workflow: workflow.name, items: batch.endings.length, message })
      this.#split(batch, message)
      this.#pump()
      return
    }
    batch.failures += 1
    // The statement may have committed before its answer was lost.
    batch.isUncertain = true
    if (fault === 'program') this.#deps.onBlocked(message)
    const items = batch.endings.length
    events.emit('settle.failed', { workflow: workflow.name, items, message, willRetry: true })
    const { min, max } = LIMITS.settleRetryDelayMs
    const delayMs = Math.min(max, min * 2 ** Math.min(batch.failures - 1, 10))
    this.#deps.clock.setTimer(delayMs, () => void this.#retry(batch))
  }

  async #retry(batch: Batch): Promise<void> {
    if (this.#isAbandoned) {
      this.#underWay -= 1
      return
    }
    await this.#send(batch)
  }

  /** Finds the row that the database refuses by halving; alone, its item fails for good. */
  #split(batch: Batch, message: string): void {
    const { endings, isUncertain } = batch
    const [only] = endings
    if (endings.length > 1 || only === undefined) {
      const half = Math.ceil(endings.length / 2)
      for (const part of [endings.slice(0, half), endings.slice(half)]) {
        this.#urgent.push({ endings: part, isUncertain, failures: 0 })
      }
      return
    }
    if (only.settlement.code === 'sink') {
      // Even the bare failure was refused: leave the item to the reclaimer rather than try for ever.
      this.#announce(only, false)
      this.#release(1)
      return
    }
    const failure = { ...only, settlement: sinkFailure(only.settlement, message) }
    this.#urgent.push({ endings: [failure], isUncertain, failures: 0 })
  }
}
