// What an order over HTTP says: a path that names workflow and verb, and a small JSON object. It is
// read here and nowhere else, and what is wrong is told by value, rule and an example that works.

import { suggestion } from '../../config/suggest.js'
import { type Fields, isFields } from '../../src/core/fields.js'
import { LIMITS } from '../../src/core/limits.js'
import {
  CONCURRENCY_RULE,
  ROLLOUT_RULE,
  type RolloutOrder,
  readConcurrency,
  readRollout,
} from '../../src/core/steering-words.js'
import { parseJson, SOMEBODY, shown, wrongName } from './body-words.js'

export const VERBS = ['rollout', 'concurrency', 'rate', 'pause', 'resume'] as const
export type Verb = (typeof VERBS)[number]

export interface OrderPath {
  readonly workflow: string
  readonly verb: Verb
}

export type Order =
  | { readonly verb: 'rollout'; readonly rollout: RolloutOrder; readonly by: string }
  | { readonly verb: 'concurrency'; readonly items: number | null; readonly by: string }
  | { readonly verb: 'rate'; readonly perMinute: number | null; readonly by: string }
  | { readonly verb: 'pause' | 'resume'; readonly by: string }

/** @returns null when this is no path of an order. Names are those that a workflow may have. */
export function orderPathOf(path: string): OrderPath | null {
  const found = /^\/api\/workflows\/([a-z][a-z0-9-]{0,39})\/([a-z]+)$/.exec(path)
  const verb = VERBS.find((known) => known === found?.[2])
  const workflow = found?.[1]
  return verb === undefined || workflow === undefined ? null : { workflow, verb }
}

const EXAMPLES: Readonly<Record<Verb, string>> = {
  rollout: '{"rollout": 10}',
  concurrency: '{"concurrency": 20}',
  rate: '{"rate": 120}',
  pause: '{"by": "anna"}',
  resume: '{"by": "anna"}',
}

type Read = { readonly order: Order } | { readonly wrong: string }

/** Reads the body of an order; an empty one is an object without fields. */
export function readOrder(verb: Verb, text: string): Read {
  const fields = text.trim() === '' ? {} : parseJson(text)
  const example = `For example: ${EXAMPLES[verb]}`
  if (!isFields(fields)) {
    return { wrong: `Expected the body to be a JSON object, got ${shown(text)}. ${example}` }
  }
  const known = verb === 'pause' || verb === 'resume' ? ['by'] : [verb, 'by']
  const strange = Object.keys(fields).find((field) => !known.includes(field))
  if (strange !== undefined) {
    const hint = suggestion(strange, known)
    return { wrong: `Unknown field ${shown(strange)}.${hint} ${example}` }
  }
  const by = Object.hasOwn(fields, 'by') ? fields.by : SOMEBODY
  const wrong = wrongName(by)
  if (wrong !== null || typeof by !== 'string') {
    return { wrong: `${wrong} For example: {"by": "anna"}` }
  }
  return readValue(verb, fields, { by, example })
}

const RATE_RULE = `a whole number from 1 to ${LIMITS.ratePerMinuteMax}, or "auto"`

/** @returns items a minute; null for `auto`, and undefined for what is neither. */
function readRate(value: unknown): number | null | undefined {
  if (value === 'auto') return null
  const isRate = typeof value === 'number' && Number.isInteger(value)
  return isRate && value >= 1 && value <= LIMITS.ratePerMinuteMax ? value : undefined
}

function readValue(
  verb: Verb,
  fields: Fields,
  { by, example }: { readonly by: string; readonly example: string },
): Read {
  if (verb === 'pause' || verb === 'resume') return { order: { verb, by } }
  const value = fields[verb]
  const wrong = (rule: string) => ({
    wrong: `Expected \`${verb}\` to be ${rule}, got ${shown(value)}. ${example}`,
  })
  if (verb === 'rollout') {
    const rollout = readRollout(value)
    return rollout === null ? wrong(ROLLOUT_RULE) : { order: { verb, rollout, by } }
  }
  if (verb === 'rate') {
    const perMinute = readRate(value)
    return perMinute === undefined ? wrong(RATE_RULE) : { order: { verb, perMinute, by } }
  }
  const items = readConcurrency(value)
  return items === undefined ? wrong(CONCURRENCY_RULE) : { order: { verb, items, by } }
}
