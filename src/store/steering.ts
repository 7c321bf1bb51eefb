// What operators set for a running workflow, and who shares its limits. Every node reads it about
// once a second, so that a change holds without a restart.

import type { Mode } from '../core/steering-plan.js'
import type { Sql } from './client.js'
import type { StoredEvent } from './events.js'
import { CREDITS_LEFT } from './money.js'

export interface Steering {
  readonly mode: Mode
  /** Percent of the items that are worked concurrently; the others one after the other. */
  readonly rollout: number
  /** Grows with every change of these two; 0 until the first. */
  readonly step: number
  /** Replaces the configured concurrency of every node; null leaves it. */
  readonly concurrency: number | null
  /** Items started in a minute in the whole cluster; null leaves what is configured. */
  readonly ratePerMinute: number | null
  /** Time that a slot rests after a success, in milliseconds; null leaves what is configured. */
  readonly successPauseMs: number | null
  /** Credits that the budgets leave for the whole cluster; null without a budget. */
  readonly creditsLeft: number | null
  /** Living nodes that work this workflow, the oldest first. */
  readonly workers: readonly string[]
  /**
   * Each workflow of a living node that shares the limit, as `node/workflow`: this one, and others
   * that have work. What an idle one would be given lies idle.
   */
  readonly sharers: readonly string[]
}

/** What comes back within this time is work: its workflow must find its share when it does. */
const SOON = "interval '5 minutes'"

/** @returns null when the workflow has no row. */
export async function readSteering(
  sql: Sql,
  of: { readonly workflowId: number; readonly workflow: string; readonly plan: string },
): Promise<Steering | null> {
  const rows = await sql.unsafe<Steering[]>(
    `with member as (
      select node.node_id::text as node_id, node.started_at, plan.key as workflow,
             plan.value as plan
        from fetchyard.node
       cross join lateral jsonb_each_text(node.plans) as plan
       where node.fenced_at is null and node.alive_until > clock_timestamp()
    ),
    busy as materialized (
      select other.name
        from fetchyard.workflow as other
       where other.name in (select member.workflow from member where member.plan = $3)
         and (exists (select from fetchyard.work_queue as pack
                       where pack.workflow_id = other.workflow_id and pack.lease_id is not null)
              or other.paused_by = '{}'
                 and exists (select from fetchyard.work_queue as pack
                              where pack.workflow_id = other.workflow_id and pack.lease_id is null
                                and pack.run_at < clock_timestamp() + ${SOON})
                 -- The backlog of a scheduled one is no work until its tick.
                 and (not exists (select from fetchyard.schedule
                                   where schedule.workflow_id = other.workflow_id
                                     and schedule.next_at >= clock_timestamp() + ${SOON})
                      or exists (select from fetchyard.instance
                                  where instance.workflow_id = other.workflow_id
                                    and instance.closed_at is null and instance.items_left > 0)))
    )
    select mode, rollout, rollout_step as step, concurrency, rate_per_minute as "ratePerMinute",
           success_pause_ms as "successPauseMs", ${CREDITS_LEFT} as "creditsLeft",
           array(select node_id from member where member.workflow = $2
                  order by started_at, node_id) as workers,
           array(select node_id || '/' || member.workflow from member
                  where member.plan = $3
                    and (member.workflow = $2
                         or member.workflow in (select name from busy))) as sharers
      from fetchyard.workflow as flow
     where workflow_id = $1`,
    [of.workflowId, of.workflow, of.plan],
    { prepare: true },
  )
  return rows[0] ?? null
}

/** What is to be changed; what is not given stays. */
export interface SteeringChange {
  readonly workflowId: number
  readonly mode?: Mode
  readonly rollout?: number
  /** null, here and below: back to what each node is configured for. */
  readonly concurrency?: number | null
  readonly ratePerMinute?: number | null
  readonly successPauseMs?: number | null
  /** Who changes mode and rollout, in words. */
  readonly by?: string
  /** Changes nothing when another step of the rollout has begun meanwhile. */
  readonly ifStep?: number
  /** The option that a node starts with; changes nothing when it was heard before. */
  readonly option?: string
  /** Kept when a new step begins, in the same statement: nobody dies between the two. */
  readonly event?: StoredEvent
}

/**
 * A change of mode or rollout begins a new step, whose items are counted anew.
 *
 * @returns whether anything changed.
 */
export async function setSteering(sql: Sql, change: SteeringChange): Promise<boolean> {
  const { workflowId, mode = null, rollout = null, by = null } = change
  const { concurrency, ratePerMinute, successPauseMs } = change
  const { ifStep = null, option = null, event = null } = change
  const rows = await sql<{ changed: boolean }[]>`
    with wanted as (
      -- Old values from the locked row itself: the snapshot may be of before another order.
      select workflow_id, ${option}::text as option, mode as old_mode, rollout as old_rollout,
             concurrency as old_concurrency, rate_per_minute as old_rate,
             success_pause_ms as old_pause,
             coalesce(${mode}, mode) as mode,
             coalesce(${rollout}::smallint, rollout) as rollout,
             case when ${concurrency !== undefined} then ${concurrency ?? null}::integer
                  else concurrency end as concurrency,
             case when ${ratePerMinute !== undefined} then ${ratePerMinute ?? null}::integer
                  else rate_per_minute end as rate_per_minute,
             case when ${successPauseMs !== undefined} then ${successPauseMs ?? null}::integer
                  else success_pause_ms end as success_pause_ms
        from fetchyard.workflow
       where workflow_id = ${workflowId}
         and (${ifStep}::integer is null or rollout_step = ${ifStep})
         and (${option}::text is null or rollout_option is distinct from ${option})
         for update
    ),
    judged as (
      select wanted.*,
             (old_mode, old_rollout) is distinct from (mode, rollout) as is_step,
             (old_concurrency, old_rate, old_pause)
               is distinct from (concurrency, rate_per_minute, success_pause_ms) as is_other
        from wanted
    ),
    changed as (
      update fetchyard.workflow as flow
         set mode = judged.mode,
             rollout = judged.rollout,
             concurrency = judged.concurrency,
             rate_per_minute = judged.rate_per_minute,
             success_pause_ms = judged.success_pause_ms,
             rollout_step = rollout_step + case when is_step then 1 else 0 end,
             rollout_since = case when is_step then clock_timestamp() else rollout_since end,
             rollout_by = case when is_step then ${by} else rollout_by end,
             rollout_option = coalesce(judged.option, rollout_option),
             updated_at = now()
        from judged
       where flow.workflow_id = judged.workflow_id
         and (is_step or is_other or judged.option is not null)
      returning is_step, is_other
    ),
    noted as (
      insert into fetchyard.event (level, name, workflow_id, node_id, message, fields)
      select ${event?.level ?? null}, ${event?.name ?? null}, ${workflowId},
             ${event?.nodeId ?? null}::uuid, ${event?.message ?? null},
             ${JSON.stringify(event?.fields ?? {})}::text::jsonb
        from changed
       where is_step and ${event !== null}
    )
    select is_step or is_other as changed from changed`
  return rows[0]?.changed ?? false
}
