// The booker of one workflow on this node: writes what refused answers cost. A booking has a
// number, and the database takes each number once, so it is sent again until there is an answer.
// One is under way at a time; what comes meanwhile is booked together by the next.

import type { CancelTimer, Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import { LIMITS } from '../src/core/limits.js'
import { classifyFault } from '../src/store/client.js'
import type { Store } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'

export interface BookerDeps {
  readonly store: Store
  readonly workflow: { readonly workflowId: number; readonly name: string }
  readonly nodeId: string
  readonly clock: Clock
  readonly events: EventBus
}

/** What refused answers cost together. */
export interface Bill {
  /** Answers of items that were taken from this node, those that cost nothing included. */
  readonly items: number
  readonly calls: number
  readonly credits: number
  readonly unsure: number
}

interface Waiting {
  bill: Bill
  readonly tell: (() => void)[]
}

export class Booker {
  readonly #deps: BookerDeps
  #booking = 0
  #isUnderWay = false
  #isAbandoned = false
  #waiting: Waiting | null = null
  #cancelRetry: CancelTimer | null = null

  constructor(deps: BookerDeps) {
    this.#deps = deps
  }

  /** Resolves when the bill is in the ledger, or cannot be written at all, which is told. */
  book(bill: Bill): Promise<void> {
    if (bill.items === 0 && bill.calls === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting ??= { bill: { items: 0, calls: 0, credits: 0, unsure: 0 }, tell: [] }
      this.#waiting.bill = sumOf(this.#waiting.bill, bill)
      this.#waiting.tell.push(resolve)
      this.#next()
    })
  }

  /** The node is fenced or halts: nothing it says counts any more. */
  abandon(): void {
    this.#isAbandoned = true
    this.#cancelRetry?.()
  }

  #next(): void {
    const next = this.#waiting
    if (this.#isUnderWay || this.#isAbandoned || next === null) return
    this.#isUnderWay = true
    this.#waiting = null
    this.#booking += 1
    void this.#send(next, 0)
  }

  async #send(of: Waiting, failures: number): Promise<void> {
    const { store, workflow, nodeId } = this.#deps
    const { workflowId } = workflow
    try {
      await store.bookRefused({ nodeId, workflowId, booking: this.#booking, ...of.bill })
    } catch (error) {
      if (this.#isAbandoned) return
      const willRetry = classifyFault(error) !== 'data'
      const told = { workflow: workflow.name, items: of.bill.items, willRetry }
      this.#deps.events.emit('settle.failed', { ...told, message: messageOf(error) })
      if (willRetry) return this.#again(of, failures + 1)
    }
    this.#isUnderWay = false
    for (const tell of of.tell) tell()
    this.#next()
  }

  #again(of: Waiting, failures: number): void {
    const { min, max } = LIMITS.settleRetryDelayMs
    const delayMs = Math.min(max, min * 2 ** Math.min(failures - 1, 10))
    this.#cancelRetry = this.#deps.clock.setTimer(delayMs, () => void this.#send(of, failures))
  }
}

function sumOf(one: Bill, other: Bill): Bill {
  return {
    items: one.items + other.items,
    calls: one.calls + other.calls,
    credits: one.credits + other.credits,
    unsure: one.unsure + other.unsure,
  }
}
