// Failures in a row that are the fault of the workflow and not of its items, and when they are
// reason to pause it: a handler that throws whatever it gets, a table that refuses every result, an
// other side that answers nobody and that no breaker watches. Without this such a workflow would
// turn its whole queue into errors.

import { breakerEventOf } from '../src/core/breaker-plan.js'
import { LIMITS } from '../src/core/limits.js'
import type { HeldItem, Settlement } from '../src/core/settlement.js'

export interface PauseOrder {
  readonly reason: 'failing' | 'results_refused'
  readonly message: string
}

export class FailureStreak {
  /** Whether the other side has breakers of its own for items without a lane. */
  readonly #isWatched: boolean
  #failures = 0

  constructor(isWatched: boolean) {
    this.#isWatched = isWatched
  }

  /** A person looked into the failures: they count anew. */
  reset(): void {
    this.#failures = 0
  }

  /** An end was written. @returns what it is the last straw of; null mostly. */
  note(held: HeldItem, settlement: Settlement): PauseOrder | null {
    const { code, event } = settlement
    if (event === 'complete') this.reset()
    if (!this.#isFault(held, settlement)) return null
    this.#failures += 1
    if (this.#failures < LIMITS.failuresInARowMax) return null
    const message =
      `${this.#failures} attempts in a row failed and none succeeded; the last: ` +
      `${code}: ${settlement.error ?? 'no words'}`
    return { reason: code === 'sink' ? 'results_refused' : 'failing', message }
  }

  #isFault({ lane = '' }: HeldItem, { code }: Settlement): boolean {
    if (code === 'handler' || code === 'sink') return true
    return !this.#isWatched && lane === '' && breakerEventOf(code) === 'failure'
  }
}
