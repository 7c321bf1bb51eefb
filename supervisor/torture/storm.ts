// The storm: takes fault after fault from the plan and has it done, until its time is over or
// somebody stops it. When it has ended, nothing of it is left: no one is frozen, nothing is slow.

import type { Clock, MonotonicMs } from '../../src/core/clock.js'
import { messageOf } from '../../src/core/errors.js'
import { FAULT_KINDS, type FaultName } from './faults.js'
import type { Plan, PlannedFault } from './plan.js'

/**
 * Does a fault and undoes it. A deed that is told to stop undoes it at once.
 *
 * @returns whom or what it met; null when there was nobody to meet.
 */
export type Deed = (fault: PlannedFault) => Promise<string | null>

export type Deeds = { readonly [kind in FaultName]?: Deed }

/** A fault that was done. */
export interface FaultRecord {
  readonly number: number
  readonly kind: FaultName
  /** Since the storm began. */
  readonly atMs: number
  readonly endedMs: number
  readonly target: string
}

export interface StormRequest {
  readonly plan: Plan
  readonly deeds: Deeds
  readonly clock: Clock
  readonly durationMs: number
  readonly stop: AbortSignal
  readonly onFault: (record: FaultRecord) => void
}

export interface StormEnd {
  readonly faults: readonly FaultRecord[]
  /** Faults that were planned and met nobody, or could not be done, with the reason. */
  readonly missed: readonly string[]
  readonly durationMs: number
}

/** Faults of a lane that may wait for the one before them; then the storm itself waits. */
const WAITING_MAX = 1
const RECOVERY_MS = 1_500
const MISSED_MAX = 50

export async function runStorm(request: StormRequest): Promise<StormEnd> {
  const { plan, clock, durationMs, stop } = request
  const startedMs = clock.nowMs()
  const isOver = () => stop.aborted || clock.nowMs() - startedMs >= durationMs
  const book = new Book(request, startedMs)
  const lanes = new Map<string, Lane>()
  while (!isOver()) {
    const fault = plan.next()
    await pause(fault.pauseMs, stop)
    if (isOver()) break
    const { lane } = FAULT_KINDS[fault.kind]
    if (lane === null) await book.perform(fault)
    else {
      const found = lanes.get(lane) ?? new Lane(stop)
      lanes.set(lane, found)
      await found.add(() => book.perform(fault))
    }
  }
  await Promise.all([...lanes.values()].map((lane) => lane.empty()))
  const { faults, missed } = book
  return { faults, missed, durationMs: Math.round(clock.nowMs() - startedMs) }
}

/**
 * One after the other, with time to recover in between: of a database that never comes back nobody
 * learns whether what came before it was survived.
 */
class Lane {
  readonly #stop: AbortSignal
  #last: Promise<void> = Promise.resolve()
  #open: Promise<void>[] = []

  constructor(stop: AbortSignal) {
    this.#stop = stop
  }

  async add(work: () => Promise<void>): Promise<void> {
    if (this.#open.length > WAITING_MAX) await this.#open[0]
    const done = this.#last.then(work).then(() => pause(RECOVERY_MS, this.#stop))
    this.#last = done
    this.#open.push(done)
    void done.then(() => {
      this.#open = this.#open.filter((other) => other !== done)
    })
  }

  empty(): Promise<void> {
    return this.#last
  }
}

/** Has faults done and writes down what became of them. */
class Book {
  readonly faults: FaultRecord[] = []
  readonly missed: string[] = []
  readonly #request: StormRequest
  readonly #startedMs: MonotonicMs

  constructor(request: StormRequest, startedMs: MonotonicMs) {
    this.#request = request
    this.#startedMs = startedMs
  }

  async perform(fault: PlannedFault): Promise<void> {
    const { deeds, onFault, stop } = this.#request
    if (stop.aborted) return
    const atMs = this.#passedMs()
    try {
      const target = await deeds[fault.kind]?.(fault)
      if (target === null || target === undefined) return this.#miss(fault, 'nobody was there')
      const { number, kind } = fault
      const record = { number, kind, atMs, endedMs: this.#passedMs(), target }
      this.faults.push(record)
      onFault(record)
    } catch (error) {
      this.#miss(fault, messageOf(error))
    }
  }

  #miss({ number, kind }: PlannedFault, reason: string): void {
    if (this.missed.length < MISSED_MAX) this.missed.push(`${number} ${kind}: ${reason}`)
  }

  #passedMs(): number {
    return Math.round(this.#request.clock.nowMs() - this.#startedMs)
  }
}

/** Resolves after a time, or at once when it is told to stop. */
export function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      stop.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    stop.addEventListener('abort', done)
  })
}
