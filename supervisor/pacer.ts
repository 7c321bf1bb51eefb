// The pace of one workflow on this node: how many items may be started now by its share of the
// rate, which slots rest because an item of theirs was complete a moment ago, and how long to leave
// a plan alone that others use up.

import type { CancelTimer, Clock, MonotonicMs } from '../src/core/clock.js'
import { LIMITS } from '../src/core/limits.js'
import type { Bucket } from '../src/core/pace-plan.js'
import { emptyBucket, filled, startable, taken, untilTokenMs } from '../src/core/pace-plan.js'

export interface Pace {
  /** This node's share of the rate; null without one. */
  readonly perMinute: number | null
  /** Time that a slot rests after a success; 0: none. */
  readonly successPauseMs: number
}

/** Why nothing is started although there are slots. */
export type PaceReason = 'rate' | 'pause' | 'crowded'

/** What is leased ahead at a low rate, in time: more would wait here for what others could do. */
const AHEAD_MS = 5_000

export class Pacer {
  readonly #clock: Clock
  /** There is room again, and time to look for what can be started. */
  readonly #onRoom: () => void
  #pace: Pace = { perMinute: null, successPauseMs: 0 }
  #bucket: Bucket
  /** When each resting slot has rested, the earliest first. */
  #rests: MonotonicMs[] = []
  /** Times in a row that nothing of ours found room. */
  #crowdedTimes = 0
  #crowdedUntilMs: MonotonicMs = Number.NEGATIVE_INFINITY
  #cancelTimer: CancelTimer | null = null
  #isStopped = false

  constructor(clock: Clock, onRoom: () => void) {
    this.#clock = clock
    this.#onRoom = onRoom
    this.#bucket = emptyBucket(clock.nowMs())
  }

  get pace(): Pace {
    return this.#pace
  }

  set(pace: Pace): void {
    const { perMinute, successPauseMs } = this.#pace
    if (perMinute === pace.perMinute && successPauseMs === pace.successPauseMs) return
    const nowMs = this.#clock.nowMs()
    // What filled at the old rate stays, and a rate that comes anew begins with nothing.
    this.#bucket = perMinute === null ? emptyBucket(nowMs) : filled(this.#bucket, perMinute, nowMs)
    // A shorter pause holds for slots that rest already.
    this.#rests = this.#rests.map((untilMs) => Math.min(untilMs, nowMs + pace.successPauseMs))
    this.#pace = pace
    // It waits by the old pace. Who is looking for room arms it anew.
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }

  stop(): void {
    this.#isStopped = true
    this.#cancelTimer?.()
  }

  /** Items that may be started now, by the rate and by the room that others leave. */
  room(): number {
    if (this.#isCrowded()) {
      this.#arm()
      return 0
    }
    const { perMinute } = this.#pace
    if (perMinute === null) return Number.POSITIVE_INFINITY
    this.#bucket = filled(this.#bucket, perMinute, this.#clock.nowMs())
    const items = startable(this.#bucket)
    if (items === 0) this.#arm()
    return items
  }

  /** Slots that rest now. */
  resting(): number {
    const nowMs = this.#clock.nowMs()
    while (this.#rests[0] !== undefined && this.#rests[0] <= nowMs) this.#rests.shift()
    if (this.#rests.length > 0) this.#arm()
    return this.#rests.length
  }

  noteStarts(items: number): void {
    if (this.#pace.perMinute !== null) this.#bucket = taken(this.#bucket, items)
  }

  noteSuccess(): void {
    const { successPauseMs } = this.#pace
    if (successPauseMs > 0) this.#rests.push(this.#clock.nowMs() + successPauseMs)
  }

  /**
   * An item was refused with nothing of ours under way beside it: others use all there is. Without
   * a wait the next item would take its slot at once and be refused as well, as fast as the other
   * side can say so.
   */
  noteCrowded(askedMs = 0): void {
    // What was on its way together is refused together, and is told once.
    if (this.#isCrowded()) return
    const { min, max } = LIMITS.crowdedWaitMs
    const ownMs = Math.min(max, min * 2 ** Math.min(this.#crowdedTimes, 10))
    this.#crowdedTimes += 1
    this.#crowdedUntilMs = this.#clock.nowMs() + Math.max(ownMs, Math.min(askedMs, max))
    // It may wait for something later. Who is looking for room arms it anew.
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }

  /** The other side has taken an item. */
  noteTaken(): void {
    this.#crowdedTimes = 0
  }

  /** Items that are worth leasing ahead. */
  ahead(): number {
    const { perMinute } = this.#pace
    if (perMinute === null) return Number.POSITIVE_INFINITY
    return Math.ceil((perMinute * AHEAD_MS) / 60_000)
  }

  /** What holds the next start back, when `busy` of `limit` items are under way; null: neither. */
  reason(busy: number, limit: number): PaceReason | null {
    if (this.#isCrowded()) return 'crowded'
    if (this.room() === 0) return 'rate'
    return this.resting() > 0 && busy + this.resting() >= limit ? 'pause' : null
  }

  #isCrowded(): boolean {
    return this.#clock.nowMs() < this.#crowdedUntilMs
  }

  /** One timer for whatever comes first. */
  #arm(): void {
    if (this.#isStopped || this.#cancelTimer !== null) return
    const { perMinute } = this.#pace
    const nowMs = this.#clock.nowMs()
    const tokenMs =
      perMinute === null ? Number.POSITIVE_INFINITY : untilTokenMs(this.#bucket, perMinute)
    const restMs = (this.#rests[0] ?? Number.POSITIVE_INFINITY) - nowMs
    // A token that is there already is not waited for; only a rest may be.
    const anyMs = Math.min(tokenMs > 0 ? tokenMs : Number.POSITIVE_INFINITY, restMs)
    const delayMs = this.#isCrowded() ? this.#crowdedUntilMs - nowMs : anyMs
    if (delayMs === Number.POSITIVE_INFINITY) return
    this.#cancelTimer = this.#clock.setTimer(Math.max(1, Math.ceil(delayMs)), () => {
      this.#cancelTimer = null
      this.#onRoom()
    })
  }
}
