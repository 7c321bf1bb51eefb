// Reserves: calls that a node may have under way, or ended and not written, at most. They are
// written before the calls are begun, so that a budget counts them whoever is killed, and booked
// when the node is lost.

import type { Sql } from './client.js'

export interface ReserveRequest {
  readonly nodeId: string
  readonly workflowId: number
  /** Grows from request to request of the node. */
  readonly serial: number
  /** Calls under way, or ended and not in the ledger yet. */
  readonly open: number
  /** Calls of the last reserve that are not begun and may be while this is asked. */
  readonly kept: number
  /** Calls to be begun from now on, at most. */
  readonly wanted: number
  /** What one of them costs, at most. */
  readonly creditsEach: number
}

/** @returns the calls that may be begun beyond the open ones; null when the node is fenced. */
export async function reserveCalls(sql: Sql, request: ReserveRequest): Promise<number | null> {
  const { nodeId, workflowId, serial, open, kept, wanted, creditsEach } = request
  const rows = await sql.unsafe<{ granted: number | null }[]>(
    'select fetchyard.reserve_calls($1::uuid, $2::smallint, $3, $4, $5, $6, $7) as granted',
    [nodeId, workflowId, serial, open, kept, wanted, creditsEach],
    { prepare: true },
  )
  return rows[0]?.granted ?? null
}

/** A node ends in order, and everything that it began is in the ledger. */
export async function closeReserve(
  sql: Sql,
  of: { readonly nodeId: string; readonly workflowId: number },
): Promise<void> {
  await sql`
    delete from fetchyard.reserve
     where node_id = ${of.nodeId} and workflow_id = ${of.workflowId}`
}

/**
 * Books answers that were refused, because their item had been taken from its node meanwhile: by a
 * cancel, or by a deadline. What they cost is known now, so the reserve need not answer for them
 * any more. A fenced node's are in its reserve already: the lock on the node's row keeps a fence
 * out until this is committed, and so whoever books the reserve of a fenced node knows of it.
 */
export async function bookRefused(
  sql: Sql,
  of: {
    readonly nodeId: string
    readonly workflowId: number
    /** Grows from booking to booking of the node; one that was written is not written again. */
    readonly booking: number
    /** Items of which a statement noted that it took them: `taken` is lowered by so many. */
    readonly items: number
    readonly calls: number
    readonly credits: number
    /** Of the credits: those that are a bound. */
    readonly unsure: number
  },
): Promise<void> {
  await sql`
    with living as materialized (
      select node_id from fetchyard.node
       where node_id = ${of.nodeId} and fenced_at is null
         for share
    ),
    noted as (
      insert into fetchyard.reserve as own
             (node_id, workflow_id, calls, credits_each, serial, booking)
      select node_id, ${of.workflowId}::smallint, 0, 0, 0, ${of.booking}::int from living
          on conflict (workflow_id, node_id)
          do update set booking = excluded.booking,
                        taken = greatest(0, own.taken - ${of.items}::int)
          where own.booking < excluded.booking
      returning 1
    )
    insert into fetchyard.spend (workflow_id, kind, calls, credits, unsure)
    select ${of.workflowId}::smallint, 'failed', ${of.calls}::bigint, ${of.credits}::bigint,
           ${of.unsure}::bigint
      from noted
     where ${of.calls}::bigint > 0`
}

/**
 * The first clause of a reclaim, over `suspect` (packs it may free): the reserves that it may
 * change, locked before it takes any pack. A reserve that another statement holds, such as a
 * cancel, is left to it together with that node's packs: what is freed without its reserve would
 * never be booked. Nothing is waited for, since whoever holds a reserve may wait for another one.
 */
