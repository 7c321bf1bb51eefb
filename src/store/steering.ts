// What operators set for a running workflow, and who shares its limits. Every node reads it about
// once a second, so that a change holds without a restart.

import type { Mode } from '../core/steering-plan.js'
import type { Sql } from './client.js'
import { CREDITS_LEFT } from './money.js'

export interface Steering {
  readonly mode: Mode
  /** Percent of the items that are worked concurrently; the others one after the other. */
  readonly rollout: number
  /** Replaces the configured concurrency of every node; null leaves it. */
  readonly concurrency: number | null
  /** Items started in a minute in the whole cluster; null leaves what is configured. */
  readonly ratePerMinute: number | null
  /** Time that a slot rests after a success, in milliseconds; null leaves what is configured. */
  readonly successPauseMs: number | null
  /** Credits that the budgets leave for the whole cluster; null without a budget. */
  readonly creditsLeft: number | null
  /** Living nodes that work this workflow. */
  readonly workers: readonly string[]
  /** Each workflow of a living node that shares the limit, as `node/workflow`. */
  readonly sharers: readonly string[]
}

/** @returns null when the workflow has no row. */
export async function readSteering(
  sql: Sql,
  of: { readonly workflowId: number; readonly workflow: string; readonly plan: string },
): Promise<Steering | null> {
  const rows = await sql.unsafe<Steering[]>(
    `with member as (
      select node.node_id::text as node_id, plan.key as workflow, plan.value as plan
        from fetchyard.node
       cross join lateral jsonb_each_text(node.plans) as plan
       where node.fenced_at is null and node.alive_until > clock_timestamp()
    )
    select mode, rollout, concurrency, rate_per_minute as "ratePerMinute",
           success_pause_ms as "successPauseMs", ${CREDITS_LEFT} as "creditsLeft",
           array(select node_id from member where member.workflow = $2) as workers,
           array(select node_id || '/' || member.workflow from member
                  where member.plan = $3) as sharers
      from fetchyard.workflow as flow
     where workflow_id = $1`,
    [of.workflowId, of.workflow, of.plan],
    { prepare: true },
  )
  return rows[0] ?? null
}

/** What an operator may set; what is not given stays. */
export interface SteeringChange {
  readonly workflowId: number
  readonly mode?: Mode
  readonly rollout?: number
  /** null, here and below: back to what each node is configured for. */
  readonly concurrency?: number | null
  readonly ratePerMinute?: number | null
  readonly successPauseMs?: number | null
}

/** Changes what is given and leaves the rest. @returns whether anything changed. */
export async function setSteering(sql: Sql, change: SteeringChange): Promise<boolean> {
  const { workflowId, mode = null, rollout = null } = change
  const { concurrency, ratePerMinute, successPauseMs } = change
  const rows = await sql`
    with wanted as (
      select coalesce(${mode}, mode) as mode,
             coalesce(${rollout}::smallint, rollout) as rollout,
             case when ${concurrency !== undefined} then ${concurrency ?? null}::integer
                  else concurrency end as concurrency,
             case when ${ratePerMinute !== undefined} then ${ratePerMinute ?? null}::integer
                  else rate_per_minute end as rate_per_minute,
             case when ${successPauseMs !== undefined} then ${successPauseMs ?? null}::integer
                  else success_pause_ms end as success_pause_ms
        from fetchyard.workflow
       where workflow_id = ${workflowId}
         for update
    )
    update fetchyard.workflow as flow
       set mode = wanted.mode, rollout = wanted.rollout, concurrency = wanted.concurrency,
           rate_per_minute = wanted.rate_per_minute, success_pause_ms = wanted.success_pause_ms,
           updated_at = now()
      from wanted
     where flow.workflow_id = ${workflowId}
       and (flow.mode, flow.rollout, flow.concurrency, flow.rate_per_minute, flow.success_pause_ms)
           is distinct from (wanted.mode, wanted.rollout, wanted.concurrency,
                             wanted.rate_per_minute, wanted.success_pause_ms)
    returning flow.workflow_id`
  return rows.length === 1
}
