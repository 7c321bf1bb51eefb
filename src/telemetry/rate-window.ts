import { assert } from '../core/assert.js'
import type { MonotonicMs } from '../core/clock.js'

/** A reading of cumulative figures. */
interface Sample<Reading> {
  readonly atMs: MonotonicMs
  readonly reading: Reading
}

/** Two readings of the same figures and the time between them. */
export interface Span<Reading> {
  readonly earlier: Reading
  readonly later: Reading
  readonly elapsedMs: number
}

/**
 * The last readings of cumulative figures, from which rates over a window are taken.
 *
 * Rates come from differences of cumulative figures, never from counting calls: a reading that is
 * late or missing makes a rate coarser, not wrong.
 */
export interface RateWindow<Reading> {
  readonly push: (atMs: MonotonicMs, reading: Reading) => void
  /**
   * The newest reading and the youngest one that is at least `windowMs` older, or the oldest there
   * is.
   *
   * @returns undefined until there are two readings.
   */
  readonly span: (windowMs: number) => Span<Reading> | undefined
  readonly latest: () => Reading | undefined
}

/** @param capacity most readings kept; the oldest leave first. */
export function createRateWindow<Reading>(capacity: number): RateWindow<Reading> {
  assert(capacity >= 2, 'a rate needs two readings')
  const samples: Sample<Reading>[] = []
  return {
    push: (atMs, reading) => {
      samples.push({ atMs, reading })
      if (samples.length > capacity) samples.shift()
    },
    span: (windowMs) => {
      const last = samples.at(-1)
      if (last === undefined || samples.length < 2) return undefined
      const old = samples.findLast((sample) => last.atMs - sample.atMs >= windowMs) ?? samples[0]
      if (old === undefined || old.atMs === last.atMs) return undefined
      return { earlier: old.reading, later: last.reading, elapsedMs: last.atMs - old.atMs }
    },
    latest: () => samples.at(-1)?.reading,
  }
}

/**
 * Rate per second of one figure over a span. A figure that fell (retention, another database) says
 * nothing about the rate: 0.
 */
export function perSecond<Reading>(
  span: Span<Reading> | undefined,
  figure: (reading: Reading) => number,
): number {
  if (span === undefined) return 0
  return Math.max(0, ((figure(span.later) - figure(span.earlier)) * 1_000) / span.elapsedMs)
}
