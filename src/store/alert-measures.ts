// What alerts are judged by, read in one statement over all workflows and nodes. Ends and latencies
// come from the tally of ends, money from the ledger; attempts and reclaims, which the tally counts
// without times, from the difference to a sample of some minutes ago.

import type { NodeMeasure, WorkflowMeasure } from '../core/alert-rules.js'
import { ALERT_WINDOWS, type AlertMeasures } from '../core/alert-rules.js'
import type { Sql } from './client.js'
import { CONNECTIONS } from './connections.js'
import { isoSecond } from './instants.js'
import { FENCED_SHOWN_S, STOPPED_IN_ORDER } from './nodes.js'

/** Samples are this far apart at least, in seconds, and kept for so long. */
const SAMPLE_EVERY_S = 20
const SAMPLE_KEPT_S = 900

/** An instant so many milliseconds ago. */
const ago = (durationMs: number) => `now() - ${durationMs}::int * interval '1 millisecond'`

const TOTAL_CTE = `
  total as (
    select workflow_id,
           coalesce(sum(items) filter (where event = 'complete'), 0)            as completed,
           coalesce(sum(items) filter (where event in ('retry', 'discard')), 0) as failed,
           coalesce(sum(items) filter (where event = 'reclaim'), 0)             as reclaimed
      from fetchyard.tally
     group by workflow_id
  )`

/** Notices are kept for so long, in seconds, sent or not: there may be nobody who sends them. */
const NOTICES_KEPT_S = 7 * 86_400

/** Takes a sample of every workflow when the last one is old enough, and forgets what is old. */
export async function takeAlertSamples(sql: Sql): Promise<void> {
  await sql.unsafe(`
    with forgotten as (
      delete from fetchyard.alert_sample
       where taken_at < now() - ${SAMPLE_KEPT_S}::int * interval '1 second'
    ),
    said as (
      delete from fetchyard.alert_notice
       where happened_at < now() - ${NOTICES_KEPT_S}::int * interval '1 second'
    ),
    due as (
      select coalesce(max(taken_at), '-infinity')
               < now() - ${SAMPLE_EVERY_S}::int * interval '1 second' as is_due
        from fetchyard.alert_sample
    ), ${TOTAL_CTE}
    insert into fetchyard.alert_sample (workflow_id, completed, failed, reclaimed)
    select flow.workflow_id, coalesce(total.completed, 0), coalesce(total.failed, 0),
           coalesce(total.reclaimed, 0)
      from fetchyard.workflow as flow
      join due on due.is_due
      left join total using (workflow_id)`)
}

const PACK_CTE = `
  pack as (
    select workflow_id,
           sum(cardinality(item_ids)) filter (where lease_id is not null) as processing,
           sum(cardinality(item_ids)) filter (where lease_id is null and run_at <= now()) as queued,
           sum(cardinality(item_ids)) filter (where lease_id is null and run_at > now()) as delayed,
           min(run_at) filter (where lease_id is null and run_at <= now()) as oldest
      from fetchyard.work_queue
     group by workflow_id
  )`

const END_CTES = `
  recent as materialized (
    select workflow_id, ended_at, outcome_code = 'ok' as is_ok, latency_bucket, items
      from fetchyard.end_tally
     where ended_at >= ${ago(ALERT_WINDOWS.costBefore)}
  ),
  ended as (
    select workflow_id,
           bool_or(ended_at >= ${ago(ALERT_WINDOWS.moved)}) as has_moved,
           sum(items) filter (where is_ok and ended_at >= ${ago(ALERT_WINDOWS.ends)}) as completed,
           sum(items) filter (where not is_ok and ended_at >= ${ago(ALERT_WINDOWS.ends)}) as failed,
           sum(items) filter (where is_ok and ended_at >= ${ago(ALERT_WINDOWS.costNow)})
             as results_now,
           sum(items) filter (where is_ok and ended_at < ${ago(ALERT_WINDOWS.costNow)})
             as results_before
      from recent
     group by workflow_id
  ),
  ranked as (
    select workflow_id, latency_bucket,
           sum(sum(items)) over (partition by workflow_id order by latency_bucket) as upto,
           sum(sum(items)) over (partition by workflow_id) as total
      from recent
     where ended_at >= ${ago(ALERT_WINDOWS.ends)} and latency_bucket is not null
     group by workflow_id, latency_bucket
  ),
  latency as (
    select workflow_id,
           round(pow(2, min(latency_bucket) filter (where upto >= 0.95 * total) / 2.0)) as p95
      from ranked
     group by workflow_id
  )`

const COST_CTE = `
  cost as (
    select workflow_id,
           sum(credits) filter (where spent_at >= ${ago(ALERT_WINDOWS.costNow)}) as credits_now,
           sum(credits) filter (where spent_at < ${ago(ALERT_WINDOWS.costNow)}) as credits_before
      from fetchyard.spend
     where spent_at >= ${ago(ALERT_WINDOWS.costBefore)}
     group by workflow_id
  )`

