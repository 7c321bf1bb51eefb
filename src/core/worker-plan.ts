import type { MonotonicMs } from './clock.js'
import { LIMITS } from './limits.js'

/** How a worker that was not asked to end came to its end. */
export interface FruitlessDeath {
  readonly atMs: MonotonicMs
}

export type RestartPlan =
  | { readonly action: 'restart'; readonly delayMs: number }
  | { readonly action: 'give-up'; readonly deaths: number }

/**
 * Decides whether a dead worker is started again. Only workers that died without having finished an
 * item count against the intensity: they are what a crash loop is made of. A worker that was killed
 * in the middle of good work, or by an item that is being isolated, is replaced at once.
 */
export function planRestart(
  fruitless: readonly FruitlessDeath[],
  nowMs: MonotonicMs,
  periodMs: number = LIMITS.restartPeriodMs,
): RestartPlan {
  const recent = fruitless.filter((death) => nowMs - death.atMs < periodMs)
  if (recent.length > LIMITS.restartIntensity) return { action: 'give-up', deaths: recent.length }
  if (recent.length === 0) return { action: 'restart', delayMs: 0 }
  const { min, max } = LIMITS.restartDelayMs
  return { action: 'restart', delayMs: Math.min(max, min * 2 ** (recent.length - 1)) }
}

/**
 * Time in which deaths count together. A worker that blocks takes its silence to die, and as many
 * such deaths as the intensity allows would else not fit in the period: it would never be found.
 */
export function restartPeriodOf(silentMs: number): number {
  return Math.max(LIMITS.restartPeriodMs, 2 * LIMITS.restartIntensity * silentMs)
}

/**
 * Shares `total` slots out among workers as evenly as whole numbers allow; none gets less than one.
 */
export function shareSlots(total: number, workers: number): readonly number[] {
  const base = Math.floor(total / workers)
  return Array.from({ length: workers }, (_, index) =>
    Math.max(1, base + (index < total % workers ? 1 : 0)),
  )
}
