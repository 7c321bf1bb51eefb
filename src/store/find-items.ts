// Finding items for people, among as many as there are. Every page goes along one index, from where
// the page before ended, and looks at a bounded number of rows: where nothing matches, it comes
// back empty with the place to go on from, instead of reading the whole table. Nothing is counted.

import { type ItemFilter, type ItemWord, walkOf } from '../core/item-filter.js'
import type { Sql } from './client.js'
import { SHOWN_COLUMNS, type ShownRow, shownItems } from './found-items.js'
import { lastEndLateral, matchCondition } from './match-items.js'

export interface FoundItem {
  readonly itemId: string
  readonly key: string
  readonly round: number
  /** URL in its payload, where it has one. */
  readonly url: string | null
  readonly lane: string
  /** `Waiting`: queued or delayed; telling which would mean to read the whole queue. */
  readonly state: ItemWord | 'Waiting'
  readonly attempt: number
  readonly enqueuedAt: string
  /** How the last attempt ended, and when; null before the first. */
  readonly code: string | null
  readonly httpStatus: number | null
  readonly error: string | null
  readonly endedAt: string | null
}

export interface ItemPage {
  readonly items: readonly FoundItem[]
  /** Where the next page begins; null when there is no more. */
  readonly next: string | null
  /** Rows looked at, of which these matched. */
  readonly looked: number
}

/** Items of one page, and what it looks at for them at most. */
const PAGE_ITEMS = 50
const BOUNDS = { packs: 100, failed: 20_000, host: 5_000, keys: 20_000 } as const

/** The place after which a page begins, as the four walks write it. */
type Place = readonly (string | number)[]

interface PageRow {
  readonly items: readonly (ShownRow & { readonly place: Place; readonly n: number })[] | null
  /** Place of the last row looked at, and how many there were. */
  readonly last: Place | null
  readonly looked: number
  /** Whether the bound ended it, and not the index. */
  readonly isCut: boolean
}

/** Finds one page. @param after `next` of the page before; null for the first. */
export async function findItems(
  sql: Sql,
  filter: ItemFilter,
  after: string | null = null,
): Promise<ItemPage> {
  const walk = walkOf(filter)
  const place = after === null ? null : readPlace(after)
  const [row] = await sql.unsafe<PageRow[]>(STATEMENTS[walk](filter), [
    filter.workflowId,
    filter.state,
    filter.code,
    filter.host,
    filter.text === null ? null : filter.text.toLowerCase(),
    place === null ? null : JSON.stringify(place),
  ])
  const rows = row?.items ?? []
  const page = rows.slice(0, PAGE_ITEMS)
  const exact = walk === 'keys' && place === null ? await findExact(sql, filter) : []
  const known = new Set(exact.map((item) => item.itemId))
  const shown = [...exact, ...page.filter((item) => !known.has(item.itemId))]
  const isFull = rows.length > PAGE_ITEMS
  const rest = isFull ? page.at(-1)?.place : row?.isCut ? row.last : null
  return {
    items: await shownItems(sql, filter.workflowId, shown),
    next: rest === null || rest === undefined ? null : JSON.stringify(rest),
    looked: isFull ? (page.at(-1)?.n ?? 0) : (row?.looked ?? 0),
  }
}

/** A place is ours, but comes back from outside: anything else begins at the beginning. */
function readPlace(text: string): Place | null {
  try {
    const place: unknown = JSON.parse(text)
    const isPlace =
      Array.isArray(place) &&
      place.length <= 4 &&
      place.every((part) => typeof part === 'string' || Number.isSafeInteger(part))
    return isPlace ? place : null
  } catch {
    return null
  }
}

/** A whole key is found whatever stands before it in the order of keys. */
async function findExact(sql: Sql, filter: ItemFilter): Promise<readonly ShownRow[]> {
  if (filter.text === null || filter.state !== null || filter.code !== null) return []
  return sql.unsafe<ShownRow[]>(
    `select ${SHOWN_COLUMNS}, last.*
       from fetchyard.item
       ${lastEndLateral('left')}
      where item.workflow_id = $1 and item.item_key = $2
      order by item.round desc
      limit ${PAGE_ITEMS}`,
    [filter.workflowId, filter.text],
  )
}

/**
 * The page of a walk. `candidate` yields rows with an item and a place, in order and bounded; those
 * that do not fit are not looked up at all.
 *
 * The join is lateral with a limit, which the planner can only do row by row: it keeps the order of
 * the candidates and ends with the page, so that a page that fills at once costs its rows alone.
 */
