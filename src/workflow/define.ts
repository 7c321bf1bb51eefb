import type { ChainOptions } from '../core/chain-options.js'
import type { FileSource, SinkDefinition, SourceDefinition } from '../core/definition.js'
import type { DocumentOptions } from '../core/document-options.js'
import type { FetchedPage, StreamedPage, StreamRequest, TakeBytes } from '../core/fetched-page.js'
import type { Json, ResultRow, ResultRows } from '../core/outcome.js'
import type { ScheduleDefinition } from '../core/schedule.js'
import type { WorkflowOptions } from './options.js'
import type { PayloadOf, Sinks, TypedDefinition } from './typed.js'

/** What a handler may use. */
export interface HandlerContext {
  /** Fetches a URL with the workflow's limits. Throws a `FetchFailure` that ends the attempt by its code. */
  readonly fetchPage: (url: string) => Promise<FetchedPage>
  /**
   * The same for a body of any size: hands it over piece by piece, without its content codings.
   * Nothing more is read while `take` thinks, or after it answered false.
   */
  readonly streamPage: (
    url: string,
    take: TakeBytes,
    request?: StreamRequest,
  ) => Promise<StreamedPage>
  /** What the workflow that saves documents is to do; null or absent for all others. */
  readonly documents?: DocumentOptions | null
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
  /** A table of the user's. @default items are pushed, or come from a file */
  readonly source?: SourceDefinition
  /** The source, when it is a file: written as `source: { file }` and put here by validation. */
  readonly file?: FileSource
  readonly sinks: { readonly [sink: string]: SinkDefinition }
  /** When `up` works it. @default always */
  readonly schedule?: ScheduleDefinition
  /** SQL that creates the tables of a shipped workflow when they are missing. Run by `migrate`. */
  readonly tables?: readonly string[]
  /**
   * Partitions that its items are spread over by lane, or by key where they have none, so that
   * nodes can divide them. @default 1
   */
  readonly partitions?: number
  /**
   * How it is worked: concurrency, executor, attempts, timeouts, upstream, and others. The
   * configuration file's entry for this workflow, the environment and flags count before these.
   */
  readonly options?: WorkflowOptions
  /** Works one item and returns its result rows by sink. */
  readonly work: (
    item: WorkItem<Payload>,
    context: HandlerContext,
  ) => Promise<ResultRows> | ResultRows
}

/**
 * A workflow as it is known outside of its workers: everything but its code, which never leaves
 * them.
 */
export type DeclaredWorkflow = Omit<WorkflowDefinition<never>, 'work'>

/** A definition as its author writes it: what it is about may be a table or a file. */
export type GivenDefinition<Payload> = Omit<WorkflowDefinition<Payload>, 'source' | 'file'> & {
  readonly source?: SourceDefinition | FileSource
}

/**
 * Declares a workflow. The definition is returned as it is; mistakes are reported by validation at
 * start. With a payload that is named, results are rows of any columns.
 */
export function defineWorkflow<Payload = never>(
  definition: [Payload] extends [never] ? never : GivenDefinition<NoInfer<Payload>>,
): WorkflowDefinition<Payload>
/**
 * Declares a workflow. What the handler is given and must return follows from `source` and `sinks`;
 * a payload that they do not tell is told by the type of the handler's `item`.
 */
export function defineWorkflow<
  const Given extends Sinks,
  const Source extends SourceDefinition | FileSource | undefined = undefined,
  Payload = PayloadOf<Source>,
>(definition: TypedDefinition<Given, Source, Payload>): WorkflowDefinition<Payload>
export function defineWorkflow(definition: unknown): unknown {
  return definition
}

export type { ColumnType } from '../core/definition.js'
export { COLUMN_TYPES } from '../core/definition.js'
export type { WorkflowOptions } from './options.js'
export type {
  FetchedPage,
  FileSource,
  ResultRow,
  ResultRows,
  ScheduleDefinition,
  SinkDefinition,
  SourceDefinition,
  StreamedPage,
  StreamRequest,
  TakeBytes,
}
