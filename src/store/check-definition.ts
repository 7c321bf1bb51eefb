// Holds a workflow's definition against the tables that are there: what would be refused at the
// first item is refused at start, field by field, with what to do about it.

import { payloadColumns, type SinkDefinition, type SourceDefinition } from '../core/definition.js'
import { messageOf } from '../core/errors.js'
import type { StatusWord } from './binding.js'
import type { Sql } from './client.js'
import { codeOf } from './client.js'
import { quoteIdentifier, quoteLiteral, quoteTable } from './identifiers.js'
import type { ColumnFacts, TableFacts } from './table-facts.js'
import { isUnique, readTableFacts } from './table-facts.js'

export interface CheckedDefinition {
  readonly source?: SourceDefinition | undefined
  readonly sinks: { readonly [sink: string]: SinkDefinition }
}

/** Types whose text is the same in every session and which the text finds by index again. */
const KEY_TYPES = ['smallint', 'integer', 'bigint', 'numeric', 'uuid', 'text']
const TEXT_TYPES = ['text', 'character varying']

const KEY_FIX =
  'Name a column that is unique and of type smallint, integer, bigint, numeric, uuid or text; ' +
  'one can be added: `generated always as identity unique`.'

/** @returns what does not fit, in words; empty when all does. */
export async function checkDefinition(
  sql: Sql,
  definition: CheckedDefinition,
): Promise<readonly string[]> {
  const violations: string[] = []
  const { source, sinks } = definition
  if (source !== undefined) await checkSource(sql, source, violations)
  for (const [name, sink] of Object.entries(sinks)) {
    await checkSink(sql, { at: `sinks.${name}`, sink, source }, violations)
  }
  return violations
}

/** Facts of a table that rows can be written to; null, and a violation, for anything else. */
async function tableAt(
  sql: Sql,
  place: { readonly at: string; readonly table: string; readonly fix: string },
  violations: string[],
): Promise<TableFacts | null> {
  const { at, table, fix } = place
  const facts = await readTableFacts(sql, table)
  if (facts === null) {
    violations.push(`\`${at}\`: expected a table that exists, got ${JSON.stringify(table)}. ${fix}`)
    return null
  }
  if (facts.kind === 'r' || facts.kind === 'p') return facts
  violations.push(
    `\`${at}\`: expected a table, got ${JSON.stringify(table)}, which is a view or a foreign ` +
      'table. Name the table behind it.',
  )
  return null
}

function columnAt(
  facts: TableFacts,
  place: { readonly at: string; readonly table: string; readonly column: string },
  violations: string[],
): ColumnFacts | null {
  const { at, table, column } = place
  const found = facts.columns.find(({ name }) => name === column)
  if (found !== undefined) return found
  const known = facts.columns.map(({ name }) => name).join(', ')
  violations.push(
    `\`${at}\`: expected a column of ${table}, got ${JSON.stringify(column)}. It has: ${known}.`,
  )
  return null
}

async function checkSource(
  sql: Sql,
  source: SourceDefinition,
  violations: string[],
): Promise<void> {
  const { table } = source
  const fix = 'Create it, or have `tables` create it.'
  const facts = await tableAt(sql, { at: 'source.table', table, fix }, violations)
  if (facts === null) return
  const before = violations.length
  const column = (at: string, name: string) =>
    columnAt(facts, { at: `source.${at}`, table, column: name }, violations)
  const key = column('key', source.key)
  if (key !== null) checkKey(source, key, facts, violations)
  const status = column('status', source.status)
  if (status !== null) checkStatus(source, status, violations)
  if (source.updatedAt !== undefined) column('updatedAt', source.updatedAt)
  if (source.laneColumn !== undefined) column('laneColumn', source.laneColumn)
  for (const name of payloadColumns(source)) column('payload', name)
  for (const name of Object.keys(source.insert ?? {})) column('insert', name)
  if (source.urlColumn !== undefined) {
    const url = column('urlColumn', source.urlColumn)
    if (url !== null && !isUnique(facts, [source.urlColumn])) {
      violations.push(
        `\`source.urlColumn\`: expected a column with a unique constraint, got ` +
          `${JSON.stringify(source.urlColumn)}. Add one, or leave \`urlColumn\` out.`,
      )
    }
  }
  if (violations.length === before) await checkWhere(sql, source, violations)
}

function checkKey(
  source: SourceDefinition,
  key: ColumnFacts,
  facts: TableFacts,
  violations: string[],
): void {
  const got = JSON.stringify(source.key)
  if (!isUnique(facts, [source.key])) {
    violations.push(
      `\`source.key\`: expected a column that is unique by itself, got ${got}: a status word ` +
        `would be written to every row of that key. ${KEY_FIX}`,
    )
  }
  const isText = TEXT_TYPES.includes(key.type)
  if (!KEY_TYPES.includes(key.type) && !isText) {
    violations.push(
      `\`source.key\`: expected a type whose text is the same in every session, got ${got} of ` +
        `type ${key.type}. ${KEY_FIX}`,
    )
  } else if (source.keyType !== (isText ? 'text' : key.type)) {
    violations.push(
      `\`source.keyType\`: expected '${isText ? 'text' : key.type}', the type of ${got}, got ` +
        `'${source.keyType}'.`,
    )
  }
}

