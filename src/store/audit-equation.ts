// The conservation equation (I1), at most one success an item (I3), and the leases (I2), read from
// the tables themselves.
//
// Both long tables are read in the order of their items from indexes alone and merged, in constant
// memory. What the merge leaves over is as short as the queue. Whether an item has two ends needs
// no grouping of all receipts: every item that is finished has one end at least, so there are
// exactly as many ends as finished items unless some have two, or belong to nobody.

import type { Sql } from './client.js'

/** Words of a receipt that ends an item. */
export const FINAL = `status in ('success', 'error', 'cancelled')`

/** How many offenders there are, and the first of them. */
export interface Finding {
  readonly violations: number
  readonly examples: readonly string[]
}

export interface Equation {
  readonly auditedAt: string
  readonly enqueued: number
  readonly queued: number
  readonly processing: number
  readonly delayed: number
  readonly finished: number
  readonly retired: number
  readonly tallied: number
  readonly fetchedAgain: number
  readonly lost: Finding
  readonly doubled: Finding
  readonly strange: Finding
  readonly undead: Finding
}

/** Counts a relation of the statement and names the first of it. */
const finding = (relation: string, column = 'item_id') =>
  `json_build_object('violations', (select count(*) from ${relation}),
           'examples', array(select ${column}::text from ${relation} order by ${column} limit 5))`

const EQUATION = `
  with member as materialized (
    select unnest(item_ids) as item_id from fetchyard.work_queue
  ),
  distinct_member as materialized (
    select item_id from member group by item_id
  ),
  open as materialized (
    select item.item_id
      from fetchyard.item
     where not exists (select from fetchyard.processing_log as receipt
                        where receipt.item_id = item.item_id and receipt.${FINAL})
       and not exists (select from fetchyard.ending where ending.item_id = item.item_id)
  ),
  lost as materialized (
    select item_id from open
     where not exists (select from distinct_member as member where member.item_id = open.item_id)
  ),
  doubled as materialized (
    select item_id from member group by item_id having count(*) > 1
  ),
  odd as materialized (
    select item_id from distinct_member as member
     where not exists (select from open where open.item_id = member.item_id)
  ),
  strange as materialized (
    select item_id from odd
     where not exists (select from fetchyard.item where item.item_id = odd.item_id)
  ),
  undead as materialized (
    select item_id from odd except select item_id from strange
  ),
  pack as materialized (
    select coalesce(sum(cardinality(item_ids))
                    filter (where lease_id is null and run_at <= now()), 0)::float8 as queued,
           coalesce(sum(cardinality(item_ids))
                    filter (where lease_id is not null), 0)::float8 as processing,
           coalesce(sum(cardinality(item_ids))
                    filter (where lease_id is null and run_at > now()), 0)::float8 as delayed
      from fetchyard.work_queue
  ),
  reclaimed as (
    select distinct item_id from fetchyard.processing_log where status = 'reclaimed'
  ),
  present as materialized (
    select count(*)::float8 as items from fetchyard.item
  ),
  counted as materialized (
    select coalesce(sum(items) filter (where event = 'enqueue'), 0)::float8 as enqueued,
           coalesce(sum(items) filter (where event = 'retire'), 0)::float8 as retired
      from fetchyard.tally
  )
  select now()::text as "auditedAt",
         present.items + counted.retired as enqueued,
         pack.*,
         present.items - (select count(*) from open)::float8 as finished,
         counted.retired,
         counted.enqueued as tallied,
         (select count(*) from reclaimed)::float8 as "fetchedAgain",
         ${finding('lost')} as lost,
         ${finding('doubled')} as doubled,
         ${finding('strange')} as strange,
         ${finding('undead')} as undead
    from present, pack, counted`

/**
 * Merges instead of hashing: a hash of ten million items would not fit in the memory that a
 * statement should take, and misled by tables it has no statistics of, the planner would compare
 * every item with every other.
 */
async function preferMerges(sql: Sql, isOn: boolean): Promise<void> {
  const word = isOn ? 'off' : 'on'
  await sql.unsafe(`
    set local enable_hashjoin = ${word};
    set local enable_hashagg = ${word};
    set local enable_seqscan = ${word};
    set local enable_bitmapscan = ${word}`)
}

/** Ends of items, and those that are one too many or end nothing that was enqueued. */
export interface Ends {
  readonly doubled: Finding
  readonly unknown: Finding
  readonly appliedTwice: Finding
}

