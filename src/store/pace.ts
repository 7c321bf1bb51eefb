// How the cluster did in the last hour, minute by minute: what the page shows of the time before it
// was opened, or before this supervisor was started.

import type { Sql } from './client.js'

export interface PaceMinute {
  readonly workflow: string
  /** Beginning of the minute, wall clock of the database. */
  readonly atMs: number
  readonly completed: number
  readonly failed: number
  /** Time from selection to result of those completed; an upper bound, up to 41 % above. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
}

/**
 * From the tally of ends, which is folded by minute for an hour: some tens of rows a workflow and
 * minute, found by the index of workflow and time, however many items have ended.
 */
export async function readPace(sql: Sql): Promise<readonly PaceMinute[]> {
  return sql<PaceMinute[]>`
    with bucket as (
      select flow.name as workflow, date_trunc('minute', ended.ended_at) as minute,
             ended.outcome_code = 'ok' as is_ok, ended.latency_bucket, sum(ended.items) as items
        from fetchyard.workflow as flow
        join fetchyard.end_tally as ended using (workflow_id)
       where ended.ended_at >= date_trunc('minute', now()) - interval '59 minutes'
       group by 1, 2, 3, 4
    ),
    ranked as (
      select bucket.*,
             sum(items) filter (where is_ok)
               over (partition by workflow, minute order by latency_bucket nulls last) as upto,
             sum(items) filter (where is_ok) over (partition by workflow, minute) as total
        from bucket
    )
    select workflow, (extract(epoch from minute) * 1000)::float8 as "atMs",
           coalesce(sum(items) filter (where is_ok), 0)::float8 as completed,
           coalesce(sum(items) filter (where not is_ok), 0)::float8 as failed,
           round(pow(2, min(latency_bucket) filter (where is_ok and upto >= 0.5 * total) / 2.0))::float8
             as "p50Ms",
           round(pow(2, min(latency_bucket) filter (where is_ok and upto >= 0.95 * total) / 2.0))::float8
             as "p95Ms"
      from ranked
     group by workflow, minute
     order by minute, workflow`
}