function pageStatement(candidate: string, bound: number): string {
  return `
  with candidate as materialized (${candidate}),
  page as materialized (
    select found.*, candidate.place, candidate.n
      from candidate
     cross join lateral (
            select ${SHOWN_COLUMNS}, last.*, candidate.attempt as "openAttempt",
                   candidate.word as "openState"
              from fetchyard.item
              ${lastEndLateral('left')}
             where candidate.fits
               and item.item_id = candidate.item_id
               and item.workflow_id = $1::smallint
               and ($2::text is null or candidate.word is not null
                    or last.word = $2::text)
               and ${matchCondition({ code: '$3', host: '$4', text: '$5' })}
             limit 1) as found
     limit ${PAGE_ITEMS + 1}
  )
  -- What is left of the candidates is read only where the page is not full: asking how many there
  -- are makes all of them.
  select (select json_agg(page) from page) as items,
         case when full_page.is_full then 0
              else (select count(*) from candidate) end::int as looked,
         not full_page.is_full
           and (select count(distinct unit) from candidate) >= ${bound} as "isCut",
         case when not full_page.is_full
              then (select place from candidate order by n desc limit 1) end as last
    from (select count(*) > ${PAGE_ITEMS} as is_full from page) as full_page`
}

/** In the order in which they would be worked. A page may begin in the middle of a pack. */
function packsStatement({ state, host }: ItemFilter): string {
  const open = {
    Queued: 'lease_id is null and run_at <= now()',
    Delayed: 'lease_id is null and run_at > now()',
    Processing: 'lease_id is not null',
  }
  const condition = state === 'Queued' || state === 'Delayed' ? open[state] : open.Processing
  return pageStatement(
    `
    select member.item_id, pack.pack_id as unit, pack.attempt, $2::text as word, true as fits,
           json_build_array(pack.priority, pack.run_at::text, pack.pack_id, member.at) as place,
           row_number() over (order by pack.priority, pack.run_at, pack.pack_id, member.at) as n
      from (select pack_id, priority, run_at, attempt, item_ids
              from fetchyard.work_queue
             where workflow_id = $1::smallint
               and ${condition}
               ${host === null ? '' : "and (lane = '' or lane = $4)"}
               and ($6::text::jsonb is null
                    or (priority, run_at, pack_id)
                       >= (($6::text::jsonb ->> 0)::smallint, ($6::text::jsonb ->> 1)::timestamptz,
                           ($6::text::jsonb ->> 2)::bigint))
             order by priority, run_at, pack_id
             -- The pack where the last page ended may have nothing more.
             limit ${BOUNDS.packs + 1}) as pack
     cross join lateral unnest(pack.item_ids) with ordinality as member (item_id, at)
     where $6::text::jsonb is null
        or pack.pack_id <> ($6::text::jsonb ->> 2)::bigint or member.at > ($6::text::jsonb ->> 3)::bigint
     order by n`,
    BOUNDS.packs,
  )
}

/** The newest first; receipts of today, of the days before, and what is left of those. */
function failedStatement(): string {
  const ended = (table: string) => `
      (select item_id, status, outcome_code
         from ${table}
        where workflow_id = $1::smallint and status in ('error', 'cancelled')
          and ($6::text::jsonb is null or item_id < ($6::text::jsonb ->> 0)::bigint)
        order by item_id desc
        limit ${BOUNDS.failed})`
  return pageStatement(
    `
    select item_id, item_id as unit, null::smallint as attempt, null::text as word,
           ($3::text is null or outcome_code = $3)
             and ($2::text is null or status = case $2 when 'Error' then 'error'
                                                       else 'cancelled' end) as fits,
           json_build_array(item_id::text) as place, row_number() over () as n
      from (${ended('fetchyard.processing_log')}
            union all
            ${ended('fetchyard.ending')}
            order by item_id desc
            limit ${BOUNDS.failed}) as ended`,
    BOUNDS.failed,
  )
}

/** One host's items, the newest first. */
function hostStatement(): string {
  return pageStatement(
    `
    select item_id, item_id as unit, null::smallint as attempt, null::text as word,
           true as fits, json_build_array(item_id::text) as place, row_number() over () as n
      from (select item_id from fetchyard.item
             where workflow_id = $1::smallint and lane = $4 and lane <> ''
               and ($6::text::jsonb is null or item_id < ($6::text::jsonb ->> 0)::bigint)
             order by item_id desc
             limit ${BOUNDS.host}) as own`,
    BOUNDS.host,
  )
}

/** In the order of keys, and of one key the rounds as they were. */
function keysStatement(): string {
  return pageStatement(
    `
    select item_id, item_id as unit, null::smallint as attempt, null::text as word,
           ($5::text is null or position($5 in lower(item_key)) > 0
             or position($5 in lower(url)) > 0) as fits,
           json_build_array(item_key, round) as place, row_number() over () as n
      from (select item_id, item_key, round, payload ->> 'url' as url from fetchyard.item
             where workflow_id = $1::smallint
               and ($6::text::jsonb is null
                    or (item_key, round) > ($6::text::jsonb ->> 0, ($6::text::jsonb ->> 1)::integer))
             order by item_key, round
             limit ${BOUNDS.keys}) as own`,
    BOUNDS.keys,
  )
}

const STATEMENTS = {
  packs: packsStatement,
  failed: failedStatement,
  host: hostStatement,
  keys: keysStatement,
} as const
