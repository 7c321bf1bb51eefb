// Schedules and instances. The database's clock decides when a tick is due, and its rows decide how
// many instances there are: whoever dies, the next look goes on from what the tables say.

import type { ScheduleDefinition } from '../core/schedule.js'
import type { Sql } from './client.js'

/** A schedule as it stands, and the database's clock. */
interface ScheduleRow {
  readonly definition: ScheduleDefinition
  readonly anchoredAt: Date
  readonly nextAt: string
  readonly isDue: boolean
  readonly now: Date
}

/**
 * Writes a workflow's schedule down. An unchanged one goes on as it was; a new interval begins with
 * a tick now, a new cron expression with its next moment.
 */
export async function putSchedule(
  sql: Sql,
  schedule: {
    readonly workflowId: number
    readonly definition: ScheduleDefinition
    /** First tick; null: now. */
    readonly firstAt: Date | null
  },
): Promise<void> {
  const { workflowId, definition, firstAt } = schedule
  const text = JSON.stringify(definition)
  const { batch = null, maxInstances = 1 } = definition
  await sql`
    insert into fetchyard.schedule (workflow_id, definition, batch, max_instances, next_at)
    values (${workflowId}, ${text}::text::jsonb, ${batch}, ${maxInstances},
            coalesce(${firstAt?.toISOString() ?? null}::timestamptz, clock_timestamp()))
        on conflict (workflow_id) do update
       set definition = excluded.definition, batch = excluded.batch,
           max_instances = excluded.max_instances, anchored_at = clock_timestamp(),
           next_at = excluded.next_at, waiting_since = null
     where schedule.definition is distinct from excluded.definition`
}

/**
 * The workflow always works from now on. Instances end with their schedule: a later one would find
 * them open, and lease before its first tick.
 */
export async function removeSchedule(sql: Sql, workflowId: number): Promise<void> {
  await sql`
    with gone as (
      delete from fetchyard.schedule where workflow_id = ${workflowId} returning workflow_id
    )
    update fetchyard.instance
       set closed_at = clock_timestamp()
      from gone
     where instance.workflow_id = gone.workflow_id and instance.closed_at is null`
}

export async function readSchedule(sql: Sql, workflowId: number): Promise<ScheduleRow | null> {
  const rows = await sql<ScheduleRow[]>`
    select definition, anchored_at as "anchoredAt", next_at::text as "nextAt",
           next_at <= clock_timestamp() as "isDue", clock_timestamp() as now
      from fetchyard.schedule where workflow_id = ${workflowId}`
  return rows[0] ?? null
}

/** The database's clock. */
export async function readNow(sql: Sql): Promise<Date> {
  const rows = await sql<{ now: Date }[]>`select clock_timestamp() as now`
  const row = rows[0]
  if (row === undefined) throw new Error('the server did not say its time')
  return row.now
}

/**
 * Opens an instance for the tick that is due, if there may be one more, and moves the schedule on.
 * While there are as many as there may be, the tick waits, and those that follow are one with it.
 * Of several nodes that find the same tick due, one takes it.
 *
 * @returns whether an instance was opened.
 */
export async function takeTick(
  sql: Sql,
  tick: { readonly workflowId: number; readonly nextAt: string; readonly following: Date },
): Promise<boolean> {
  const rows = await sql<{ opened: number }[]>`
    with due as materialized (
      select workflow_id, batch, max_instances
        from fetchyard.schedule
       where workflow_id = ${tick.workflowId}
         and next_at = ${tick.nextAt}::text::timestamptz
         and next_at <= clock_timestamp()
         for update skip locked
    ),
    opened as (
      insert into fetchyard.instance (workflow_id, opened_by, items_left)
      select workflow_id, 'schedule',
             least(batch, fetchyard.ready_items(workflow_id))
        from due
       where fetchyard.open_instances(workflow_id) < max_instances
      returning workflow_id
    ),
    moved as (
      update fetchyard.schedule
         set next_at = ${tick.following.toISOString()}::timestamptz,
             ticked_at = clock_timestamp(), waiting_since = null
        from opened
       where schedule.workflow_id = opened.workflow_id
    ),
    waits as (
      update fetchyard.schedule
         set waiting_since = coalesce(schedule.waiting_since, clock_timestamp())
        from due
       where schedule.workflow_id = due.workflow_id
         and not exists (select from opened)
    )
    select count(*)::int as opened from opened`
  return rows[0]?.opened === 1
}

