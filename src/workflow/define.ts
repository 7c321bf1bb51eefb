import type { ChainOptions } from '../core/chain-options.js'
import type { SinkDefinition, SourceDefinition } from '../core/definition.js'
import type { FetchedPage, StreamedPage, TakeBytes } from '../core/fetched-page.js'
import type { Json, ResultRow, ResultRows } from '../core/outcome.js'

/** What a handler may use. */
export interface HandlerContext {
  /** Fetches a URL with the workflow's limits. Throws a `FetchFailure` that ends the attempt by its code. */
  readonly fetchPage: (url: string) => Promise<FetchedPage>
  /**
   * The same for a body of any size: hands it over piece by piece, without its content codings.
   * Nothing more is read while `take` thinks, or after it answered false.
   */
  readonly streamPage: (url: string, take: TakeBytes) => Promise<StreamedPage>
  /** Choices of workflows whose results are another workflow's work. */
  readonly chain: ChainOptions
  /** Aborted when the item's time is over, it was cancelled, or the worker drains. */
  readonly abortSignal: AbortSignal
  readonly attempt: number
  /**
   * The lease under which this attempt runs: a new and higher number each time. An upstream that
   * remembers the highest one it saw can turn a worker away that was taken for dead.
   */
  readonly leaseId: string
  readonly log: (message: string, fields?: { readonly [key: string]: Json }) => void
}

export interface WorkItem<Payload> {
  readonly key: string
  readonly payload: Payload
}

/** A workflow: where its items come from, what is done with each, where the results go. */
export interface WorkflowDefinition<Payload = Json> {
  /** Lower-case letters, digits and dashes, 1 to 40 characters. */
  readonly name: string
  readonly source?: SourceDefinition
  readonly sinks: { readonly [sink: string]: SinkDefinition }
  /** SQL that creates the tables of a shipped workflow when they are missing. Run by `migrate`. */
  readonly tables?: readonly string[]
  /**
   * Partitions that its items are spread over by lane, or by key where they have none, so that
   * nodes can divide them. @default 1
   */
  readonly partitions?: number
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

export type { ColumnType } from '../core/definition.js'
export { COLUMN_TYPES } from '../core/definition.js'
export type {
  FetchedPage,
  ResultRow,
  ResultRows,
  SinkDefinition,
  SourceDefinition,
  StreamedPage,
  TakeBytes,
}
