// Reads one column of a mapping as its author wrote it.

import type { Fields, Violations } from '../workflow/violations.js'
import { DATE_FORMAT_RULE, readDateFormat, ZONE, ZONE_RULE } from './dates.js'
import {
  type ColumnMapping,
  type ColumnSource,
  MANY_WAYS,
  type Scalar,
  VALUE_TYPES,
} from './mapping.js'
import { readPath } from './path.js'
import { readValue } from './value.js'

const COLUMN_FIELDS = [
  'path',
  'value',
  'parent',
  'position',
  'type',
  'required',
  'default',
  'values',
  'format',
  'zone',
  'many',
]
const SOURCES = ['path', 'value', 'parent', 'position'] as const

export interface ColumnParts {
  /** Where the column stands, such as `tables.applicant.columns.name`. */
  readonly at: string
  readonly namespaces: ReadonlyMap<string, string>
  readonly violations: Violations
}

export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** @returns null when something is wrong with it; the violations say what. */
export function readColumn(value: unknown, parts: ColumnParts): ColumnMapping | null {
  const { at, violations } = parts
  const before = violations.list.length
  const fields = violations.object(at, value)
  if (fields === null) return null
  violations.onlyFields(`${at}.`, fields, COLUMN_FIELDS)
  const type = VALUE_TYPES.find((known) => known === fields.type)
  if (type === undefined) violations.oneOf(`${at}.type`, fields.type, VALUE_TYPES)
  const source = readSource(fields, parts)
  const many = MANY_WAYS.find((known) => known === (fields.many ?? 'refuse'))
  if (many === undefined) violations.oneOf(`${at}.many`, fields.many, MANY_WAYS)
  const values = readValues(fields.values, parts)
  checkDates(fields, parts)
  if (fields.required !== undefined && typeof fields.required !== 'boolean') {
    violations.add(`${at}.required`, 'true or false', fields.required)
  }
  if (type === undefined || source === null || many === undefined) return null
  const column: ColumnMapping = {
    source,
    type,
    many,
    values,
    isRequired: fields.required === true,
    default: isScalar(fields.default) ? fields.default : null,
    format: typeof fields.format === 'string' ? fields.format : null,
    zone: typeof fields.zone === 'string' ? fields.zone : null,
  }
  checkConstants(column, fields, parts)
  return violations.list.length === before ? column : null
}

function readSource(fields: Fields, { at, namespaces, violations }: ColumnParts) {
  const given = SOURCES.filter((name) => fields[name] !== undefined)
  const [only] = given
  if (given.length !== 1 || only === undefined) {
    violations.add(at, 'exactly one of path, value, parent and position', given.join(' and '))
    return null
  }
  const raw = fields[only]
  const source = sourceOf(only, raw)
  if (source === null) {
    const rule = only === 'position' ? 'true' : only === 'value' ? 'a plain value' : 'a string'
    violations.add(`${at}.${only}`, rule, raw)
    return null
  }
  if (source.from !== 'path') return source
  const path = readPath(source.path, namespaces)
  if (!('problem' in path)) return source
  violations.add(`${at}.path`, path.problem, source.path)
  return null
}

function sourceOf(kind: (typeof SOURCES)[number], raw: unknown): ColumnSource | null {
  if (kind === 'position') return raw === true ? { from: 'position' } : null
  if (kind === 'value') return isScalar(raw) ? { from: 'value', value: raw } : null
  if (typeof raw !== 'string') return null
  return kind === 'path' ? { from: 'path', path: raw } : { from: 'parent', column: raw }
}

function readValues(
  value: unknown,
  { at, violations }: ColumnParts,
): ReadonlyMap<string, Scalar> | null {
  if (value === undefined) return null
  if (Array.isArray(value)) {
    const words = value.filter((word) => typeof word === 'string')
    if (words.length === value.length && words.length > 0) {
      return new Map(words.map((word) => [word, word]))
    }
    violations.add(`${at}.values`, 'a list of words, or words with what they become', value)
    return null
  }
  const fields = violations.object(`${at}.values`, value)
  const entries: [string, Scalar][] = []
  for (const [word, becomes] of Object.entries(fields ?? {})) {
    if (isScalar(becomes)) entries.push([word, becomes])
    else violations.add(`${at}.values.${word}`, 'a plain value', becomes)
  }
  return fields === null ? null : new Map(entries)
}

function checkDates(fields: Fields, { at, violations }: ColumnParts): void {
  const { format, zone, type } = fields
  const isDated = type === 'date' || type === 'timestamptz'
  for (const name of ['format', 'zone'] as const) {
    if (fields[name] === undefined || isDated) continue
    violations.add(`${at}.${name}`, 'a type of date or timestamptz beside it', type)
    violations.advise(`Remove it, or change \`type\`.`)
  }
  if (format !== undefined && (typeof format !== 'string' || readDateFormat(format) === null)) {
    violations.add(`${at}.format`, DATE_FORMAT_RULE, format)
  }
  if (zone !== undefined) violations.match(`${at}.zone`, zone, { pattern: ZONE, rule: ZONE_RULE })
}

/** Constants are read once as the documents' values are, so that a bad one is found before. */
function checkConstants(column: ColumnMapping, fields: Fields, parts: ColumnParts): void {
  const { at, violations } = parts
  const { source, type } = column
  const check = (field: string, value: unknown) => {
    if (!isScalar(value)) {
      violations.add(field, 'a plain value', value)
      return
    }
    const read = readValue(String(value), { type, format: null, zone: '+00:00' })
    if ('problem' in read) violations.add(field, read.problem, value)
  }
  if (source.from === 'value') check(`${at}.value`, source.value)
  if (fields.default !== undefined) check(`${at}.default`, fields.default)
  for (const [word, value] of column.values ?? []) check(`${at}.values.${word}`, value)
  if (column.isRequired && column.default !== null) {
    violations.add(`${at}.default`, 'no default beside `required`', column.default)
    violations.advise('A value that has a default is never missing: keep one of the two.')
  }
}