export type RunNow = 'opened' | 'running' | 'unscheduled'

/** Opens an instance for a person, if there may be one more. */
export async function openInstance(sql: Sql, workflowId: number): Promise<RunNow> {
  const rows = await sql<{ scheduled: number; opened: number }[]>`
    with flow as materialized (
      select workflow_id, batch, max_instances from fetchyard.schedule
       where workflow_id = ${workflowId}
         for update
    ),
    opened as (
      insert into fetchyard.instance (workflow_id, opened_by, items_left)
      select workflow_id, 'operator',
             least(batch, fetchyard.ready_items(workflow_id))
        from flow
       where fetchyard.open_instances(workflow_id) < max_instances
      returning 1
    )
    select (select count(*) from flow)::int as scheduled,
           (select count(*) from opened)::int as opened`
  const { scheduled = 0, opened = 0 } = rows[0] ?? {}
  if (scheduled === 0) return 'unscheduled'
  return opened === 1 ? 'opened' : 'running'
}

/**
 * Closes instances that have nothing left to lease, or may lease no more, and of which no pack is
 * leased. An instance that somebody leases under at this moment is passed over.
 *
 * @returns instances closed.
 */
export async function closeInstances(sql: Sql, workflowId: number): Promise<number> {
  const rows = await sql`
    with idle as materialized (
      select instance_id from fetchyard.instance
       where workflow_id = ${workflowId} and closed_at is null
         for update skip locked
    )
    update fetchyard.instance
       set closed_at = clock_timestamp()
      from idle
     where instance.instance_id = idle.instance_id
       and fetchyard.is_instance_over(instance.instance_id)
    returning 1`
  return rows.length
}

/** How a workflow's schedule stands, for people. */
export interface ScheduleStatus {
  readonly workflow: string
  readonly definition: ScheduleDefinition
  readonly nextAt: string
  readonly tickedAt: string | null
  /** Since when a tick waits for an instance to end. */
  readonly waitingSince: string | null
  readonly openInstances: number
}

export async function readSchedules(sql: Sql): Promise<readonly ScheduleStatus[]> {
  return sql<ScheduleStatus[]>`
    select flow.name as workflow, schedule.definition, schedule.next_at::text as "nextAt",
           schedule.ticked_at::text as "tickedAt",
           schedule.waiting_since::text as "waitingSince",
           (select count(*) from fetchyard.instance
             where instance.workflow_id = schedule.workflow_id
               and closed_at is null)::int as "openInstances"
      from fetchyard.schedule
      join fetchyard.workflow as flow using (workflow_id)
     order by flow.name`
}

/** Schedules as the supervisor sees them. */
export interface ScheduleStore {
  readonly putSchedule: (schedule: Parameters<typeof putSchedule>[1]) => Promise<void>
  readonly readSchedule: (workflowId: number) => Promise<ScheduleRow | null>
  readonly readNow: () => Promise<Date>
  readonly takeTick: (tick: Parameters<typeof takeTick>[1]) => Promise<boolean>
  readonly closeInstances: (workflowId: number) => Promise<number>
}

export function createScheduleStore(sql: Sql): ScheduleStore {
  return {
    putSchedule: (schedule) => putSchedule(sql, schedule),
    readSchedule: (workflowId) => readSchedule(sql, workflowId),
    readNow: () => readNow(sql),
    takeTick: (tick) => takeTick(sql, tick),
    closeInstances: (workflowId) => closeInstances(sql, workflowId),
  }
}
