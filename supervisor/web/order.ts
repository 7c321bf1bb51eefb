// What an order over HTTP says: a path that names workflow and verb, and a small JSON object. It is
// read here and nowhere else, and what is wrong is told by value, rule and an example that works.

import { suggestion } from '../../config/suggest.js'
import { LIMITS } from '../../src/core/limits.js'
import {
  CONCURRENCY_RULE,
  ROLLOUT_RULE,
  type RolloutOrder,
  readConcurrency,
  readRollout,
} from '../../src/core/steering-words.js'

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

/** A name for the record: one line that cannot be taken for another one. */
export const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._@+-]{0,79}$/u
export const SOMEBODY = 'an operator'

/** A value in a message: enough of it to be recognised. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

type Fields = { readonly [field: string]: unknown }
type Read = { readonly order: Order } | { readonly wrong: string }

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads the body of an order; an empty one is an object without fields. */
export function readOrder(verb: Verb, text: string): Read {
  const fields = text.trim() === '' ? {} : parse(text)
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
  if (typeof by !== 'string' || !NAME.test(by)) {
    const rule = '1 to 80 letters, digits, spaces and . _ @ + -, a letter or digit first'
    return { wrong: `Expected \`by\` to be ${rule}; got ${shown(by)}. For example: {"by": "anna"}` }
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
