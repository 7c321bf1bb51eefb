// Settling: the one statement through which anything about a leased item becomes true. It locks the
// packs by lease and node; the items still in them are ours and leave; results, status words,
// retries, receipts and counts are all derived from those items. So settling twice, late, or with
// an old lease finds nothing to take, and writes nothing.

import type { SinkDefinition } from '../core/definition.js'
import type { Settlement } from '../core/settlement.js'
import type { Binding } from './binding.js'
import { mirrorCtes, ROW_LOCK_MS } from './binding.js'
import type { Sql } from './client.js'
import { cohortCte } from './cohorts.js'
import { endTallyCte } from './end-tally.js'
import { knownFailureCte } from './known-failures.js'
import { LEAVE_CTES } from './leave-packs.js'
import { spendCte } from './money.js'
import { SETTLEMENT_GROUPS, settlementsText } from './settlement-text.js'
import { sinkCte } from './sink-ctes.js'

/** What the statement must know of a workflow. */
export interface SettlePlan {
  readonly workflowId: number
  readonly binding: Binding | null
  readonly sinks: { readonly [sink: string]: SinkDefinition }
}

const RECEIPT_STATUS = `case own.event when 'complete' then 'success' when 'discard' then 'error'
                when 'cancel' then 'cancelled' when 'retry' then 'retry' when 'snooze' then 'retry'
                else 'reclaimed' end`

const STATUS_WORD = `case event when 'complete' then 'Complete' when 'discard' then 'Error'
                when 'cancel' then 'Cancelled' else 'Queued' end`

/**
 * Takes what is ours: locks the packs by lease and node, finds the items still in them (`own`), and
 * takes these out.
 */
const TAKE_CTES = `
  with patience as materialized (
    select set_config('lock_timeout', '${ROW_LOCK_MS}', true)
  ),
  outcome as materialized (select * from ${SETTLEMENT_GROUPS} as given),
  -- What there is at all: most statements have nothing that goes back, or costs anything, and then
  -- nobody has to look through the items for it.
  kinds as materialized (
    select coalesce(bool_or(goes_back), false) as has_returns,
           coalesce(bool_or(greatest(credits, credits_at_most) > 0), false) as has_costs,
           coalesce(bool_or(is_lasting), false) as has_lasting,
           coalesce(bool_or(cohort is not null), false) as has_trials
      from outcome
  ),
  held as materialized (
    -- In pack order, so that settles of the same packs queue up instead of deadlocking.
    -- The packs are an array, which reaches for their rows whatever the table's size was when the
    -- plan was made; and their items are unpacked here, not once more for each of them.
    select pack.pack_id, pack.lease_id, pack.item_ids || '{}'::bigint[] as item_ids, pack.priority,
           pack.partition, pack.lane, pack.run_at
      from fetchyard.work_queue as pack
     where pack.pack_id = any (array(select distinct pack_id from outcome))
       and pack.node_id = $1::uuid
       and exists (select from patience)
       and exists (select from fetchyard.node
                    where node.node_id = $1::uuid and node.fenced_at is null)
     order by pack.pack_id
       for update of pack
  ),
  own as materialized (
    select found.pack_id, found.lease_id, found.item_id, found.event, found.goes_back,
           found.credits, found.credits_at_most, found.code, found.is_lasting, found.cohort,
           found.step, found.ended_attempt, found.http_status, found.duration_ms, found.error,
           found.delay_ms, found.next_attempt, found.next_snoozes, found.next_crashes,
           found.next_lonely_crashes, found.slice, member.priority, member.partition,
           member.run_at,
           -- What leaves a pack of one lane stays apart from others.
           coalesce(nullif(member.lane, ''), found.next_lane, '') as apart,
           found.item_key, found.round, found.lane, found.enqueued_at, found.url
      -- The offsets keep what they close from being taken apart: the planner, which believes in a
      -- handful of rows, would compare each item with all others.
      from (select said.*, item.item_key, item.round, item.lane, item.enqueued_at,
                   case when said.is_lasting then item.payload ->> 'url' end as url
              from (select outcome.*, one.item_id, one.duration_ms
                      from outcome
                     cross join lateral unnest(outcome.item_ids, outcome.durations_ms)
                                        as one (item_id, duration_ms)
                    offset 0) as said
              join fetchyard.items_by_id(array(select unnest(outcome.item_ids) from outcome))
                   as item on item.item_id = said.item_id
            offset 0) as found
      join (select held.*, one.item_id
              from held
             cross join lateral unnest(held.item_ids) as one (item_id)
            offset 0) as member
        on member.pack_id = found.pack_id
       and member.lease_id = found.lease_id
       and member.item_id = found.item_id
  ),
  ${LEAVE_CTES}`

