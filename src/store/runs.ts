// Runs: a finite execution asked for by a person. A run remembers which items it is about, so that
// it can be continued after a kill and exported by itself.

import type { Binding } from './binding.js'
import type { Sql, Statements } from './client.js'
import { quoteIdentifier, quoteTable } from './identifiers.js'

export interface Run {
  readonly runId: number
  /** Whether a run of this name was there before. */
  readonly resumed: boolean
  /** When it was started first, an instant of the database's clock. */
  readonly startedAt: string
}

/** Finds or makes the run of this name. */
export async function openRun(
  sql: Sql,
  request: { readonly workflowId: number; readonly name: string },
): Promise<Run> {
  const rows = await sql<Run[]>`
    insert into fetchyard.run (workflow_id, name) values (${request.workflowId}, ${request.name})
        on conflict (workflow_id, name) do update set resumed_at = now()
    returning run_id as "runId", (xmax <> 0) as resumed, started_at::text as "startedAt"`
  const row = rows[0]
  if (row === undefined) throw new Error('opening a run returned no row')
  return row
}

export interface Joined {
  /** Items that joined by this call. */
  readonly joined: number
  /** Keys that have no item: it was retired at this very moment, or there never was one. */
  readonly missing: number
}

/**
 * Puts the latest items of these keys into a run. It holds on to them, so that they are not retired
 * meanwhile: one that was retired first has gone, and its key is told as missing.
 */
export async function joinRun(
  sql: Statements,
  request: {
    readonly runId: number
    readonly workflowId: number
    readonly keys: readonly string[]
  },
): Promise<Joined> {
  const rows = await sql<Joined[]>`
    with latest as materialized (
      select given.item_key, held.item_id
        from unnest(${request.keys as string[]}::text[]) as given (item_key)
        left join lateral (select item_id from fetchyard.item
                            where workflow_id = ${request.workflowId}
                              and item.item_key = given.item_key
                            order by round desc limit 1
                              for key share) as held on true
    ),
    added as (
      insert into fetchyard.run_item (run_id, item_id)
      select ${request.runId}, item_id from latest where item_id is not null
          on conflict do nothing
      returning 1
    )
    select (select count(*) from added)::int as joined,
           (select count(*) from latest where item_id is null)::int as missing`
  return rows[0] ?? { joined: 0, missing: 0 }
}

/** Like `joinRun`, by the URLs of a bound table's rows. */
export async function joinRunByUrl(
  sql: Sql,
  request: {
    readonly runId: number
    readonly workflowId: number
    readonly binding: Binding
    readonly urlColumn: string
    readonly urls: readonly string[]
  },
): Promise<number> {
  const { binding } = request
  const rows = await sql.unsafe(
    `insert into fetchyard.run_item (run_id, item_id)
     select ${request.runId}, latest.item_id
       from ${quoteTable(binding.table)} as owned
      cross join lateral (select item_id from fetchyard.item
                           where workflow_id = ${request.workflowId}
                             and item.item_key = owned.${quoteIdentifier(binding.key)}::text
                           order by round desc limit 1
                             for key share) as latest
      where owned.${quoteIdentifier(request.urlColumn)} = any ($1::text[])
         on conflict do nothing
     returning 1`,
    [request.urls as string[]],
  )
  return rows.length
}

export interface RunProgress {
  readonly total: number
  /** Items of the run that are still in the queue. */
  readonly open: number
}

/** How far a run is. Cost grows with the queue that is left, not with what is done. */
export async function readRunProgress(sql: Sql, runId: number): Promise<RunProgress> {
  const rows = await sql<RunProgress[]>`
    select (select count(*) from fetchyard.run_item where run_id = ${runId})::int as total,
           (select count(*)
              from fetchyard.work_queue as pack
             cross join lateral unnest(pack.item_ids) as member (item_id)
              join fetchyard.run_item on run_item.run_id = ${runId}
                                     and run_item.item_id = member.item_id)::int as open`
  return rows[0] ?? { total: 0, open: 0 }
}

export interface RunOutcome {
  readonly status: string
  readonly code: string
  readonly items: number
}

/** How the items of a run ended, and how many attempts it took. */
export async function readRunOutcomes(
  sql: Sql,
  runId: number,
): Promise<{
  readonly outcomes: readonly RunOutcome[]
  readonly retries: number
  readonly reclaims: number
}> {
  const outcomes = await sql<RunOutcome[]>`
    select receipt.status, receipt.outcome_code as code, count(*)::int as items
      from fetchyard.run_item
      join (select item_id, status, outcome_code from fetchyard.processing_log
             union all
            select item_id, status, outcome_code from fetchyard.ending) as receipt using (item_id)
     where run_item.run_id = ${runId}
     group by receipt.status, receipt.outcome_code
     order by items desc`
  const sum = (status: string) =>
    outcomes.filter((row) => row.status === status).reduce((all, row) => all + row.items, 0)
  return {
    outcomes: outcomes.filter((row) => row.status !== 'retry' && row.status !== 'reclaimed'),
    retries: sum('retry'),
    reclaims: sum('reclaimed'),
  }
}
