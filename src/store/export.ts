// Reading results out again, in slices, so that a million rows pass through a few megabytes.

import type { SinkDefinition, SourceDefinition } from '../core/definition.js'
import type { Sql } from './client.js'
import { quoteIdentifier, quoteTable } from './identifiers.js'

export interface ExportRequest {
  readonly workflowId: number
  readonly source: SourceDefinition | null
  readonly sink: SinkDefinition
  /** Only results of this run's items; null for all. */
  readonly runId: number | null
}

export interface ExportStatement {
  readonly columns: readonly string[]
  readonly text: string
}

/**
 * The rows of a sink, each led by the URL or key of its item's source row where the sink knows it,
 * in the order of that key.
 */
export function exportStatement(request: ExportRequest): ExportStatement {
  const { sink, source, runId } = request
  const columns = Object.keys(sink.columns)
  const selected = columns.map((column) => `result.${quoteIdentifier(column)}`)
  const keyColumn = sink.sourceKeyColumn
  const urlColumn = source?.urlColumn
  const isJoined = keyColumn !== undefined && source !== null
  const lead = isJoined ? (urlColumn ?? source.key) : null
  const join = isJoined
    ? `join ${quoteTable(source.table)} as owned
         on owned.${quoteIdentifier(source.key)} = result.${quoteIdentifier(keyColumn)}`
    : ''
  const ofRun =
    runId === null || !isJoined
      ? ''
      : `where exists (select from fetchyard.run_item
                         join fetchyard.item using (item_id)
                        where run_item.run_id = ${runId}
                          and item.item_key = result.${quoteIdentifier(keyColumn)}::text)`
  const order = isJoined ? [`result.${quoteIdentifier(keyColumn)}`] : []
  order.push(...sink.key.map((column) => `result.${quoteIdentifier(column)}`))
  const leadSelect = lead === null ? [] : [`owned.${quoteIdentifier(lead)}`]
  return {
    columns: lead === null ? columns : [lead, ...columns],
    text: `select ${[...leadSelect, ...selected].join(', ')}
             from ${quoteTable(sink.table)} as result ${join} ${ofRun}
            order by ${[...new Set(order)].join(', ')}`,
  }
}

/** Streams the rows of an export in slices. */
export async function* readExport(
  sql: Sql,
  statement: ExportStatement,
  sliceRows = 1_000,
): AsyncGenerator<readonly { readonly [column: string]: unknown }[]> {
  // A portal lives as long as its transaction, also behind a pooler. It reads only, so rolling back
  // ends it alike for a reader that came to the end and for one that stopped early.
  const reserved = await sql.reserve()
  try {
    await reserved`begin read only`
    for await (const slice of reserved.unsafe(statement.text).cursor(sliceRows)) {
      yield slice as readonly { readonly [column: string]: unknown }[]
    }
  } finally {
    await reserved`rollback`.catch(() => {})
    reserved.release()
  }
}
