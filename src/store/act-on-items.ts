// Acting on all items that match a filter: cancel them, run delayed ones now, ask for failed ones
// again. A slice is one statement of bounded size; the caller goes on from where it ended, so that
// a million items are many short statements and an order that is broken off has done what it has
// said.

import { type ItemFilter, isOpenWord } from '../core/item-filter.js'
import type { Binding } from './binding.js'
import { mirrorCtes, ROW_LOCK_MS } from './binding.js'
import type { Sql } from './client.js'
import { lastEndLateral, matchCondition } from './match-items.js'
import { cancelCtes, ownCtes, promoteCte } from './operate.js'
import { failedStatuses, retrySliceStatement } from './retry-items.js'

export const ITEM_ACTIONS = ['cancel', 'promote', 'retry'] as const
export type ItemAction = (typeof ITEM_ACTIONS)[number]

/** What is asked for, of which items. */
export interface ItemOrder {
  readonly action: ItemAction
  readonly filter: ItemFilter
  readonly binding: Binding | null
  /** Written into the receipts of cancelled items. */
  readonly reason: string
}

export interface ActedSlice {
  readonly items: number
  /** Where the next slice begins; null when this was the last. */
  readonly next: string | null
}

/** Packs that one slice looks at. */
const SLICE_PACKS = 100
/** Items that a count looks at: a person is told "more than" beyond it. */
const COUNT_MAX = 100_000
/** And at so many failed ones: each is looked up by itself, and so is whether a newer round is. */
const FAILED_COUNT_MAX = 25_000

export interface MatchCount {
  readonly items: number
  /** Whether that is all of them. */
  readonly isWhole: boolean
}

/** Packs in which an action finds its items; of delayed ones there is nothing to cancel twice. */
function packCondition({ action, filter }: Pick<ItemOrder, 'action' | 'filter'>): string {
  const { state, host } = filter
  const lane = host === null ? 'true' : "(pack.lane = '' or pack.lane = $4)"
  if (action === 'promote' || state === 'Delayed') {
    return `pack.lease_id is null and pack.run_at > now() and ${lane}`
  }
  if (state === 'Queued') return `pack.lease_id is null and pack.run_at <= now() and ${lane}`
  return state === 'Processing' ? `pack.lease_id is not null and ${lane}` : lane
}

const MATCH = matchCondition({ code: '$3', host: '$4', text: '$5' })

/**
 * The part of a statement that keeps items that match. How the last attempt ended is looked up only
 * where the filter asks for it: for many items that is most of the time.
 */
function matching({ code }: ItemFilter): string {
  return code === null
    ? `where ${matchCondition({ code: null, host: '$4', text: '$5' })} and $3::text is null`
    : `${lastEndLateral('left')}
     where ${MATCH}`
}

/** Whether a filter says anything that only the item itself, or its last attempt, can tell. */
function isPlain({ code, host, text }: ItemFilter): boolean {
  return code === null && host === null && text === null
}

const parametersOf = ({ workflowId, state, code, host, text }: ItemFilter) =>
  [workflowId, state, code, host, text === null ? null : text.toLowerCase()] as const

/**
 * Takes the matching items out of the next packs. What the filter says of an item does not change
 * while it is in a pack, so it is asked before the packs are locked, and only those are locked that
 * hold one of them. A pack that somebody changed meanwhile is read again with its lock.
 */
function takeCtes(order: ItemOrder): string {
  const condition = packCondition(order)
  return `
  with patience as materialized (
    select set_config('lock_timeout', '${ROW_LOCK_MS}', true)
  ),
  looked as materialized (
    select pack.pack_id, pack.item_ids
      from fetchyard.work_queue as pack
     where pack.workflow_id = $1::smallint and ${condition}
       and ($6::bigint is null or pack.pack_id > $6::bigint)
       and $2::text is not distinct from $2::text
     order by pack.pack_id
     limit ${SLICE_PACKS}
  ),
  chosen as materialized (
    select looked.pack_id, item.item_id
      from looked
     cross join lateral unnest(looked.item_ids) as member (item_id)
      join fetchyard.item on item.item_id = member.item_id
      ${matching(order.filter)}
  ),
  held as materialized (
    select pack.*
      from fetchyard.work_queue as pack
     where pack.pack_id in (select pack_id from chosen)
       and ${condition}
       and exists (select from patience)
     order by pack.pack_id
       for update of pack
  ),
  ${ownCtes('member.item_id in (select item_id from chosen)')}`
}

