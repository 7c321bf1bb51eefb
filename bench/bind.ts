// How long it takes to bind a table that holds rows already, and what its application feels of it.
//
//   npm run bench:bind -- [--rows 1000000] [--rounds 3] [--json]
//
// An application updates rows one after the other all the time, in transactions with a lock_timeout
// of 1 s, before the binding and during it. Every tenth of its transactions sets a finished row back
// to 'Queued', which the triggers have to catch.

import { bindSource } from '../src/store/bind.js'
import type { Sql } from '../src/store/client.js'
import { connect } from '../src/store/client.js'
import { registerWorkflow } from '../src/store/workflows.js'
import { emptyBenchDatabase, startBenchDatabase } from './support/bench-database.js'
import { describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'

const SOURCE = {
  table: 'public.bench_place',
  key: 'id',
  keyType: 'bigint',
  status: 'fetch_status',
  where: 'is_active',
  payload: ['url'],
} as const

/** Time that the application is watched before the binding begins. */
const QUIET_MS = 5_000

interface Round {
  readonly seconds: number
  readonly enqueued: number
  readonly quietMs: readonly number[]
  readonly busyMs: readonly number[]
  readonly failures: number
}

async function fill(sql: Sql, rows: number): Promise<void> {
  await sql.unsafe(`
    drop table if exists public.bench_place;
    create table public.bench_place (
      id bigint generated always as identity primary key,
      url text not null, note text not null, is_active boolean not null default true,
      fetch_status text);
    insert into public.bench_place (url, note, fetch_status)
    select 'https://host-' || n % 5000 || '.example/' || n, repeat('x', 200),
           case n % 10 when 0 then 'Complete' else 'Queued' end
      from generate_series(1, ${rows}) as n;
    analyze public.bench_place`)
}

/** An application that never stops writing. */
function startWriter(sql: Sql, rows: number) {
  const waits: number[] = []
  let failures = 0
  let isOver = false
  const write = async (turn: number) => {
    const id = 10 * (1 + ((turn * 7_919) % Math.floor(rows / 10)))
    await sql.begin(async (transaction) => {
      await transaction`set local lock_timeout = '1s'`
      await (turn % 10 === 0
        ? transaction`update public.bench_place set fetch_status = 'Queued' where id = ${id}`
        : transaction`update public.bench_place set note = note where id = ${id}`)
    })
  }
  const run = async () => {
    for (let turn = 1; !isOver; turn += 1) {
      const startedMs = performance.now()
      await write(turn).catch(() => {
        failures += 1
      })
      waits.push(performance.now() - startedMs)
    }
  }
  const ended = run()
  return {
    take: () => ({ waits: waits.splice(0), failures }),
    stop: () => {
      isOver = true
      return ended
    },
  }
}

async function measure(database: { readonly sql: Sql; readonly url: string }, rows: number) {
  const { sql } = database
  await emptyBenchDatabase(sql, 'contacts')
  say(`Filling ${rows} rows`)
  await fill(sql, rows)
  const row = await registerWorkflow(sql, 'bench-place')
  const application = await connect({ url: database.url, poolMax: 2, pooling: 'direct' })
  const writer = startWriter(application.sql, rows)
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
  const quiet = writer.take()
  const startedMs = performance.now()
  await bindSource(sql, row, SOURCE, { by: 'operator' })
  const seconds = (performance.now() - startedMs) / 1_000
  const busy = writer.take()
  await writer.stop()
  await application.close()
  const enqueued = await checkAll(sql)
  say(`${rows} rows in ${seconds.toFixed(1)} s`)
  const { waits: busyMs, failures } = busy
  return { seconds, enqueued, quietMs: quiet.waits, busyMs, failures } satisfies Round
}

/** Every row that waits has an item that is open, and just one. */
async function checkAll(sql: Sql): Promise<number> {
  const [found] = await sql<{ waiting: number; items: number }[]>`
    select (select count(*) from public.bench_place where fetch_status = 'Queued')::float8 as waiting,
           (select count(*) from fetchyard.item)::float8 as items`
  if (found === undefined || found.waiting !== found.items) {
    throw new Error(`Rows and items differ: ${JSON.stringify(found)}`)
  }
  return found.items
}

function quantile(values: readonly number[], share: number): number {
  const ordered = [...values].sort((a, b) => a - b)
  return ordered[Math.min(ordered.length - 1, Math.floor(share * ordered.length))] ?? 0
}

const milliseconds = (rounds: readonly number[]) => formatSpread(spreadOf(rounds), 1)

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ rows: 1_000_000, rounds: 3 })
  const database = await startBenchDatabase()
  try {
    const rounds: Round[] = []
    for (let round = 0; round < numbers.rounds; round += 1) {
      rounds.push(await measure(database, numbers.rows))
    }
    const of = (figure: (round: Round) => number) => milliseconds(rounds.map(figure))
    printReport(
      {
        title: `Binding a table of ${numbers.rows} rows while its application writes`,
        machine: describeMachine(database.version),
        head: ['measured', 'median (min to max)'],
        rows: [
          ['seconds', of(({ seconds }) => seconds)],
          ['rows enqueued', of(({ enqueued }) => enqueued)],
          ['transaction before, median, ms', of(({ quietMs }) => quantile(quietMs, 0.5))],
          ['transaction during, median, ms', of(({ busyMs }) => quantile(busyMs, 0.5))],
          ['transaction during, 99 of 100, ms', of(({ busyMs }) => quantile(busyMs, 0.99))],
          ['transaction during, longest, ms', of(({ busyMs }) => quantile(busyMs, 1))],
          ['transactions that timed out', of(({ failures }) => failures)],
        ],
        notes: ['One application with one connection, lock_timeout 1 s; 9 of 10 rows are queued.'],
        figures: rounds.map(({ quietMs: _, busyMs: __, ...figures }) => figures),
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
