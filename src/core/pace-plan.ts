// How fast items are started: a bucket of tokens that fills evenly and holds next to nothing, so
// that neither a pause nor a new boot is followed by a burst. Pure: rates and clock readings in.

import type { MonotonicMs } from './clock.js'

export interface Bucket {
  /** Items that may be started now. Below zero after more were started than was allowed. */
  readonly tokens: number
  readonly atMs: MonotonicMs
}

const MINUTE_MS = 60_000
/** What a bucket holds, as time: as much as timers of a busy machine may be late. */
const DEPTH_MS = 100

/** Empty: who starts anew, after a kill as well, waits for its first token. */
export function emptyBucket(nowMs: MonotonicMs): Bucket {
  return { tokens: 0, atMs: nowMs }
}

/** Tokens that a bucket of this rate holds: the only burst there can be. */
export function depthOf(perMinute: number): number {
  return Math.max(1, (perMinute * DEPTH_MS) / MINUTE_MS)
}

/** The bucket at a later reading of the clock. */
export function filled(bucket: Bucket, perMinute: number, nowMs: MonotonicMs): Bucket {
  const passedMs = Math.max(0, nowMs - bucket.atMs)
  const tokens = bucket.tokens + (passedMs * perMinute) / MINUTE_MS
  return { tokens: Math.min(depthOf(perMinute), tokens), atMs: nowMs }
}

export function taken(bucket: Bucket, items: number): Bucket {
  return { ...bucket, tokens: bucket.tokens - items }
}

/** Sums of fractions of a millisecond are not exact. */
const ALMOST = 1e-9

/** Whole items that may be started now. */
export function startable(bucket: Bucket): number {
  return Math.max(0, Math.floor(bucket.tokens + ALMOST))
}

/** Time until one more may be started; never, at a rate of none. */
export function untilTokenMs(bucket: Bucket, perMinute: number): number {
  if (startable(bucket) > 0) return 0
  if (perMinute <= 0) return Number.POSITIVE_INFINITY
  return ((1 - bucket.tokens) * MINUTE_MS) / perMinute
}
