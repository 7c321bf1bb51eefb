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
    select mode, rollout, concurrency, ${CREDITS_LEFT} as "creditsLeft",
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

/** Changes what is given and leaves the rest. @returns whether anything changed. */
export async function setSteering(
  sql: Sql,
  change: {
    readonly workflowId: number
    readonly mode?: Mode
    readonly rollout?: number
    /** null: back to what each node is configured for. */
    readonly concurrency?: number | null
  },
): Promise<boolean> {
  const { workflowId, mode = null, rollout = null, concurrency } = change
  const rows = await sql`
    update fetchyard.workflow
       set mode = coalesce(${mode}, mode),
           rollout = coalesce(${rollout}::smallint, rollout),
           concurrency = case when ${concurrency !== undefined} then ${concurrency ?? null}::integer
                              else concurrency end,
           updated_at = now()
     where workflow_id = ${workflowId}
       and (mode, rollout, coalesce(concurrency, 0))
           is distinct from
           (coalesce(${mode}, mode), coalesce(${rollout}::smallint, rollout),
            case when ${concurrency !== undefined} then coalesce(${concurrency ?? null}::integer, 0)
                 else coalesce(concurrency, 0) end)
    returning workflow_id`
  return rows.length === 1
}
