// The settler: gathers the decisions about items of one workflow and writes them in micro-batches.
//
// A batch is sent until the database answers: sending it twice is safe, since the statement takes
// only what is still ours. After a lost answer the receipts tell whether an earlier try took
// effect. Rows that the database refuses are found by halving the batch, so that one bad page fails
// alone.

import type { CancelTimer, Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import { LIMITS } from '../src/core/limits.js'
import { resultBytes } from '../src/core/result-size.js'
import type { HeldItem, Settlement } from '../src/core/settlement.js'
import { classifyFault } from '../src/store/client.js'
import type { Store, WorkflowHandle } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'
import { Booker } from './booker.js'
import type { Batch, Ending, WeighedEnding } from './settle-batch.js'
import { billOf, fittingCount, hasBegun, settledEvent, splitRefused } from './settle-batch.js'

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
  /** Called for each decision that was written. */
  readonly onWritten?: (held: HeldItem, settlement: Settlement) => void
}

export interface Settler {
  readonly offer: (ending: Ending) => void
  /** Decisions that are not yet written. */
  readonly pending: () => number
  /** Those of them that may have cost something. */
  readonly unbooked: () => number
  /** Whether so much waits to be written that nothing new should be started. */
  readonly isFull: () => boolean
  /** Leases of the items whose ends are not yet written. */
  readonly leases: () => ReadonlySet<string>
  /** Resolves when everything offered so far is written or was abandoned. */
  readonly flush: () => Promise<void>
  /** Drops everything, now and later: the node is fenced or halts, and nothing it says counts. */
  readonly abandon: () => void
}

export function createSettler(deps: SettlerDeps): Settler {
  return new BatchingSettler(deps)
}

class BatchingSettler implements Settler {
  readonly #deps: SettlerDeps
  readonly #booker: Booker
  #waiting: WeighedEnding[] = []
  /** Batches to be sent before anything new: halves of refused ones. */
  readonly #urgent: Batch[] = []
  #underWay = 0
  /** What waits has waited long enough, and is sent as soon as a statement may be. */
  #isRipe = false
  #pending = 0
  #pendingBytes = 0
  readonly #open = new Set<WeighedEnding>()
  #isAbandoned = false
  #cancelDelay: CancelTimer | null = null
  /** Batches that wait for another try. */
  readonly #retries = new Set<CancelTimer>()
  #idle: (() => void)[] = []

  constructor(deps: SettlerDeps) {
    this.#deps = deps
    this.#booker = new Booker(deps)
  }

  readonly offer = (ending: Ending): void => {
    if (this.#isAbandoned) return
    const { held, settlement, facts } = ending
    const weighed = { held, settlement, facts, bytes: resultBytes(settlement.rows) }
    this.#waiting.push(weighed)
    this.#open.add(weighed)
    this.#pending += 1
    this.#pendingBytes += weighed.bytes
    if (this.#waiting.length >= LIMITS.settleItemsMax) this.#pump()
    else this.#cancelDelay ??= this.#deps.clock.setTimer(LIMITS.settleDelayMs, this.#ripen)
  }

  readonly pending = (): number => this.#pending

  readonly unbooked = (): number => [...this.#open].filter(hasBegun).length

  readonly isFull = (): boolean =>
    this.#pending >= LIMITS.settleBacklogMax || this.#pendingBytes >= LIMITS.settleBacklogBytesMax

  readonly leases = (): ReadonlySet<string> =>
    new Set([...this.#open].map((ending) => ending.held.leaseId))

  readonly flush = (): Promise<void> => {
    if (this.#pending === 0) return Promise.resolve()
    this.#ripen()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  readonly abandon = (): void => {
    this.#isAbandoned = true
    this.#booker.abandon()
    this.#cancelDelay?.()
    for (const cancel of this.#retries) cancel()
    this.#retries.clear()
    this.#waiting = []
    this.#urgent.length = 0
    this.#open.clear()
    this.#pending = 0
    this.#pendingBytes = 0
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
   * What is there, when it is ripe or fills a batch. An answer of the database alone is no reason
   * to send what came meanwhile: that would make statements of one or two items, one after the
   * other.
   */
  #nextBatch(): Batch | null {
    const isFull = this.#waiting.length >= LIMITS.settleItemsMax
    if (this.#waiting.length === 0 || !(this.#isRipe || isFull)) return null
    const endings = this.#waiting.splice(0, fittingCount(this.#waiting))
    if (this.#waiting.length === 0) {
      this.#isRipe = false
      this.#stopDelay()
    }
    return { endings, isUncertain: false, failures: 0, isBare: false }
  }

  async #send(batch: Batch): Promise<void> {
    const { store, workflow, nodeId, clock } = this.#deps
    const sentMs = clock.nowMs()
    try {
      const settlements = batch.endings.map((ending) => ending.settlement)
      const { isBare } = batch
      let applied = await store.settleItems(workflow, { nodeId, settlements, isBare })
      if (batch.isUncertain && applied.size < settlements.length) {
        const open = settlements.filter((settlement) => !applied.has(settlement.itemId))
        applied = new Set([...applied, ...(await store.findReceipts(open))])
      }
      const refused = batch.endings.filter((one) => !applied.has(one.settlement.itemId))
      await this.#booker.book({ items: refused.length, ...billOf(refused) })
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
    this.#release(batch.endings)
  }

  #release(endings: readonly WeighedEnding[]): void {
    this.#pending -= endings.length
    for (const ending of endings) {
      this.#open.delete(ending)
      this.#pendingBytes -= ending.bytes
    }
    this.#pump()
    if (this.#pending === 0) this.#wakeIdle()
    this.#deps.onProgress()
  }

  #wakeIdle(): void {
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  #announce(ending: Ending, isApplied: boolean): void {
    const { workflow, events, onWritten } = this.#deps
    events.publish(settledEvent(workflow.name, ending, isApplied))
    if (isApplied) onWritten?.(ending.held, ending.settlement)
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
    const cancel = this.#deps.clock.setTimer(delayMs, () => {
      this.#retries.delete(cancel)
      void this.#send(batch)
    })
    this.#retries.add(cancel)
  }

  #split(batch: Batch, message: string): void {
    const plan = splitRefused(batch, message)
    if (plan.action === 'give-up') {
      void this.#giveUp(plan.ending)
      return
    }
    for (const ending of batch.endings) this.#open.delete(ending)
    for (const part of plan.batches) {
      for (const ending of part.endings) this.#open.add(ending)
      this.#urgent.push(part)
    }
  }

  /**
   * Nothing about this item can be written: it is left to the reclaimer rather than tried for ever,
   * and it is not taken from us yet, but what it cost is known.
   */
  async #giveUp(ending: WeighedEnding): Promise<void> {
    await this.#booker.book({ items: 0, ...billOf([ending]) })
    if (this.#isAbandoned) return
    this.#announce(ending, false)
    this.#release([ending])
  }
}
