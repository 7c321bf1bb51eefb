// Looks over a workflow's definition before anything runs. Everything that is wrong is told at
// once, each violation with the field, the rule, what was found and what to do.

import { COLUMN_TYPES, FILE_FORMATS, type FileSource, WORKFLOW_NAME } from '../core/definition.js'
import { FetchyardError } from '../core/errors.js'
import { isName, parseTableName } from '../core/table-name.js'
import { checkSchedule } from './check-schedule.js'
import type { WorkflowDefinition } from './define.js'
import { type Fields, Violations } from './violations.js'

/** What the type of a status column may be called, as it is written in SQL. */
export const TYPE_NAME = /^[A-Za-z_][A-Za-z0-9_ .()[\],"]{0,126}$/
export const TYPE_NAME_RULE = 'the name of a Postgres type'
const SINK_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/

const COLUMN_RULE = 'the name of a column, 1 to 63 bytes'
const TABLE_RULE = '`table` or `schema.table`, each 1 to 63 bytes; one with a dot in double quotes'

const WORKFLOW_FIELDS = [
  'name',
  'source',
  'sinks',
  'schedule',
  'tables',
  'partitions',
  'options',
  'work',
]
const PARTITIONS_MAX = 256
const SINK_FIELDS = [
  'table',
  'columns',
  'key',
  'onConflict',
  'keep',
  'leaseColumn',
  'sourceKeyColumn',
]
const SOURCE_FIELDS = [
  'table',
  'key',
  'keyType',
  'status',
  'statusType',
  'where',
  'updatedAt',
  'payload',
  'urlColumn',
  'insert',
  'laneColumn',
]

/**
 * Checks what a workflow module exports.
 *
 * @param origin where the value comes from, for the message: the module's file or URL.
 * @throws {FetchyardError} WORKFLOW_INVALID, naming every violation.
 */
export function validateWorkflow(value: unknown, origin: string): WorkflowDefinition {
  const violations = new Violations()
  checkWorkflow(value, violations)
  if (isSound(value, violations)) return read(value)
  const count =
    violations.list.length === 1 ? 'one violation' : `${violations.list.length} violations`
  throw new FetchyardError(
    'WORKFLOW_INVALID',
    `The workflow in ${origin} is not valid (${count}):\n- ${violations.list.join('\n- ')}`,
  )
}

/** A file is no table: what reads `source` need not ask which it is. */
function read(value: WorkflowDefinition): WorkflowDefinition {
  const { source, ...rest } = value
  return source !== undefined && isFile(source) ? { ...rest, file: source } : value
}

/** What checks a file has read its fields. */
function isFile(source: object): source is FileSource {
  return 'file' in source
}

function isSound(value: unknown, violations: Violations): value is WorkflowDefinition {
  return value !== undefined && violations.list.length === 0
}

function checkWorkflow(value: unknown, violations: Violations): void {
  const workflow = violations.object('default export', value)
  if (workflow === null) {
    violations.advise('Export the result of defineWorkflow({ ... }) as default.')
    return
  }
  violations.onlyFields('', workflow, WORKFLOW_FIELDS)
  violations.match('name', workflow.name, {
    pattern: WORKFLOW_NAME,
    rule: 'lower-case letters, digits and dashes, a letter first, 1 to 40 characters',
  })
  if (typeof workflow.work !== 'function') {
    violations.add('work', 'a function (item, context) that returns result rows', workflow.work)
  }
  // What they are is known to who reads configuration; here they need to be something to read.
  if (workflow.options !== undefined) violations.object('options', workflow.options)
  const { source } = workflow
  const isOfFile = typeof source === 'object' && source !== null && isFile(source)
  if (isOfFile) checkFile(source, violations)
  else if (source !== undefined) checkSource(source, violations)
  checkSinks(workflow.sinks, violations, source !== undefined && !isOfFile)
  if (workflow.schedule !== undefined) checkSchedule(workflow.schedule, violations)
  if (workflow.tables !== undefined) {
    violations.each('tables', workflow.tables, (field, sql) => {
      violations.match(field, sql, { pattern: /\S/, rule: 'a statement of SQL' })
    })
  }
  const { partitions } = workflow
  if (partitions === undefined) return
  const isCount = Number.isInteger(partitions) && Number(partitions) >= 1
  if (!isCount || Number(partitions) > PARTITIONS_MAX) {
    violations.add('partitions', `a whole number from 1 to ${PARTITIONS_MAX}`, partitions)
  }
}

function checkFile(value: unknown, violations: Violations): void {
  const source = violations.object('source', value)
  if (source === null) return
  violations.onlyFields('source.', source, ['file', 'format', 'key'])
  violations.match('source.file', source.file, { pattern: /\S/, rule: 'the path of a file' })
  if (source.format !== undefined) violations.oneOf('source.format', source.format, FILE_FORMATS)
  if (source.key === undefined) return
  violations.match('source.key', source.key, { pattern: /\S/, rule: 'the name of a field' })
}

function checkSource(value: unknown, violations: Violations): void {
  const source = violations.object('source', value)
  if (source === null) return
  violations.onlyFields('source.', source, SOURCE_FIELDS)
  checkTable('source.table', source.table, violations)
  for (const field of ['key', 'status']) checkColumn(`source.${field}`, source[field], violations)
  violations.oneOf('source.keyType', source.keyType, COLUMN_TYPES)
  for (const field of ['updatedAt', 'urlColumn', 'laneColumn']) {
    if (source[field] !== undefined) checkColumn(`source.${field}`, source[field], violations)
  }
  if (source.statusType !== undefined) {
    violations.match('source.statusType', source.statusType, {
      pattern: TYPE_NAME,
      rule: TYPE_NAME_RULE,
    })
  }
  if (source.where !== undefined) {
    const rule = 'one SQL condition, without a semicolon'
    violations.match('source.where', source.where, { pattern: /^[^;]*[^;\s][^;]*$/, rule })
  }
  checkPayload(source.payload, violations)
  if (source.insert !== undefined) checkInsert(source.insert, violations)
}

/** A list of columns, or columns with their types. */
function checkPayload(value: unknown, violations: Violations): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    violations.each('source.payload', value, (field, column) => {
      checkColumn(field, column, violations)
    })
    return
  }
  for (const [column, type] of Object.entries(value)) {
    checkColumn('source.payload', column, violations)
    violations.oneOf(`source.payload.${column}`, type, COLUMN_TYPES)
  }
}

