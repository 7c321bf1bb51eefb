// The parts of the statement that reads how the queue stands.

import { isoInstant } from './instants.js'
import { FENCED_SHOWN_S } from './nodes.js'

/** Endings that latencies are read from: those of the last minutes, in seconds. */
const LATENCY_WINDOW_S = 300

const COUNT_CTES = `
    with pack as (
      select workflow_id,
             coalesce(sum(cardinality(item_ids)) filter (where lease_id is not null), 0) as processing,
             coalesce(sum(cardinality(item_ids))
                      filter (where lease_id is null and run_at <= now()), 0)            as queued,
             coalesce(sum(cardinality(item_ids))
                      filter (where lease_id is null and run_at > now()), 0)             as delayed,
             min(run_at) filter (where lease_id is null and run_at <= now())             as oldest
        from fetchyard.work_queue
       group by workflow_id
    ),
    total as (
      select workflow_id,
             coalesce(sum(items) filter (where event = 'complete'), 0)           as complete,
             coalesce(sum(items) filter (where event = 'discard'), 0)            as error,
             coalesce(sum(items) filter (where event = 'cancel'), 0)             as cancelled,
             coalesce(sum(items) filter (where event in ('retry', 'snooze')), 0) as retried,
             coalesce(sum(items) filter (where event = 'reclaim'), 0)            as reclaimed
        from fetchyard.tally
       group by workflow_id
    ),`

const PACE_CTES = `
    -- One pass over the ends of some minutes: how many there were in the last, and how long each
    -- item took from its selection.
    bucket as (
      select workflow_id, latency_bucket,
             sum(items) as items,
             sum(items) filter (where latency_bucket is not null) as completed,
             sum(items) filter (where ended_at >= now() - interval '1 minute') as last_minute
        from fetchyard.end_tally
       where ended_at >= now() - ${LATENCY_WINDOW_S}::int * interval '1 second'
       group by workflow_id, latency_bucket
    ),
    ranked as (
      select workflow_id, latency_bucket, completed, last_minute,
             sum(completed) over (partition by workflow_id order by latency_bucket) as upto,
             sum(completed) over (partition by workflow_id) as total
        from bucket
    ),
    pace as (
      select workflow_id,
             coalesce(sum(last_minute), 0)::float8 / 60 as per_second,
             round(pow(2, min(latency_bucket) filter (where upto >= 0.5 * total) / 2.0)) as p50,
             round(pow(2, min(latency_bucket) filter (where upto >= 0.95 * total) / 2.0)) as p95
        from ranked
       group by workflow_id
    ),
    failed as (
      select workflow_id, json_object_agg(outcome_code, items order by items desc) as errors
        from (select workflow_id, outcome_code, sum(items) as items
                from fetchyard.end_tally
               where outcome_code <> 'ok'
               group by workflow_id, outcome_code) as code
       group by workflow_id
    ),`

const HOLDER_CTE = `
    holder as (
      select node_id, sum(cardinality(item_ids)) as items
        from fetchyard.work_queue
       where lease_id is not null
       group by node_id
    )`

const WORKFLOWS = `
           (select json_agg(json_build_object(
                     'workflow', flow.name,
                     'queued', coalesce(pack.queued, 0),
                     'processing', coalesce(pack.processing, 0),
                     'delayed', coalesce(pack.delayed, 0),
                     'complete', coalesce(total.complete, 0),
                     'error', coalesce(total.error, 0),
                     'cancelled', coalesce(total.cancelled, 0),
                     'retried', coalesce(total.retried, 0),
                     'reclaimed', coalesce(total.reclaimed, 0),
                     'oldestQueuedAt', pack.oldest,
                     'perSecond', coalesce(pace.per_second, 0),
                     'latencyP50Ms', pace.p50,
                     'latencyP95Ms', pace.p95,
                     'errors', coalesce(failed.errors, '{}'),
                     'boundTable', flow.binding ->> 'table',
                     'backfill', flow.backfill,
                     'alerts', flow.alerts,
                     'pausedBy', flow.paused_by) order by flow.name)
              from fetchyard.workflow as flow
              left join pack using (workflow_id)
              left join total using (workflow_id)
              left join pace using (workflow_id)
              left join failed using (workflow_id))`

const NODES = `
           (select json_agg(json_build_object(
                     'nodeId', node.node_id,
                     'name', node.name,
                     'host', node.host,
                     'pid', node.pid,
                     'startedAt', node.started_at,
                     'aliveUntil', node.alive_until,
                     'state', case when node.fenced_at is not null then 'fenced'
                                   when node.alive_until < now() then 'stale' else 'alive' end,
                     'leasedItems', coalesce(holder.items, 0),
                     'refused', node.refused) order by node.started_at)
              from fetchyard.node
              left join holder using (node_id)
             where node.fenced_at is null
                or node.fenced_at > now() - ${FENCED_SHOWN_S}::int * interval '1 second')`

const RAISED = `
           (select json_agg(json_build_object(
                     'alert', alert.alert,
                     'subject', alert.subject,
                     'workflow', flow.name,
                     'level', alert.level,
                     'message', alert.message,
                     'raisedAt', alert.raised_at) order by alert.raised_at)
              from fetchyard.alert
              left join fetchyard.workflow as flow using (workflow_id)
             where alert.state <> 'pending')`

export const FIGURES_QUERY = `${COUNT_CTES}${PACE_CTES}${HOLDER_CTE}
    select ${isoInstant('now()')} as "readAt",
           ${WORKFLOWS} as workflows, ${NODES} as nodes,
           ${RAISED} as raised`
