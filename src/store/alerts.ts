// Alerts as rows: who judges, what stands, and changes that count once. A change names the state
// that it was decided from and when that began; of two nodes that decide the same, one finds the
// row changed and tells nobody.

import type { AlertChange, StoredAlert } from '../core/alert-plan.js'
import { readAlertMeasures, takeAlertSamples } from './alert-measures.js'
import type { Notice, NoticeEnd } from './alert-notices.js'
import { claimNotice, endNotice, forgetNotices } from './alert-notices.js'
import type { Sql } from './client.js'

/** A node's turn to judge ends by itself when it falls silent for so long, in seconds. */
const TURN_S = 20

/** Takes or keeps the turn to judge. Of several that ask at once one has it, and nobody waits. */
export async function takeAlertTurn(sql: Sql, nodeId: string): Promise<boolean> {
  const rows = await sql.unsafe(
    `with free as materialized (
       select is_one from fetchyard.alert_watch
        where watcher = $1::uuid or watcher is null or watch_until < clock_timestamp()
          for update skip locked
     )
     update fetchyard.alert_watch as watch
        set watcher = $1::uuid, watch_until = clock_timestamp() + ${TURN_S}::int * interval '1 second'
       from free
      where watch.is_one = free.is_one
     returning watch.is_one`,
    [nodeId],
  )
  return rows.length === 1
}

/** Gives the turn back, so that another node need not wait for it. */
export async function endAlertTurn(sql: Sql, nodeId: string): Promise<void> {
  await sql`
    update fetchyard.alert_watch set watcher = null, watch_until = '-infinity'
     where watcher = ${nodeId}::uuid`
}

export async function readAlerts(sql: Sql): Promise<readonly StoredAlert[]> {
  return sql<StoredAlert[]>`
    select alert, subject, workflow_id as "workflowId", state, level, since::text as since,
           extract(epoch from clock_timestamp() - since)::float8 * 1000 as "waitedMs"
      from fetchyard.alert`
}

/** The columns of `given`; every one is an array of strings, since only such go into an unnest. */
const GIVEN = `
  given as materialized (
    select n, alert, subject, nullif(workflow_id, '')::smallint as workflow_id, level,
           from_state, to_state, nullif(since, '')::timestamptz as since,
           nullif(told, '') as told, message
      from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                  $8::text[], $9::text[], $10::text[]) with ordinality
             as change (alert, subject, workflow_id, level, from_state, to_state, since, told,
                        message, n)
  )`

const CHANGES = `
  turn as materialized (
    select is_one from fetchyard.alert_watch where watcher = $1::uuid for update
  ),
  added as (
    insert into fetchyard.alert as own (alert, subject, workflow_id, state, level, message)
    select alert, subject, workflow_id, to_state, level, message
      from given
     where from_state = 'quiet' and to_state = 'pending' and exists (select from turn)
        on conflict do nothing
    returning own.alert, own.subject
  ),
  moved as (
    update fetchyard.alert as own
       set state = given.to_state, since = clock_timestamp(), level = given.level,
           raised_at = case given.to_state when 'pending' then null
                       else coalesce(own.raised_at, clock_timestamp()) end,
           message = case when given.told = 'raised' then given.message else own.message end
      from given
     where own.alert = given.alert and own.subject = given.subject
       and own.state = given.from_state and own.since = given.since
       and given.to_state <> 'quiet' and exists (select from turn)
    returning own.alert, own.subject
  ),
  removed as (
    delete from fetchyard.alert as own using given
     where own.alert = given.alert and own.subject = given.subject
       and own.state = given.from_state and own.since = given.since
       and given.to_state = 'quiet' and exists (select from turn)
    returning own.alert, own.subject
  ),
  told as (
    select given.*
      from given
      join (select * from added union all select * from moved union all select * from removed)
        as done using (alert, subject)
     where given.told is not null
  ),
  noticed as (
    insert into fetchyard.alert_notice (alert, subject, event, level, message)
    select alert, subject, told, level, message from told order by n
  ),
  kept as (
    insert into fetchyard.event (level, name, workflow_id, node_id, message, fields)
    select case told when 'cleared' then 'info' else level end, 'alert.' || told, workflow_id,
           $1::uuid, message, jsonb_build_object('alert', alert, 'subject', subject)
      from told order by n
  )`

/**
 * Writes changes, as far as what they were decided from still holds and this node still judges.
 * What people are told becomes a notice and an event of the cluster in the same statement.
 *
 * @returns the changes that people are to be told of.
 */
export async function applyAlerts(
  sql: Sql,
  of: { readonly nodeId: string; readonly changes: readonly AlertChange[] },
): Promise<readonly AlertChange[]> {
  const { nodeId, changes } = of
  const column = (value: (change: AlertChange) => string) => changes.map(value)
  const rows = await sql.unsafe<{ n: number }[]>(
    `with ${GIVEN},${CHANGES}
     select n::int as n from told order by n`,
    [
      nodeId,
      column(({ alert }) => alert),
      column(({ subject }) => subject),
      column(({ workflowId }) => (workflowId === null ? '' : String(workflowId))),
      column(({ level }) => level),
      column(({ from }) => from),
      column(({ to }) => to),
      column(({ since }) => since ?? ''),
      column(({ told }) => told ?? ''),
      column(({ message }) => message),
    ],
  )
  return rows.flatMap(({ n }) => changes[n - 1] ?? [])
}

/** Alerts as the supervisor sees them. */
export interface AlertStore {
  readonly takeTurn: (nodeId: string) => Promise<boolean>
  readonly endTurn: (nodeId: string) => Promise<void>
  readonly takeSamples: () => Promise<void>
  readonly readMeasures: () => ReturnType<typeof readAlertMeasures>
  readonly readAlerts: () => Promise<readonly StoredAlert[]>
  readonly apply: (of: Parameters<typeof applyAlerts>[1]) => Promise<readonly AlertChange[]>
  readonly claimNotice: () => Promise<Notice | null>
  readonly endNotice: (end: NoticeEnd) => Promise<void>
  readonly forgetNotices: () => Promise<void>
}

export function createAlertStore(sql: Sql): AlertStore {
  return {
    takeTurn: (nodeId) => takeAlertTurn(sql, nodeId),
    endTurn: (nodeId) => endAlertTurn(sql, nodeId),
    takeSamples: () => takeAlertSamples(sql),
    readMeasures: () => readAlertMeasures(sql),
    readAlerts: () => readAlerts(sql),
    apply: (of) => applyAlerts(sql, of),
    claimNotice: () => claimNotice(sql),
    endNotice: (end) => endNotice(sql, end),
    forgetNotices: () => forgetNotices(sql),
  }
}
