// Records per second: one and two threads beside the plain loop that they replace, and the ways in
// which three instances divide their work.
//
//   npm run bench:records -- [--rounds 3] [--records 6000] [--growth N] [--json]
//
// `--growth 1000000` adds runs of 10 thousand, 100 thousand, ... records up to that figure.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Settings } from '../config/settings.js'
import type { Sql } from '../src/store/client.js'
import { MAPPING_PATH } from '../test/support/applications.js'
import type { BenchDatabase } from './support/bench-database.js'
import { startBenchDatabase } from './support/bench-database.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import { describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { createInput, plainLoop } from './support/plain-loop.js'
import { checkLoaded, emptyTables, enqueueRecords, SCHEMA } from './support/records-work.js'
import { printReport, readNumbers, say } from './support/report.js'

const INSTANCES = 3
const PLAIN_LOOP = fileURLToPath(new URL('./support/plain-loop.js', import.meta.url))

interface Run {
  readonly way: string
  readonly records: number
  readonly perSecond: number
  /** Records that were worked to their end more than once. */
  readonly collisions: number
  readonly missing: number
}

function settingsOf(database: BenchDatabase, threads: number, changes: Partial<Settings> = {}) {
  const shared = { databaseUrl: database.url, schema: SCHEMA, executor: 'thread' as const }
  return benchSettings({ ...shared, threads, concurrency: 100 * threads, sockets: 400, ...changes })
}

/** Records wait in the queue before the first node starts: what is measured is the work alone. */
async function durable(
  way: string,
  database: BenchDatabase,
  records: number,
  nodes: readonly Settings[],
): Promise<Run> {
  await emptyTables(database.sql)
  await enqueueRecords(database.sql, records)
  const running = await Promise.all(
    nodes.map((settings) => forkBenchNode({ settings, workflow: MAPPING_PATH })),
  )
  try {
    const seconds = await untilEmpty(database.sql)
    const { missing, duplicates } = await checkLoaded(database.sql, records)
    return { way, records, perSecond: records / seconds, collisions: duplicates, missing }
  } finally {
    await Promise.all(running.map((node) => node.stop()))
  }
}

/** Seconds between the first receipt and the last: starting processes is not in it. */
async function untilEmpty(sql: Sql): Promise<number> {
  for (;;) {
    const [left] = await sql<{ packs: number }[]>`
      select count(*)::int as packs from fetchyard.work_queue`
    if (left?.packs === 0) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const [span] = await sql<{ seconds: number }[]>`
    select extract(epoch from max(ended_at) - min(ended_at))::float8 as seconds
      from fetchyard.processing_log where status = 'success'`
  return span?.seconds ?? Number.NaN
}

async function plain(database: BenchDatabase, records: number): Promise<Run> {
  await emptyTables(database.sql)
  await createInput(database.sql, records)
  const seconds = await plainLoop(database.sql, records)
  const { missing } = await checkLoaded(database.sql, records)
  return { way: 'plain loop', records, perSecond: records / seconds, collisions: 0, missing }
}

async function uncoordinated(database: BenchDatabase, records: number): Promise<Run> {
  const { sql, url } = database
  await emptyTables(sql)
  await createInput(sql, records)
  const startedMs = performance.now()
  const children = Array.from({ length: INSTANCES }, () => fork(PLAIN_LOOP, [url]))
  await Promise.all(children.map((child) => once(child, 'exit')))
  const seconds = (performance.now() - startedMs) / 1_000
  const { missing } = await checkLoaded(sql, records)
  const [twice] = await sql<{ collisions: number }[]>`
    select count(*)::int as collisions
      from (select id from public.bench_log group by id having count(*) > 1) as again`
  const way = `${INSTANCES} uncoordinated`
  const collisions = twice?.collisions ?? 0
  return { way, records, perSecond: records / seconds, collisions, missing }
}

async function coordinated(database: BenchDatabase, records: number): Promise<Run[]> {
  const instances = Array.from({ length: INSTANCES }, (_, index) => index + 1)
  const nodes = (changes: (id: number) => Partial<Settings>) =>
    instances.map((id) => settingsOf(database, 1, changes(id)))
  const coordination = 'partitioned' as const
  return [
    await uncoordinated(database, records),
    await durable(
      `${INSTANCES} leased`,
      database,
      records,
      nodes(() => ({})),
    ),
    await durable(
      `${INSTANCES} partitioned, fixed`,
      database,
      records,
      nodes((instanceId) => ({ coordination, instanceId, instanceCount: INSTANCES })),
    ),
    await durable(
      `${INSTANCES} partitioned, living`,
      database,
      records,
      nodes(() => ({ coordination })),
    ),
  ]
}

async function growth(database: BenchDatabase, upTo: number): Promise<Run[]> {
  const runs: Run[] = []
  for (let records = 10_000; records <= upTo; records *= 10) {
    const run = await durable(`2 threads, ${records}`, database, records, [settingsOf(database, 2)])
    say(`${run.way}: ${run.perSecond.toFixed(0)}/s`)
    runs.push(run)
  }
  return runs
}

function rowsOf(runs: readonly Run[]): readonly (readonly string[])[] {
  const of = (way: string) => runs.filter((run) => run.way === way)
  const sum = (list: readonly Run[], field: 'collisions' | 'missing') =>
    String(list.reduce((all, run) => all + run[field], 0))
  const base = of('plain loop').map((run) => run.perSecond)
  return [...new Set(runs.map((run) => run.way))].map((way) => {
    const own = of(way)
    const shares = own.map((run, round) => run.perSecond / (base[round] ?? Number.NaN))
    return [
      way,
      formatSpread(spreadOf(own.map((run) => run.perSecond)), 0),
      shares.some(Number.isNaN) ? '' : formatSpread(spreadOf(shares), 2),
      sum(own, 'collisions'),
      sum(own, 'missing'),
    ]
  })
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ rounds: 3, records: 6_000, growth: 1 })
  const { rounds, records } = numbers
  const database = await startBenchDatabase()
  try {
    const runs: Run[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const own = [
        await plain(database, records),
        await durable('1 thread', database, records, [settingsOf(database, 1)]),
        await durable('2 threads', database, records, [settingsOf(database, 2)]),
        ...(await coordinated(database, records)),
      ]
      for (const run of own) {
        say(
          `round ${round}: ${run.way}: ${run.perSecond.toFixed(0)}/s, ${run.collisions} collisions`,
        )
      }
      runs.push(...own)
    }
    runs.push(...(await growth(database, numbers.growth)))
    printReport(
      {
        title: `Records per second, ${records} records of 5 rows in 3 tables`,
        machine: describeMachine(database.version),
        head: ['way', 'records/s', 'of the plain loop', 'collisions', 'missing'],
        rows: rowsOf(runs),
        notes: [
          `Median (lowest to highest) of ${rounds} rounds. The plain loop keeps no log and knows`,
          'nothing of where it was; the others begin with all records in the queue.',
        ],
        figures: { ...numbers, runs },
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
