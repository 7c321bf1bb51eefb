// Figures of one run, from its receipts. One statement reads them all; its cost grows with the run.

import type { RunDetails, RunStretch } from '../core/run-details.js'
import type { Sql } from './client.js'
import { ISO_SECOND_FORMAT, isoSecond } from './instants.js'

/** Parts that the time of a run is cut into. */
const PARTS = 60
const HOSTS_MAX = 10

/** Says how busy a command's slots were while it worked a run. */
export async function addStretch(
  sql: Sql,
  stretch: Omit<RunStretch, 'startedAt'> & { readonly runId: number },
): Promise<void> {
  const { runId, node, durationMs, slotShare, fetches, reusedFetches } = stretch
  await sql`
    insert into fetchyard.run_stretch
           (run_id, node, started_at, slot_share, fetches, reused_fetches)
    values (${runId}, ${node},
            clock_timestamp() - ${durationMs}::float8 * interval '1 millisecond',
            ${slotShare}, ${fetches}, ${reusedFetches})`
}

export interface NamedRun {
  readonly runId: number
  readonly run: string
  readonly workflow: string
  readonly startedAt: string
}

/** Runs of a name, or the newest ones. The newest comes first. */
export async function findRuns(
  sql: Sql,
  of: { readonly name: string | null; readonly workflow: string | null; readonly max: number },
): Promise<readonly NamedRun[]> {
  return sql<NamedRun[]>`
    select run.run_id as "runId", run.name as run, flow.name as workflow,
           to_char(run.started_at at time zone 'UTC', ${ISO_SECOND_FORMAT}) as "startedAt"
      from fetchyard.run
      join fetchyard.workflow as flow using (workflow_id)
     where (${of.name}::text is null or run.name = ${of.name}::text)
       and (${of.workflow}::text is null or flow.name = ${of.workflow}::text)
     order by run.resumed_at desc, run.run_id desc
     limit ${of.max}::int`
}

/** The host of an item: its lane, or that of the URL it is about. */
const HOST = `
  coalesce(nullif(item.lane, ''),
           lower(substring(coalesce(item.payload ->> 'url', item.item_key)
                           from '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?([^/:?#]+)')),
           '')`

const RECEIPTS = `
  own as materialized (
    select item_id from fetchyard.run_item where run_id = $1
  ),
  receipt as materialized (
    select log.item_id, log.status, log.outcome_code as code, log.attempt, log.ended_at,
           log.duration_ms, ${HOST} as host,
           1000 * extract(epoch from log.ended_at - item.enqueued_at)::float8 as latency_ms,
           log.status in ('success', 'error', 'cancelled') as is_end
      from own
      join fetchyard.processing_log as log using (item_id)
      join fetchyard.item using (item_id)
  ),
  span as (
    select min(ended_at) as first_at, max(ended_at) as last_at,
           greatest(1, 1000 * extract(epoch from max(ended_at) - min(ended_at)))::float8 as worked_ms
      from receipt
  ),
  ended as (
    select status, code, count(*) as items, false as is_bare
      from receipt where is_end group by status, code
     union all
    select ending.status, ending.outcome_code, count(*), true
      from own join fetchyard.ending using (item_id) group by 1, 2
  )`

const PIECES = `
  outcome as (
    select status, code, sum(items)::float8 as items from ended group by status, code
  ),
  part as (
    select least(${PARTS} - 1,
                 floor(${PARTS} * 1000 * extract(epoch from receipt.ended_at - span.first_at)
                         / span.worked_ms))::int as n,
           count(*) filter (where status = 'success') as ok,
           count(*) filter (where status = 'error') as failed
      from receipt cross join span
     where is_end
     group by 1
  ),
  tried as (
    select attempts, count(*) as items
      from (select item_id, count(*) as attempts from receipt
             where status in ('success', 'error', 'retry')
             group by item_id having bool_or(is_end)) as item
     group by attempts
  ),
  host as (
    select host,
           count(*) filter (where is_end) as items,
           count(*) filter (where status = 'error') as failed,
           percentile_disc(0.5) within group (order by duration_ms)
             filter (where status = 'success') as p50,
           percentile_disc(0.95) within group (order by duration_ms)
             filter (where status = 'success') as p95
      from receipt
     where host <> ''
     group by host
  )`

/** An object of percentiles over the completed items. */
const percentiles = (column: string) => {
  const at = (share: number) =>
    `percentile_disc(${share}) within group (order by ${column}) filter (where status = 'success')`
  return `(select json_build_object(
             'p50Ms', round((${at(0.5)})::numeric), 'p90Ms', round((${at(0.9)})::numeric),
             'p95Ms', round((${at(0.95)})::numeric), 'p99Ms', round((${at(0.99)})::numeric),
             'maxMs', round((max(${column}) filter (where status = 'success'))::numeric))
            from receipt)`
}

const hosts = (where: string, order: string) => `
  (select coalesce(json_agg(json_build_object(
            'host', host, 'items', items, 'failed', failed, 'p50Ms', p50, 'p95Ms', p95)), '[]')
     from (select * from host where ${where} order by ${order}, host limit ${HOSTS_MAX}) as chosen)`

const DETAILS_QUERY = `
  with ${RECEIPTS},${PIECES}
  select flow.name as workflow, run.name as run, ${isoSecond('run.started_at')} as "startedAt",
         (select ${isoSecond('last_at')} from span) as "endedAt",
         (select count(*) from own)::float8 as items,
         (select count(*)
            from fetchyard.work_queue as pack
           cross join lateral unnest(pack.item_ids) as member (item_id)
            join own using (item_id))::float8 as open,
         coalesce((select sum(items) from ended where is_bare), 0)::float8 as "withoutReceipt",
         (select coalesce(json_agg(json_build_object(
                   'status', status, 'code', code, 'items', items) order by items desc, code), '[]')
            from outcome) as outcomes,
         (select count(*) from receipt where status = 'retry')::float8 as retried,
         (select count(*) from receipt where status = 'reclaimed')::float8 as reclaimed,
         (select worked_ms from span where first_at is not null) as "workedMs",
         (select json_agg(json_build_object('ok', coalesce(part.ok, 0),
                                            'failed', coalesce(part.failed, 0)) order by n)
            from generate_series(0, ${PARTS} - 1) as part_number (n)
            left join part using (n)) as rate,
         ${percentiles('duration_ms')} as attempt,
         ${percentiles('latency_ms')} as latency,
         (select coalesce(json_agg(json_build_object(
                   'attempts', attempts, 'items', items) order by attempts), '[]')
            from tried) as tries,
         ${hosts('p95 is not null', 'p95 desc')} as slowest,
         ${hosts('failed > 0', 'failed desc')} as worst,
         (select coalesce(json_agg(json_build_object(
                   'node', node, 'startedAt', ${isoSecond('stretch.started_at')},
                   'durationMs', 1000 * extract(epoch from stretch.ended_at - stretch.started_at),
                   'slotShare', slot_share, 'fetches', fetches,
                   'reusedFetches', reused_fetches) order by stretch.started_at), '[]')
            from fetchyard.run_stretch as stretch where stretch.run_id = run.run_id) as stretches
    from fetchyard.run
    join fetchyard.workflow as flow using (workflow_id)
   where run.run_id = $1`

/** @returns null when there is no such run. */
export async function readRunDetails(sql: Sql, runId: number): Promise<RunDetails | null> {
  const rows = await sql.unsafe<(RunDetails & { readonly workedMs: number | null })[]>(
    DETAILS_QUERY,
    [runId],
  )
  const [row] = rows
  return row === undefined ? null : { ...row, workedMs: row.workedMs ?? 0 }
}
