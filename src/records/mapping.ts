// A mapping: what one XML record becomes. Declared by the user in a file; `read-mapping.ts` checks
// what was written, `plan.ts` makes of it what a conversion follows.

import type { ColumnType } from '../core/definition.js'

/** Types that a value of a document can be read as. */
export const VALUE_TYPES = [
  'text',
  'bigint',
  'integer',
  'smallint',
  'real',
  'double precision',
  'numeric',
  'boolean',
  'timestamptz',
  'date',
  'uuid',
] as const satisfies readonly ColumnType[]
export type ValueType = (typeof VALUE_TYPES)[number]

/** What happens when a path that fills a column leads to several values. */
export const MANY_WAYS = ['refuse', 'first', 'last', 'join'] as const
export type Many = (typeof MANY_WAYS)[number]

/** What happens to a row whose key is in the table already. */
export const DUPLICATE_WAYS = ['fail', 'ignore', 'update'] as const
export type DuplicateWay = (typeof DUPLICATE_WAYS)[number]

export type Scalar = string | number | boolean

/** Where the value of a column comes from. */
export type ColumnSource =
  /** Text of an element or an attribute, by path from the row's element. */
  | { readonly from: 'path'; readonly path: string }
  /** The same value in every row. */
  | { readonly from: 'value'; readonly value: Scalar }
  /** A column of the row that this one belongs to. */
  | { readonly from: 'parent'; readonly column: string }
  /** The row's place among its siblings, from 1. */
  | { readonly from: 'position' }

export interface ColumnMapping {
  readonly source: ColumnSource
  readonly type: ValueType
  readonly isRequired: boolean
  /** Instead of a value that is missing. */
  readonly default: Scalar | null
  /** Words of the document and what they are in the table; other words are refused. */
  readonly values: ReadonlyMap<string, Scalar> | null
  /** Pattern of a date, such as `dd.MM.yyyy HH:mm`; null for ISO 8601. */
  readonly format: string | null
  /** Zone of instants that name none, as an offset. */
  readonly zone: string | null
  readonly many: Many
}

export interface TableMapping {
  /** Table within the target schema. */
  readonly table: string
  /** Path to the elements that are its rows, from the parent row's element; null: the record. */
  readonly each: string | null
  /** The table whose rows its rows belong to; null for a table of the record itself. */
  readonly parent: string | null
  readonly columns: ReadonlyMap<string, ColumnMapping>
  readonly key: readonly string[]
}

/** Rows of the user's whose column holds one record each. */
export interface TableSource {
  readonly table: string
  readonly key: string
  readonly keyType: ColumnType
  readonly status: string
  /** Type of the status column, such as an enum's name; null for text. */
  readonly statusType: string | null
  readonly xml: string
  readonly where: string | null
  readonly updatedAt: string | null
}

export interface Mapping {
  readonly name: string
  /** Path of a record from the document's root. */
  readonly record: string
  /** Whether a record may hold elements of its own name. */
  readonly nests: boolean
  /** Prefixes used in paths; the empty one stands for names without a prefix. */
  readonly namespaces: ReadonlyMap<string, string>
  /** Schema that rows go to when no other is asked for. */
  readonly schema: string
  readonly onDuplicate: DuplicateWay
  /** Column of every table that receives the lease under which a row was written. */
  readonly leaseColumn: string | null
  readonly source: TableSource | null
  readonly tables: readonly TableMapping[]
}

/** Schemas that rows may go to: short and plain, since the workflow is named after it. */
export const SCHEMA_NAME = /^[a-z][a-z0-9_]{0,15}$/
export const SCHEMA_RULE = 'a schema of lower-case letters, digits and underscores, 1 to 16'

/** Mapping and schema make the workflow, so that two schemas are two queues and never mix. */
export function workflowNameOf(mapping: Mapping, schema: string): string {
  return `${mapping.name}-${schema.replaceAll('_', '-')}`
}