/** Share of a budget that is spent since an instant; null without the budget. */
const spentPercent = (budget: string, since: string) => `
             case when ${budget} > 0 then
               100.0 * (select coalesce(sum(credits), 0) from fetchyard.spend
                         where spend.workflow_id = flow.workflow_id
                           and spend.spent_at >= ${since}) / ${budget} end`

const TODAY = `date_trunc('day', now() at time zone 'utc') at time zone 'utc'`

/** The newest sample that is at least so old. */
const sampleOf = (name: string, windowMs: number) => `
      left join lateral (select completed, failed, reclaimed from fetchyard.alert_sample
                          where workflow_id = flow.workflow_id and taken_at <= ${ago(windowMs)}
                          order by taken_at desc limit 1) as ${name} on true`

const WORKFLOWS = `
  select flow.name as workflow,
         flow.workflow_id as "workflowId",
         flow.alerts as thresholds,
         coalesce(pack.queued, 0)::float8 as queued,
         coalesce(pack.processing, 0)::float8 as processing,
         coalesce(pack.delayed, 0)::float8 as delayed,
         cardinality(flow.paused_by) > 0
           or coalesce(budget.spent_percent >= 100, false)
           or exists (select from fetchyard.schedule
                       where schedule.workflow_id = flow.workflow_id
                         and not exists (select from fetchyard.instance
                                          where instance.workflow_id = flow.workflow_id
                                            and instance.closed_at is null)) as "isHeld",
         extract(epoch from now() - pack.oldest)::float8 * 1000 as "oldestWaitsMs",
         coalesce(ended.has_moved, false) as "hasMoved",
         coalesce(ended.completed, 0)::float8 as completed,
         coalesce(ended.failed, 0)::float8 as failed,
         greatest(0, coalesce(total.completed, 0) - work.completed)::float8 as "attemptsOk",
         greatest(0, coalesce(total.failed, 0) - work.failed)::float8 as "attemptsFailed",
         greatest(0, coalesce(total.reclaimed, 0) - crash.reclaimed)::float8 as reclaimed,
         latency.p95::float8 as "latencyP95Ms",
         budget.spent_percent::float8 as "budgetSpentPercent",
         coalesce(cost.credits_now, 0)::float8 as "creditsNow",
         coalesce(ended.results_now, 0)::float8 as "resultsNow",
         coalesce(cost.credits_before, 0)::float8 as "creditsBefore",
         coalesce(ended.results_before, 0)::float8 as "resultsBefore"
    from fetchyard.workflow as flow
    left join pack using (workflow_id)
    left join ended using (workflow_id)
    left join latency using (workflow_id)
    left join cost using (workflow_id)
    left join total using (workflow_id)
    ${sampleOf('work', ALERT_WINDOWS.ends)}
    ${sampleOf('crash', ALERT_WINDOWS.reclaims)}
    cross join lateral (
      select greatest(${spentPercent('flow.budget_per_day', TODAY)},
                      ${spentPercent('flow.budget', 'flow.budget_since')}) as spent_percent
    ) as budget`

/**
 * A node is lost when its lease ran out or its process was found dead. One that lives again under
 * its name on its host takes the word back, and so does time. A name stands for its latest boot.
 */
const NODES = `
  select distinct on (node.name, node.host)
         node.name || case when node.name = node.host then '' else ' on ' || node.host end as node,
         (node.fenced_at is null and node.alive_until < now()
           or node.fenced_at is not null and node.fenced_why is distinct from '${STOPPED_IN_ORDER}')
           as "isLost",
         coalesce(node.fenced_why,
                  'its lease ran out at ' || ${isoSecond('node.alive_until')}) as why
    from fetchyard.node
   where node.fenced_at is null
      or node.fenced_at > now() - ${FENCED_SHOWN_S}::int * interval '1 second'
   order by node.name, node.host,
            (node.fenced_at is null and node.alive_until >= now()) desc, node.started_at desc`

export const MEASURES_QUERY = `
  with ${[PACK_CTE, END_CTES, COST_CTE, TOTAL_CTE].join(',')}
  select (select json_agg(one_flow) from (${WORKFLOWS}) as one_flow) as workflows,
         (select json_agg(one_node) from (${NODES}) as one_node) as nodes,
         (select row_to_json(one_use) from (${CONNECTIONS}) as one_use) as connections`

/** All figures as of one snapshot. */
export async function readAlertMeasures(sql: Sql): Promise<AlertMeasures> {
  const rows =
    await sql.unsafe<
      {
        readonly workflows: readonly WorkflowMeasure[] | null
        readonly nodes: readonly NodeMeasure[] | null
        readonly connections: AlertMeasures['connections']
      }[]
    >(MEASURES_QUERY)
  const row = rows[0]
  return {
    workflows: row?.workflows ?? [],
    nodes: row?.nodes ?? [],
    connections: row?.connections ?? { used: 0, max: 0 },
  }
}
