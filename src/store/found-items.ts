// From rows that were found to items that are shown: what is still in the queue gets its word.

import type { ItemWord } from '../core/item-filter.js'
import type { Sql } from './client.js'
import type { FoundItem } from './find-items.js'
import { isoInstant } from './instants.js'

export const SHOWN_COLUMNS = `item.item_id::text as "itemId", item.item_key as key, item.round,
                   item.lane, item.payload ->> 'url' as url,
                   ${isoInstant('item.enqueued_at')} as "enqueuedAt"`

/** An item as a statement found it, before it is known where in the queue it is. */
export interface ShownRow {
  readonly itemId: string
  readonly key: string
  readonly round: number
  readonly lane: string
  readonly url: string | null
  readonly enqueuedAt: string
  readonly code: string | null
  readonly httpStatus: number | null
  readonly error: string | null
  readonly endedAt: string | null
  readonly endAttempt: number | null
  /** Of an item that ended; null while it is under way. */
  readonly word: ItemWord | null
  /** Where it was found by its pack. */
  readonly openState?: ItemWord | null
  readonly openAttempt?: number | null
}

/**
 * Packs of delayed items that are looked through. No index tells the pack of an item, and one that
 * did would cost every lease and every settle; so of very many delayed ones it is not told.
 */
const DELAYED_PACKS_MAX = 2_000

interface OpenRow {
  readonly itemId: string
  readonly isLeased: boolean
  readonly attempt: number
}

export async function shownItems(
  sql: Sql,
  workflowId: number,
  rows: readonly ShownRow[],
): Promise<readonly FoundItem[]> {
  const open = rows.filter((row) => row.word === null && (row.openState ?? null) === null)
  const found = open.length === 0 ? null : await readOpen(sql, workflowId, open)
  return rows.map((row) => {
    const pack = found?.packs.get(row.itemId)
    const waiting = found?.isWhole === true ? 'Queued' : 'Waiting'
    const inQueue = pack === undefined ? waiting : pack.isLeased ? 'Processing' : 'Delayed'
    return {
      itemId: row.itemId,
      key: row.key,
      round: row.round,
      lane: row.lane,
      url: row.url,
      state: row.openState ?? row.word ?? inQueue,
      attempt: row.openAttempt ?? pack?.attempt ?? row.endAttempt ?? 0,
      enqueuedAt: row.enqueuedAt,
      code: row.code,
      httpStatus: row.httpStatus,
      error: row.error,
      endedAt: row.endedAt,
    }
  })
}

/** Which of a page's items are leased or delayed: the packs of both are few, or read in part. */
async function readOpen(
  sql: Sql,
  workflowId: number,
  rows: readonly ShownRow[],
): Promise<{ readonly isWhole: boolean; readonly packs: ReadonlyMap<string, OpenRow> }> {
  const ids = rows.map((row) => row.itemId)
  const [row] = await sql.unsafe<{ found: readonly OpenRow[] | null; delayed: number }[]>(
    `with delayed as materialized (
       select pack_id, attempt, item_ids from fetchyard.work_queue
        where workflow_id = $1::smallint and lease_id is null and run_at > now()
        limit ${DELAYED_PACKS_MAX}
     ),
     pack as (
       select false as leased, attempt, item_ids from delayed
        where item_ids && $2::bigint[]
       union all
       select true, attempt, item_ids from fetchyard.work_queue
        where workflow_id = $1::smallint and lease_id is not null and item_ids && $2::bigint[]
     )
     select (select count(*) from delayed)::int as delayed,
            (select json_agg(json_build_object('itemId', member.item_id::text,
                               'isLeased', pack.leased, 'attempt', pack.attempt))
               from pack
              cross join lateral unnest(pack.item_ids) as member (item_id)
              where member.item_id = any ($2::bigint[])) as found`,
    [workflowId, ids],
  )
  const packs = new Map((row?.found ?? []).map((open) => [open.itemId, open]))
  return { packs, isWhole: (row?.delayed ?? 0) < DELAYED_PACKS_MAX }
}
