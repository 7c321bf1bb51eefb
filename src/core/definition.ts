/** Column types a sink may declare: the names Postgres uses, checked against this list. */
export const COLUMN_TYPES = [
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
  'jsonb',
  'uuid',
] as const
export type ColumnType = (typeof COLUMN_TYPES)[number]

/** A table that result rows go to. Rows are written by the statement that proves the lease. */
export interface SinkDefinition {
  /** Table, `name` or `schema.name`. */
  readonly table: string
  /** Columns a handler fills, with their types. */
  readonly columns: { readonly [column: string]: ColumnType }
  /**
   * Natural key: columns with a unique constraint. A row that is there already is not written
   * twice.
   */
  readonly key: readonly string[]
  /**
   * What happens to a row whose key is there: it is left as it is, overwritten, or its item fails
   * and writes nothing. @default 'ignore'
   */
  readonly onConflict?: 'ignore' | 'update' | 'fail'
  /**
   * Columns that `onConflict: 'update'` leaves as they are in a row that is there: what others
   * write, such as a status of the next workflow.
   */
  readonly keep?: readonly string[]
  /** Column of type bigint that receives the lease under which the row was written. */
  readonly leaseColumn?: string
  /** Column that receives the key of the bound source row, in the column's own type. */
  readonly sourceKeyColumn?: string
}

/** A table of the user's that becomes a queue. */
export interface SourceDefinition {
  /** Table, `name` or `schema.name`. */
  readonly table: string
  /** Primary key column. */
  readonly key: string
  readonly keyType: ColumnType
  /** Column that carries 'Queued', 'Processing', 'Complete', 'Error', 'Cancelled'. */
  readonly status: string
  /** Type of the status column, cast to when it is written. @default 'text' */
  readonly statusType?: string
  /** SQL condition over the row, with its columns unqualified: which queued rows are picked up. */
  readonly where?: string
  /** Column that receives the time of each change of status. */
  readonly updatedAt?: string
  /**
   * Columns given to the handler as the item's payload: their names, or names with types, by which
   * the handler's `item.payload` is typed.
   */
  readonly payload: readonly string[] | { readonly [column: string]: ColumnType }
  /** Column that holds the URL of the row: filled by `enqueue` and `run` from lines of input. */
  readonly urlColumn?: string
  /** Values of other columns for rows that `enqueue` and `run` insert. */
  readonly insert?: { readonly [column: string]: string }
  /** Column whose host part decides the item's lane. */
  readonly laneColumn?: string
}

export const FILE_FORMATS = ['csv', 'ndjson', 'lines'] as const
export type FileFormat = (typeof FILE_FORMATS)[number]

/** A file whose records are the items, each enqueued once. */
export interface FileSource {
  /** Path, relative to the module's directory. */
  readonly file: string
  /** @default by the ending of its name: .csv and .tsv, .ndjson and .jsonl; else lines */
  readonly format?: FileFormat
  /**
   * Field whose value is the key of the item. @default `url` where a record has it; the text of a
   * line; else the name of the file and the number of the record
   */
  readonly key?: string
}

/** The columns of a source's payload, however they were written. */
export function payloadColumns(source: Pick<SourceDefinition, 'payload'>): readonly string[] {
  const { payload } = source
  return isList(payload) ? payload : Object.keys(payload)
}

function isList(value: SourceDefinition['payload']): value is readonly string[] {
  return Array.isArray(value)
}

/** What a workflow may be called: short enough for the names of its database objects. */
export const WORKFLOW_NAME = /^[a-z][a-z0-9-]{0,39}$/
