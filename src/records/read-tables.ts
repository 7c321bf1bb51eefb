// Reads the tables of a mapping and how they belong together.

import type { Violations } from '../workflow/violations.js'
import type { ColumnMapping, TableMapping } from './mapping.js'
import { readPath } from './path.js'
import { readColumn } from './read-column.js'

export const IDENTIFIER = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_$]{0,62}$/
export const IDENTIFIER_RULE = 'a name of letters, digits and underscores, 1 to 63 characters'

const TABLE_FIELDS = ['each', 'parent', 'columns', 'key']

interface Parts {
  readonly namespaces: ReadonlyMap<string, string>
  readonly violations: Violations
}

export function readTables(value: unknown, parts: Parts): readonly TableMapping[] {
  const { violations } = parts
  const fields = violations.object('tables', value)
  if (fields === null) return []
  const tables = Object.entries(fields).flatMap(([table, raw]) => {
    violations.match('tables', table, { pattern: IDENTIFIER, rule: IDENTIFIER_RULE })
    const read = readTable(table, raw, parts)
    return read === null ? [] : [read]
  })
  if (Object.keys(fields).length === 0) violations.add('tables', 'at least one table', fields)
  const circular = tables.find((table) => isCircular(table, tables))
  if (circular !== undefined) {
    const at = `tables.${circular.table}.parent`
    violations.add(at, 'a table that does not belong to this one', circular.parent)
    return tables
  }
  for (const table of tables) checkParent(table, tables, violations)
  return tables
}

function readTable(table: string, value: unknown, parts: Parts): TableMapping | null {
  const { violations, namespaces } = parts
  const at = `tables.${table}`
  const fields = violations.object(at, value)
  if (fields === null) return null
  violations.onlyFields(`${at}.`, fields, TABLE_FIELDS)
  for (const name of ['each', 'parent'] as const) {
    const given = fields[name]
    if (given !== undefined && typeof given !== 'string')
      violations.add(`${at}.${name}`, 'a string', given)
  }
  const each = typeof fields.each === 'string' ? fields.each : null
  if (each !== null) {
    const path = readPath(each, namespaces)
    if ('problem' in path) violations.add(`${at}.each`, path.problem, each)
    else if (path.attribute !== null) violations.add(`${at}.each`, 'a path to elements', each)
  }
  const columns = new Map<string, ColumnMapping>()
  const given = violations.object(`${at}.columns`, fields.columns)
  for (const [name, raw] of Object.entries(given ?? {})) {
    violations.match(`${at}.columns`, name, { pattern: IDENTIFIER, rule: IDENTIFIER_RULE })
    const column = readColumn(raw, { ...parts, at: `${at}.columns.${name}` })
    if (column !== null) columns.set(name, column)
  }
  const key = readKey(`${at}.key`, fields.key, { known: Object.keys(given ?? {}), violations })
  return {
    table,
    each,
    columns,
    key,
    parent: typeof fields.parent === 'string' ? fields.parent : null,
  }
}

function readKey(
  at: string,
  value: unknown,
  { known, violations }: { known: readonly string[]; violations: Violations },
): readonly string[] {
  const key: string[] = []
  const count = violations.each(at, value, (field, column) => {
    const isKnown = typeof column === 'string' && known.includes(column)
    if (isKnown && !key.includes(column)) key.push(column)
    else violations.add(field, `one of the table's columns (${known.join(', ')}), once`, column)
  })
  if (count === 0) {
    violations.add(at, 'at least one column', value)
    violations.advise('Name the columns by which a row of this table is the same row again.')
  }
  return key
}

function checkParent(
  table: TableMapping,
  tables: readonly TableMapping[],
  violations: Violations,
): void {
  const at = `tables.${table.table}`
  const parent = tables.find((other) => other.table === table.parent)
  if (table.parent !== null && parent === undefined) {
    const names = tables.map((other) => other.table).join(', ')
    violations.add(`${at}.parent`, `one of the tables (${names})`, table.parent)
    return
  }
  for (const [name, { source }] of table.columns) {
    if (source.from !== 'parent') continue
    if (parent?.columns.has(source.column) === true) continue
    const known = [...(parent?.columns.keys() ?? [])].join(', ')
    const rule =
      parent === undefined ? 'a table with `parent`' : `a column of ${parent.table} (${known})`
    violations.add(`${at}.columns.${name}.parent`, rule, source.column)
    if (parent === undefined) violations.advise(`Add \`parent\` to \`${at}\`.`)
  }
}

function isCircular(table: TableMapping, tables: readonly TableMapping[]): boolean {
  const seen = new Set<string>()
  let at: TableMapping | undefined = table
  while (at !== undefined && at.parent !== null) {
    if (seen.has(at.table)) return true
    seen.add(at.table)
    const { parent }: TableMapping = at
    at = tables.find((other) => other.table === parent)
  }
  return false
}
