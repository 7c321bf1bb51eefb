// Reading what became of one item: how it stands, and how each of its attempts ended and by whose
// hand. For people and their scripts; nothing of the queue's own work reads here.

import type { Sql } from './client.js'
import { isoInstant } from './instants.js'

/** The supervisor an attempt ended under. */
export interface AttemptNode {
  readonly name: string
  readonly pid: number
  readonly host: string
}

/** How one attempt ended, as its receipt says. */
export interface AttemptEnd {
  readonly endedAt: string
  readonly attempt: number
  readonly status: string
  readonly code: string
  readonly httpStatus: number | null
  readonly durationMs: number | null
  readonly leaseId: string
  /** Null when the receipt's node is not known any more. */
  readonly node: AttemptNode | null
  readonly error: string | null
}

/** One round of an item: asked for again, a key begins its next. */
export interface ItemRound {
  readonly round: number
  readonly state: string | null
  /** Attempts charged so far. */
  readonly attempt: number
  readonly enqueuedAt: string
  /** From when on it may be leased; null once it is finished. */
  readonly readyAt: string | null
  readonly leaseId: string | null
  readonly leaseHolder: string | null
  readonly leaseExpiresAt: string | null
  /** Oldest first; of very many only the latest. */
  readonly attempts: readonly AttemptEnd[]
}

/** Which item is meant. */
export interface ItemName {
  readonly workflowId: number
  readonly key: string
}

/** Ends of attempts that are read for one round. */
const ATTEMPTS_MAX = 500
/** Rounds that are read for one key. */
const ROUNDS_MAX = 100
/** Keys looked at on each side of one that is not there. */
const NEARBY_KEYS = 5

/** Receipts, and what is left of the last one when its day was dropped. */
const ENDS_OF_ITEM = `
  select ended_at, attempt, status, outcome_code, http_status, duration_ms, lease_id, node_id, error
    from fetchyard.processing_log as receipt
   where receipt.item_id = item.item_id
   union all
  select ended_at, attempt, status, outcome_code, http_status, null, lease_id, null, error
    from fetchyard.ending
   where ending.item_id = item.item_id`

const HISTORY = `
  select item.round, shown.status as state, shown.attempt,
         ${isoInstant('item.enqueued_at')} as "enqueuedAt",
         ${isoInstant('shown.run_at')} as "readyAt",
         shown.lease_id as "leaseId", shown.lease_holder as "leaseHolder",
         ${isoInstant('shown.lease_expires_at')} as "leaseExpiresAt",
         coalesce(history.attempts, '[]') as attempts
    from fetchyard.item
    join fetchyard.workflow as flow using (workflow_id)
    join fetchyard.work_items as shown
      on shown.item_id = item.item_id and shown.workflow = flow.name
    left join lateral (
           select jsonb_agg(jsonb_build_object(
                    'endedAt', ${isoInstant('ended.ended_at')},
                    'attempt', ended.attempt, 'status', ended.status, 'code', ended.outcome_code,
                    'httpStatus', ended.http_status, 'durationMs', ended.duration_ms,
                    'leaseId', ended.lease_id::text,
                    'node', case when node.node_id is not null then jsonb_build_object(
                              'name', node.name, 'pid', node.pid, 'host', node.host) end,
                    'error', ended.error) order by ended.ended_at, ended.lease_id) as attempts
             from (${ENDS_OF_ITEM}
                    order by ended_at desc
                    limit ${ATTEMPTS_MAX}) as ended
             left join fetchyard.node on node.node_id = ended.node_id) as history on true
   where item.workflow_id = $1 and item.item_key = $2
   order by item.round desc
   limit ${ROUNDS_MAX}`

/** All rounds of a key, the latest first; none when the key was never enqueued. */
export async function readHistory(sql: Sql, item: ItemName): Promise<readonly ItemRound[]> {
  return sql.unsafe<ItemRound[]>(HISTORY, [item.workflowId, item.key])
}

/** Keys that stand next to this one in their order: what a mistyped key may have meant. */
export async function readNearbyKeys(sql: Sql, item: ItemName): Promise<readonly string[]> {
  const rows = await sql<{ key: string }[]>`
    (select item_key as key from fetchyard.item
      where workflow_id = ${item.workflowId} and item_key < ${item.key}
      order by item_key desc limit ${NEARBY_KEYS})
    union
    (select item_key as key from fetchyard.item
      where workflow_id = ${item.workflowId} and item_key > ${item.key}
      order by item_key limit ${NEARBY_KEYS})`
  return rows.map((row) => row.key)
}
