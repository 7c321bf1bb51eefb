// A queue with a past: items that were finished over ten days, and some that wait, written straight
// into the tables as enqueue, lease and settle would have left them.

import type { SinkDefinition, SourceDefinition } from '../../src/core/definition.js'
import type { Sql } from '../../src/store/client.js'
import { createStore } from '../../src/store/store.js'

const DAYS = 10
const PACK_ITEMS = 256
const QUEUED_MAX = 100_000

const SOURCE: SourceDefinition = {
  table: 'public.bench_page',
  key: 'page_id',
  keyType: 'bigint',
  status: 'status',
  where: 'is_selected',
  payload: ['url'],
}

const RESULT: SinkDefinition = {
  table: 'public.bench_result',
  columns: { value: 'text' },
  key: ['page_id', 'value'],
  leaseColumn: 'lease_id',
  sourceKeyColumn: 'page_id',
}

const TABLES = [
  'drop table if exists public.bench_page, public.bench_result',
  `create table public.bench_page (
     page_id bigint primary key, url text not null, is_selected boolean not null default true,
     status text)`,
  `create table public.bench_result (
     page_id bigint not null, value text not null, lease_id bigint, unique (page_id, value))`,
]

/** How an item of this number ended: one in 20 badly, one in 500 by an operator. */
const STATUS = `case when n % 500 = 0 then 'cancelled' when n % 20 = 0 then 'error' else 'success' end`
const WORD = `case when n % 500 = 0 then 'Cancelled' when n % 20 = 0 then 'Error' else 'Complete' end`
/** Ends are spread evenly over the days before today; `$1` items end in all. */
const ENDED_AT = `date_trunc('day', now()) - interval '${DAYS} days'
                  + n * interval '${DAYS} days' / ($1::bigint + 1)`

export interface PastRequest {
  /** Items that are finished. */
  readonly finished: number
  /** How many in 100 of them are rows of a bound table, with a result row each. */
  readonly boundPercent: number
}

async function makePartitions(sql: Sql): Promise<void> {
  for (let day = 1; day <= DAYS; day += 1) {
    const [bounds] = await sql<{ name: string; first: string; next: string }[]>`
      select to_char(date_trunc('day', now()) - ${day}::int * interval '1 day', 'YYYYMMDD') as name,
             (date_trunc('day', now()) - ${day}::int * interval '1 day')::text as first,
             (date_trunc('day', now()) - ${day - 1}::int * interval '1 day')::text as next`
    await sql.unsafe(`
      create table fetchyard.processing_log_${bounds?.name} partition of fetchyard.processing_log
      for values from ('${bounds?.first}') to ('${bounds?.next}')`)
  }
}

/**
 * Fills an empty, migrated database. The last `boundPercent` of the items belong to the bound
 * workflow, the others to one that is pushed to.
 */
export async function fillPast(sql: Sql, { finished, boundPercent }: PastRequest): Promise<void> {
  for (const statement of TABLES) await sql.unsafe(statement)
  const store = createStore(sql)
  const pushed = await store.openWorkflow({ name: 'pushed', sinks: {} })
  const bound = await store.openWorkflow({
    name: 'bound',
    source: SOURCE,
    sinks: { result: RESULT },
  })
  await sql`alter table public.bench_page disable trigger user`
  await makePartitions(sql)
  const queued = Math.min(QUEUED_MAX, Math.ceil(finished / 10))
  const firstBound = finished - Math.floor((finished * boundPercent) / 100) + 1
  const flow = `case when n >= ${firstBound} and n <= $1::bigint
                     then ${bound.workflowId} else ${pushed.workflowId} end`
  await sql.unsafe(
    `insert into fetchyard.item (item_id, workflow_id, item_key, lane, payload) overriding system value
     select n, ${flow}, n::text, 'host-' || n % 1000 || '.example',
            jsonb_build_object('url', 'https://host-' || n % 1000 || '.example/' || n)
       from generate_series(1, $1::bigint + $2::bigint) as n`,
    [finished, queued],
  )
  await sql.unsafe(
    `insert into fetchyard.processing_log
            (ended_at, item_id, lease_id, workflow_id, attempt, http_status, duration_ms, status,
             outcome_code, item_key)
     select ${ENDED_AT}, n, n / ${PACK_ITEMS} + 1, ${flow}, 1, 200, 150, ${STATUS}, 'ok', n::text
       from generate_series(1, $1::bigint) as n
      union all
     select ${ENDED_AT}, n, n / ${PACK_ITEMS} + 1, ${flow}, 0, null, null,
            case when n % 100 = 7 then 'reclaimed' else 'retry' end, 'dns', n::text
       from generate_series(7, $1::bigint, 20) as n`,
    [finished],
  )
  await sql.unsafe(
    `insert into fetchyard.work_queue (workflow_id, item_ids)
     select ${pushed.workflowId}, array_agg(n)
       from generate_series($1::bigint + 1, $1::bigint + $2::bigint) as n group by n / ${PACK_ITEMS}`,
    [finished, queued],
  )
  await sql.unsafe(
    `insert into public.bench_page (page_id, url, status)
     select n, 'https://host-' || n % 1000 || '.example/' || n, ${WORD}
       from generate_series(${firstBound}::bigint, $1::bigint) as n`,
    [finished],
  )
  await sql.unsafe(
    `insert into public.bench_result
     select n, 'info@host-' || n || '.example', n / ${PACK_ITEMS} + 1
       from generate_series(${firstBound}::bigint, $1::bigint) as n
      where ${STATUS} = 'success'`,
    [finished],
  )
  await sql`
    insert into fetchyard.tally (workflow_id, event, items)
    select workflow_id, 'enqueue', count(*) from fetchyard.item group by workflow_id`
  await sql`
    select setval('fetchyard.lease_id', ${finished}::bigint),
           setval(pg_get_serial_sequence('fetchyard.item', 'item_id'), ${finished + queued}::bigint)`
  await sql`vacuum (analyze)`
}