export function owedCte(workflowId: number): string {
  return `
  owed as materialized (
    select reserve.*, node.node_id is null or node.fenced_at is not null as is_lost
      from fetchyard.reserve
      left join fetchyard.node on node.node_id = reserve.node_id
     where reserve.workflow_id = ${workflowId}
       and (node.node_id is null or node.fenced_at is not null
            or reserve.node_id in (select node_id from suspect))
     order by reserve.node_id
       for update of reserve skip locked
  )`
}

/** Condition on a pack of `suspect`: its node has no reserve, or it is ours. */
export function isOwedOrFree(workflowId: number): string {
  return `(suspect.node_id in (select node_id from owed)
            or not exists (select from fetchyard.reserve
                            where reserve.workflow_id = ${workflowId}
                              and reserve.node_id = suspect.node_id))`
}

/**
 * The clauses of a reclaim that book the reserves of lost nodes, over `owed`, `dead` (packs) and
 * `lost` (their items, each with its `rank` within its node, in the order of leases).
 *
 * What the node had begun is among the items that it held, in the order in which they were leased:
 * so many of them as it had reserved are booked, each at the most that its call may have cost.
 * Items leased ahead come behind them. Packs that another statement holds are left for the next
 * reclaim, and so is the rest of the reserve. When no pack is left, the rest of the reserve ended
 * in order, but for items that were taken from the node before.
 */
export function reserveCtes(workflowId: number): string {
  return `
  charged as materialized (
    select lost.item_id, lost.lease_id, lost.node_id, owed.credits_each
      from lost
      join owed on owed.is_lost and owed.node_id = lost.node_id and lost.rank <= owed.calls
  ),
  due as materialized (
    select owed.*, found.calls as found,
           exists (select from fetchyard.work_queue as pack
                    where pack.workflow_id = ${workflowId} and pack.node_id = owed.node_id
                      and pack.pack_id not in (select pack_id from dead)) as has_more
      from owed
     cross join lateral (select count(*)::int as calls from charged
                          where charged.node_id = owed.node_id) as found
     where owed.is_lost
  ),
  closed as (
    delete from fetchyard.reserve
     using due
     where reserve.workflow_id = due.workflow_id and reserve.node_id = due.node_id
       and not due.has_more
  ),
  lowered as (
    update fetchyard.reserve
       set calls = due.calls - due.found
      from due
     where reserve.workflow_id = due.workflow_id and reserve.node_id = due.node_id
       and due.has_more and due.found > 0
  ),
  booked as (
    insert into fetchyard.spend (workflow_id, kind, calls, credits, unsure)
    select ${workflowId}, 'crashed', calls, calls * credits_each, calls * credits_each
      from (select credits_each,
                   found + case when has_more then 0 else least(calls - found, taken) end as calls
              from due) as bill
     where calls > 0 and credits_each > 0
  ),
  overdue as (
    -- Taken from nodes that live, which may be working them: like items that are cancelled.
    update fetchyard.reserve
       set taken = reserve.taken + gone.items
      from (select lost.node_id, count(*)::int as items
              from lost
              join owed on owed.node_id = lost.node_id and not owed.is_lost
             group by lost.node_id) as gone
     where reserve.workflow_id = ${workflowId} and reserve.node_id = gone.node_id
  )`
}

/**
 * The clause of a cancel that notes items taken out of packs that a node may be working, over `own`
 * with their nodes: its outcome will be refused, and its reserve must answer for it if it dies. A
 * node that has reserved nothing so far may be about to, for items it does not know to be taken; so
 * there is a row for what it will reserve.
 */
export function takenCtes(workflowId: number): string {
  return `
  taken as (
    insert into fetchyard.reserve as noted
           (node_id, workflow_id, calls, credits_each, serial, taken)
    select node_id, ${workflowId}, 0, 0, 0, count(*)::int
      from own
     where lease_id is not null
     group by node_id
     -- In the order of nodes, so that two such statements wait instead of deadlocking.
     order by node_id
        on conflict (workflow_id, node_id)
        do update set taken = noted.taken + excluded.taken
  )`
}
