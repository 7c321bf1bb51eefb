// Enqueueing, pushed or through a bound table.

import { assert } from '../core/assert.js'
import type { SourceDefinition } from '../core/definition.js'
import { LIMITS } from '../core/limits.js'
import type { Json } from '../core/outcome.js'
import type { Sql, Statements } from './client.js'
import { quoteIdentifier, quoteTable } from './identifiers.js'

export interface NewItem {
  readonly key: string
  readonly payload: Json
  readonly lane: string
}

/** When a key that was enqueued before opens a new round. */
export type Again = 'never' | 'when-finished'

/** Pushes items into a workflow's queue. @returns how many are new. */
export async function enqueueItems(
  sql: Statements,
  request: {
    readonly workflowId: number
    readonly items: readonly NewItem[]
    readonly again: Again
    readonly priority?: number
  },
): Promise<number> {
  const { items } = request
  assert(items.length <= LIMITS.enqueueRowsMax, 'an enqueue is sliced by its caller')
  if (items.length === 0) return 0
  const mode = request.again === 'never' ? 0 : 1
  const rows = await sql<{ added: number }[]>`
    select count(*)::int as added
      from fetchyard.enqueue_items(
             ${request.workflowId}::smallint,
             ${items.map((item) => item.key)}::text[],
             ${items.map((item) => JSON.stringify(item.payload))}::text[]::jsonb[],
             ${items.map((item) => item.lane)}::text[],
             array_fill(${mode}::smallint, array[${items.length}::int]),
             ${request.priority ?? 0}::smallint)`
  return rows[0]?.added ?? 0
}

/**
 * Inserts rows for URLs into a bound table; its trigger enqueues them in the same transaction. Rows
 * that are there and were never queued are queued now, since somebody asks for them by name; with
 * `again` finished ones are, too.
 *
 * @returns rows that were enqueued by this call.
 */
export async function insertSourceRows(
  sql: Sql,
  request: {
    readonly source: SourceDefinition
    readonly urls: readonly string[]
    readonly again: Again
  },
): Promise<number> {
  const { source, urls, again } = request
  assert(source.urlColumn !== undefined, 'the source has a column for URLs')
  assert(urls.length <= LIMITS.enqueueRowsMax, 'an insert is sliced by its caller')
  const column = quoteIdentifier(source.urlColumn)
  const table = quoteTable(source.table)
  const extra = Object.entries(source.insert ?? {})
  const names = [column, ...extra.map(([name]) => quoteIdentifier(name))]
  const values = extra.map((_, index) => `, $${index + 2}`)
  const status = quoteIdentifier(source.status)
  const inserted = await sql.unsafe(
    `insert into ${table} (${names.join(', ')})
     select distinct on (given.url) given.url${values.join('')}
       from unnest($1::text[]) as given (url)
      order by given.url
         on conflict (${column}) do nothing
     returning 1`,
    [urls as string[], ...extra.map(([, value]) => value)],
  )
  const assigned = names.slice(1).map((name, index) => `${name} = $${index + 2}`)
  // As text: a user's enum need not have all of our words.
  const finished = `or ${status}::text in ('Complete', 'Error', 'Cancelled')`
  const reset = await sql.unsafe(
    `update ${table}
        set ${assigned.join(', ') || `${status} = 'Queued'`}
      where ${column} = any ($1::text[])
        and (${status} is null ${again === 'never' ? '' : finished})
     returning 1`,
    [urls as string[], ...extra.map(([, value]) => value)],
  )
  return inserted.length + reset.length
}
