// How the items of a cohort end, over all nodes, and how long they take: what a rollout is judged
// by, and what people compare.

import type { Cohort, CohortRecord, Mode } from './steering-plan.js'

/** Bounds of the durations that are counted apart, in milliseconds; beyond the last is the rest. */
export const DURATION_BOUNDS_MS = [
  50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400,
] as const

/** One cohort in one step of a rollout. Attempts, not items: a retry is another attempt. */
export interface CohortFigures {
  /** The step that these are of; an earlier one when nothing has ended in the present step. */
  readonly step: number
  readonly completed: number
  /** Attempts that failed, also those that will be tried again. */
  readonly failed: number
  /** Attempts that were asked to wait (429). */
  readonly snoozed: number
  /** Attempts whose worker died. */
  readonly crashed: number
  readonly credits: number
  /** Attempts completed or failed a second, from the first end to the last. */
  readonly perSecond: number
  /** Share of failed attempts among those completed or failed, 0 to 1; null before the first. */
  readonly errorRate: number | null
  /** Durations of completed attempts; null before the first. */
  readonly meanMs: number | null
  readonly p50Ms: number | null
  readonly p95Ms: number | null
}

/** A cohort's counts, as the database has them. */
export interface CohortCounts {
  readonly step: number
  readonly completed: number
  readonly failed: number
  readonly snoozed: number
  readonly crashed: number
  readonly credits: number
  readonly durationMs: number
  readonly durations: readonly number[]
  /** From the first end to the last. */
  readonly spanMs: number
}

/** A cohort of which nothing has ended is judged over this long at least. */
const SPAN_MIN_MS = 1_000

const rounded = (value: number, places: number): number => {
  const scale = 10 ** places
  return Math.round(value * scale) / scale
}

/**
 * The duration below which this share of the attempts stayed, between the bounds of its count by
 * proportion. Beyond the last bound nothing is known but that bound.
 */
export function quantileOf(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let passed = 0
  for (const [index, count] of counts.entries()) {
    if (count > 0 && passed + count >= share * total) {
      const from = DURATION_BOUNDS_MS[index - 1] ?? 0
      const to = DURATION_BOUNDS_MS[index] ?? from
      return Math.round(from + ((to - from) * (share * total - passed)) / count)
    }
    passed += count
  }
  return DURATION_BOUNDS_MS.at(-1) ?? null
}

export function cohortFiguresOf(counts: CohortCounts): CohortFigures {
  const { step, completed, failed, snoozed, crashed, credits, durations } = counts
  const ended = completed + failed
  const seconds = Math.max(SPAN_MIN_MS, counts.spanMs) / 1_000
  return {
    ...{ step, completed, failed, snoozed, crashed, credits },
    perSecond: rounded(ended / seconds, 2),
    errorRate: ended === 0 ? null : rounded(failed / ended, 4),
    meanMs: completed === 0 ? null : Math.round(counts.durationMs / completed),
    p50Ms: quantileOf(durations, 0.5),
    p95Ms: quantileOf(durations, 0.95),
  }
}

/** What a step of a rollout is judged by. */
export interface RolloutRecord {
  /** Since the step began. */
  readonly all: { readonly concurrent: CohortRecord; readonly sequential: CohortRecord }
  /** In its last ten minutes. */
  readonly recent: { readonly concurrent: CohortRecord; readonly sequential: CohortRecord }
}

const NONE: CohortRecord = { finished: 0, failed: 0 }

export const NO_RECORD: RolloutRecord = {
  all: { concurrent: NONE, sequential: NONE },
  recent: { concurrent: NONE, sequential: NONE },
}

/** What is set for one workflow, and both of its cohorts side by side. */
export interface Rollout {
  readonly workflow: string
  readonly mode: Mode
  readonly rollout: number
  readonly concurrency: number | null
  readonly ratePerMinute: number | null
  readonly successPauseMs: number | null
  readonly step: number
  readonly since: string
  /** Who set mode and rollout; null until somebody did. */
  readonly by: string | null
  /** Living nodes that work it. */
  readonly nodes: number
  readonly pausedBy: readonly string[]
  /** null: nothing of this cohort has ever ended. */
  readonly cohorts: { readonly [cohort in Cohort]: CohortFigures | null }
}
