// Leasing: whole packs are taken as they are, the last one is split. One statement, one round trip.

import type { QueuePosition } from '../core/lease-place.js'
import type { Binding } from './binding.js'
import { mirrorCtes } from './binding.js'
import type { Sql } from './client.js'
import { knownFailureJoin } from './known-failures.js'
import { type LeasedPack, type LeaseRow, readPacks } from './leased-packs.js'

export interface LeaseRequest {
  readonly nodeId: string
  readonly workflowId: number
  readonly binding: Binding | null
  /** Whether packs are leased within an open instance only. @default false */
  readonly isScheduled?: boolean
  /** Packs looked at, at most. */
  readonly packsMax: number
  /** Items leased, at most. */
  readonly itemsMax: number
  /** Time after which the packs may be reclaimed although their node lives, in milliseconds. */
  readonly deadlineMs: number
  /** Packs of these lanes are passed by: their hosts have enough to do. */
  readonly lanesToSkip?: readonly string[]
  /** Failures of this age and younger are told with the items; 0 asks for none. @default 0 */
  readonly failureAgeMs?: number
  /** Partitions that may be leased from; all when it is left out. */
  readonly partitions?: readonly number[] | undefined
  /** Where to look from; what comes before it is not seen. @default the beginning */
  readonly from?: QueuePosition | null
}

/**
 * From the packs looked at to the items leased: whole packs, and a piece of the last one.
 *
 * @param instance expression for the instance that they are leased under; null: for none.
 */
const takeCtes = (instance: string | null) => `
  sized as (
    select candidate.*,
           sum(size) over (order by candidate.priority, candidate.run_at, candidate.pack_id) as upto
      from candidate
  ),
  whole as materialized (
    update fetchyard.work_queue as pack
       set lease_id  = nextval('fetchyard.lease_id'),
           node_id   = $1::uuid,
           leased_at = now(),${instance === null ? '' : ` instance_id = ${instance},`}
           deadline  = now() + $4::int * interval '1 millisecond'
     -- The packs are an array, which reaches for their rows however small the table was when the
     -- plan was made.
     where pack.pack_id = any (array(select sized.pack_id from sized where sized.upto <= $3::int))
    returning pack.pack_id, pack.lease_id, pack.attempt, pack.snoozes, pack.crashes,
              pack.lonely_crashes, pack.item_ids, pack.priority, pack.run_at,
              pack.pack_id as origin_id
  ),
  rest as (
    update fetchyard.work_queue as pack
       set item_ids = sized.item_ids[($3::int - (sized.upto - sized.size) + 1)::int:]
      from sized
     where pack.pack_id = any (array(
             select sized.pack_id from sized
              where sized.upto > $3::int and sized.upto - sized.size < $3::int))
       and pack.pack_id = sized.pack_id
    returning pack.*, sized.item_ids[:($3::int - (sized.upto - sized.size))::int] as taken
  ),
  piece as (
    insert into fetchyard.work_queue
           (workflow_id, priority, partition, lane, attempt, snoozes, crashes, lonely_crashes,
            run_at, item_ids, lease_id, node_id, leased_at, deadline${
              instance === null ? '' : ', instance_id'
            })
    select workflow_id, priority, partition, lane, attempt, snoozes, crashes, lonely_crashes,
           run_at, taken, nextval('fetchyard.lease_id'), $1::uuid, now(),
           now() + $4::int * interval '1 millisecond'${instance === null ? '' : `, ${instance}`}
      from rest
    returning pack_id, lease_id, attempt, snoozes, crashes, lonely_crashes, item_ids, priority,
              run_at, (select pack_id from rest) as origin_id
  ),
  leased as materialized (select * from whole union all select * from piece),
  found as (
    select * from fetchyard.items_by_id(array(select unnest(leased.item_ids) from leased))
  )`

/**
 * Items that come as one text, at most, and stored bytes of a payload that comes in one of its own:
 * the driver copies a row again with each piece of it that arrives.
 */
const ITEMS_OF_ROW = 16
const LARGE_BYTES = 4_096

/**
 * The answer: a row a pack, and rows of some items each, in no order. A row an item would cost the
 * client more than all else that it does for it.
 */
const leasedRows = (workflowId: number) => `
  select row_number() over (order by priority, run_at, origin_id)::int as ordinal, pack_id,
         lease_id, attempt, snoozes, crashes, lonely_crashes, array_to_string(item_ids, ',') as item_ids,
         priority, run_at::text as run_at, origin_id, null::text as items
    from leased
   union all
  select null, null, null, null, null, null, null, null, null, null, null,
         json_agg(json_build_array(item.item_id::text, item.item_key, item.payload, item.lane,
                                   known.outcome_code, known.http_status, known.day))::text
    from found as item${knownFailureJoin(workflowId, '$5')}
   group by item.item_id / ${ITEMS_OF_ROW},
            case when pg_column_size(item.payload) > ${LARGE_BYTES} then item.item_id end`

