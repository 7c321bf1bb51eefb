// Workers that outgrew their memory. A leak costs a new worker now and then. One that fills worker
// after worker keeps the machine busy with starting them, which is felt by everybody else on it.

import type { MonotonicMs } from '../src/core/clock.js'
import { LIMITS } from '../src/core/limits.js'

export class SwollenCount {
  readonly #timesMax: number
  #atMs: MonotonicMs[] = []

  constructor(seats: number) {
    this.#timesMax = LIMITS.restartIntensity * seats
  }

  /** One more. @returns how many there were, when that is too many for the period; else null. */
  note(nowMs: MonotonicMs): number | null {
    this.#atMs = [...this.#atMs.filter((atMs) => nowMs - atMs < LIMITS.restartPeriodMs), nowMs]
    const times = this.#atMs.length
    if (times <= this.#timesMax) return null
    this.#atMs = []
    return times
  }
}
