// Retention: old receipts go with their day's partition, and finished items go after them, without
// ever a moment in which the books do not balance.
//
// A receipt that ends an item is the proof that it is finished. So before a partition is dropped
// these are moved to `ending`, a slice at a time, each slice one statement: at every instant an
// item has either its receipt or its ending. An item is retired by one statement as well, which
// deletes it, deletes its ending and counts it. What was enqueued is then what is there and what
// was retired.

import { FINAL } from './audit-equation.js'
import type { Old, Slice } from './chores.js'
import { LOST, renewCte, runSlice, turnCte } from './chores.js'
import type { Sql } from './client.js'
import { codeOf } from './client.js'

/** A place of receipts that are all, or may be, old enough to go. */
export interface OldReceipts {
  readonly partition: string
  /** Pages it has. */
  readonly pages: number
  /** The default partition: it stays, and what is in it goes row by row. */
  readonly isRest: boolean
}

const REST = 'processing_log_rest'

/** Names that go into statements. */
function partitionName(name: string): string {
  if (!/^processing_log_(?:rest|\d{8})$/.test(name))
    throw new Error(`no partition of ours: ${name}`)
  return `fetchyard.${name}`
}

/** Partitions whose last moment is older than `keepMs`, oldest first, and the rest partition. */
export async function findOldReceipts(sql: Sql, keepMs: number): Promise<readonly OldReceipts[]> {
  return sql<OldReceipts[]>`
    with part as (
      select child.oid, child.relname as name, child.relname = ${REST} as is_rest
        from pg_inherits
        join pg_class as child on child.oid = inhrelid
       where inhparent = 'fetchyard.processing_log'::regclass
         and child.relname ~ '^processing_log_([0-9]{8}|rest)$'
    )
    select name as partition, is_rest as "isRest",
           (pg_relation_size(oid) / current_setting('block_size')::int)::int as pages
      from part
     where is_rest
        or (to_date(right(name, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'utc'
           <= now() - ${keepMs}::float8 * interval '1 millisecond'
     order by is_rest, name`
}

/**
 * Moves what ends items from some pages of a partition to `ending`. By pages, not by rows: a search
 * for the next rows would read over all that earlier slices have left dead.
 *
 * An item with two ends would make it fail, and it should: the audit must go on telling of it.
 */
export async function moveEndings(
  sql: Sql,
  slice: {
    readonly nodeId: string
    readonly receipts: OldReceipts
    readonly fromPage: number
    readonly pagesMax: number
    readonly keepMs: number
  },
): Promise<Slice> {
  const { nodeId, receipts, fromPage, pagesMax, keepMs } = slice
  return runSlice<Slice>(
    sql,
    `
  with ${turnCte('receipts')},
  old as (
    delete from ${partitionName(receipts.partition)} as receipt
     where receipt.ctid >= $2::text::tid and receipt.ctid < $3::text::tid
       and receipt.ended_at < now() - $4::float8 * interval '1 millisecond'
       ${receipts.isRest ? '' : `and ${FINAL}`}
       and exists (select from turn)
    returning receipt.*
  ),
  moved as (
    insert into fetchyard.ending
           (item_id, lease_id, ended_at, workflow_id, attempt, http_status, status, outcome_code,
            error)
    select item_id, lease_id, ended_at, workflow_id, attempt, http_status, status, outcome_code,
           error
      from old
     where ${FINAL}
  ),
  ${renewCte('(select count(*) from old)')}
  select exists (select from turn) as "isOurs", (select count(*) from old)::int as rows`,
    [nodeId, `(${fromPage},0)`, `(${fromPage + pagesMax},0)`, keepMs],
  )
}

export type Dropped = 'dropped' | 'needed' | 'busy' | 'lost'

/** SQLSTATEs: the receipts are read or written at the moment; the partition is gone. */
const BUSY = '55P03'
const GONE = '42P01'

/**
 * Drops a partition that no item depends on any more. Busy receipts are left to the next pass.
 */
