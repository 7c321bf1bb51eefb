// How one host is treated: how many requests at once, how far apart, and when not at all. Pure: the
// caller keeps a state for each host and says when something starts and ends.

import { assert } from './assert.js'
import type { MonotonicMs } from './clock.js'
import type { Outcome, OutcomeCode } from './outcome.js'

export interface HostRules {
  /** Requests under way at once. */
  readonly concurrency: number
  /** Time from one start to the next in milliseconds, or by what the host's answers take. */
  readonly delayMs: number | 'auto'
  /** Most that a Crawl-delay of robots.txt is honoured for. */
  readonly crawlDelayMaxMs: number
  /** Nodes that ask the host: each keeps so many times the delay. @default 1 */
  readonly delayTimes?: number
  /**
   * Whether a host that has not been met is asked for one page first, because its answer tells the
   * delay that it asks for. @default false
   */
  readonly isMetFirst?: boolean
}

export interface HostState {
  readonly active: number
  /** Something of it has ended. */
  readonly isMet: boolean
  /** Until when the first page of a new host may keep the others waiting. */
  readonly meetsUntilMs: MonotonicMs
  /** Adapted to the host's latency while the rule is 'auto'. */
  readonly autoDelayMs: number
  readonly crawlDelayMs: number
  /** When the delay since the last start is over. */
  readonly nextMs: MonotonicMs
  /** Until when the host asked not to be asked. */
  readonly closedUntilMs: MonotonicMs
}

/** Scrapy's bounds and start for the delay that follows the latency. */
const AUTO_DELAY_MS = { start: 1_000, max: 60_000 }

/** Time for which the first page of a new host is waited for: its delay is not worth more. */
const MEETING_MS_MAX = 5_000

/** Ends that say nothing about the host: it was not asked, or the attempt was ours to lose. */
const SILENT_ENDS: ReadonlySet<OutcomeCode> = new Set([
  'robots',
  'ssrf',
  'url',
  'budget',
  'worker_lost',
  'node_lost',
  'cancelled',
])

export const NEW_HOST: HostState = {
  active: 0,
  isMet: false,
  meetsUntilMs: 0,
  autoDelayMs: AUTO_DELAY_MS.start,
  crawlDelayMs: 0,
  nextMs: 0,
  closedUntilMs: 0,
}

/** Time from one start to the next. */
export function delayOf(state: HostState, rules: HostRules): number {
  const own = rules.delayMs === 'auto' ? state.autoDelayMs : rules.delayMs
  const asked = Math.min(state.crawlDelayMs, rules.crawlDelayMaxMs)
  return Math.max(own, asked) * (rules.delayTimes ?? 1)
}

/**
 * When the next request may start, which may have passed; infinity while one has to end first. Of a
 * new host there is one for a while: a page that hangs says as little as none.
 */
export function startsAtMs(state: HostState, rules: HostRules): MonotonicMs {
  if (state.active >= rules.concurrency) return Number.POSITIVE_INFINITY
  const isMeeting = rules.isMetFirst === true && !state.isMet && state.active > 0
  return Math.max(state.nextMs, state.closedUntilMs, isMeeting ? state.meetsUntilMs : 0)
}

export function onHostStart(state: HostState, rules: HostRules, nowMs: MonotonicMs): HostState {
  const isFirst = !state.isMet && state.active === 0
  const meetsUntilMs = isFirst ? nowMs + MEETING_MS_MAX : state.meetsUntilMs
  const nextMs = nowMs + delayOf(state, rules)
  return { ...state, active: state.active + 1, nextMs, meetsUntilMs }
}

/** A request ended, or was given back. */
export function onHostEnd(
  state: HostState,
  rules: HostRules,
  end: { readonly outcome: Outcome; readonly nowMs: MonotonicMs },
): HostState {
  assert(state.active > 0, 'what ends has begun')
  const ended = { ...state, active: state.active - 1 }
  const { outcome, nowMs } = end
  if (outcome.result === 'release') return ended
  const isAnswer = outcome.result === 'complete'
  if (!isAnswer && SILENT_ENDS.has(outcome.code)) return { ...ended, isMet: true }
  const { facts } = outcome
  const asked = outcome.result === 'failed' ? (outcome.retryAfterMs ?? 0) : 0
  const crawlDelayMs = facts.crawlDelayMs ?? state.crawlDelayMs
  const next = {
    ...ended,
    isMet: true,
    crawlDelayMs,
    autoDelayMs: adaptedDelay(state.autoDelayMs, facts.durationMs, isAnswer),
    closedUntilMs: Math.max(state.closedUntilMs, asked > 0 ? nowMs + asked : 0),
  }
  // A delay that grew, or was learnt from the first answer, counts from the start it follows.
  const grewMs = delayOf(next, rules) - delayOf(state, rules)
  return grewMs > 0 ? { ...next, nextMs: state.nextMs + grewMs } : next
}

/**
 * Scrapy's AutoThrottle for one request at a time: half-way towards the latency, never below it. A
 * failure comes back fast from a host in trouble, so it never lowers the delay.
 */
function adaptedDelay(delayMs: number, latencyMs: number, isAnswer: boolean): number {
  const halfway = (delayMs + latencyMs) / 2
  const adapted = Math.min(AUTO_DELAY_MS.max, Math.max(latencyMs, halfway))
  return isAnswer ? adapted : Math.max(delayMs, adapted)
}