const NONE: Finding = { violations: 0, examples: [] }

/** The receipts that are one too many; only read when there are some. */
const SURPLUS = `
  with ended as (
    select item_id, count(*) as ends, count(*) filter (where status = 'success') as successes
      from (select item_id, status from fetchyard.processing_log where ${FINAL}
             union all
            select item_id, status from fetchyard.ending) as either
     group by item_id
  ),
  surplus as materialized (
    select ended.item_id, ended.ends, ended.successes, item.item_id is null as is_unknown
      from ended
      left join fetchyard.item on item.item_id = ended.item_id
     where ended.ends > 1 or item.item_id is null
  ),
  doubled as (select item_id from surplus where ends > 1),
  unknown as (select item_id from surplus where is_unknown),
  twice as (select item_id from surplus where successes > 1)
  select ${finding('doubled')} as doubled,
         ${finding('unknown')} as unknown,
         ${finding('twice')} as "appliedTwice"`

/** @param finished items that have an end. */
async function readEnds(sql: Sql, finished: number): Promise<Ends> {
  const rows = await sql.unsafe<{ ends: number }[]>(
    `select (select count(*) from fetchyard.processing_log where ${FINAL})::float8
            + (select count(*) from fetchyard.ending)::float8 as ends`,
  )
  if (rows[0]?.ends === finished) return { doubled: NONE, unknown: NONE, appliedTwice: NONE }
  const [surplus] = await sql.unsafe<Ends[]>(SURPLUS)
  if (surplus === undefined) throw new Error('the audit statement returned no row')
  return surplus
}

/** Reads the equation and the ends of items. Leaves the planner as it was. */
export async function readEquation(
  sql: Sql,
): Promise<{ readonly equation: Equation; readonly ends: Ends }> {
  await preferMerges(sql, true)
  const [equation] = await sql.unsafe<Equation[]>(EQUATION)
  if (equation === undefined) throw new Error('the audit statement returned no row')
  const ends = await readEnds(sql, equation.finished)
  await preferMerges(sql, false)
  return { equation, ends }
}

export interface Leases {
  readonly unheld: Finding
  readonly shared: Finding
  readonly future: Finding
  readonly forgotten: Finding
  /** Packs whose holder is dead or late, and that are not reclaimed yet. */
  readonly awaitingReclaim: number
}

/**
 * Forgotten are packs that a dead holder has kept for longer than any sweep may pause, while
 * another node was heard steadily and the server was up all that time: without a node nobody could
 * have reclaimed them. A machine that slept for hours may lease once more before its late heartbeat
 * tells it that it is fenced, so no pack counts as kept from before it was leased.
 *
 * The sequence is read after the snapshot was taken and only grows, so it is never behind a lease
 * that the snapshot shows.
 */
export async function readLeases(sql: Sql, waitMsMax: number): Promise<Leases> {
  const rows = await sql.unsafe<Leases[]>(
    `
    with leased as materialized (
      select pack.pack_id, pack.lease_id, node.node_id is null as is_unheld,
             greatest(pack.leased_at, least(node.fenced_at, node.alive_until, pack.deadline))
               as free_from
        from fetchyard.work_queue as pack
        left join fetchyard.node using (node_id)
       where pack.lease_id is not null
    ),
    unheld as (select pack_id from leased where is_unheld),
    shared as (select lease_id from leased group by lease_id having count(*) > 1),
    future as (
      select lease_id from leased
       where lease_id > (select last_value from fetchyard.lease_id)
    ),
    forgotten as (
      select pack_id from leased
       where free_from < now() - $1::float8 * interval '1 millisecond'
         and not is_unheld
         and pg_postmaster_start_time() < now() - $1::float8 * interval '1 millisecond'
         and exists (select from fetchyard.node
                      where fenced_at is null and alive_until > now()
                        and steady_since < now() - $1::float8 * interval '1 millisecond')
    )
    select ${finding('unheld', 'pack_id')} as unheld,
           ${finding('shared', 'lease_id')} as shared,
           ${finding('future', 'lease_id')} as future,
           ${finding('forgotten', 'pack_id')} as forgotten,
           (select count(*) from leased where free_from < now())::float8 as "awaitingReclaim"`,
    [waitMsMax],
  )
  if (rows[0] === undefined) throw new Error('the audit statement returned no row')
  return rows[0]
}
