// How many items of a host are worth having here, and when those that are not should come again.

import type { MonotonicMs } from '../src/core/clock.js'
import type { HostRules, HostState } from '../src/core/host-plan.js'
import { delayOf, startsAtMs } from '../src/core/host-plan.js'
import { LIMITS } from '../src/core/limits.js'

export interface BusyHost {
  readonly state: HostState
  /** What its answers take. */
  readonly latencyMs: number
  readonly waiting: { readonly length: number }
}

/** An item that goes back to the queue for a while. */
export interface Deferred<One> {
  readonly one: One
  readonly delayMs: number
}

/** A host has enough to do with what it gets through in this time. */
export const ENOUGH_MS = 2_000
/** What came beyond that may wait here for so long: to give it back and lease it again costs. */
export const PATIENCE_MS = 30_000
/** Time for which an item goes back: others are to be leased first. */
const DEFER_MS = { min: 1_000, max: LIMITS.retryDelayMsMax }

/** Time between two ends at a host that is kept busy. */
function spacingOf(host: BusyHost, rules: HostRules): number {
  return Math.max(1, delayOf(host.state, rules), host.latencyMs / Math.max(1, rules.concurrency))
}

/** Items that a host gets through in a time; at least what keeps it busy. */
export function roomOf(
  host: BusyHost,
  rules: HostRules,
  { nowMs, forMs }: { readonly nowMs: MonotonicMs; readonly forMs: number },
): number {
  if (rules.concurrency === 0) return 0
  const atMs = startsAtMs(host.state, rules)
  const delayMs = delayOf(host.state, rules)
  const soonMs = Math.max(ENOUGH_MS, Math.min(delayMs, PATIENCE_MS))
  if (Number.isFinite(atMs) && atMs - nowMs > soonMs) return 0
  // Where nothing but answers sets the pace, each that ends is followed at once.
  const least = delayMs > 0 ? 1 : 2 * rules.concurrency
  return Math.max(least, Math.ceil(forMs / spacingOf(host, rules)))
}

/** When the host opens, or is half through with what it keeps. */
export function returnMs(host: BusyHost, rules: HostRules, nowMs: MonotonicMs): number {
  const atMs = startsAtMs(host.state, rules)
  const shutMs = Number.isFinite(atMs) ? Math.max(0, atMs - nowMs) : 0
  const halfMs = (host.waiting.length * spacingOf(host, rules)) / 2
  return Math.min(DEFER_MS.max, Math.max(DEFER_MS.min, shutMs, halfMs))
}
