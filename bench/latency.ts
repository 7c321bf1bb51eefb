// Enqueue to start of work: the time from just before an item's enqueue statement is sent to the
// first line of its handler in a worker process, with its connection, lease and dispatch between.
//
//   npm run bench:latency -- [--rounds 1] [--idle 60] [--items 3000] [--rate 100] [--hold 200]
//     [--concurrency 50] [--json]
//
// `idle`: one item at a time into a queue that was empty for two to three seconds, so that the
// leaser's pause is at its longest and met at any point. `under load`: items one by one at `rate` a
// second, each of which holds a slot for `hold` ms; with the defaults 20 of 50 slots are busy. Both
// direct and through PgBouncer in transaction mode, for the node and for whoever enqueues.

import { setTimeout as delay } from 'node:timers/promises'
import { connect, type Sql } from '../src/store/client.js'
import { enqueueItems } from '../src/store/enqueue.js'
import { registerWorkflow } from '../src/store/workflows.js'
import { findPgBouncer, startPgBouncer } from '../test/support/pgbouncer.js'
import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, startBenchDatabase } from './support/bench-database.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import { describeMachine } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'
import { readSharedMs } from './support/shared-clock.js'
import { ARRIVALS } from './support/workflow-path.js'
import type { ArrivalPayload } from './workflows/arrivals.js'

const QUIET_MS = { min: 2_000, spread: 1_000 }
const POOLER_CONNECTIONS = 20
const WARM_UP_ITEMS = 50
const LOOK_MS = 50

const DEFAULTS = { rounds: 1, idle: 60, items: 3_000, rate: 100, hold: 200, concurrency: 50 }
type Numbers = Readonly<Record<keyof typeof DEFAULTS, number>>

interface Sample {
  readonly route: string
  readonly situation: string
  /** Times from enqueue to start, lowest first. */
  readonly waitedMs: readonly number[]
  /** Times of the enqueue statements alone, lowest first. */
  readonly enqueuedMs: readonly number[]
}

interface Bench {
  /** The database as whoever enqueues reaches it. */
  readonly sql: Sql
  readonly workflowId: number
  readonly numbers: Numbers
}

const ascending = (values: readonly number[]) => [...values].sort((left, right) => left - right)

/** The value below which so much of all lies; the highest when there are too few to tell. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** Enqueues one item. @returns how long the statement took. */
async function send({ sql, workflowId }: Bench, key: string, holdMs: number): Promise<number> {
  const payload = { sentMs: readSharedMs(), holdMs } satisfies ArrivalPayload
  await enqueueItems(sql, { workflowId, items: [{ key, payload, lane: '' }], again: 'never' })
  return readSharedMs() - payload.sentMs
}

async function readArrivals(sql: Sql, prefix: string, count: number): Promise<readonly number[]> {
  for (;;) {
    const rows = await sql<{ waited: number }[]>`
      select waited_ms as waited from public.arrival where item like ${`${prefix}%`}`
    if (rows.length >= count) return ascending(rows.map(({ waited }) => waited))
    await delay(LOOK_MS)
  }
}

async function sampleIdle(bench: Bench): Promise<Omit<Sample, 'route'>> {
  const { idle } = bench.numbers
  const enqueuedMs: number[] = []
  for (let at = 0; at < idle; at += 1) {
    await delay(QUIET_MS.min + Math.random() * QUIET_MS.spread)
    enqueuedMs.push(await send(bench, `idle-${at}`, 0))
  }
  const waitedMs = await readArrivals(bench.sql, 'idle-', idle)
  return { situation: 'idle', waitedMs, enqueuedMs: ascending(enqueuedMs) }
}

/** Sends at even distances, whatever the answers take, so that a slow server is not spared. */
async function sampleLoad(bench: Bench): Promise<Omit<Sample, 'route'>> {
  const { items, rate, hold } = bench.numbers
  const sent: Promise<number>[] = []
  const startedMs = performance.now()
  for (let at = 0; at < items; at += 1) {
    const dueMs = startedMs + (at * 1_000) / rate
    const earlyMs = dueMs - performance.now()
    if (earlyMs > 0) await delay(earlyMs)
    sent.push(send(bench, `load-${at}`, hold))
  }
  const enqueuedMs = ascending(await Promise.all(sent))
  const waitedMs = await readArrivals(bench.sql, 'load-', items)
  return { situation: `${rate} items/s`, waitedMs, enqueuedMs }
}

async function measureRoute(
  database: BenchDatabase,
  of: { readonly route: string; readonly url: string; readonly numbers: Numbers },
): Promise<readonly Sample[]> {
  const { route, url, numbers } = of
  await emptyBenchDatabase(database.sql, ARRIVALS)
  const settings = benchSettings({ databaseUrl: url, concurrency: numbers.concurrency })
  const node = await forkBenchNode({ settings, workflow: ARRIVALS })
  const client = await connect({ url, poolMax: 8 })
  try {
    const { workflowId } = await registerWorkflow(client.sql, 'arrivals')
    const bench: Bench = { sql: client.sql, workflowId, numbers }
    const keys = Array.from({ length: WARM_UP_ITEMS }, (_none, at) => `warm-${at}`)
    await Promise.all(keys.map((key) => send(bench, key, 0)))
    await readArrivals(client.sql, 'warm-', WARM_UP_ITEMS)
    const samples = [await sampleIdle(bench), await sampleLoad(bench)]
    for (const sample of samples) say(`${route}: ${rowOf({ route, ...sample }).join(', ')}`)
    return samples.map((sample) => ({ route, ...sample }))
  } finally {
    await client.close()
    await node.stop()
  }
}

async function measurePooled(
  database: BenchDatabase,
  numbers: Numbers,
): Promise<readonly Sample[]> {
  const program = await findPgBouncer()
  if (program === null) {
    say('left out: pgbouncer is not installed (apt-get install pgbouncer)')
    return []
  }
  const pooler = await startPgBouncer(program, database.url, undefined, POOLER_CONNECTIONS)
  try {
    return await measureRoute(database, { route: 'PgBouncer', url: pooler.url, numbers })
  } finally {
    await pooler.stop()
  }
}

function rowOf({ route, situation, waitedMs, enqueuedMs }: Sample): readonly string[] {
  const waited = [0.5, 0.95, 0.99, 1].map((share) => quantile(waitedMs, share).toFixed(1))
  const enqueued = quantile(enqueuedMs, 0.5).toFixed(1)
  return [route, situation, String(waitedMs.length), ...waited, enqueued]
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers(DEFAULTS)
  const database = await startBenchDatabase()
  try {
    const samples: Sample[] = []
    for (let round = 1; round <= numbers.rounds; round += 1) {
      const direct = { route: 'direct', url: database.url, numbers }
      samples.push(...(await measureRoute(database, direct)))
      samples.push(...(await measurePooled(database, numbers)))
    }
    printReport(
      {
        title: 'Enqueue to start of work, ms',
        machine: describeMachine(database.version),
        head: ['route', 'queue', 'items', 'p50', 'p95', 'p99', 'most', 'enqueue alone, p50'],
        rows: samples.map(rowOf),
        notes: [
          `${numbers.concurrency} slots; an item under load holds one for ${numbers.hold} ms.`,
        ],
        figures: { ...numbers, samples },
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