/**
 * `materialized` is a fence: left free, the planner may run the limited subquery again inside a
 * nested loop and lease more than it should. `skip locked` lets leasers pass each other.
 *
 * The workflow's row is read by the same statement, so a pause holds from its commit on.
 *
 * Partitions say which packs a node looks at, never which are its own: that is the lease alone. Two
 * nodes that both believe to own a partition take turns at it and nothing is leased twice.
 */
function leaseStatement({
  workflowId,
  binding,
  isScheduled = false,
  partitions,
}: LeaseRequest): string {
  const condition =
    partitions === undefined
      ? ''
      : `
       and pack.partition = any ($10::int[])`
  if (isScheduled) return scheduledStatement(workflowId, binding, condition)
  return statementOf(workflowId, binding, { before: '', condition, instance: null, after: '' })
}

/**
 * Within the oldest open instance that may lease more. It stays locked until the lease has
 * committed, so what it may lease is never leased twice, nor is it closed meanwhile; another node
 * that comes at the same moment passes it over and asks again.
 */
function scheduledStatement(
  workflowId: number,
  binding: Binding | null,
  condition: string,
): string {
  const statement = statementOf(workflowId, binding, {
    before: `
  open_instance as materialized (
    select instance_id, items_left from fetchyard.instance
     where workflow_id = ${workflowId} and closed_at is null and items_left > 0
     order by instance_id
     limit 1
       for update skip locked
  ),`,
    condition: `${condition}
       and exists (select from open_instance)`,
    instance: '(select instance_id from open_instance)',
    after: `,
  charged as (
    update fetchyard.instance
       set items_left = instance.items_left - taken.items,
           items = instance.items + taken.items
      from open_instance,
           (select sum(cardinality(leased.item_ids)) as items from leased) as taken
     where instance.instance_id = open_instance.instance_id
       and taken.items > 0
  )`,
  })
  return statement.replaceAll(
    '$3::int',
    '(select least($3::int, items_left)::int from open_instance)',
  )
}

/** The items whose status word follows. */
const MARKED = `(select item_key, round, 'Processing' as word from found)`

interface Parts {
  readonly before: string
  readonly condition: string
  readonly instance: string | null
  readonly after: string
}

function statementOf(workflowId: number, binding: Binding | null, parts: Parts): string {
  const mirror =
    binding === null
      ? ''
      : `,${mirrorCtes({ workflowId, binding, from: MARKED, over: ['Queued'] })}`
  return `
  with${parts.before} candidate as materialized (
    select pack.pack_id, pack.item_ids, pack.priority, pack.run_at,
           cardinality(pack.item_ids) as size
      from fetchyard.work_queue as pack
     where pack.workflow_id = ${workflowId}
       and pack.lease_id is null
       and pack.run_at <= now()
       and (pack.priority, pack.run_at, pack.pack_id)
           >= ($7::smallint, $8::text::timestamptz, $9::bigint)
       and pack.lane <> all ($6::text[])
       and exists (select from fetchyard.node
                    where node.node_id = $1::uuid and node.fenced_at is null)
       and exists (select from fetchyard.workflow as flow
                    where flow.workflow_id = ${workflowId} and flow.paused_by = '{}')${parts.condition}
     order by pack.priority, pack.run_at, pack.pack_id
     limit $2::int
       for update of pack skip locked
  ),${takeCtes(parts.instance)}${mirror}${parts.after}${leasedRows(workflowId)}`
}

const BEGINNING: QueuePosition = { priority: -32_768, runAt: '-infinity', packId: '0' }

/**
 * Leases up to `itemsMax` ready items for a node.
 *
 * @returns the packs with their items; none when nothing is ready, the workflow is paused, or the
 * node is fenced (its next heartbeat tells which).
 */
export async function leasePacks(sql: Sql, request: LeaseRequest): Promise<readonly LeasedPack[]> {
  const { nodeId, packsMax, itemsMax, deadlineMs, lanesToSkip = [], partitions } = request
  const from = request.from ?? BEGINNING
  const rows = await sql.unsafe<LeaseRow[]>(
    leaseStatement(request),
    [
      nodeId,
      packsMax,
      itemsMax,
      deadlineMs,
      Math.ceil((request.failureAgeMs ?? 0) / 1_000),
      [...lanesToSkip],
      ...[from.priority, from.runAt, from.packId],
      ...(partitions === undefined ? [] : [partitions as number[]]),
    ],
    { prepare: true },
  )
  return readPacks(rows)
}
