// A mapping against the tables it writes to: what they must be, and what is wrong with those that
// are there.

import { type Mapping, type TableMapping, VALUE_TYPES } from '../../src/records/mapping.js'
import type { Sql } from '../../src/store/client.js'
import { findUnfit, type LiveTable, readLiveTable } from '../../src/store/live-tables.js'
import type { TargetTable } from '../../src/store/target-tables.js'
import { type Complaint, type MappingOrigin, refuseUnfit } from './complaints.js'

/** The tables that a mapping asks for, in one schema. */
export function targetTables(mapping: Mapping, schema: string): readonly TargetTable[] {
  return mapping.tables.map((table) => ({
    table: `${schema}.${table.table}`,
    columns: [...table.columns].map(([name, { type, isRequired, default: instead, source }]) => {
      const isAlwaysThere =
        instead !== null || source.from === 'value' || source.from === 'position'
      return { name, type, isRequired: isRequired || isAlwaysThere }
    }),
    key: table.key,
    leaseColumn: mapping.leaseColumn,
    parent: parentOf(table, mapping, schema),
  }))
}

/** A foreign key, where the row holds the whole key of the row it belongs to. */
function parentOf(table: TableMapping, mapping: Mapping, schema: string): TargetTable['parent'] {
  const parent = mapping.tables.find((other) => other.table === table.parent)
  if (parent === undefined) return null
  const columns = parent.key.flatMap((key) => {
    const found = [...table.columns].find(
      ([, { source }]) => source.from === 'parent' && source.column === key,
    )
    return found === undefined ? [] : [found[0]]
  })
  if (columns.length < parent.key.length) return null
  return { table: `${schema}.${parent.table}`, columns, parentColumns: parent.key }
}

/**
 * Holds a mapping against the live tables.
 *
 * @throws {FetchyardError} WORKFLOW_INVALID naming everything that would not fit, with the line.
 */
export async function checkTarget(sql: Sql, origin: MappingOrigin, schema: string): Promise<void> {
  const complaints: Complaint[] = []
  for (const target of targetTables(origin.mapping, schema)) {
    complaints.push(...(await complaintsAbout(sql, target)))
  }
  refuseUnfit(origin, `the tables of schema ${schema}`, complaints)
}

async function complaintsAbout(sql: Sql, target: TargetTable): Promise<readonly Complaint[]> {
  const at = `tables.${target.table.split('.')[1]}`
  const live = await readLiveTable(sql, target.table)
  if (live === null) {
    const fix = 'Create it, or let `fetchyard records create-tables` do so.'
    return [{ field: at, words: `there is no table ${target.table}. ${fix}` }]
  }
  return [
    ...missingColumns(target, live, at),
    ...(await unfitColumns(sql, { target, live, at })),
    ...unfilledColumns(target, live, at),
    ...keyComplaints(target, live, at),
  ]
}

function writtenColumns({ columns, leaseColumn }: TargetTable) {
  const lease = leaseColumn === null ? [] : [{ name: leaseColumn, type: 'bigint' as const }]
  return [...columns, ...lease]
}

function missingColumns(target: TargetTable, live: LiveTable, at: string): readonly Complaint[] {
  const names = live.columns.map(({ name }) => name)
  return writtenColumns(target).flatMap(({ name, type }) => {
    if (names.includes(name)) return []
    const field = name === target.leaseColumn ? 'leaseColumn' : `${at}.columns.${name}`
    const words =
      `${target.table} has no column ${name} (it has ${names.join(', ')}). ` +
      `Add it with type ${type}, or take it out of the mapping.`
    return [{ field, words }]
  })
}

async function unfitColumns(
  sql: Sql,
  { target, live, at }: { target: TargetTable; live: LiveTable; at: string },
): Promise<readonly Complaint[]> {
  const pairs = writtenColumns(target).flatMap(({ name, type }) => {
    const column = live.columns.find((other) => other.name === name)
    return column === undefined ? [] : [{ name, given: type, live: column.type }]
  })
  return (await findUnfit(sql, pairs)).map((pair) => ({
    field: `${at}.columns.${pair.name}.type`,
    words:
      `${pair.given} does not go into ${target.table}.${pair.name}, which is ${pair.live}. ` +
      `${unfitFix(pair.live)}.`,
  }))
}

/** A mapping cannot declare every type that a column may have. */
function unfitFix(live: string): string {
  if (VALUE_TYPES.some((type) => type === live)) {
    return `Declare the type ${live}, or change the column`
  }
  const isInstant = live === 'timestamp without time zone'
  const instead = isInstant ? 'timestamptz' : 'one of the types that a mapping can declare'
  return `Change the column to ${instead} (${isInstant ? 'instants have an offset' : VALUE_TYPES.join(', ')})`
}

function unfilledColumns(target: TargetTable, live: LiveTable, at: string): readonly Complaint[] {
  const written = new Map(writtenColumns(target).map((column) => [column.name, column]))
  return live.columns.flatMap(({ name, isRequired, isFilled }) => {
    if (!isRequired) return []
    const column = written.get(name)
    if (column === undefined) {
      if (isFilled) return []
      const words =
        `${target.table}.${name} is not null, has no default and is not in the mapping. ` +
        'Map it, or give it a default.'
      return [{ field: `${at}.columns`, words }]
    }
    const isSure = name === target.leaseColumn || target.key.includes(name)
    if (isSure || ('isRequired' in column && column.isRequired)) return []
    const words =
      `${target.table}.${name} is not null, and a record may have no value for it. ` +
      'Say `"required": true`, or give it a `default`.'
    return [{ field: `${at}.columns.${name}`, words }]
  })
}

function keyComplaints(target: TargetTable, live: LiveTable, at: string): readonly Complaint[] {
  const sorted = (names: readonly string[]) => [...names].sort().join()
  if (live.uniqueKeys.some((key) => sorted(key) === sorted(target.key))) return []
  const words =
    `${target.table} has no unique constraint on (${target.key.join(', ')}). ` +
    'Add one, or name the columns of one that is there.'
  return [{ field: `${at}.key`, words }]
}