/** What follows from the items taken: new packs for those that go back, receipts, counts. */
function recordCtes(workflowId: number): string {
  return `
  returned as (
    insert into fetchyard.work_queue
           (workflow_id, priority, partition, lane, attempt, snoozes, crashes, lonely_crashes,
            run_at, item_ids)
    select ${workflowId}, priority, partition,
           case when min(lane) = max(lane) then min(lane) else '' end, next_attempt, next_snoozes,
           next_crashes, next_lonely_crashes, due, array_agg(item_id order by item_id)
      from (select own.*,
                   -- An item that was given back or lost with its worker keeps its place in the
                   -- queue, before those enqueued with it: their packs have lower numbers.
                   case when event in ('release', 'reclaim') and delay_ms = 0
                        then run_at - interval '1 microsecond'
                        when delay_ms = 0 then now()
                        else date_bin('250 milliseconds', now() + delay_ms * interval '1 millisecond',
                                      '2000-01-01Z') + interval '250 milliseconds' end as due
              from own
             where goes_back and (select has_returns from kinds)) as back
     group by priority, partition, apart, next_attempt, next_snoozes, next_crashes,
              next_lonely_crashes, due, slice
  ),
  receipt as (
    insert into fetchyard.processing_log
           (item_id, lease_id, workflow_id, attempt, http_status, duration_ms, credits,
            credits_at_most, status, outcome_code, item_key, node_id, error)
    select item_id, lease_id, ${workflowId}, ended_attempt, http_status, duration_ms, credits,
           nullif(credits_at_most, 0), ${RECEIPT_STATUS}, code, item_key, $1::uuid, error
      from own
     where event <> 'release' or coalesce(credits, 0) + coalesce(credits_at_most, 0) > 0
  ),
  tallied as (
    insert into fetchyard.tally (workflow_id, event, items)
    select ${workflowId}, event, count(*) from own group by event
  ),${spendCte(workflowId)},${knownFailureCte(workflowId)},${endTallyCte(workflowId)},${cohortCte(workflowId)}`
}

/** Builds the settle statement of a workflow from its declared sinks and binding. */
export function settleStatement(plan: SettlePlan): string {
  const sinks = Object.entries(plan.sinks).map(([name, sink], index) =>
    sinkCte(name, sink, { index, parameter: index + 3, binding: plan.binding }),
  )
  const mirror =
    plan.binding === null
      ? []
      : [
          mirrorCtes({
            workflowId: plan.workflowId,
            binding: plan.binding,
            from: `(select item_id, item_key, round, ${STATUS_WORD} as word from own)`,
            over: ['Processing'],
          }),
        ]
  const derived = [recordCtes(plan.workflowId), ...sinks, ...mirror]
  return `${TAKE_CTES}${derived.map((cte) => `,${cte}`).join('')}
  select string_agg(item_id::text, ',') as items from own`
}

/**
 * Each row with the item and the lease it belongs to. They are put at the end of the row's own
 * text: of a field that comes twice, `jsonb` keeps the last.
 */
function sinkRows(settlements: readonly Settlement[], sink: string): string {
  const rows: string[] = []
  for (const { event, itemId, leaseId, rows: given } of settlements) {
    const own = event === 'complete' ? given[sink] : undefined
    if (own === undefined) continue
    const owner = JSON.stringify({ fetchyard_item: itemId, fetchyard_lease: leaseId }).slice(1)
    for (const row of own) {
      const text = typeof row === 'string' ? row : JSON.stringify(row)
      rows.push(text === '{}' ? `{${owner}` : `${text.slice(0, -1)},${owner}`)
    }
  }
  return `[${rows.join(',')}]`
}

/**
 * Settles items, each only if this node still holds it under the lease it names.
 *
 * @returns the ids that were accepted. A missing id was settled before or lost its lease; when the
 * answer to an earlier try was lost, the receipts tell which.
 */
export async function settleItems(
  sql: Sql,
  request: {
    readonly nodeId: string
    readonly statement: string
    readonly sinks: readonly string[]
    readonly settlements: readonly Settlement[]
  },
): Promise<ReadonlySet<string>> {
  const { nodeId, statement, sinks, settlements } = request
  const parameters = [
    nodeId,
    settlementsText(settlements),
    ...sinks.map((sink) => sinkRows(settlements, sink)),
  ]
  // One text instead of a row an item: hundreds of rows cost the driver more than all the rest.
  const rows = await sql.unsafe<{ items: string | null }[]>(statement, parameters, {
    prepare: true,
  })
  return new Set(rows[0]?.items?.split(',') ?? [])
}

/** An item and the lease under which it may have been settled. */
export interface ReceiptKey {
  readonly itemId: string
  readonly leaseId: string
}

/**
 * Which of these items were settled under these very leases: the answer to a settle whose own
 * answer was lost. A reclaimer's receipt names the lease it took away, and is no such answer.
 */
export async function findReceipts(
  sql: Sql,
  keys: readonly ReceiptKey[],
): Promise<ReadonlySet<string>> {
  const rows = await sql<{ item_id: string }[]>`
    select receipt.item_id
      from unnest(${keys.map((key) => key.itemId)}::bigint[],
                  ${keys.map((key) => key.leaseId)}::bigint[]) as asked (item_id, lease_id)
      join fetchyard.processing_log as receipt
        on receipt.item_id = asked.item_id and receipt.lease_id = asked.lease_id
       and receipt.outcome_code <> 'node_lost'`
  return new Set(rows.map((row) => row.item_id))
}
