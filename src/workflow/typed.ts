// The types that a definition infers: what a handler is given, from the source's columns, and what
// it must return, from the sinks' columns. Nothing here exists when the program runs.

import type {
  ColumnType,
  FileSource,
  SinkDefinition,
  SourceDefinition,
} from '../core/definition.js'
import type { Json } from '../core/outcome.js'
import type { HandlerContext, WorkflowDefinition, WorkItem } from './define.js'

/** A column's value as JSON carries it. Numbers beyond 2^53 are sent as strings. */
export type ColumnValue<Type extends ColumnType> = Type extends
  | 'integer'
  | 'smallint'
  | 'real'
  | 'double precision'
  ? number
  : Type extends 'bigint' | 'numeric'
    ? number | string
    : Type extends 'boolean'
      ? boolean
      : Type extends 'jsonb'
        ? Json
        : string

export type Sinks = { readonly [sink: string]: SinkDefinition }

/** Columns of the key must be there and hold something; others may be left out. */
export type SinkRow<Sink extends SinkDefinition> = {
  readonly [Column in keyof Sink['columns'] & Sink['key'][number]]: ColumnValue<
    Sink['columns'][Column]
  >
} & {
  readonly [Column in Exclude<keyof Sink['columns'], Sink['key'][number]>]?:
    | ColumnValue<Sink['columns'][Column]>
    | null
    | undefined
}

/** Rows for each sink; a sink that is left out gets none. */
export type RowsOf<Given extends Sinks> = {
  readonly [Sink in keyof Given]?: readonly SinkRow<Given[Sink]>[]
}

/** The payload of a bound row: its columns. Of a file: its fields. Of a pushed item: its URL. */
export type PayloadOf<Source> = Source extends { readonly file: string }
  ? { readonly [field: string]: Json }
  : TablePayloadOf<Source>

type TablePayloadOf<Source> = Source extends { readonly payload: infer Columns }
  ? Columns extends readonly string[]
    ? { readonly [Column in Columns[number]]: Json }
    : { readonly [Column in keyof Columns]: FieldOf<Columns[Column]> }
  : { readonly url: string }

type FieldOf<Type> = Type extends ColumnType ? ColumnValue<Type> | null : Json

/** A definition as its author writes it, with what is inferred from its parts. */
export interface TypedDefinition<
  Given extends Sinks,
  Source extends SourceDefinition | FileSource | undefined,
  Payload,
> extends Omit<WorkflowDefinition<Payload>, 'sinks' | 'source' | 'file' | 'work'> {
  readonly source?: Source
  readonly sinks: Given
  readonly work: (
    item: WorkItem<Payload>,
    context: HandlerContext,
  ) => Promise<RowsOf<Given>> | RowsOf<Given>
}
