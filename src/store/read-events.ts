import type { Sql } from './client.js'
import type { StoredEvent } from './events.js'
import { ISO_FORMAT, isoInstant } from './instants.js'

/** An event that was kept: a warning, or what a person ordered. */
export interface EventRow {
  readonly eventId: string
  readonly at: string
  readonly level: StoredEvent['level']
  readonly name: string
  readonly workflow: string | null
  readonly node: string | null
  readonly message: string
}

export interface EventFilter {
  readonly level: StoredEvent['level'] | null
  readonly workflow: string | null
  /** Number of the last event of the page before; null for the first page. */
  readonly before: string | null
}

/** Events of one page, and those it looks at for them. */
const PAGE_EVENTS = 100
const LOOKED_MAX = 5_000

/**
 * The latest events first, along the key. Where few of very many match, a page ends early with the
 * place to go on from, instead of reading them all.
 */
export async function readEvents(
  sql: Sql,
  { level, workflow, before }: EventFilter,
): Promise<{ readonly events: readonly EventRow[]; readonly next: string | null }> {
  const [row] = await sql.unsafe<
    { events: readonly EventRow[] | null; looked: number; last: string | null }[]
  >(
    `with looked as materialized (
       select event_id, happened_at, level, name, workflow_id, node_id, message
         from fetchyard.event
        where $3::bigint is null or event_id < $3::bigint
        order by event_id desc
        limit ${LOOKED_MAX}
     ),
     page as (
       select looked.event_id, looked.event_id::text as "eventId",
              ${isoInstant('looked.happened_at')} as at,
              looked.level, looked.name, flow.name as workflow, node.name as node, looked.message
         from looked
         left join fetchyard.workflow as flow using (workflow_id)
         left join fetchyard.node on node.node_id = looked.node_id
        where ($1::text is null or looked.level = $1)
          and ($2::text is null or flow.name = $2)
        order by looked.event_id desc
        limit ${PAGE_EVENTS}
     )
     select (select json_agg(page order by event_id desc) from page) as events,
            (select count(*) from looked)::int as looked,
            (select min(event_id) from looked)::text as last`,
    [level, workflow, before],
  )
  const events = row?.events ?? []
  const isFull = events.length === PAGE_EVENTS
  const rest = isFull ? events.at(-1)?.eventId : row?.looked === LOOKED_MAX ? row.last : null
  return { events, next: rest ?? null }
}

export interface HeardEvents {
  /** The oldest first. Some of them may have been read before. */
  readonly events: readonly EventRow[]
  /** Number to go on from. */
  readonly last: string
}

/** Read again at each reading: numbers are given before their transactions commit. */
const OVERLAP = 20
const HEARD_MAX = 100
const HEARD_AGE = '1 hour'

/**
 * The newest events of the last hour that other nodes, or no node, have kept. Its cost is bounded
 * by the events since the last reading.
 */
export async function readHeardEvents(
  sql: Sql,
  of: { readonly except: string; readonly after: string },
): Promise<HeardEvents> {
  const [row] = await sql<{ events: readonly EventRow[] | null; last: string | null }[]>`
    with newest as materialized (
      select event_id, happened_at, level, name, workflow_id, node_id, message
        from fetchyard.event
       where event_id > ${of.after}::bigint - ${OVERLAP}::int
       order by event_id desc
       limit ${HEARD_MAX}::int
    ),
    heard as (
      select newest.event_id::text as "eventId",
             to_char(newest.happened_at at time zone 'UTC', ${ISO_FORMAT}) as at,
             newest.level, newest.name, flow.name as workflow, node.name as node, newest.message,
             newest.event_id
        from newest
        left join fetchyard.workflow as flow using (workflow_id)
        left join fetchyard.node on node.node_id = newest.node_id
       where newest.node_id is distinct from ${of.except}::uuid
         and newest.happened_at > now() - ${HEARD_AGE}::interval
    )
    select (select json_agg(heard order by event_id) from heard) as events,
           (select max(event_id) from newest)::text as last`
  return { events: row?.events ?? [], last: row?.last ?? of.after }
}
