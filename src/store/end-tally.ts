// How items ended, by minute, code and latency: what rates, latencies and errors by code are read
// from, so that nobody has to count receipts.

import type { Sql } from './client.js'

/**
 * The clause of a settle that counts how its items ended. The latency of a completed one, from
 * selection to result, is kept as a bucket: the smallest n for which it is at most 2^(n/2)
 * milliseconds.
 */
export function endTallyCte(workflowId: number): string {
  return `
  ended as (
    insert into fetchyard.end_tally (workflow_id, outcome_code, latency_bucket, items)
    select ${workflowId}, code,
           case event when 'complete' then
             ceil(2 * log(2, greatest(1, round(1000 * extract(epoch from
               clock_timestamp() - enqueued_at), 3))))::smallint end,
           count(*)
      from own
     where event in ('complete', 'discard')
     group by 2, 3
  )`
}

/**
 * Folds the tally of ends: those of the last hour into a row a workflow, code, latency and minute,
 * those of before into a row a workflow and code. Rows of the last minutes stay: they are still
 * being written. A folded row stands at the beginning of its minute, and is not folded again.
 *
 * @returns rows folded away.
 */
export async function foldEndTally(sql: Sql, rowsMax: number): Promise<number> {
  const recent = await fold(sql, {
    rowsMax,
    chosen: `ended_at < now() - interval '2 minutes' and ended_at >= now() - interval '1 hour'
             and ended_at <> date_trunc('minute', ended_at)`,
    endedAt: `date_trunc('minute', taken.ended_at)`,
    bucket: 'taken.latency_bucket',
  })
  const ancient = await fold(sql, {
    rowsMax,
    chosen: `ended_at < now() - interval '1 hour'`,
    endedAt: `'-infinity'::timestamptz`,
    bucket: 'null::smallint',
  })
  return recent + ancient
}

/** Rows that were not folded yet, above which folding is worth a statement. */
const FOLD_ROWS_MIN = 512

async function fold(
  sql: Sql,
  how: {
    readonly rowsMax: number
    readonly chosen: string
    readonly endedAt: string
    readonly bucket: string
  },
): Promise<number> {
  const rows = await sql.unsafe<{ folded: number }[]>(
    `with old as materialized (
       select ctid, ended_at from fetchyard.end_tally where ${how.chosen}
        limit $1::int for update skip locked
     ),
     taken as (
       delete from fetchyard.end_tally using old
        where end_tally.ctid = old.ctid
          and (select count(*) from old where ended_at > '-infinity') > ${FOLD_ROWS_MIN}
       returning end_tally.*
     ),
     folded as (
       insert into fetchyard.end_tally (ended_at, workflow_id, outcome_code, latency_bucket, items)
       select ${how.endedAt}, taken.workflow_id, taken.outcome_code, ${how.bucket}, sum(taken.items)
         from taken
        group by 1, 2, 3, 4
     )
     select count(*)::int as folded from taken`,
    [how.rowsMax],
  )
  return rows[0]?.folded ?? 0
}
