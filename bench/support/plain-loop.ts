// The plain loop that a user has today: select, convert, insert. One process, one thread, the same
// parser and mapping, one insert of many rows a table. With `uncoordinated` it is what several
// instances of it do to each other: each takes records without a result, and writes its log apart.

import type { ResultRow } from '../../src/core/outcome.js'
import { convertRecord } from '../../src/records/convert.js'
import { makePlan, type Plan } from '../../src/records/plan.js'
import type { Sql } from '../../src/store/client.js'
import { connect } from '../../src/store/client.js'
import { payloadOf, SCHEMA, sampleMapping } from './records-work.js'

const BATCH = 100

async function insertRows(sql: Sql, table: string, rows: readonly ResultRow[], tail: string) {
  if (rows.length === 0) return
  const text = JSON.stringify(rows)
  await sql.unsafe(
    `insert into ${SCHEMA}.${table} select * from json_populate_recordset(null::${SCHEMA}.${table}, $1::text::json) ${tail}`,
    [text],
  )
}

async function convertBatch(
  sql: Sql,
  plan: Plan,
  documents: readonly ReturnType<typeof payloadOf>[],
  tail = '',
): Promise<void> {
  const all: { [table: string]: ResultRow[] } = {}
  for (const document of documents) {
    for (const [table, rows] of Object.entries(convertRecord(document, plan))) {
      all[table] = [...(all[table] ?? []), ...rows]
    }
  }
  for (const table of plan.names) await insertRows(sql, table, all[table] ?? [], tail)
}

export async function createInput(sql: Sql, count: number, idle = 0): Promise<void> {
  await sql.unsafe(`drop table if exists public.bench_xml, public.bench_log`)
  await sql.unsafe(`create table public.bench_xml (id int primary key, document jsonb not null);
                    create table public.bench_log (id int not null, pid int not null)`)
  for (let from = 1; from <= count; from += 1_000) {
    const ids = Array.from({ length: Math.min(1_000, count - from + 1) }, (_, at) => from + at)
    const rows = ids.map((id) => ({ id, document: payloadOf(id, idle) }))
    await sql.unsafe(
      `insert into public.bench_xml
       select id, document from jsonb_to_recordset($1::text::jsonb) as given (id int, document jsonb)`,
      [JSON.stringify(rows)],
    )
  }
}

/** Converts all, and knows by heart where it is: killed, it would begin anew. @returns seconds. */
export async function plainLoop(sql: Sql, count: number): Promise<number> {
  const plan = makePlan(await sampleMapping())
  const startedMs = performance.now()
  for (let from = 1; from <= count; from += BATCH) {
    const rows = await sql<{ document: ReturnType<typeof payloadOf> }[]>`
      select document from public.bench_xml where id >= ${from} and id < ${from + BATCH} order by id`
    const documents = rows.map((row) => row.document)
    await sql.begin((transaction) => convertBatch(transaction as unknown as Sql, plan, documents))
  }
  return (performance.now() - startedMs) / 1_000
}

/** One of several instances that know nothing of each other; runs in a process of its own. */
export async function uncoordinated(url: string): Promise<void> {
  const { sql, close } = await connect({ url, poolMax: 1, pooling: 'direct' })
  const plan = makePlan(await sampleMapping())
  for (;;) {
    const rows = await sql<{ id: number; document: ReturnType<typeof payloadOf> }[]>`
      select id, document from public.bench_xml
       where not exists (select from public.bench_log where bench_log.id = bench_xml.id)
       order by random() limit ${BATCH}`
    if (rows.length === 0) break
    // Two that insert the same keys in different orders would lock each other out.
    const inOrder = [...rows].sort((one, other) => one.id - other.id)
    await convertBatch(
      sql,
      plan,
      inOrder.map((row) => row.document),
      'on conflict do nothing',
    )
    await sql`insert into public.bench_log
              select id, ${process.pid}::int from unnest(${rows.map((row) => row.id)}::int[]) as done (id)`
  }
  await close()
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  await uncoordinated(process.argv[2] ?? '')
  process.exit(0)
}
