// From the flags of `bind` to a source: what is not said is asked of the catalog.

import type { ColumnType, SourceDefinition } from '../../src/core/definition.js'
import { COLUMN_TYPES } from '../../src/core/definition.js'
import { FetchyardError } from '../../src/core/errors.js'
import { parseTableName } from '../../src/core/table-name.js'
import type { Sql } from '../../src/store/client.js'
import type { ColumnFacts, TableFacts } from '../../src/store/table-facts.js'
import { readTableFacts } from '../../src/store/table-facts.js'
import { type Invocation, textGiven } from './command.js'

const STATUS_COLUMN = 'status'

/**
 * The source that the flags mean, or the one that the workflow's module declares when none is
 * given.
 *
 * @throws {FetchyardError} USAGE for what cannot be told.
 */
export async function sourceGiven(
  sql: Sql,
  invocation: Invocation,
  declared: SourceDefinition | undefined,
): Promise<SourceDefinition> {
  const table = textGiven(invocation, 'table') ?? declared?.table ?? null
  if (table === null) {
    throw new FetchyardError('USAGE', 'Expected --table NAME: its module declares no source.')
  }
  if (parseTableName(table) === null) {
    throw new FetchyardError(
      'USAGE',
      `Expected --table to be name or schema.name, got \`${table}\`. A name with a dot in it is ` +
        'put in double quotes.',
    )
  }
  const facts = await readTableFacts(sql, table)
  if (facts === null) {
    throw new FetchyardError(
      'USAGE',
      `There is no table \`${table}\`. Names count as they are written, and without a schema in public.`,
    )
  }
  const base = declared?.table === table ? declared : undefined
  return completed(table, facts, { invocation, base })
}

function completed(
  table: string,
  facts: TableFacts,
  from: { readonly invocation: Invocation; readonly base: SourceDefinition | undefined },
): SourceDefinition {
  const { invocation, base } = from
  const text = (flag: string) => textGiven(invocation, flag) ?? undefined
  const key = text('key') ?? base?.key ?? primaryKey(table, facts)
  const status = text('status') ?? base?.status ?? STATUS_COLUMN
  const updatedAt = text('updated-at') ?? base?.updatedAt
  const where = text('where') ?? base?.where
  const laneColumn = text('lane') ?? base?.laneColumn
  const payload =
    text('payload')
      ?.split(',')
      .map((name) => name.trim()) ?? base?.payload
  const column = (name: string) => facts.columns.find((one) => one.name === name)
  const labels = column(status)?.labels ?? null
  return {
    table,
    key,
    status,
    keyType: keyTypeOf(column(key)),
    ...(labels === null ? {} : { statusType: column(status)?.type ?? 'text' }),
    ...(where === undefined ? {} : { where }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(laneColumn === undefined ? {} : { laneColumn }),
    payload: payload ?? otherColumns(facts, [status, updatedAt]),
  }
}

function primaryKey(table: string, { primaryKey: columns }: TableFacts): string {
  const [only] = columns
  if (only !== undefined && columns.length === 1) return only
  const what = columns.length === 0 ? 'no primary key' : `a key of ${columns.join(', ')}`
  throw new FetchyardError(
    'USAGE',
    `${table} has ${what}, and an item is known by one column. Name one that is unique by itself ` +
      'with --key; one can be added, of type bigint generated always as identity, with unique.',
  )
}

/** What the check of the definition then says of a type that is no key's names the type itself. */
function keyTypeOf(column: ColumnFacts | undefined): ColumnType {
  return COLUMN_TYPES.find((type) => type === column?.type) ?? 'text'
}

function otherColumns(
  { columns }: TableFacts,
  without: readonly (string | undefined)[],
): readonly string[] {
  return columns.map(({ name }) => name).filter((name) => !without.includes(name))
}
