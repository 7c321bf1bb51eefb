// Which endpoint of an upstream takes the next call. Pure: states and a clock reading in, a
// decision out.
//
//   up ── 3 failures in a row ──► down ── cool-down over ──► one call probes it
//    ▲                              ▲                           │        │
//    └────────── it answers ────────┼───────────────────────────┘        │
//                                   └──── it fails: twice as long ◄──────┘

import type { MonotonicMs } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'

export interface EndpointState {
  /** Failures since it last answered. */
  readonly failures: number
  /** Cool-downs since it last answered. */
  readonly coolDowns: number
  /** null while it is up. */
  readonly downUntilMs: MonotonicMs | null
  /** A call is under way that tells whether it is back. */
  readonly isProbed: boolean
}

export const UP: EndpointState = { failures: 0, coolDowns: 0, downUntilMs: null, isProbed: false }

export type EndpointPlan =
  | { readonly action: 'use'; readonly index: number; readonly isProbe: boolean }
  /** Every endpoint is down. */
  | { readonly action: 'wait'; readonly waitMs: number }
  /** Every endpoint that may be used was tried for this page already. */
  | { readonly action: 'give-up' }

/**
 * The first endpoint in the order of preference that is up; one whose cool-down is over is probed
 * with a single call before anything behind it is used.
 */
export function planEndpoint(
  states: readonly EndpointState[],
  nowMs: MonotonicMs,
  tried: ReadonlySet<number> = new Set(),
): EndpointPlan {
  for (const [index, state] of states.entries()) {
    if (tried.has(index)) continue
    if (state.downUntilMs === null) return { action: 'use', index, isProbe: false }
    const isDue = state.downUntilMs <= nowMs && !state.isProbed
    if (isDue) return { action: 'use', index, isProbe: true }
  }
  if (tried.size > 0) return { action: 'give-up' }
  return { action: 'wait', waitMs: untilNextProbe(states, nowMs) }
}

/** A probe under way may be answered at any moment; looking again soon costs little. */
const LOOK_AGAIN_MS = 250

function untilNextProbe(states: readonly EndpointState[], nowMs: MonotonicMs): number {
  const waits = states.map(({ downUntilMs }) => Math.max(LOOK_AGAIN_MS, (downUntilMs ?? 0) - nowMs))
  return Math.min(...waits)
}

/**
 * How a call to an endpoint ended: it answered, whatever it said; it failed as an endpoint; or the
 * call was given up by us, which says nothing about it.
 */
export type EndpointEnd = 'answered' | 'failed' | 'unknown'

/** The state of an endpoint when a call of it begins. */
export function onCallStart(state: EndpointState, isProbe: boolean): EndpointState {
  return isProbe ? { ...state, isProbed: true } : state
}

/** The state of an endpoint after a call of it. */
export function onCallEnd(
  state: EndpointState,
  end: EndpointEnd,
  call: { readonly isProbe: boolean; readonly nowMs: MonotonicMs },
): EndpointState {
  if (end === 'answered') return UP
  const isProbed = state.isProbed && !call.isProbe
  if (end === 'unknown') return { ...state, isProbed }
  const failures = state.failures + 1
  const isUp = state.downUntilMs === null
  // Calls that began before the endpoint went down fail after it, and prove nothing new.
  if (!isUp && !call.isProbe) return { ...state, failures, isProbed }
  if (isUp && failures < LIMITS.endpointFailuresMax) return { ...state, failures, isProbed }
  const coolDowns = state.coolDowns + 1
  const { min, max } = LIMITS.endpointCoolDownMs
  const coolDownMs = Math.min(max, min * 2 ** Math.min(coolDowns - 1, 10))
  return { failures, coolDowns, downUntilMs: call.nowMs + coolDownMs, isProbed: false }
}
