// When a seat is filled again whose worker died, and when it is not worth it.

import type { MonotonicMs } from '../src/core/clock.js'
import { LIMITS } from '../src/core/limits.js'
import type { FruitlessDeath } from '../src/core/worker-plan.js'
import { planRestart, restartPeriodOf } from '../src/core/worker-plan.js'

export interface Restart {
  readonly delayMs: number
  /** Why its workflow must be paused, in words; null while it need not be. */
  readonly giveUp: string | null
}

export class Restarts {
  readonly #silentPeriodMs: number
  #fruitless: FruitlessDeath[] = []

  /** @param silentMs time that a worker takes to die of silence. */
  constructor(silentMs: number) {
    this.#silentPeriodMs = restartPeriodOf(silentMs)
  }

  /** A worker died without having finished an item. */
  note(nowMs: MonotonicMs): void {
    const recent = this.#fruitless.filter(({ atMs }) => nowMs - atMs < this.#silentPeriodMs)
    this.#fruitless = [...recent, { atMs: nowMs }]
  }

  plan(nowMs: MonotonicMs, of: { readonly wasSilent: boolean; readonly reason: string }): Restart {
    const periodMs = of.wasSilent ? this.#silentPeriodMs : LIMITS.restartPeriodMs
    const plan = planRestart(this.#fruitless, nowMs, periodMs)
    if (plan.action === 'restart') return { delayMs: plan.delayMs, giveUp: null }
    const giveUp =
      `${plan.deaths} workers died within ${Math.round(periodMs / 1_000)} s without finishing an ` +
      `item; the last ${of.reason}`
    // The seat is filled slowly, so that a resumed workflow finds a worker.
    return { delayMs: periodMs, giveUp }
  }
}
