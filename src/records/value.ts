// From the text of a document to the value of a column. What does not fit is refused here, with the
// rule, rather than by the database for a whole batch.

import type { Json } from '../core/outcome.js'
import { readDate, readInstant } from './dates.js'
import type { ValueType } from './mapping.js'

export type Read = { readonly value: Json } | { readonly problem: string }

interface ValueRule {
  readonly type: ValueType
  readonly format: string | null
  readonly zone: string | null
}

const INTEGER = /^[+-]?\d{1,20}$/
const DECIMAL = /^[+-]?(?:\d{1,1000}(?:\.\d{0,1000})?|\.\d{1,1000})$/
const FLOAT = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const RANGES = {
  smallint: [-32_768n, 32_767n],
  integer: [-2_147_483_648n, 2_147_483_647n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
} as const

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

function readWhole(text: string, type: keyof typeof RANGES): Read {
  const [min, max] = RANGES[type]
  const problem = `a whole number from ${min} to ${max}`
  if (!INTEGER.test(text)) return { problem }
  const value = BigInt(text.replace(/^\+/, ''))
  if (value < min || value > max) return { problem }
  // A number of JSON would lose the last digits of a large one.
  return { value: type === 'bigint' ? String(value) : Number(value) }
}

function readFloat(text: string, type: 'real' | 'double precision'): Read {
  const value = FLOAT.test(text) ? Number(text) : Number.NaN
  const held = type === 'real' ? Math.fround(value) : value
  return Number.isFinite(held) ? { value } : { problem: `a number that fits ${type}` }
}

/** Reads a text that is there and not empty. */
export function readValue(text: string, rule: ValueRule): Read {
  switch (rule.type) {
    case 'text':
      return { value: text }
    case 'smallint':
    case 'integer':
    case 'bigint':
      return readWhole(text, rule.type)
    case 'real':
    case 'double precision':
      return readFloat(text, rule.type)
    case 'numeric':
      return DECIMAL.test(text) ? { value: text } : { problem: 'a decimal number' }
    case 'boolean': {
      const value = BOOLEANS.get(text)
      return value === undefined ? { problem: 'true, false, 1 or 0' } : { value }
    }
    case 'uuid':
      return UUID.test(text) ? { value: text } : { problem: 'a UUID' }
    case 'date': {
      const value = readDate(text, rule.format)
      const problem = rule.format === null ? 'an ISO 8601 date' : `a date as \`${rule.format}\``
      return value === null ? { problem } : { value }
    }
    case 'timestamptz':
      return readInstant(text, rule)
    default:
      return rule.type satisfies never
  }
}
