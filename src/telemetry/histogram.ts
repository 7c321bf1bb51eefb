import { assert } from '../core/assert.js'

/** Upper bounds of the duration buckets, in milliseconds; one more bucket takes what is above. */
export const DURATION_BOUNDS_MS = [
  10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 70_000,
] as const

/** A cumulative histogram of durations. Plain data; `counts` has one more entry than the bounds. */
export interface Histogram {
  readonly counts: number[]
  sumMs: number
  count: number
}

/** What can be read off a histogram, or off the difference of two readings of it. */
export type HistogramView = Readonly<Pick<Histogram, 'sumMs' | 'count'>> & {
  readonly counts: readonly number[]
}

export function createHistogram(): Histogram {
  return { counts: new Array<number>(DURATION_BOUNDS_MS.length + 1).fill(0), sumMs: 0, count: 0 }
}

/** Adds one duration in milliseconds. What is no duration (negative, NaN) counts as nothing. */
export function observe(histogram: Histogram, durationMs: number): void {
  const observed = Number.isFinite(durationMs) ? Math.max(0, durationMs) : 0
  const found = DURATION_BOUNDS_MS.findIndex((bound) => observed <= bound)
  const bucket = found === -1 ? DURATION_BOUNDS_MS.length : found
  histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1
  histogram.sumMs += observed
  histogram.count += 1
}

export function copyHistogram(histogram: HistogramView): HistogramView {
  return { counts: [...histogram.counts], sumMs: histogram.sumMs, count: histogram.count }
}

/** What was observed between two readings of one histogram. */
export function histogramSince(earlier: HistogramView, later: HistogramView): HistogramView {
  return {
    counts: later.counts.map((count, bucket) => count - (earlier.counts[bucket] ?? 0)),
    sumMs: later.sumMs - earlier.sumMs,
    count: later.count - earlier.count,
  }
}

/** All observations of several histograms as one. */
export function mergeHistograms(histograms: readonly HistogramView[]): HistogramView {
  const merged = createHistogram()
  for (const histogram of histograms) {
    histogram.counts.forEach((count, bucket) => {
      merged.counts[bucket] = (merged.counts[bucket] ?? 0) + count
    })
    merged.sumMs += histogram.sumMs
    merged.count += histogram.count
  }
  return merged
}

/**
 * Estimates a quantile in milliseconds by interpolation within its bucket.
 *
 * What lies above the last bound is answered with the last bound: the true value is at least that.
 *
 * @param quantile in (0, 1].
 * @returns undefined when nothing was observed.
 */
export function quantileMs(histogram: HistogramView, quantile: number): number | undefined {
  assert(quantile > 0 && quantile <= 1, 'a quantile lies in (0, 1]')
  if (histogram.count <= 0) return undefined
  const rank = quantile * histogram.count
  let below = 0
  for (const [bucket, bound] of DURATION_BOUNDS_MS.entries()) {
    const inBucket = histogram.counts[bucket] ?? 0
    if (inBucket > 0 && below + inBucket >= rank) {
      const floor = bucket === 0 ? 0 : (DURATION_BOUNDS_MS[bucket - 1] ?? 0)
      return floor + ((bound - floor) * (rank - below)) / inBucket
    }
    below += inBucket
  }
  return DURATION_BOUNDS_MS[DURATION_BOUNDS_MS.length - 1]
}
