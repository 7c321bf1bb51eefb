// What a conversion follows: the mapping with its paths read once, and the shape of the part of a
// document that any of them leads to. Whatever lies outside of that shape is never kept.

import { assert } from '../core/assert.js'
import type { ColumnMapping, Mapping, TableMapping } from './mapping.js'
import { readPath, readRecordPath, splitName, type XmlPath } from './path.js'

export interface Shape {
  readonly children: Map<string, Shape>
  readonly attributes: Set<string>
  wantsText: boolean
}

export interface PlanColumn {
  readonly name: string
  readonly mapping: ColumnMapping
  /** Null for a column that comes from no path. */
  readonly path: XmlPath | null
  /** Where its values stand, in the words of the mapping, for messages. */
  readonly place: string
  readonly isKey: boolean
}

export interface PlanTable {
  readonly table: string
  /** From the element of the row it belongs to. */
  readonly steps: readonly string[]
  readonly place: string
  readonly columns: readonly PlanColumn[]
  /** Tables whose rows belong to this one's. */
  readonly children: readonly PlanTable[]
}

export interface Plan {
  /** Expanded names from the document's root to a record. */
  readonly record: readonly string[]
  readonly place: string
  readonly shape: Shape
  readonly tables: readonly PlanTable[]
  /** Names of all tables. */
  readonly names: readonly string[]
  /**
   * Every name that any path leads through, expanded, by its local part and namespace: a document
   * is asked about each of its elements, and making the names anew costs more than finding them.
   */
  readonly known: ReadonlyMap<string, ReadonlyMap<string, string>>
}

function knownNames(plan: Pick<Plan, 'record' | 'shape'>): Plan['known'] {
  const known = new Map<string, Map<string, string>>()
  const note = (name: string) => {
    const { uri, local } = splitName(name)
    const byUri = known.get(local) ?? new Map<string, string>()
    known.set(local, byUri.set(uri, name))
  }
  const noteShape = ({ children, attributes }: Shape) => {
    for (const name of attributes) note(name)
    for (const [name, child] of children) {
      note(name)
      noteShape(child)
    }
  }
  for (const name of plan.record) note(name)
  noteShape(plan.shape)
  return known
}

function emptyShape(): Shape {
  return { children: new Map(), attributes: new Set(), wantsText: false }
}

function grow(shape: Shape, steps: readonly string[]): Shape {
  let at = shape
  for (const step of steps) {
    const next = at.children.get(step) ?? emptyShape()
    at.children.set(step, next)
    at = next
  }
  return at
}

function pathOf(text: string, mapping: Mapping): XmlPath {
  const path = readPath(text, mapping.namespaces)
  assert(!('problem' in path), 'a mapping that was read has paths that can be read')
  return path
}

/** Makes the plan of a mapping that was read without violations. */
export function makePlan(mapping: Mapping): Plan {
  const record = readRecordPath(mapping.record, mapping.namespaces)
  assert(!('problem' in record), 'a mapping that was read has a path to its records')
  const shape = emptyShape()
  const makeTables = (parent: string | null, at: { shape: Shape; place: string }) =>
    mapping.tables.filter((table) => table.parent === parent).map((table) => makeTable(table, at))
  const makeTable = (table: TableMapping, at: { shape: Shape; place: string }): PlanTable => {
    const steps = table.each === null ? [] : pathOf(table.each, mapping).steps
    const row = grow(at.shape, steps)
    const place = table.each === null || table.each === '.' ? at.place : `${at.place}/${table.each}`
    const columns = [...table.columns].map(([name, column]) =>
      makeColumn({ name, column, table, mapping, row, place }),
    )
    const children = makeTables(table.table, { shape: row, place })
    return { table: table.table, steps, place, columns, children }
  }
  const tables = makeTables(null, { shape, place: mapping.record })
  const names = mapping.tables.map(({ table }) => table)
  const known = knownNames({ record, shape })
  return { record, shape, tables, names, place: mapping.record, known }
}

function makeColumn(parts: {
  readonly name: string
  readonly column: ColumnMapping
  readonly table: TableMapping
  readonly mapping: Mapping
  readonly row: Shape
  readonly place: string
}): PlanColumn {
  const { name, column, table, mapping, row, place } = parts
  const isKey = table.key.includes(name)
  if (column.source.from !== 'path') return { name, mapping: column, path: null, place, isKey }
  const text = column.source.path
  const path = pathOf(text, mapping)
  const end = grow(row, path.steps)
  if (path.attribute === null) end.wantsText = true
  else end.attributes.add(path.attribute)
  const at = text === '.' ? place : `${place}/${text}`
  return { name, mapping: column, path, place: at, isKey }
}
