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

/**
 * What the database must have heard of a node before that node may fence others. Right after the
 * database was away every node looks dead, and whoever came first would fence the others and throw
 * their finished work away.
 */
export interface FencingRule {
  /** Length of the node's leases: its expiry less this is when it was heard last. */
  readonly leaseMs: number
  /** A silence of this length is a gap. */
  readonly gapMs: number
  /** For how long it must have been heard without one: any living node was heard meanwhile. */
  readonly steadyMs: number
}

/** Heartbeats missed in a row that make a gap. */
const GAP_BEATS = 2
/** Longest pause of a node's driver between two tries to reach the database. */
const RECONNECT_MS_MAX = 5_000

export function fencingRule({ intervalMs, leaseMs }: HeartbeatTiming): FencingRule {
  const gapMs = Math.min(GAP_BEATS * intervalMs, leaseMs)
  return { leaseMs, gapMs, steadyMs: Math.min(gapMs + RECONNECT_MS_MAX, leaseMs) }
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
