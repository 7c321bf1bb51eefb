// What an operator does to items without SQL of their own: cancel them, or run delayed ones now.
// Both take items out of packs under the packs' locks, in pack order like a settle, so that they
// queue up behind a settle under way instead of deadlocking with it.

import type { Binding } from './binding.js'
import { mirrorCtes, ROW_LOCK_MS } from './binding.js'
import type { Sql } from './client.js'
import { LEAVE_CTES } from './leave-packs.js'
import { takenCtes } from './reserve.js'

/** Which items of a workflow an operator means. */
export interface ItemChoice {
  readonly workflowId: number
  readonly binding: Binding | null
  /** Keys of the items, in every round that is not finished. Null means all of the workflow's. */
  readonly keys: readonly string[] | null
}

/** Packs changed by one statement: a cancel of a million items is many short ones. */
const PACKS_MAX = 200
/** Rounds of an operation that keeps finding something: twice a queue of 10 million items. */
const ROUNDS_MAX = 2_000

/** The items of the packs `held` that a condition on `member.item_id` chooses, taken out. */
export function ownCtes(condition: string): string {
  return `
  own as materialized (
    select held.pack_id, held.lease_id, held.node_id, held.priority, held.partition, held.lane,
           held.attempt, held.snoozes, held.crashes, held.lonely_crashes, member.n, item.item_id,
           item.item_key, item.round
      from held
     cross join lateral unnest(held.item_ids) with ordinality as member (item_id, n)
      join fetchyard.item on item.item_id = member.item_id
     where ${condition}
  ),
  ${LEAVE_CTES}`
}

/**
 * Locks the packs that hold chosen items and takes these out. `condition` says which packs count.
 *
 * A pack that another statement changes meanwhile is read again once its lock is free: an item that
 * left it is not ours, and whoever took it has decided about it.
 */
function takeCtes(workflowId: number, condition: string): string {
  return `
  with patience as materialized (
    select set_config('lock_timeout', '${ROW_LOCK_MS}', true)
  ),
  chosen as materialized (
    select item.item_id
      from fetchyard.item
     where item.workflow_id = ${workflowId}
       and item.item_key = any ($1::text[])
  ),
  held as materialized (
    select pack.*
      from fetchyard.work_queue as pack
     where pack.workflow_id = ${workflowId}
       and ${condition}
       and exists (select from patience)
       and ($1::text[] is null
            or pack.item_ids && (select array_agg(item_id) from chosen))
     order by pack.pack_id
     limit ${PACKS_MAX}
       for update of pack
  ),
  ${ownCtes('$1::text[] is null or member.item_id in (select item_id from chosen)')}`
}

/**
 * The receipt names no lease, also for an item that is being worked: its worker's outcome is then
 * refused, and must not find in this receipt that it was accepted.
 *
 * @param reason parameter that holds the words of the receipt.
 */
export function cancelCtes(workflowId: number, reason: string): string {
  return `
  receipt as (
    insert into fetchyard.processing_log
           (item_id, lease_id, workflow_id, attempt, status, outcome_code, item_key, node_id, error)
    select item_id, 0, ${workflowId}, attempt, 'cancelled', 'cancelled', item_key, null,
           ${reason}::text
      from own
  ),
  tallied as (
    insert into fetchyard.tally (workflow_id, event, items)
    select ${workflowId}, 'cancel', count(*) from own having count(*) > 0
  ),${takenCtes(workflowId)}`
}

function cancelStatement({ workflowId, binding }: ItemChoice): string {
  const from = `(select item_id, item_key, round, 'Cancelled' as word from own)`
  const over = ['Queued', 'Processing'] as const
  const mirror =
    binding === null ? '' : `,${mirrorCtes({ workflowId, binding, from, over: [...over] })}`
  return `${takeCtes(workflowId, 'true')},${cancelCtes(workflowId, '$2')}${mirror}
  select (select count(*) from own)::int as items`
}

/** Puts the items of `own` into packs that are ready now; their counts stay. */
export function promoteCte(workflowId: number): string {
  return `
  promoted as (
    insert into fetchyard.work_queue
           (workflow_id, priority, partition, lane, attempt, snoozes, crashes, lonely_crashes,
            item_ids)
    select ${workflowId}, priority, partition, lane, attempt, snoozes, crashes, lonely_crashes,
           array_agg(item_id order by pack_id, n)
      from (select own.*,
                   (row_number() over (partition by priority, partition, lane, attempt, snoozes,
                                                    crashes, lonely_crashes
                                           order by pack_id, n) - 1) / 256 as slice
              from own) as sliced
     group by priority, partition, lane, attempt, snoozes, crashes, lonely_crashes, slice
  )`
}

/**
 * Until nothing is found twice in a row. Once does not tell: an item that moved to a new pack while
 * we waited for its old one is in none that the statement sees, and the next statement finds it.
 */
async function repeat(round: () => Promise<number>): Promise<number> {
  let total = 0
  for (let rounds = 0, idleRounds = 0; rounds < ROUNDS_MAX && idleRounds < 2; rounds += 1) {
    const items = await round()
    idleRounds = items === 0 ? idleRounds + 1 : 0
    total += items
  }
  return total
}

/**
 * Ends items for good, whether they wait, are delayed or are being worked. A worker that has one
 * goes on until it is done, and its outcome is refused.
 *
 * @returns items cancelled. One that moves from pack to pack at the very moments of two statements
 * may be missed; asking again finds it.
 */
export async function cancelItems(
  sql: Sql,
  choice: ItemChoice & { readonly reason: string },
): Promise<number> {
  const statement = cancelStatement(choice)
  return repeat(async () => {
    const rows = await sql.unsafe<{ items: number }[]>(statement, [
      choice.keys as string[] | null,
      choice.reason,
    ])
    return rows[0]?.items ?? 0
  })
}

/**
 * Makes delayed items ready now: those that wait for a retry, for the other side's patience, or for
 * a time in the future. Their counts stay.
 *
 * @returns items promoted.
 */
export async function promoteItems(sql: Sql, choice: ItemChoice): Promise<number> {
  const { workflowId, keys } = choice
  const statement = `${takeCtes(workflowId, 'pack.lease_id is null and pack.run_at > now()')},
  ${promoteCte(workflowId)}
  select (select count(*) from own)::int as items`
  return repeat(async () => {
    const rows = await sql.unsafe<{ items: number }[]>(statement, [keys as string[] | null])
    return rows[0]?.items ?? 0
  })
}
