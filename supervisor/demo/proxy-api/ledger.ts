// The account behind the API: its plan, what is in flight, and what was billed. This is the
// referee: whatever the product's tables say about calls and credits is held against it.

import type { Clock, MonotonicMs } from '../../../src/core/clock.js'

/** What became of a call that was refused before it began. */
export type Refusal = 'limit' | 'key' | 'cost' | 'credits' | 'request'

export interface ProxyApiCounts {
  /** Requests to the API itself, refused ones included. */
  readonly calls: number
  /** Calls that took a slot of the plan and have ended. */
  readonly ended: number
  /** Calls that were billed (200 and 404), and what they cost together. */
  readonly billed: number
  readonly credits: number
  /** Calls that failed and were not billed (500). */
  readonly failed: number
  readonly refused: Readonly<Record<Refusal, number>>
  /** Calls whose caller hung up before the answer; those of them that were billed all the same. */
  readonly hungUp: number
  readonly hungUpBilled: number
  readonly hungUpCredits: number
  readonly inFlight: number
  readonly inFlightMax: number
  /** Slots busy over time, and slots that the plan offered over time, in slot-milliseconds. */
  readonly busySlotMs: number
  readonly offeredSlotMs: number
  readonly limit: number
}

/** One call that took a slot. */
export interface CallRecord {
  readonly target: string
  readonly region: number
  readonly startedMs: MonotonicMs
  endedMs: MonotonicMs | null
  status: number | null
  credits: number
  hasHungUp: boolean
}

/** Calls that are remembered one by one; counts go on beyond. */
const RECORDS_MAX = 100_000
const REFRESH_MS = 15_000

const noRefusals = (): Record<Refusal, number> => ({
  limit: 0,
  key: 0,
  cost: 0,
  credits: 0,
  request: 0,
})

export class Ledger {
  readonly #clock: Clock
  readonly #refreshMs: number
  readonly #requestLimit: number
  readonly records: CallRecord[] = []
  #limit: number
  #tally = { calls: 0, ended: 0, billed: 0, credits: 0, failed: 0 }
  #hangUps = { hungUp: 0, hungUpBilled: 0, hungUpCredits: 0 }
  #refused = noRefusals()
  #inFlight = 0
  #inFlightMax = 0
  #busySlotMs = 0
  #offeredSlotMs = 0
  #countedToMs: MonotonicMs
  /** What `/account` shows: the figures of the last refresh. */
  #shown = { atMs: 0, credits: 0, failed: 0 }

  constructor(options: {
    readonly clock: Clock
    readonly limit: number
    readonly requestLimit: number
    readonly timeScale: number
  }) {
    this.#clock = options.clock
    this.#limit = options.limit
    this.#requestLimit = options.requestLimit
    this.#refreshMs = REFRESH_MS * options.timeScale
    this.#countedToMs = options.clock.nowMs()
    this.#shown.atMs = this.#countedToMs
  }

  get limit(): number {
    return this.#limit
  }

  /** Calls under way beyond a lowered limit go on to their end. */
  setLimit(limit: number): void {
    this.#advance()
    this.#limit = limit
  }

  get hasRoom(): boolean {
    return this.#inFlight < this.#limit
  }

  get creditsLeft(): number {
    return this.#requestLimit - this.#tally.credits
  }

  countCall(): void {
    this.#tally.calls += 1
  }

  refuse(refusal: Refusal): void {
    this.#refused[refusal] += 1
  }

  begin(target: string, region: number): CallRecord {
    this.#advance()
    this.#inFlight += 1
    this.#inFlightMax = Math.max(this.#inFlightMax, this.#inFlight)
    const record: CallRecord = {
      target,
      region,
      startedMs: this.#clock.nowMs(),
      endedMs: null,
      status: null,
      credits: 0,
      hasHungUp: false,
    }
    if (this.records.length < RECORDS_MAX) this.records.push(record)
    return record
  }

  /** A call's end, whether anybody still listens or not. */
  end(record: CallRecord, end: { readonly status: number; readonly price: number }): void {
    this.#advance()
    this.#inFlight -= 1
    this.#tally.ended += 1
    record.endedMs = this.#clock.nowMs()
    record.status = end.status
    const isBilled = end.status === 200 || end.status === 404
    record.credits = isBilled ? end.price : 0
    if (isBilled) this.#tally.billed += 1
    else this.#tally.failed += 1
    this.#tally.credits += record.credits
    if (!record.hasHungUp) return
    this.#hangUps.hungUp += 1
    this.#hangUps.hungUpBilled += isBilled ? 1 : 0
    this.#hangUps.hungUpCredits += record.credits
  }

  counts(): ProxyApiCounts {
    this.#advance()
    return {
      ...this.#tally,
      ...this.#hangUps,
      refused: { ...this.#refused },
      inFlight: this.#inFlight,
      inFlightMax: this.#inFlightMax,
      busySlotMs: Math.round(this.#busySlotMs),
      offeredSlotMs: Math.round(this.#offeredSlotMs),
      limit: this.#limit,
    }
  }

  /** What `/account` answers: counts of up to 15 s ago, but the calls in flight of this moment. */
  account(): { readonly [field: string]: number | string } {
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#shown.atMs >= this.#refreshMs) {
      this.#shown = { atMs: nowMs, credits: this.#tally.credits, failed: this.#tally.failed }
    }
    return {
      concurrencyLimit: this.#limit,
      concurrentRequests: this.#inFlight,
      requestLimit: this.#requestLimit,
      requestCount: this.#shown.credits,
      failedRequestCount: this.#shown.failed,
      burst: this.#limit,
      subscriptionDate: '2026-01-01T00:00:00.000Z',
    }
  }

  #advance(): void {
    const nowMs = this.#clock.nowMs()
    const passedMs = nowMs - this.#countedToMs
    this.#busySlotMs += this.#inFlight * passedMs
    this.#offeredSlotMs += this.#limit * passedMs
    this.#countedToMs = nowMs
  }
}
