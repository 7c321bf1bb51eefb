// Counts by cohort, cluster-wide: written by the settle that ends the items, so that they are those
// of all nodes and outlive whoever wrote them, and folded in the background. Nothing here reads
// items.

import type { CohortCounts, Rollout, RolloutRecord } from '../core/cohort-figures.js'
import { cohortFiguresOf, DURATION_BOUNDS_MS, NO_RECORD } from '../core/cohort-figures.js'
import type { Cohort } from '../core/steering-plan.js'
import type { Sql } from './client.js'
import { isoInstant } from './instants.js'

/** One more than there are bounds: the last counts what took longer than all. */
const BUCKETS = DURATION_BOUNDS_MS.length + 1

const BOUNDS = `'{${DURATION_BOUNDS_MS.join(',')}}'::integer[]`

/** Completed items of each bucket, over `alike`. */
const DURATION_COUNTS = Array.from({ length: BUCKETS }, (_, bucket) => {
  return `coalesce(sum(items) filter (where event = 'complete' and bucket = ${bucket}), 0)`
}).join(', ')

const itemsOf = (events: string) => `coalesce(sum(items) filter (where event in (${events})), 0)`

/**
 * The clause of a settle that counts its items by the cohort and step that started them. Those that
 * ended alike are counted first, so that what each figure asks is asked of a few rows, and not of
 * every item.
 */
export function cohortCte(workflowId: number): string {
  return `
  cohort_counted as (
    insert into fetchyard.cohort_tally
           (workflow_id, step, cohort, completed, failed, snoozed, crashed, credits, duration_ms,
            durations)
    select ${workflowId}, step, cohort, ${itemsOf(`'complete'`)}, ${itemsOf(`'retry', 'discard'`)},
           ${itemsOf(`'snooze'`)}, ${itemsOf(`'reclaim'`)}, sum(credits),
           coalesce(sum(duration_ms) filter (where event = 'complete'), 0),
           array[${DURATION_COUNTS}]
      from (select step, cohort, event,
                   width_bucket(duration_ms, ${BOUNDS}) as bucket,
                   count(*) as items, sum(duration_ms) as duration_ms,
                   coalesce(sum(coalesce(credits, credits_at_most)), 0) as credits
              from own
             where cohort is not null and (select has_trials from kinds)
               and event in ('complete', 'retry', 'discard', 'snooze', 'reclaim')
             group by step, cohort, event, bucket) as alike
     group by step, cohort
  )`
}

/** A window that is judged apart from all since the step began. */
const RECENT = `interval '10 minutes'`

interface RecordRow {
  readonly cohort: Cohort
  readonly finished: number
  readonly failed: number
  readonly recentFinished: number
  readonly recentFailed: number
}

/** How the items of one step have ended so far, on all nodes. */
export async function readRolloutRecord(
  sql: Sql,
  of: { readonly workflowId: number; readonly step: number },
): Promise<RolloutRecord> {
  const rows = await sql.unsafe<RecordRow[]>(
    `select cohort, sum(completed + failed)::float8 as finished, sum(failed)::float8 as failed,
            coalesce(sum(completed + failed) filter (where last_at > now() - ${RECENT}), 0)::float8
              as "recentFinished",
            coalesce(sum(failed) filter (where last_at > now() - ${RECENT}), 0)::float8
              as "recentFailed"
       from fetchyard.cohort_tally
      where workflow_id = $1 and cohort in ('concurrent', 'sequential') and step = $2
      group by cohort`,
    [of.workflowId, of.step],
    { prepare: true },
  )
  const all = { ...NO_RECORD.all }
  const recent = { ...NO_RECORD.recent }
  for (const { cohort, finished, failed, recentFinished, recentFailed } of rows) {
    all[cohort] = { finished, failed }
    recent[cohort] = { finished: recentFinished, failed: recentFailed }
  }
  return { all, recent }
}

type RolloutRow = Omit<Rollout, 'cohorts'> & {
  readonly concurrent: CohortCounts | null
  readonly sequential: CohortCounts | null
}