const TAKEN = `
  select (select count(*) from own)::int as items,
         (select max(pack_id) from looked)::text as last,
         (select count(*) from looked) >= ${SLICE_PACKS} as "isCut"`

function sliceStatement(order: ItemOrder): string {
  const { workflowId } = order.filter
  if (order.action === 'retry') return retrySliceStatement(order)
  if (order.action === 'promote') {
    return `${takeCtes(order)},${promoteCte(workflowId)}${TAKEN}`
  }
  const { binding } = order
  const from = `(select item_id, item_key, round, 'Cancelled' as word from own)`
  const over = ['Queued', 'Processing'] as const
  const mirror =
    binding === null ? '' : `,${mirrorCtes({ workflowId, binding, from, over: [...over] })}`
  return `${takeCtes(order)},${cancelCtes(workflowId, '$7')}${mirror}${TAKEN}`
}

interface SliceRow {
  readonly items: number
  readonly last: string | null
  readonly isCut: boolean
}

/** Acts on the next slice. @param after `next` of the slice before; null for the first. */
export async function actOnItems(
  sql: Sql,
  order: ItemOrder,
  after: string | null,
): Promise<ActedSlice> {
  const place = after !== null && /^\d{1,18}$/.test(after) ? after : null
  const parameters = [...parametersOf(order.filter), place]
  const rest = order.action === 'cancel' ? [order.reason] : []
  const [row] = await sql.unsafe<SliceRow[]>(sliceStatement(order), [...parameters, ...rest])
  if (row === undefined) throw new Error('acting on items returned no row')
  return { items: row.items, next: row.isCut ? row.last : null }
}

/** What an action would find now, up to a bound: it looks at so many items and no more. */
export async function countItems(
  sql: Sql,
  of: Pick<ItemOrder, 'action' | 'filter'>,
): Promise<MatchCount> {
  const [row] = await sql.unsafe<{ items: string; looked: string }[]>(countStatement(of), [
    ...parametersOf(of.filter),
  ])
  const lookedMax = of.action === 'retry' ? FAILED_COUNT_MAX : COUNT_MAX
  return { items: Number(row?.items ?? 0), isWhole: Number(row?.looked ?? 0) < lookedMax }
}

function countStatement(of: Pick<ItemOrder, 'action' | 'filter'>): string {
  const packs = `fetchyard.work_queue as pack
     where pack.workflow_id = $1::smallint and ${packCondition(of)}
       and $2::text is not distinct from $2::text`
  if (of.action === 'retry') return failedCount(of.filter)
  if (isPlain(of.filter)) {
    // Packs know how many items they have: this count is whole, however many there are.
    return `select coalesce(sum(cardinality(pack.item_ids)), 0) as items, 0 as looked
              from ${packs} and $3::text is null and $4::text is null and $5::text is null`
  }
  return `
  with looked as materialized (
    select member.item_id
      from (select pack.item_ids from ${packs}) as own
     cross join lateral unnest(own.item_ids) as member (item_id)
     limit ${COUNT_MAX}
  )
  select (select count(*) from looked) as looked, count(*) as items
    from looked
    join fetchyard.item on item.item_id = looked.item_id
    ${matching(of.filter)}`
}

function failedCount({ state }: ItemFilter): string {
  const ended = (table: string) => `
      (select item_id, outcome_code from ${table}
        where workflow_id = $1::smallint and status in ('error', 'cancelled')
          and status in (${failedStatuses(state)})
        limit ${FAILED_COUNT_MAX})`
  return `
  with looked as materialized (
    select item_id, outcome_code
      from (${ended('fetchyard.processing_log')} union all ${ended('fetchyard.ending')}) as ended
     limit ${FAILED_COUNT_MAX}
  )
  select (select count(*) from looked) as looked, count(*) as items
    from looked as last (item_id, code)
    join fetchyard.item on item.item_id = last.item_id
   where ${MATCH}
     and $2::text is not distinct from $2::text
     and not exists (select from fetchyard.item as newer
                      where newer.workflow_id = $1::smallint
                        and newer.item_key = item.item_key and newer.round > item.round)`
}

/** What may be done with the items of a filter; a finished item cannot be cancelled. */
export function fits(action: ItemAction, { state }: ItemFilter): boolean {
  if (action === 'retry') return state === null || state === 'Error' || state === 'Cancelled'
  if (action === 'promote') return state === null || state === 'Delayed'
  return state === null || isOpenWord(state)
}
