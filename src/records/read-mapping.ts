// Reads a mapping as its author wrote it. Everything that is wrong is told at once, each violation
// with the field, the rule, what was found and what to do.

import { COLUMN_TYPES } from '../core/definition.js'
import { TYPE_NAME, TYPE_NAME_RULE } from '../workflow/validate.js'
import { type Fields, Violations } from '../workflow/violations.js'
import { DUPLICATE_WAYS, type Mapping, SCHEMA_NAME, SCHEMA_RULE } from './mapping.js'
import { readRecordPath } from './path.js'
import { IDENTIFIER, IDENTIFIER_RULE, readTables } from './read-tables.js'

const FIELDS = [
  '$schema',
  'name',
  'record',
  'nests',
  'namespaces',
  'schema',
  'onDuplicate',
  'leaseColumn',
  'source',
  'tables',
]
const SOURCE_FIELDS = [
  'table',
  'key',
  'keyType',
  'status',
  'statusType',
  'xml',
  'where',
  'updatedAt',
]
const NAME = /^[a-z][a-z0-9-]{0,22}$/
const TABLE = /^(?:[A-Za-z_][A-Za-z0-9_$]{0,62}\.)?[A-Za-z_][A-Za-z0-9_$]{0,62}$/

export type ReadMapping =
  | { readonly mapping: Mapping; readonly violations?: never }
  | { readonly violations: readonly string[]; readonly mapping?: never }

/** Reads what a mapping file holds. */
export function readMapping(value: unknown): ReadMapping {
  const violations = new Violations()
  const mapping = mappingOf(value, violations)
  if (mapping === null || violations.list.length > 0) return { violations: violations.list }
  return { mapping }
}

function mappingOf(value: unknown, violations: Violations): Mapping | null {
  const fields = violations.object('mapping', value)
  if (fields === null) return null
  violations.onlyFields('', fields, FIELDS)
  const namespaces = readNamespaces(fields.namespaces, violations)
  violations.match('name', fields.name, {
    pattern: NAME,
    rule: 'lower-case letters, digits and dashes, a letter first, 1 to 23 characters',
  })
  const record = typeof fields.record === 'string' ? fields.record : ''
  const path = readRecordPath(record, namespaces)
  if ('problem' in path) violations.add('record', path.problem, fields.record)
  const schema = fields.schema ?? 'public'
  violations.match('schema', schema, { pattern: SCHEMA_NAME, rule: SCHEMA_RULE })
  const onDuplicate = DUPLICATE_WAYS.find((way) => way === (fields.onDuplicate ?? 'fail'))
  if (onDuplicate === undefined) {
    violations.oneOf('onDuplicate', fields.onDuplicate, DUPLICATE_WAYS)
  }
  if (fields.leaseColumn !== undefined) checkColumn('leaseColumn', fields.leaseColumn, violations)
  const { nests = false } = fields
  if (typeof nests !== 'boolean') violations.add('nests', 'true or false', nests)
  return {
    name: String(fields.name),
    record,
    nests: nests === true,
    namespaces,
    schema: String(schema),
    onDuplicate: onDuplicate ?? 'fail',
    leaseColumn: typeof fields.leaseColumn === 'string' ? fields.leaseColumn : null,
    source: fields.source === undefined ? null : readSource(fields.source, violations),
    tables: readTables(fields.tables, { namespaces, violations }),
  }
}

function checkColumn(at: string, value: unknown, violations: Violations): void {
  violations.match(at, value, { pattern: IDENTIFIER, rule: IDENTIFIER_RULE })
}

function readNamespaces(value: unknown, violations: Violations): ReadonlyMap<string, string> {
  if (value === undefined) return new Map()
  const fields = violations.object('namespaces', value)
  const pairs: [string, string][] = []
  for (const [prefix, uri] of Object.entries(fields ?? {})) {
    const isSound = typeof uri === 'string' && uri !== ''
    if (isSound) pairs.push([prefix, uri])
    else violations.add(`namespaces.${prefix}`, 'the URI of a namespace', uri)
  }
  return new Map(pairs)
}

function readSource(value: unknown, violations: Violations): Mapping['source'] {
  const source = violations.object('source', value)
  if (source === null) return null
  violations.onlyFields('source.', source, SOURCE_FIELDS)
  const rule = '`table` or `schema.table`, each part of letters, digits and underscores'
  violations.match('source.table', source.table, { pattern: TABLE, rule })
  for (const field of ['key', 'xml']) checkColumn(`source.${field}`, source[field], violations)
  // `{schema}` gives each target schema a word of its own in the same row.
  const status = String(source.status).replace('{schema}', 'schema')
  checkColumn('source.status', source.status === undefined ? undefined : status, violations)
  if (source.updatedAt !== undefined) checkColumn('source.updatedAt', source.updatedAt, violations)
  if (source.statusType !== undefined) {
    violations.match('source.statusType', source.statusType, {
      pattern: TYPE_NAME,
      rule: TYPE_NAME_RULE,
    })
  }
  const keyType = COLUMN_TYPES.find((type) => type === source.keyType)
  if (keyType === undefined) violations.oneOf('source.keyType', source.keyType, COLUMN_TYPES)
  if (source.where !== undefined && typeof source.where !== 'string') {
    violations.add('source.where', 'one SQL condition', source.where)
  }
  return {
    table: String(source.table),
    key: String(source.key),
    keyType: keyType ?? 'text',
    status: String(source.status),
    statusType: textOf(source, 'statusType'),
    xml: String(source.xml),
    where: textOf(source, 'where'),
    updatedAt: textOf(source, 'updatedAt'),
  }
}

function textOf(fields: Fields, name: string): string | null {
  const value = fields[name]
  return typeof value === 'string' ? value : null
}