/** The words that the queue cannot do without. */
const NEEDED_WORDS: readonly StatusWord[] = ['Queued', 'Processing', 'Complete', 'Error']

function checkStatus(source: SourceDefinition, status: ColumnFacts, violations: string[]): void {
  const missing = NEEDED_WORDS.filter((word) => status.labels?.includes(word) === false)
  if (missing.length > 0) {
    violations.push(
      `\`source.status\`: expected a column that can hold ${NEEDED_WORDS.join(', ')}; the type ` +
        `${status.type} lacks ${missing.join(', ')}. Add them with \`alter type\`.`,
    )
  }
  if (status.labels === null || source.statusType !== undefined) return
  violations.push(`\`source.statusType\`: expected '${status.type}', the type of the column.`)
}

/** Planned as the triggers and the queue's own statements will be. */
async function checkWhere(sql: Sql, source: SourceDefinition, violations: string[]): Promise<void> {
  const table = quoteTable(source.table)
  const status = quoteIdentifier(source.status)
  const type = source.statusType ?? 'text'
  const words = `${status} = 'Queued'::${type}`
  await explain(sql, `update ${table} set ${words} where ${words}`, (problem) => {
    const fix = 'Name the type of the column as `statusType`, and let the user write the column.'
    violations.push(`\`source.status\`: the database refuses its words: ${problem}. ${fix}`)
  })
  if (source.where === undefined) return
  await explain(sql, `select from ${table} where (${source.where})`, (problem) => {
    const got = JSON.stringify(source.where)
    violations.push(
      `\`source.where\`: expected a condition over the columns of ${source.table}, got ${got}: ` +
        `${problem}.`,
    )
  })
}

async function checkSink(
  sql: Sql,
  place: {
    readonly at: string
    readonly sink: SinkDefinition
    readonly source: SourceDefinition | undefined
  },
  violations: string[],
): Promise<void> {
  const { at, sink, source } = place
  const { table } = sink
  const fix = 'Create it, or have `tables` create it.'
  const facts = await tableAt(sql, { at: `${at}.table`, table, fix }, violations)
  if (facts === null) return
  const before = violations.length
  const types = new Map<string, string>(Object.entries(sink.columns))
  for (const name of types.keys()) {
    columnAt(facts, { at: `${at}.columns`, table, column: name }, violations)
  }
  if (sink.leaseColumn !== undefined) types.set(sink.leaseColumn, 'bigint')
  if (sink.sourceKeyColumn !== undefined) {
    types.set(sink.sourceKeyColumn, source?.keyType ?? 'text')
  }
  for (const field of ['leaseColumn', 'sourceKeyColumn'] as const) {
    const name = sink[field]
    if (name !== undefined) {
      columnAt(facts, { at: `${at}.${field}`, table, column: name }, violations)
    }
  }
  checkFilled({ at, table, facts, filled: [...types.keys()] }, violations)
  if (violations.length > before) return
  if (!isUnique(facts, sink.key)) {
    violations.push(
      `\`${at}.key\`: expected columns that ${table} keeps unique together, got ` +
        `${sink.key.join(', ')}. Add \`unique (${sink.key.map(quoteIdentifier).join(', ')})\`.`,
    )
    return
  }
  await checkRows(sql, { at, table, types }, violations)
}

function checkFilled(
  place: {
    readonly at: string
    readonly table: string
    readonly facts: TableFacts
    readonly filled: readonly string[]
  },
  violations: string[],
): void {
  const { at, table, facts, filled } = place
  for (const { name, isNotNull, isFilled } of facts.columns) {
    if (!isNotNull || isFilled || filled.includes(name)) continue
    violations.push(
      `\`${at}.columns\`: expected to fill ${JSON.stringify(name)}, which ${table} requires. ` +
        'Add it to `columns`, or give the column a default.',
    )
  }
}

async function checkRows(
  sql: Sql,
  place: {
    readonly at: string
    readonly table: string
    readonly types: ReadonlyMap<string, string>
  },
  violations: string[],
): Promise<void> {
  const { at, table, types } = place
  const names = [...types.keys()].map(quoteIdentifier)
  const values = [...types.values()].map((type) => `null::${type}`)
  const insert = `insert into ${quoteTable(table)} (${names.join(', ')}) select ${values.join(', ')}`
  await explain(sql, insert, (problem) => {
    violations.push(`\`${at}\`: ${table} refuses its rows: ${problem}. Mend the type it names.`)
  })
}

/** Whether an error is about the statement, and not about the connection or the moment. */
export function isRefusedStatement(error: unknown): boolean {
  return /^(22|42|0A|3F|2BP01|55000)/.test(codeOf(error) ?? '') && codeOf(error) !== '42501'
}

/** Plans a statement without running it, and hands on what the database has against it. */
async function explain(
  sql: Sql,
  statement: string,
  onProblem: (problem: string) => void,
): Promise<void> {
  try {
    // As text within a block, so that a condition that closes its parenthesis is no statement more.
    await sql.unsafe(`do $check$ begin
      set local search_path = pg_catalog, public;
      execute ${quoteLiteral(`explain ${statement}`)};
    end $check$`)
  } catch (error) {
    if (!isRefusedStatement(error)) throw error
    onProblem(messageOf(error))
  }
}
