// Old runs, events and nodes: what nobody's work depends on.

import { FINAL } from './audit-equation.js'
import type { Old, Slice } from './chores.js'
import { renewCte, runSlice, turnCte } from './chores.js'
import type { Sql } from './client.js'

/**
 * Forgets a run that was not resumed for `keepMs` and whose items are all finished: its list first,
 * a slice at a time, then itself. A run that somebody resumes meanwhile is left alone, and its list
 * is filled again by whoever resumes it.
 */
export async function retireRun(sql: Sql, old: Old): Promise<Slice> {
  const runs = await findOldRun(sql, old)
  const runId = runs[0]
  if (runId === undefined) return { isOurs: true, rows: 0 }
  return runSlice<Slice>(
    sql,
    `
  with ${turnCte('runs')},
  chosen as materialized (
    select run_id from fetchyard.run
     where run_id = $4::int and exists (select from turn)
       and resumed_at < now() - $2::float8 * interval '1 millisecond'
       for update skip locked
  ),
  listed as materialized (
    select run_item.run_id, run_item.item_id
      from fetchyard.run_item
      join chosen using (run_id)
     limit $3::int
  ),
  cleared as (
    delete from fetchyard.run_item using listed
     where run_item.run_id = listed.run_id and run_item.item_id = listed.item_id
    returning 1
  ),
  forgotten as (
    delete from fetchyard.run using chosen
     where run.run_id = chosen.run_id and (select count(*) from listed) < $3::int
    returning 1
  ),
  ${renewCte('(select count(*) from cleared)')}
  select exists (select from turn) as "isOurs",
         ((select count(*) from cleared) + (select count(*) from forgotten))::int as rows`,
    [old.nodeId, old.keepMs, old.rowsMax, runId],
  )
}

/** The oldest run that may be forgotten. */
async function findOldRun(sql: Sql, { keepMs }: Old): Promise<readonly number[]> {
  const rows = await sql.unsafe<{ run_id: number }[]>(
    `
    select run.run_id
      from fetchyard.run
     where run.resumed_at < now() - $1::float8 * interval '1 millisecond'
       and not exists (
             select from fetchyard.run_item
              join fetchyard.item using (item_id)
             where run_item.run_id = run.run_id
               and not exists (select from fetchyard.processing_log as receipt
                                where receipt.item_id = run_item.item_id and receipt.${FINAL})
               and not exists (select from fetchyard.ending
                                where ending.item_id = run_item.item_id))
     order by run.resumed_at
     limit 1`,
    [keepMs],
  )
  return rows.map((row) => row.run_id)
}

/** Removes events older than `keepMs`, and as many instances of schedules that ended before. */
export async function removeEvents(sql: Sql, old: Old): Promise<Slice> {
  return runSlice<Slice>(
    sql,
    `
  with ${turnCte('events')},
  old as materialized (
    select event_id from fetchyard.event
     where happened_at < now() - $2::float8 * interval '1 millisecond'
       and exists (select from turn)
     order by happened_at
     limit $3::int
  ),
  gone as (
    delete from fetchyard.event using old where event.event_id = old.event_id returning 1
  ),
  old_instance as materialized (
    select instance_id from fetchyard.instance
     where closed_at < now() - $2::float8 * interval '1 millisecond'
       and exists (select from turn)
     limit $3::int
  ),
  gone_instance as (
    delete from fetchyard.instance using old_instance
     where instance.instance_id = old_instance.instance_id
    returning 1
  ),
  ${renewCte(BOTH)}
  select exists (select from turn) as "isOurs", (${BOTH})::int as rows`,
    [old.nodeId, old.keepMs, old.rowsMax],
  )
}

const BOTH = '((select count(*) from gone) + (select count(*) from gone_instance))'

/** Removes nodes fenced longer than `keepMs` ago that hold neither packs nor a reserve of calls. */
export async function removeNodes(sql: Sql, old: Old): Promise<Slice> {
  return runSlice<Slice>(
    sql,
    `
  with ${turnCte('nodes')},
  old as materialized (
    select node_id from fetchyard.node
     where fenced_at < now() - $2::float8 * interval '1 millisecond'
       and exists (select from turn)
       and not exists (select from fetchyard.work_queue as pack
                        where pack.node_id = node.node_id)
       and not exists (select from fetchyard.reserve
                        where reserve.node_id = node.node_id)
     limit $3::int
       for update skip locked
  ),
  gone as (
    delete from fetchyard.node using old where node.node_id = old.node_id returning 1
  ),
  ${renewCte('(select count(*) from gone)')}
  select exists (select from turn) as "isOurs", (select count(*) from gone)::int as rows`,
    [old.nodeId, old.keepMs, old.rowsMax],
  )
}
