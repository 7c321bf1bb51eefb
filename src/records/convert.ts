// The conversion: one record's XML to its rows in all tables. Pure; it runs on the workers.

import type { Json, ResultRow, ResultRows } from '../core/outcome.js'
import type { ColumnMapping } from './mapping.js'
import type { Plan, PlanColumn, PlanTable } from './plan.js'
import { RecordProblem } from './record-problem.js'
import { type RecordText, readRecord, type TreeNode } from './record-tree.js'
import { readValue } from './value.js'

type MutableRow = { [column: string]: Json }
type MutableRows = { [table: string]: ResultRow[] }

/** A row in the making: its element, its place among its siblings, and the row it belongs to. */
interface RowPlace {
  readonly node: TreeNode
  readonly position: number
  readonly parent: ResultRow | null
}

const SHOWN_CHARACTERS = 60

/**
 * Converts a record.
 *
 * @throws {RecordProblem} naming the place and the reason; then nothing of the record is written.
 */
export function convertRecord(record: RecordText, plan: Plan): ResultRows {
  const root = readRecord(record, plan)
  const rows: MutableRows = Object.fromEntries(plan.names.map((name) => [name, []]))
  for (const table of plan.tables) addRows(table, { node: root, parent: null }, rows)
  return rows
}

function addRows(
  table: PlanTable,
  from: { readonly node: TreeNode; readonly parent: ResultRow | null },
  rows: MutableRows,
): void {
  nodesAt(from.node, table.steps).forEach((node, index) => {
    const row = rowOf(table, { node, position: index + 1, parent: from.parent })
    rows[table.table]?.push(row)
    for (const child of table.children) addRows(child, { node, parent: row }, rows)
  })
}

function nodesAt(node: TreeNode, steps: readonly string[]): readonly TreeNode[] {
  let found: readonly TreeNode[] = [node]
  for (const step of steps) {
    const [only] = found
    found =
      found.length === 1 && only !== undefined
        ? (only.children.get(step) ?? [])
        : found.flatMap((at) => at.children.get(step) ?? [])
  }
  return found
}

function rowOf(table: PlanTable, place: RowPlace): ResultRow {
  const row: MutableRow = {}
  for (const column of table.columns) {
    const value = columnValue(column, place)
    if (value === null && (column.isKey || column.mapping.isRequired)) {
      const what = column.isKey ? 'belongs to the key' : 'is required'
      refuse(column, place, `there is no value, and ${table.table}.${column.name} ${what}`)
    }
    row[column.name] = value
  }
  return row
}

function columnValue(column: PlanColumn, place: RowPlace): Json {
  const { mapping, path } = column
  const { source } = mapping
  switch (source.from) {
    case 'position':
      return place.position
    case 'value':
      return constant(source.value, mapping)
    case 'parent':
      return place.parent?.[source.column] ?? null
    case 'path': {
      const texts = path === null ? [] : textsAt(place.node, path.steps, path.attribute)
      const text = oneOf(texts, column, place)
      if (text !== null) return readText(text, column, place)
      return mapping.default === null ? null : constant(mapping.default, mapping)
    }
    default:
      return source satisfies never
  }
}

/** Values that are there: what is empty or blank counts as missing. */
function textsAt(
  node: TreeNode,
  steps: readonly string[],
  attribute: string | null,
): readonly string[] {
  const texts: string[] = []
  for (const found of nodesAt(node, steps)) {
    const text = (attribute === null ? found.text : (found.attributes.get(attribute) ?? '')).trim()
    if (text !== '') texts.push(text)
  }
  return texts
}

function oneOf(texts: readonly string[], column: PlanColumn, place: RowPlace): string | null {
  const [first] = texts
  if (first === undefined) return null
  if (texts.length === 1) return first
  const { many } = column.mapping
  if (many === 'first') return first
  if (many === 'last') return texts.at(-1) ?? first
  if (many === 'join') return texts.join(' ')
  return refuse(column, place, `expected one value, got ${texts.length}`)
}

function readText(text: string, column: PlanColumn, place: RowPlace): Json {
  const { mapping } = column
  if (mapping.values !== null) {
    const becomes = mapping.values.get(text)
    if (becomes !== undefined) return constant(becomes, mapping)
    const words = [...mapping.values.keys()].join(', ')
    return refuse(column, place, `expected one of ${words}, got ${shown(text)}`)
  }
  const read = readValue(text, mapping)
  if ('value' in read) return read.value
  return refuse(column, place, `expected ${read.problem}, got ${shown(text)}`)
}

/** A constant was read with the mapping, so that it can be read. */
function constant(value: string | number | boolean, mapping: ColumnMapping): Json {
  const read = readValue(String(value), { type: mapping.type, format: null, zone: '+00:00' })
  return 'value' in read ? read.value : null
}

function shown(text: string): string {
  const cut = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
  return JSON.stringify(cut)
}

function refuse(column: PlanColumn, place: RowPlace, reason: string): never {
  // The line of the value, or of the row's element where there is none.
  const [found] = column.path === null ? [] : nodesAt(place.node, column.path.steps)
  const { line } = found ?? place.node
  throw new RecordProblem(column.place, `${reason} (line ${line} of the record)`)
}
