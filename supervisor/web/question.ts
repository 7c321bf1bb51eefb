// What a question or an order about items says: a small JSON object, read here and nowhere else.

import { suggestion } from '../../config/suggest.js'
import { type Fields, isFields } from '../../src/core/fields.js'
import { ITEM_WORDS } from '../../src/core/item-filter.js'
import { LIMITS } from '../../src/core/limits.js'
import { OUTCOME_CODES } from '../../src/core/outcome.js'
import { FAILURE_PARTS, type FailurePart } from '../../src/documents/kept-failures.js'
import { fits, ITEM_ACTIONS, type ItemAction } from '../../src/store/act-on-items.js'
import type { EventQuestion, ItemDeed, NamedFilter } from '../operator-desk.js'
import { parseJson, SOMEBODY, shown, wrongName } from './body-words.js'

export type QuestionFields = Fields

/** What the asker has to mend, in words. */
class WrongQuestion extends Error {}

/** @returns null for an error that is not about the question. */
export function wordsOfWrong(error: unknown): string | null {
  return error instanceof WrongQuestion ? error.message : null
}

const KNOWN = [
  ...['workflow', 'state', 'code', 'host', 'text', 'after', 'key', 'action', 'by'],
  ...['level', 'before', 'attempt', 'part'],
]
/** Characters of a text that is looked for, of a host, and of a place to go on from. */
const TEXT_MAX = 500
const HOST_MAX = 253
const AFTER_MAX = LIMITS.itemKeyMax + 100

/** Reads a body. @throws WrongQuestion */
export function readFields(body: string): QuestionFields {
  const value = body.trim() === '' ? {} : parseJson(body)
  if (!isFields(value)) {
    throw new WrongQuestion(`Expected the body to be a JSON object, got ${shown(value)}.`)
  }
  const fields: QuestionFields = { ...value }
  const strange = Object.keys(fields).find((field) => !KNOWN.includes(field))
  if (strange === undefined) return fields
  throw new WrongQuestion(`Unknown field ${shown(strange)}.${suggestion(strange, KNOWN)}`)
}

/** A text, or null where there is none; an empty one is none. */
function textOf(fields: QuestionFields, name: string, lengthMax: number): string | null {
  const value = Object.hasOwn(fields, name) ? fields[name] : null
  if (value === null || value === '') return null
  // A zero byte is no text for the database.
  if (typeof value === 'string' && value.length <= lengthMax && !value.includes('\0')) return value
  const rule = `a text of at most ${lengthMax} characters`
  throw new WrongQuestion(`Expected \`${name}\` to be ${rule}, got ${shown(value)}.`)
}

function wordOf<Word extends string>(
  fields: QuestionFields,
  name: string,
  words: readonly Word[],
): Word | null {
  const value = Object.hasOwn(fields, name) ? fields[name] : null
  if (value === null || value === '') return null
  const word = words.find((known) => known === value)
  if (word !== undefined) return word
  throw new WrongQuestion(
    `Expected \`${name}\` to be one of ${words.join(', ')}, got ${shown(value)}.`,
  )
}

function workflowOf(fields: QuestionFields): string {
  const workflow = textOf(fields, 'workflow', 40)
  if (workflow !== null) return workflow
  throw new WrongQuestion('Expected `workflow` to name a workflow. For example: "contacts"')
}

/** A filter, and the place to go on from. @throws WrongQuestion */
export function readFilter(fields: QuestionFields): {
  readonly filter: NamedFilter
  readonly after: string | null
} {
  return {
    filter: {
      workflow: workflowOf(fields),
      state: wordOf(fields, 'state', ITEM_WORDS),
      code: wordOf(fields, 'code', OUTCOME_CODES),
      host: textOf(fields, 'host', HOST_MAX)?.toLowerCase() ?? null,
      text: textOf(fields, 'text', TEXT_MAX),
    },
    after: textOf(fields, 'after', AFTER_MAX),
  }
}

/** One item by its name. @throws WrongQuestion */
export function readName(fields: QuestionFields): {
  readonly workflow: string
  readonly key: string
} {
  const key = textOf(fields, 'key', LIMITS.itemKeyMax)
  if (key === null) throw new WrongQuestion('Expected `key` to be the key of an item.')
  return { workflow: workflowOf(fields), key }
}

/** A part of the page that an attempt at an item left. @throws WrongQuestion */
export function readFailurePage(fields: QuestionFields): {
  readonly workflow: string
  readonly key: string
  readonly attempt: number
  readonly part: FailurePart
} {
  const { attempt } = fields
  if (typeof attempt !== 'number' || !Number.isSafeInteger(attempt) || attempt < 1) {
    throw new WrongQuestion(`Expected \`attempt\` to be a number from 1 on, got ${shown(attempt)}.`)
  }
  const part = wordOf(fields, 'part', FAILURE_PARTS)
  if (part === null)
    throw new WrongQuestion(`Expected \`part\` to be ${FAILURE_PARTS.join(' or ')}.`)
  return { ...readName(fields), attempt, part }
}

/** An order to items, or a question how many it would be about. @throws WrongQuestion */
export function readDeed(fields: QuestionFields): ItemDeed & { readonly by: string } {
  const action = wordOf<ItemAction>(fields, 'action', ITEM_ACTIONS)
  if (action === null) {
    throw new WrongQuestion(`Expected \`action\` to be one of ${ITEM_ACTIONS.join(', ')}.`)
  }
  const { filter, after } = readFilter(fields)
  const key = textOf(fields, 'key', LIMITS.itemKeyMax)
  if (key === null && !fits(action, { workflowId: 0, ...filter })) {
    throw new WrongQuestion(`Items in state ${filter.state} are none that ${action} is for.`)
  }
  const by = textOf(fields, 'by', 200) ?? SOMEBODY
  const wrong = wrongName(by)
  if (wrong !== null) throw new WrongQuestion(wrong)
  return { action, filter, key, after, by }
}

/** @throws WrongQuestion */
export function readEventQuestion(fields: QuestionFields): EventQuestion {
  const before = textOf(fields, 'before', 18)
  if (before !== null && !/^\d+$/.test(before)) {
    throw new WrongQuestion(`Expected \`before\` to be the number of an event, got ${before}.`)
  }
  return {
    level: wordOf(fields, 'level', ['info', 'warn', 'error'] as const),
    workflow: textOf(fields, 'workflow', 40),
    before,
  }
}