const summed = (column: string) => `sum(${column})`
const bucketSums = Array.from({ length: BUCKETS }, (_, index) => `sum(durations[${index + 1}])`)

/** A cohort in the last step that it has counts of. */
const countsOf = (cohort: Cohort) => `
  (select json_build_object(
            'step', last.step,
            'completed', ${summed('completed')}, 'failed', ${summed('failed')},
            'snoozed', ${summed('snoozed')}, 'crashed', ${summed('crashed')},
            'credits', ${summed('credits')}, 'durationMs', ${summed('duration_ms')},
            'durations', array[${bucketSums.join(', ')}],
            'spanMs', extract(epoch from max(last_at) - min(first_at)) * 1000)
     from (select max(step) as step from fetchyard.cohort_tally
            where workflow_id = flow.workflow_id and cohort = '${cohort}'
              and step <= flow.rollout_step) as last
     join fetchyard.cohort_tally as tally
       on tally.workflow_id = flow.workflow_id and tally.cohort = '${cohort}'
      and tally.step = last.step
    group by last.step)`

const ROLLOUTS = `
  with member as (
    select plan.key as workflow, count(*)::int as nodes
      from fetchyard.node
     cross join lateral jsonb_object_keys(node.plans) as plan (key)
     where node.fenced_at is null and node.alive_until > clock_timestamp()
     group by plan.key
  )
  select flow.name as workflow, flow.mode, flow.rollout, flow.concurrency,
         flow.rate_per_minute as "ratePerMinute", flow.success_pause_ms as "successPauseMs",
         flow.rollout_step as step, flow.rollout_by as "by",
         ${isoInstant('flow.rollout_since')} as since,
         coalesce(member.nodes, 0) as nodes, flow.paused_by as "pausedBy",
         ${countsOf('concurrent')} as concurrent,
         ${countsOf('sequential')} as sequential
    from fetchyard.workflow as flow
    left join member on member.workflow = flow.name
   where $1::text is null or flow.name = $1
   order by flow.name`

/** All workflows, or the one of this name. */
export async function readRollouts(
  sql: Sql,
  workflow: string | null = null,
): Promise<readonly Rollout[]> {
  const rows = await sql.unsafe<RolloutRow[]>(ROLLOUTS, [workflow], { prepare: true })
  return rows.map(({ concurrent, sequential, ...own }) => ({
    ...own,
    cohorts: {
      concurrent: concurrent === null ? null : cohortFiguresOf(concurrent),
      sequential: sequential === null ? null : cohortFiguresOf(sequential),
    },
  }))
}

/**
 * Folds counts into a row a step, cohort and ten seconds, and those of before the recent window
 * into one a step and cohort. Rows of the last seconds stay: they are still being written.
 *
 * @returns rows folded away.
 */
export async function foldCohorts(sql: Sql, rowsMax: number): Promise<number> {
  const sums = ['completed', 'failed', 'snoozed', 'crashed', 'credits', 'duration_ms']
  const rows = await sql.unsafe<{ folded: number }[]>(
    `with old as materialized (
       select ctid from fetchyard.cohort_tally
        where last_at < now() - interval '5 seconds'
        limit $1::int for update skip locked
     ),
     taken as (
       delete from fetchyard.cohort_tally as tally using old
        where tally.ctid = old.ctid and (select count(*) from old) > 512
       returning tally.*
     ),
     folded as (
       insert into fetchyard.cohort_tally
              (first_at, last_at, workflow_id, step, cohort, ${sums.join(', ')}, durations)
       select min(first_at), max(last_at), workflow_id, step, cohort,
              ${sums.map(summed).join(', ')}, array[${bucketSums.join(', ')}]
         from taken
        group by workflow_id, step, cohort,
                 case when last_at < now() - ${RECENT} then '-infinity'::timestamptz
                      else date_bin('10 seconds', last_at, '2000-01-01Z') end
     )
     select count(*)::int as folded from taken`,
    [rowsMax],
  )
  return rows[0]?.folded ?? 0
}
