// Why items of a host cannot be started now, with the figure, and in words.

import type { MonotonicMs } from './clock.js'
import type { HostRules, HostState } from './host-plan.js'
import { delayOf, startsAtMs } from './host-plan.js'

export const HOST_LIMITS = [
  'concurrency',
  'delay',
  'crawl_delay',
  'retry_after',
  'spared',
  'other_nodes',
] as const
export type HostLimit = (typeof HOST_LIMITS)[number]

export interface HostReason {
  readonly limit: HostLimit
  /** Items at once for `concurrency`; milliseconds for what is about time. */
  readonly figure: number
}

/** What a node has in hand and may not start: the host that holds back most, and the sums. */
export interface HostHold extends HostReason {
  readonly host: string
  /** Items of that host, and of all hosts that hold something back. */
  readonly waiting: number
  readonly held: number
  readonly hosts: number
}

/**
 * What the pace of a host says; whether it is left alone after failures is its breaker's to tell.
 *
 * @returns null when an item of it may start.
 */
export function whyHeld(state: HostState, rules: HostRules, nowMs: MonotonicMs): HostReason | null {
  const atMs = startsAtMs(state, rules)
  if (atMs <= nowMs) return null
  if (rules.concurrency === 0) return { limit: 'other_nodes', figure: 0 }
  if (!Number.isFinite(atMs)) return { limit: 'concurrency', figure: Math.max(1, state.active) }
  const figure = Math.ceil(atMs - nowMs)
  if (state.nextMs >= atMs) {
    const isAsked = Math.min(state.crawlDelayMs, rules.crawlDelayMaxMs) > 0
    const delayMs = delayOf(state, rules)
    const isOwn = delayMs > delayOf({ ...state, crawlDelayMs: 0 }, rules)
    return { limit: isAsked && isOwn ? 'crawl_delay' : 'delay', figure: delayMs }
  }
  return { limit: 'retry_after', figure }
}

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`

const WORDS: { readonly [limit in HostLimit]: (figure: number) => string } = {
  concurrency: (items) => `which is asked for ${items} at a time here`,
  delay: (ms) => `which is asked once each ${seconds(ms)}`,
  crawl_delay: (ms) =>
    `which allows one request each ${seconds(ms)} (Crawl-delay of its robots.txt)`,
  retry_after: (ms) => `which asked to be left alone for another ${seconds(ms)} (Retry-After)`,
  spared: (ms) => `which keeps failing and is tried again in ${seconds(ms)}`,
  other_nodes: () => 'which is the business of other nodes',
}

const ADVICE: { readonly [limit in HostLimit]: string | null } = {
  concurrency: 'raise --host-concurrency and --sockets-per-host, if the host bears it',
  delay: 'lower --host-delay, if the host bears it',
  crawl_delay: 'lower --crawl-delay-max, if its owner agrees',
  retry_after: null,
  spared: null,
  other_nodes: null,
}

/** The sentence about the host that holds back most, and what would change it. */
export function hostWords(hold: HostHold): {
  readonly words: string
  readonly advice: string | null
} {
  const { host, waiting, held, hosts, limit, figure } = hold
  const reason = `${host}, ${WORDS[limit](figure)}`
  const items = (count: number) => `${count} item${count === 1 ? '' : 's'}`
  const who =
    held === 0
      ? `What is queued waits for ${reason}`
      : hosts === 1
        ? `All ${items(held)} held back here are for ${reason}`
        : `${items(held)} held back here are for ${hosts} hosts, ${waiting} of them for ${reason}`
  return { words: `${who}.`, advice: ADVICE[limit] }
}