function checkInsert(value: unknown, violations: Violations): void {
  const insert = violations.object('source.insert', value)
  for (const [column, text] of Object.entries(insert ?? {})) {
    checkColumn('source.insert', column, violations)
    if (typeof text !== 'string') violations.add(`source.insert.${column}`, 'a string', text)
  }
}

function checkSinks(value: unknown, violations: Violations, hasSource: boolean): void {
  const sinks = violations.object('sinks', value)
  if (sinks === null) {
    violations.advise('A workflow without results says `sinks: {}`.')
    return
  }
  for (const [name, sink] of Object.entries(sinks)) {
    const rule = 'a sink name of letters, digits, dashes and underscores, 1 to 63 characters'
    violations.match('sinks', name, { pattern: SINK_NAME, rule })
    checkSink(`sinks.${name}`, sink, violations, hasSource)
  }
}

function checkSink(at: string, value: unknown, violations: Violations, hasSource: boolean): void {
  const sink = violations.object(at, value)
  if (sink === null) return
  violations.onlyFields(`${at}.`, sink, SINK_FIELDS)
  checkTable(`${at}.table`, sink.table, violations)
  if (sink.onConflict !== undefined) {
    violations.oneOf(`${at}.onConflict`, sink.onConflict, ['ignore', 'update', 'fail'])
  }
  const columns = violations.object(`${at}.columns`, sink.columns)
  for (const [column, type] of Object.entries(columns ?? {})) {
    checkColumn(`${at}.columns`, column, violations)
    violations.oneOf(`${at}.columns.${column}`, type, COLUMN_TYPES)
  }
  if (sink.keep !== undefined) checkKeep(`${at}.keep`, sink, columns, violations)
  for (const field of ['leaseColumn', 'sourceKeyColumn']) {
    checkFilledColumn(`${at}.${field}`, sink[field], { columns: columns ?? {}, violations })
  }
  if (sink.sourceKeyColumn !== undefined && !hasSource) {
    violations.add(`${at}.sourceKeyColumn`, 'a workflow with a source', sink.sourceKeyColumn)
    violations.advise('Declare `source`, or fill the column in the handler.')
  }
  checkKey(`${at}.key`, sink, columns, violations)
}

/** Columns that the engine fills must not be filled by the handler too. */
function checkFilledColumn(
  at: string,
  column: unknown,
  sink: { readonly columns: Fields; readonly violations: Violations },
): void {
  if (column === undefined) return
  checkColumn(at, column, sink.violations)
  if (typeof column !== 'string' || !Object.hasOwn(sink.columns, column)) return
  sink.violations.add(at, 'a column that `columns` does not name', column)
  sink.violations.advise('Remove it from `columns`: the engine fills it.')
}

function checkKeep(at: string, sink: Fields, columns: Fields | null, violations: Violations): void {
  violations.each(at, sink.keep, (field, column) => {
    const isColumn = columns === null || Object.hasOwn(columns, String(column))
    if (!isColumn) violations.add(field, 'a column that `columns` names', column)
  })
  if (sink.onConflict === 'update') return
  violations.add(at, "a sink with onConflict: 'update'", sink.keep)
}

function checkKey(at: string, sink: Fields, columns: Fields | null, violations: Violations): void {
  const seen = new Set<unknown>()
  const count = violations.each(at, sink.key, (field, column) => {
    // Columns that cannot be read are a violation of their own.
    const isColumn = columns === null || Object.hasOwn(columns, String(column))
    const isKnown = typeof column === 'string' && (isColumn || column === sink.sourceKeyColumn)
    if (!isKnown) {
      violations.add(field, "one of the sink's columns or its sourceKeyColumn", column)
      violations.advise('Add it to `columns`, or leave it out of the key.')
    }
    if (seen.has(column)) violations.add(field, 'each column of the key once', column)
    seen.add(column)
  })
  if (count !== 0) return
  violations.add(at, 'at least one column with a unique constraint', sink.key)
  violations.advise('Without a key a row could be written twice.')
}

function checkColumn(at: string, value: unknown, violations: Violations): void {
  if (!isName(value)) violations.add(at, COLUMN_RULE, value)
}

function checkTable(at: string, value: unknown, violations: Violations): void {
  if (typeof value !== 'string' || parseTableName(value) === null) {
    violations.add(at, TABLE_RULE, value)
  }
}
