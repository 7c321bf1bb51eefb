import type { FetchedPage } from '../core/fetched-page.js'
import type { Json, ResultRow, ResultRows } from '../core/outcome.js'

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
  /** Natural key: columns with a unique constraint. A row that is there already is not written twice. */
  readonly key: readonly string[]
  /** What happens to a row whose key is there: left as it is, or overwritten. @default 'ignore' */
  readonly onConflict?: 'ignore' | 'update'
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
  /** Columns given to the handler as the item's payload. */
  readonly payload: readonly string[]
  /** Column that holds the URL of the row: filled by `enqueue` and `run` from lines of input. */
  readonly urlColumn?: string
  /** Values of other columns for rows that `enqueue` and `run` insert. */
  readonly insert?: { readonly [column: string]: string }
  /** Column whose host part decides the item's lane. */
  readonly laneColumn?: string
}

/** What a handler may use. */
export interface HandlerContext {
  /** Fetches a URL with the workflow's limits. Throws a `FetchFailure` that ends the attempt by its code. */
  readonly fetchPage: (url: string) => Promise<FetchedPage>
  /** Aborted when the item's time is over, it was cancelled, or the worker drains. */
  readonly abortSignal: AbortSignal
  readonly attempt: number
  readonly log: (message: string, fields?: { readonly [key: string]: Json }) => void
}

export interface WorkItem<Payload> {
  readonly key: string
  readonly payload: Payload
}

/** A workflow: where its items come from, what is done with each, where the results go. */
export interface WorkflowDefinition<Payload = Json> {
  /** Lower-case letters, digits and dashes, 1 to 63 characters. */
  readonly name: string
  readonly source?: SourceDefinition
  readonly sinks: { readonly [sink: string]: SinkDefinition }
  /** SQL that creates the tables of a shipped workflow when they are missing. Run by `migrate`. */
  readonly tables?: readonly string[]
  /** Works one item and returns its result rows by sink. */
  readonly work: (
    item: WorkItem<Payload>,
    context: HandlerContext,
  ) => Promise<ResultRows> | ResultRows
}

/** Declares a workflow. The definition is returned as it is; mistakes are reported by validation at start. */
export function defineWorkflow<Payload>(
  definition: WorkflowDefinition<Payload>,
): WorkflowDefinition<Payload> {
  return definition
}

export type { FetchedPage, ResultRow, ResultRows }
