import { assert } from './assert.js'
import type { MonotonicMs } from './clock.js'

export interface HeartbeatTiming {
  /** Time between two heartbeats. */
  readonly intervalMs: number
  /** Lease length written to the database. */
  readonly leaseMs: number
  /** How long before the database's expiry the holder stops believing its lease. */
  readonly safetyMarginMs: number
}

export type HeartbeatPlan =
  | { readonly action: 'wait'; readonly delayMs: number }
  | { readonly action: 'beat' }

/**
 * Until when a lease is believed.
 *
 * The trust window opens when the heartbeat was *sent*, not when its answer came. A slow round trip
 * therefore shortens it, and can never carry us past the expiry that the database wrote down.
 */
export function trustedUntilMs(timing: HeartbeatTiming, lastSentMs: MonotonicMs): MonotonicMs {
  return lastSentMs + timing.leaseMs - timing.safetyMarginMs
}

/**
 * Decides whether it is time for a heartbeat, given when the last one that was answered was sent.
 */
export function planHeartbeat(
  timing: HeartbeatTiming,
  lastSentMs: MonotonicMs,
  nowMs: MonotonicMs,
): HeartbeatPlan {
  assert(timing.intervalMs + timing.safetyMarginMs < timing.leaseMs, 'a heartbeat fits in a lease')
  assert(nowMs >= lastSentMs, 'a monotonic clock does not run backwards')
  const dueMs = lastSentMs + timing.intervalMs
  return nowMs >= dueMs ? { action: 'beat' } : { action: 'wait', delayMs: dueMs - nowMs }
}