export async function dropReceipts(
  sql: Sql,
  of: { readonly nodeId: string; readonly partition: string },
): Promise<Dropped> {
  partitionName(of.partition)
  try {
    const rows = await sql<{ outcome: Dropped }[]>`
      select fetchyard.drop_receipts(${of.nodeId}::uuid, ${of.partition}) as outcome`
    return rows[0]?.outcome ?? 'lost'
  } catch (error) {
    if (codeOf(error) === BUSY) return 'busy'
    if (codeOf(error) === GONE) return 'dropped'
    throw error
  }
}

/** Where a pass over the endings is. */
export interface Cursor {
  readonly endedAt: string
  readonly itemId: string
}

export const FIRST: Cursor = { endedAt: '-infinity', itemId: '0' }

export interface RetiredSlice extends Slice {
  /** Where the next slice goes on; null when none is left. */
  readonly next: Cursor | null
}

/**
 * Retires items that ended longer than `keepMs` ago: deletes them with their endings and counts
 * them, in one statement. It leaves alone
 * - items of a run, which go after the run;
 * - items of which an earlier round stays: the latest round of a key must be the last to go, since
 *   the words of bound rows and the next round follow from it;
 * - items that an enqueue holds on to, which is opening the next round.
 */
export async function retireItems(
  sql: Sql,
  slice: Old & { readonly after: Cursor },
): Promise<RetiredSlice> {
  const { nodeId, keepMs, rowsMax, after } = slice
  const row = await runSlice<{
    isOurs: boolean
    rows: number
    seen: number
    endedAt: string | null
    itemId: string | null
  }>(sql, RETIRE, [nodeId, keepMs, rowsMax, after.endedAt, after.itemId])
  if (!row.isOurs) return { ...LOST, next: null }
  const { rows, seen, endedAt, itemId } = row
  const isLast = seen < rowsMax || endedAt === null || itemId === null
  return { isOurs: true, rows, next: isLast ? null : { endedAt, itemId } }
}

const RETIRE = `
  with ${turnCte('items')},
  due as materialized (
    select ending.item_id, ending.ended_at
      from fetchyard.ending
     where exists (select from turn)
       and ending.ended_at < now() - $2::float8 * interval '1 millisecond'
       and (ending.ended_at, ending.item_id) > ($4::text::timestamptz, $5::bigint)
     order by ending.ended_at, ending.item_id
     limit $3::int
  ),
  candidate as materialized (
    -- By index for each, here and below: as a join the planner would rather read all items, which
    -- took 2 s a slice with 1.3 million of them (2026-11-26).
    select held.*
      from due
     cross join lateral (
             select item.item_id, item.workflow_id, item.item_key, item.round
               from fetchyard.item
              where item.item_id = due.item_id
                and not exists (select from fetchyard.run_item
                                 where run_item.item_id = due.item_id)
                for update of item skip locked) as held
  ),
  free as materialized (
    select candidate.item_id
      from candidate
      left join lateral (
             select older.item_id
               from fetchyard.item as older
              where older.workflow_id = candidate.workflow_id
                and older.item_key = candidate.item_key
                and older.round < candidate.round
                and older.item_id not in (select item_id from candidate)
              limit 1) as older on true
     where older.item_id is null
       -- Once more, now that nobody else holds the item: somebody may have put it into a run.
       and not fetchyard.is_in_run(candidate.item_id)
  ),
  gone as (
    delete from fetchyard.item using free
     where item.item_id = free.item_id
    returning item.item_id, item.workflow_id
  ),
  ended as (
    delete from fetchyard.ending using gone
     where ending.item_id = gone.item_id
    returning ending.lease_id, ending.status
  ),
  tallied as (
    insert into fetchyard.tally (workflow_id, event, items)
    select workflow_id, 'retire', count(*) from gone group by workflow_id
  ),
  ${renewCte(
    '(select count(*) from gone)',
    `, newest_lease = greatest(chore.newest_lease, (select max(lease_id) from ended where status = 'success'))`,
  )},
  last as (select ended_at, item_id from due order by ended_at desc, item_id desc limit 1)
  select exists (select from turn) as "isOurs",
         (select count(*) from gone)::int as rows,
         (select count(*) from due)::int as seen,
         (select ended_at::text from last) as "endedAt",
         (select item_id::text from last) as "itemId"`
