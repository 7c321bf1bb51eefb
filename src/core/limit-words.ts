// What each limit of the concurrency is called, with its figures, and what would change it. Pure.

import type { BreakerView } from './breaker-plan.js'
import type { ConcurrencyReason, NodeLoad } from './why-plan.js'

export const sum = (loads: readonly NodeLoad[], figure: (load: NodeLoad) => number) =>
  loads.reduce((total, load) => total + figure(load), 0)

function breakerWords(breaker: BreakerView | null): string {
  if (breaker === null) return 'open'
  const { state, failures, code, waitMs } = breaker
  const wait = state === 'open' ? `for ${Math.ceil(waitMs / 1_000)} s more` : 'on trial'
  return `${state} ${wait} after ${failures} failures in a row (${code ?? 'unknown'})`
}

export interface LimitFacts {
  readonly workflow: string
  readonly facts: string
  /** The load with the highest limit. */
  readonly widest: NodeLoad | undefined
  readonly loads: readonly NodeLoad[]
}

/** What each limit is called, and what would change it; null where nothing should. */
export const LIMIT_WORDS: {
  readonly [reason in ConcurrencyReason]: (of: LimitFacts) => readonly [string, string | null]
} = {
  configured: ({ facts }) => [
    `The configured concurrency: ${facts}. More at once needs --concurrency or another node.`,
    'raise --concurrency, or start another node',
  ],
  operator: ({ facts, workflow }) => [
    `The concurrency that an operator set: ${facts}.`,
    `fetchyard set ${workflow} concurrency=auto`,
  ],
  share: ({ facts }) => [
    `The plan: ${facts}. Each node keeps to its share of it.`,
    'a larger plan; then --plan-concurrency',
  ],
  start: ({ facts }) => [`It has just started and doubles its concurrency: ${facts}.`, null],
  refusals: ({ facts }) => [
    `The other side refuses more (429): ${facts}. The limit grows again by itself.`,
    'a larger plan, or fewer clients beside this one',
  ],
  crowded: ({ facts }) => [
    `Others use the whole plan, every call is refused (429): ${facts}. One is tried every few ` +
      'seconds.',
    'a larger plan, or fewer clients beside this one',
  ],
  event_loop: ({ facts }) => [
    `The event loop of the workers is late; this machine is the limit: ${facts}.`,
    'more --processes, or another machine',
  ],
  budget: ({ facts, workflow }) => [
    `The budget is spent: ${facts}.`,
    `fetchyard set ${workflow} budget=N or budget-day=N, as fetchyard spend tells; a budget a ` +
      'day is new at midnight (UTC)',
  ],
  rate: ({ facts, workflow, loads }) => [
    `The rate: ${sum(loads, (load) => load.perMinute ?? 0)} a minute: ${facts}.`,
    `raise --rate, or fetchyard set ${workflow} rate=N`,
  ],
  pause: ({ facts, workflow, widest }) => [
    `The pause: each slot rests ${(widest?.successPauseMs ?? 0) / 1_000} s after a success: ` +
      `${facts}.`,
    `shorten --success-pause, or fetchyard set ${workflow} success-pause=TIME`,
  ],
  breaker: ({ facts, widest }) => [
    `The breaker of the upstream is ${breakerWords(widest?.breaker ?? null)}: ${facts}.`,
    'wait: it is tried again by itself; see the upstream’s own state',
  ],
  database: ({ facts }) => [
    `The database has few connections left, so the concurrency grows no further: ${facts}.`,
    'a higher max_connections, or fewer clients beside this one; see fetchyard status',
  ],
  sequential: ({ facts, workflow }) => [
    `It is sequential, one item at a time in the cluster: ${facts}.`,
    `fetchyard rollout ${workflow} 10`,
  ],
}
