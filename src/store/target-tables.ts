// Statements that create the tables of a mapping where they are missing.

import type { ColumnType } from '../core/definition.js'
import { quoteIdentifier, quoteTable } from './identifiers.js'

export interface TargetTable {
  /** `schema.table`. */
  readonly table: string
  readonly columns: readonly {
    readonly name: string
    readonly type: ColumnType
    readonly isRequired: boolean
  }[]
  readonly key: readonly string[]
  readonly leaseColumn: string | null
  /** The table its rows belong to, and which columns name the row there. */
  readonly parent: {
    readonly table: string
    readonly columns: readonly string[]
    readonly parentColumns: readonly string[]
  } | null
}

const list = (names: readonly string[]) => names.map(quoteIdentifier).join(', ')

function tableStatement({ table, columns, key, leaseColumn, parent }: TargetTable): string {
  const lines = columns.map(({ name, type, isRequired }) => {
    const isFilled = isRequired || key.includes(name)
    return `${quoteIdentifier(name)} ${type}${isFilled ? ' not null' : ''}`
  })
  if (leaseColumn !== null) lines.push(`${quoteIdentifier(leaseColumn)} bigint`)
  lines.push(`primary key (${list(key)})`)
  if (parent !== null) {
    const target = `${quoteTable(parent.table)} (${list(parent.parentColumns)})`
    lines.push(`foreign key (${list(parent.columns)}) references ${target}`)
  }
  return `create table if not exists ${quoteTable(table)} (\n  ${lines.join(',\n  ')}\n)`
}

/** The statements, in an order in which they can be executed: a table after its parent. */
export function targetStatements(
  schema: string,
  tables: readonly TargetTable[],
): readonly string[] {
  const made: TargetTable[] = []
  const make = (table: TargetTable): void => {
    if (made.includes(table)) return
    const parent = tables.find((other) => other.table === table.parent?.table)
    if (parent !== undefined) make(parent)
    made.push(table)
  }
  for (const table of tables) make(table)
  return [`create schema if not exists ${quoteIdentifier(schema)}`, ...made.map(tableStatement)]
}
