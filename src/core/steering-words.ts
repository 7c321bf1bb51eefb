// How people say what a workflow is to be: on the command line, in the environment, over HTTP. One
// reader for all of them, so that a word means the same everywhere.

import type { Mode } from './steering-plan.js'

/** How much is worked concurrently. At 0 % nothing is, on any node: that is sequential. */
export interface RolloutOrder {
  readonly mode: Mode
  readonly rollout: number
}

export const SEQUENTIAL: RolloutOrder = { mode: 'sequential', rollout: 0 }
export const ROLLOUT_RULE = 'a whole percentage from 0 to 100, or the word sequential'

/** Items at once on a node that an operator may ask for; slots bound it as well. */
export const CONCURRENCY_MAX = 100_000
export const CONCURRENCY_RULE = `a whole number from 1 to ${CONCURRENCY_MAX}, or the word auto`

function wholeOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : null
  return typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : null
}

/** @returns null for what is neither a percentage nor the word. */
export function readRollout(value: unknown): RolloutOrder | null {
  const word = typeof value === 'string' ? value.trim().replace(/\s*%$/, '') : value
  if (word === 'sequential') return SEQUENTIAL
  const percent = wholeOf(word)
  if (percent === null || percent < 0 || percent > 100) return null
  return percent === 0 ? SEQUENTIAL : { mode: 'concurrent', rollout: percent }
}

/** The word for an order, as it is typed. */
export function showRollout({ mode, rollout }: RolloutOrder): string {
  return mode === 'sequential' ? 'sequential' : String(rollout)
}

/** @returns the items at once; null for `auto`, and undefined for what is neither. */
export function readConcurrency(value: unknown): number | null | undefined {
  if (value === 'auto') return null
  const items = wholeOf(value)
  return items !== null && items >= 1 && items <= CONCURRENCY_MAX ? items : undefined
}

/** What is set for a workflow. */
export interface SetFor extends RolloutOrder {
  readonly concurrency: number | null
  /** null, here and below: what each node is configured for, which is not known here. */
  readonly ratePerMinute: number | null
  readonly successPauseMs: number | null
  /** Living nodes that work it. */
  readonly nodes: number
}

/** What is set for a workflow, in a few sentences. */
export function steeringWords(name: string, set: SetFor): string {
  const { mode, rollout, concurrency, nodes } = set
  const who = `${nodes === 1 ? '1 node works it.' : `${nodes} nodes work it.`}${paceWords(set)}`
  if (mode === 'sequential') {
    return `${name} is sequential: one item at a time in the cluster. ${who}`
  }
  const items = concurrency === null ? 'its configured number of' : `${concurrency}`
  const share =
    rollout === 100 ? 'all items' : `${rollout} % of the items, the others one after the other`
  return `${name} is concurrent for ${share}; each node works ${items} items at once. ${who}`
}

function paceWords({ ratePerMinute, successPauseMs }: SetFor): string {
  const rate = ratePerMinute === null ? '' : ` Rate: ${ratePerMinute} a minute in the cluster.`
  if (successPauseMs === null) return rate
  return `${rate} Each slot rests ${successPauseMs / 1_000} s after a success.`
}
