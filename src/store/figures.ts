// Reading how the queue stands. States of queued items come from the packs, totals of finished ones
// from the tallies: nothing here counts items one by one.

import type { ClusterFigures, NodeFigures, WorkflowFigures } from '../core/figures.js'
import type { Sql } from './client.js'

interface FiguresRow {
  readonly workflows: readonly WorkflowFigures[] | null
  readonly nodes: readonly NodeFigures[] | null
  readonly readAt: string
}

/** Nodes shown after they were fenced, in seconds. */
const FENCED_SHOWN_S = 600

/** All workflows and nodes as of one snapshot. */
export async function readFigures(sql: Sql): Promise<ClusterFigures> {
  const rows = await sql<FiguresRow[]>`
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
    ),
    holder as (
      select node_id, sum(cardinality(item_ids)) as items
        from fetchyard.work_queue
       where lease_id is not null
       group by node_id
    )
    select now()::text as "readAt",
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
                     'pausedBy', flow.paused_by) order by flow.name)
              from fetchyard.workflow as flow
              left join pack using (workflow_id)
              left join total using (workflow_id)) as workflows,
           (select json_agg(json_build_object(
                     'nodeId', node.node_id,
                     'name', node.name,
                     'host', node.host,
                     'pid', node.pid,
                     'startedAt', node.started_at,
                     'aliveUntil', node.alive_until,
                     'state', case when node.fenced_at is not null then 'fenced'
                                   when node.alive_until < now() then 'stale' else 'alive' end,
                     'leasedItems', coalesce(holder.items, 0)) order by node.started_at)
              from fetchyard.node
              left join holder using (node_id)
             where node.fenced_at is null
                or node.fenced_at > now() - ${FENCED_SHOWN_S}::int * interval '1 second') as nodes`
  const row = rows[0]
  return {
    readAt: row?.readAt ?? '',
    workflows: row?.workflows ?? [],
    nodes: row?.nodes ?? [],
  }
}

/** How many final failures a workflow has, by outcome code. */
export async function readErrorsByCode(
  sql: Sql,
  workflowId: number,
): Promise<readonly { readonly code: string; readonly items: number }[]> {
  return sql<{ code: string; items: number }[]>`
    select outcome_code as code, count(*)::int as items
      from (select workflow_id, status, outcome_code from fetchyard.processing_log
             union all
            select workflow_id, status, outcome_code from fetchyard.ending) as ended
     where workflow_id = ${workflowId} and status = 'error'
     group by outcome_code
     order by items desc, code`
}
