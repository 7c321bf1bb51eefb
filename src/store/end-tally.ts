// How items ended, by minute, code and latency: what rates, latencies and errors by code are read
// from, so that nobody has to count receipts.

import type { Sql } from './client.js'

/**
 * The smallest n for which a latency is at most 2^(n/2) milliseconds. In floating point: the
 * logarithm of a numeric takes as long as half of all else that a settle does for an item. What is
 * taken off keeps a power of two in its own bucket.
 *
 * @param ms expression of type double precision.
 */
export const latencyBucket = (ms: string) =>
  `ceil(2 * ln(greatest(1, ${ms})) / ln(2::float8) - 1e-9)::smallint`

// One reading of the clock for all items of a statement.
const LATENCY_MS = `1000 * date_part('epoch', (select clock_timestamp()) - enqueued_at)`

/**
 * The clause of a settle that counts how its items ended. The latency of a completed one, from
 * selection to result, is kept as a bucket.
 */
export function endTallyCte(workflowId: number): string {
  return `
  ended as (
    insert into fetchyard.end_tally (workflow_id, outcome_code, latency_bucket, items)
    select ${workflowId}, code,
           case event when 'complete' then ${latencyBucket(LATENCY_MS)} end,
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
