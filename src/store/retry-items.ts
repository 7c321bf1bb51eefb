// Asking for finished items again: one by its key, or all failed ones that match a filter. Each
// gets its next round; what the rounds before left behind stays as it is.

import type { ItemFilter, ItemWord } from '../core/item-filter.js'
import type { Binding } from './binding.js'
import { keyExpression } from './binding.js'
import type { Sql } from './client.js'
import { quoteIdentifier, quoteTable } from './identifiers.js'
import { forgetCtes } from './known-failures.js'
import { matchCondition } from './match-items.js'

/** Failed items that one slice looks at. */
const SLICE_ITEMS = 500

/** Statuses of receipts that a state means; both ways to fail when it names neither. */
export function failedStatuses(state: ItemWord | null): string {
  if (state === 'Error') return `'error'`
  return state === 'Cancelled' ? `'cancelled'` : `'error', 'cancelled'`
}

interface Again {
  readonly filter: Pick<ItemFilter, 'state'>
  readonly binding: Binding | null
}

/**
 * Failed items whose key was not asked for again since, in the order in which they were enqueued.
 * Of an older round nothing is done: what came of the newest one counts.
 */
export function retrySliceStatement({ filter, binding }: Again): string {
  const ended = (table: string) => `
      (select item_id, outcome_code from ${table}
        where workflow_id = $1::smallint and status in ('error', 'cancelled')
          and status in (${failedStatuses(filter.state)})
          and ($6::bigint is null or item_id > $6::bigint)
        order by item_id
        limit ${SLICE_ITEMS})`
  return `
  with looked as materialized (
    select item_id, outcome_code
      from (${ended('fetchyard.processing_log')}
            union all
            ${ended('fetchyard.ending')}) as ended
     order by item_id
     limit ${SLICE_ITEMS}
  ),
  chosen as materialized (
    select item.item_id, item.item_key, item.payload, item.lane
      from looked as last (item_id, code)
      join fetchyard.item on item.item_id = last.item_id
     where ${matchCondition({ code: '$3', host: '$4', text: '$5' })}
       and $2::text is not distinct from $2::text
       and fetchyard.is_newest_round($1::smallint, item.item_key, item.round)
  )${askAgain(binding, ['Error', 'Cancelled'])},
         (select max(item_id) from looked)::text as last,
         (select count(*) from looked) >= ${SLICE_ITEMS} as "isCut"`
}

/**
 * What is remembered of charged failures no longer counts: somebody asks by name. Items of a bound
 * table are asked for as their owner would: the word becomes 'Queued', and the trigger opens the
 * next round in the same transaction. Their rows must still be wanted.
 */
function askAgain(binding: Binding | null, words: readonly ItemWord[]): string {
  const urls = `select payload ->> 'url' from chosen`
  const forgot = `,${forgetCtes('$1::smallint', urls)}`
  if (binding === null) {
    return `${forgot}
  select (select count(*) from fetchyard.enqueue_items($1::smallint,
            (select array_agg(item_key order by item_id) from chosen),
            (select array_agg(payload order by item_id) from chosen),
            (select array_agg(lane order by item_id) from chosen),
            (select array_agg(1::smallint) from chosen)))::int as items`
  }
  const type = binding.statusType ?? 'text'
  const stamp =
    binding.updatedAt === undefined ? '' : `, ${quoteIdentifier(binding.updatedAt)} = now()`
  const status = quoteIdentifier(binding.status)
  const list = words.map((word) => `'${word}'`).join(', ')
  return `${forgot},
  asked as (
    update ${quoteTable(binding.table)}
       set ${status} = 'Queued'::${type}${stamp}
     where ${quoteIdentifier(binding.key)} in (
             select ${keyExpression(binding.keyType, 'chosen.item_key')} from chosen)
       and ${status}::text in (${list})
       and (${binding.where ?? 'true'})
    returning 1
  )
  select (select count(*) from asked)::int as items`
}

/**
 * Asks for one finished item again, whether it was complete or failed.
 *
 * @returns whether it is queued now. False: it is under way, unknown, or its row is not wanted.
 */
export async function retryItem(
  sql: Sql,
  of: { readonly workflowId: number; readonly binding: Binding | null; readonly key: string },
): Promise<boolean> {
  const statement = `
  with chosen as materialized (
    select item_id, item_key, payload, lane
      from fetchyard.item
     where workflow_id = $1::smallint and item_key = $2
     order by round desc
     limit 1
  )${askAgain(of.binding, ['Complete', 'Error', 'Cancelled'])}`
  const [row] = await sql.unsafe<{ items: number }[]>(statement, [of.workflowId, of.key])
  return row?.items === 1
}
