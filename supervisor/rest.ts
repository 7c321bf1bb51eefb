// Whether the workers of a workflow rest: while it is idle it holds none, and its next items start
// them. The leaser goes on looking at the queue meanwhile, so that they are found as soon as ever.

import type { Clock, MonotonicMs } from '../src/core/clock.js'

export class Rest {
  readonly #idleMs: number | null
  readonly #hasWork: () => boolean
  readonly #clock: Clock
  #idleSinceMs: MonotonicMs
  #isResting: boolean

  constructor(of: {
    readonly idleMs: number | null
    readonly hasWork: () => boolean
    readonly clock: Clock
  }) {
    this.#idleMs = of.idleMs
    this.#hasWork = of.hasWork
    this.#clock = of.clock
    this.#idleSinceMs = of.clock.nowMs()
    this.#isResting = of.idleMs !== null
  }

  get isResting(): boolean {
    return this.#isResting
  }

  /** @returns whether it rested. */
  rouse(): boolean {
    const wasResting = this.#isResting
    this.#isResting = false
    this.#idleSinceMs = this.#clock.nowMs()
    return wasResting
  }

  /** @returns whether the rest begins now. */
  look(nowMs: MonotonicMs, isBusy: boolean): boolean {
    if (isBusy || this.#hasWork()) this.#idleSinceMs = nowMs
    if (this.#idleMs === null || this.#isResting) return false
    if (nowMs - this.#idleSinceMs < this.#idleMs) return false
    this.#isResting = true
    return true
  }
}
