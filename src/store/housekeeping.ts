// What keeps the tables in shape without touching anybody's work.

import type { Sql } from './client.js'
import { codeOf } from './client.js'

/**
 * Folds the tallies of finished statements into one row a workflow and event. Rows that another
 * folder holds are skipped, so folders never wait for each other and no count is taken twice.
 *
 * @returns rows folded away.
 */
export async function foldTallies(sql: Sql, rowsMax: number): Promise<number> {
  const rows = await sql<{ folded: number }[]>`
    with old as materialized (
      select ctid from fetchyard.tally limit ${rowsMax}::int for update skip locked
    ),
    taken as (
      delete from fetchyard.tally using old
       where tally.ctid = old.ctid
         and (select count(*) from old) > 64
      returning tally.workflow_id, tally.event, tally.items
    ),
    folded as (
      insert into fetchyard.tally (workflow_id, event, items)
      select workflow_id, event, sum(items) from taken group by workflow_id, event
    )
    select count(*)::int as folded from taken`
  return rows[0]?.folded ?? 0
}

/**
 * SQLSTATEs: the table is there, the rest partition holds rows of that day, the receipts are read.
 */
const EXPECTED = new Set(['42P07', '23514', '42P17', '55P03'])

/**
 * Vacuum follows closely, because the audit counts in indexes what was vacuumed, and reads the rest
 * from the table. The same as migration 2 sets.
 */
const GROWS_ONLY =
  'autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_insert_threshold = 10000'

/** Days of receipts for which a partition is made ahead. */
const PARTITION_DAYS_AHEAD = 7

/**
 * Makes the daily partitions of the receipts, today's and those of the days ahead, so that dropping
 * one is retention. A day whose receipts have begun in the rest partition keeps them there.
 *
 * @returns partitions made.
 */
export async function ensureReceiptPartitions(sql: Sql): Promise<number> {
  // A day that began in the rest partition is left out here: to be told so by `create table` would
  // lock the receipts at every turn.
  const missing = await sql<{ name: string; first: string; next: string }[]>`
    select 'processing_log_' || to_char(day, 'YYYYMMDD') as name,
           to_char(day, 'YYYY-MM-DD') || 'T00:00:00Z' as first,
           to_char(day + interval '1 day', 'YYYY-MM-DD') || 'T00:00:00Z' as next
      from generate_series(date_trunc('day', now() at time zone 'utc'),
                           date_trunc('day', now() at time zone 'utc')
                             + ${PARTITION_DAYS_AHEAD}::int * interval '1 day',
                           interval '1 day') as day
     where to_regclass('fetchyard.processing_log_' || to_char(day, 'YYYYMMDD')) is null
       and not exists (select from fetchyard.processing_log_rest as receipt
                        where receipt.ended_at >= day at time zone 'utc'
                          and receipt.ended_at < (day + interval '1 day') at time zone 'utc')`
  let made = 0
  for (const partition of missing) {
    try {
      // One message, which the server takes for one transaction; `begin` would cost a connection.
      //
      // Behind a long reader of the receipts every settle would wait with us. There are days of
      // time.
      await sql.unsafe(`
        set local lock_timeout = '100ms';
        create table fetchyard.${partition.name}
        partition of fetchyard.processing_log
        for values from ('${partition.first}') to ('${partition.next}')
        with (${GROWS_ONLY})`)
      made += 1
    } catch (error) {
      // Made by another node meanwhile, the day began in the rest partition, or it is tried again
      // later.
      if (!EXPECTED.has(codeOf(error) ?? '')) throw error
    }
  }
  return made
}
