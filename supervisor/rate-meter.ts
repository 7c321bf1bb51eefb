import type { Clock, MonotonicMs } from '../src/core/clock.js'

/** Counts per second over the last full second, without a timer. */
export class RateMeter {
  readonly #clock: Clock
  #windowStartMs: MonotonicMs
  #current = 0
  #previous = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#windowStartMs = clock.nowMs()
  }

  add(count: number): void {
    this.#roll()
    this.#current += count
  }

  perSecond(): number {
    this.#roll()
    return Math.max(this.#previous, this.#current)
  }

  #roll(): void {
    const elapsedMs = this.#clock.nowMs() - this.#windowStartMs
    if (elapsedMs < 1_000) return
    this.#previous = elapsedMs < 2_000 ? this.#current : 0
    this.#current = 0
    this.#windowStartMs = this.#clock.nowMs()
  }
}
