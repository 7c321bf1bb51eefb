import { readFileSync } from 'node:fs'
import type { ResultRows } from '../../../src/core/outcome.js'
import { convertRecord } from '../../../src/records/convert.js'
import type { Mapping } from '../../../src/records/mapping.js'
import { makePlan } from '../../../src/records/plan.js'
import { readMapping } from '../../../src/records/read-mapping.js'
import { RecordProblem } from '../../../src/records/record-problem.js'

export type Writable = { [field: string]: unknown }

export const SAMPLE_MAPPING = 'docs/samples/applications.records.json'
export const SAMPLE_XML = 'docs/samples/applications.xml'

export function sampleMapping(): Mapping {
  return mappingOf(JSON.parse(readFileSync(SAMPLE_MAPPING, 'utf8')))
}

export function mappingOf(value: unknown): Mapping {
  const { mapping, violations } = readMapping(value)
  if (mapping === undefined) throw new Error(violations.join('\n'))
  return mapping
}

/** A mapping of one table over `<r>`, with a key that every record has. */
export function oneTable(columns: Writable, more: Writable = {}): Mapping {
  const key = { path: '@k', type: 'text' }
  const table = { columns: { k: key, ...columns }, key: ['k'] }
  return mappingOf({ name: 'one', record: '/r', tables: { t: table }, ...more })
}

/** The rows of a record, or the words of its problem. */
export function convert(mapping: Mapping, xml: string): ResultRows | string {
  try {
    return convertRecord({ xml }, makePlan(mapping))
  } catch (error) {
    if (error instanceof RecordProblem) return error.message
    throw error
  }
}

/** The value of column `v` of a record of one table. */
export function columnValue(column: Writable, inner: string, more: Writable = {}): unknown {
  const rows = convert(oneTable({ v: column }, more), `<r k="1">${inner}</r>`)
  return typeof rows === 'string' ? rows : rows.t?.[0]?.v
}
