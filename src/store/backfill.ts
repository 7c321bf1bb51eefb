// The rows that stood in a table before its triggers did: how they are found, slice by slice.

import type { Binding } from './binding.js'
import { laneExpression, payloadExpression } from './binding.js'
import { quoteIdentifier, quoteTable } from './identifiers.js'

/** The last key of the next slice: $1 rows on, after the key $2. No row: what is left is less. */
export function sliceEndStatement(binding: Binding, slice: { readonly isFirst: boolean }): string {
  const key = quoteIdentifier(binding.key)
  const beyond = slice.isFirst ? '' : ` where ${key} > $2::text::${binding.keyType}`
  return `select ${key}::text as key from ${quoteTable(binding.table)}${beyond}
    order by ${key} offset $1::int limit 1`
}

/**
 * Enqueues the rows of a range of keys that were 'Queued' before the triggers stood, and counts
 * those that are 'Processing' though nobody works them. The range goes by the key's index, so that
 * a table is read once, however many slices that takes, and no row of it is locked.
 *
 * A row that is 'Queued' while its latest item is finished was asked for while nobody listened; it
 * is judged by one snapshot, so that an item which ends meanwhile is not taken for such a one.
 */
export function sliceStatement(
  workflowId: number,
  binding: Binding,
  slice: { readonly isFirst: boolean; readonly isLast: boolean },
): string {
  const key = quoteIdentifier(binding.key)
  const status = `${quoteIdentifier(binding.status)}::text`
  const bounds = [
    ...(slice.isFirst ? [] : [`${key} > $1::text::${binding.keyType}`]),
    ...(slice.isLast ? [] : [`${key} <= $${slice.isFirst ? 1 : 2}::text::${binding.keyType}`]),
  ]
  const range = bounds.length === 0 ? 'true' : bounds.join(' and ')
  const where = binding.where === undefined ? 'true' : `(${binding.where})`
  return `
  with present as materialized (
    select ranged.${key}::text as key, ranged.fetchyard_word as word,
           ${payloadExpression(binding, 'ranged')} as payload,
           ${laneExpression(binding, 'ranged')} as lane
      from (select *, ${status} as fetchyard_word from ${quoteTable(binding.table)} where ${range}) as ranged
     where fetchyard_word in ('Queued', 'Processing') and ${where}
  ),
  idle as materialized (
    select present.*, latest.item_id is not null as was_done
      from present
      left join lateral (select item.item_id from fetchyard.item
                          where item.workflow_id = ${workflowId} and item.item_key = present.key
                          order by item.round desc limit 1) as latest on true
     where latest.item_id is null
        or exists (select from fetchyard.processing_log as receipt
                    where receipt.item_id = latest.item_id
                      and receipt.status in ('success', 'error', 'cancelled'))
        or exists (select from fetchyard.ending where ending.item_id = latest.item_id)
  ),
  wanted as materialized (
    select * from idle where word = 'Queued'
  )
  select (select count(*) from idle where word = 'Processing')::int as stuck,
         (select count(*) from fetchyard.enqueue_items(${workflowId}::smallint,
            (select array_agg(key order by key) from wanted),
            (select array_agg(payload order by key) from wanted),
            (select array_agg(lane order by key) from wanted),
            (select array_agg(was_done::int::smallint order by key) from wanted)))::int as added`
}
