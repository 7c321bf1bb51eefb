// Whether an upstream or a lane is left alone for a while. Pure: states, ends of calls and clock
// readings in, the next state out.
//
//   closed ── failures in a row ──► open ── cool-down over ──► half-open: one item probes it
//     ▲                              ▲                              │            │
//     └──────────── success ─────────┼──────────────────────────────┘            │
//                                    └──── failure: twice as long ◄──────────────┘

import type { MonotonicMs } from './clock.js'
import { LIMITS } from './limits.js'
import type { OutcomeCode } from './outcome.js'

export const BREAKER_STATES = ['closed', 'open', 'half-open'] as const
export type BreakerState = (typeof BREAKER_STATES)[number]

/** What a breaker hears. `elapsed`: the cool-down is over. `forgot`: the probe told nothing. */
export const BREAKER_EVENTS = ['success', 'failure', 'elapsed', 'forgot'] as const
export type BreakerEvent = (typeof BREAKER_EVENTS)[number]

/** What becomes of the counts with a transition. */
export type BreakerAction =
  | 'none'
  /** One failure more in a row; enough of them open it. */
  | 'count'
  /** Failures and cool-downs are forgotten. */
  | 'reset'
  /** The next cool-down begins, twice as long as the last. */
  | 'cool-down'
  /** The next item of its own tells how things stand. */
  | 'probe'

interface Cell {
  readonly next: BreakerState
  readonly action: BreakerAction
}

/**
 * Every state and every event. What began before the breaker opened ends after it: a failure proves
 * nothing new, a success does, whoever brings it.
 */
export const BREAKER_TRANSITIONS: {
  readonly [state in BreakerState]: { readonly [event in BreakerEvent]: Cell }
} = {
  closed: {
    success: { next: 'closed', action: 'reset' },
    failure: { next: 'closed', action: 'count' },
    elapsed: { next: 'closed', action: 'none' },
    forgot: { next: 'closed', action: 'none' },
  },
  open: {
    success: { next: 'closed', action: 'reset' },
    failure: { next: 'open', action: 'none' },
    elapsed: { next: 'half-open', action: 'probe' },
    forgot: { next: 'open', action: 'none' },
  },
  'half-open': {
    success: { next: 'closed', action: 'reset' },
    failure: { next: 'open', action: 'cool-down' },
    elapsed: { next: 'half-open', action: 'none' },
    forgot: { next: 'half-open', action: 'probe' },
  },
}

export interface Breaker {
  readonly state: BreakerState
  /** Failures since the last success. */
  readonly failures: number
  /** Cool-downs since the last success. */
  readonly coolDowns: number
  /** End of the cool-down, while it is open. */
  readonly openUntilMs: MonotonicMs
  /** The item that probes it; null while none does. */
  readonly probe: string | null
  /** How the last failure ended. */
  readonly code: OutcomeCode | null
}

/** A breaker that is not closed, as others are told of it. */
export interface BreakerView {
  readonly state: BreakerState
  readonly failures: number
  readonly code: OutcomeCode | null
  /** Rest of its cool-down. */
  readonly waitMs: number
}

export const CLOSED: Breaker = {
  state: 'closed',
  failures: 0,
  coolDowns: 0,
  openUntilMs: 0,
  probe: null,
  code: null,
}

/** Ends that blame the other side as a whole, and not the item. */
const BLAMED: ReadonlySet<OutcomeCode> = new Set([
  'dns',
  'connect',
  'tls',
  'timeout_connect',
  'timeout_headers',
  'timeout_body',
  'timeout_total',
  'reset',
  'http_5xx',
  'upstream_down',
])
/** Ends that say nothing about the other side: they are our own. */
const SILENT: ReadonlySet<OutcomeCode> = new Set([
  'ssrf',
  'url',
  'robots',
  'handler',
  'budget',
  'key_refused',
  'cancelled',
  'worker_lost',
  'node_lost',
])

/** What the end of an attempt says about the other side; null: nothing. */
export function breakerEventOf(code: OutcomeCode): 'success' | 'failure' | null {
  if (BLAMED.has(code)) return 'failure'
  return SILENT.has(code) ? null : 'success'
}

function coolDownMs(coolDowns: number): number {
  const { min, max } = LIMITS.breakerCoolDownMs
  return Math.min(max, min * 2 ** Math.min(coolDowns, 10))
}

function opened(breaker: Breaker, nowMs: MonotonicMs): Breaker {
  return {
    ...breaker,
    state: 'open',
    openUntilMs: nowMs + coolDownMs(breaker.coolDowns),
    coolDowns: breaker.coolDowns + 1,
    probe: null,
  }
}

export interface BreakerEnd {
  readonly event: BreakerEvent
  readonly nowMs: MonotonicMs
  /** Failures in a row that open it. */
  readonly failuresMax: number
  readonly code?: OutcomeCode
}

/** The breaker after something happened. */
export function nextBreaker(
  breaker: Breaker,
  { event, nowMs, failuresMax, code }: BreakerEnd,
): Breaker {
  const { next, action } = BREAKER_TRANSITIONS[breaker.state][event]
  const told = event === 'failure' ? { ...breaker, code: code ?? breaker.code } : breaker
  switch (action) {
    case 'reset':
      return CLOSED
    case 'count': {
      const counted = { ...told, failures: told.failures + 1 }
      return counted.failures >= failuresMax ? opened(counted, nowMs) : counted
    }
    case 'cool-down':
      return opened({ ...told, failures: told.failures + 1 }, nowMs)
    case 'probe':
      return { ...told, state: next, probe: null }
    case 'none':
      return { ...told, state: next }
  }
}

/**
 * Whether an item may be started, once the cool-down was looked at: all while it is closed, none
 * while it is open, a single one while it is half-open.
 */
export function mayStart(breaker: Breaker): boolean {
  return breaker.state === 'closed' || (breaker.state === 'half-open' && breaker.probe === null)
}

/** The same breaker with its probe under way, if it takes one. */
export function started(breaker: Breaker, itemId: string): Breaker {
  const isProbe = breaker.state === 'half-open' && breaker.probe === null
  return isProbe ? { ...breaker, probe: itemId } : breaker
}
