// Records per second: one and two threads beside the plain loop that they replace, and the ways in
// which three instances divide their work.
//
//   npm run bench:records -- [--rounds 3] [--records 20000] [--idle 400] [--growth N] [--json]
//
// `--idle` is how many elements that no column asks for a long record has, some 80 bytes each.
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
import { cpuSeconds, describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { createInput, plainLoop } from './support/plain-loop.js'
import { checkLoaded, emptyTables, enqueueRecords, SCHEMA } from './support/records-work.js'
import { printReport, readNumbers, say } from './support/report.js'

const INSTANCES = 3
const LONG = ', long records'
/** There are fewer of them, so that a round stays short. */
const LONG_SHARE = 4
const GROWN = /, \d+$/
const PLAIN_LOOP = fileURLToPath(new URL('./support/plain-loop.js', import.meta.url))

interface Run {
  readonly way: string
  readonly records: number
  readonly perSecond: number
  /** Milliseconds of CPU a record: of this program, and of the database. */
  readonly cpuMs: readonly [own: number, database: number]
  /** Records that were worked to their end more than once. */
  readonly collisions: number
  readonly missing: number
}

function settingsOf(database: BenchDatabase, threads: number, changes: Partial<Settings> = {}) {
  const shared = { databaseUrl: database.url, schema: SCHEMA, executor: 'thread' as const }
  return benchSettings({ ...shared, threads, concurrency: 100 * threads, sockets: 400, ...changes })
}

interface Work {
  readonly database: BenchDatabase
  readonly records: number
  /** Elements of a record that the mapping does not ask for. */
  readonly idle?: number
}

/** Begins to count. @returns what tells the milliseconds of CPU a record since. */
function cpuMeter(database: BenchDatabase, records: number, own: () => number) {
  const ofDatabase = () => cpuSeconds([database.postmasterPid])
  const [ownBefore, databaseBefore] = [own(), ofDatabase()]
  return (): readonly [number, number] => [
    ((own() - ownBefore) * 1_000) / records,
    ((ofDatabase() - databaseBefore) * 1_000) / records,
  ]
}

/** Records wait in the queue before the first node starts: what is measured is the work alone. */
async function durable(
  way: string,
  { database, records, idle = 0 }: Work,
  nodes: readonly Settings[],
): Promise<Run> {
  await emptyTables(database.sql)
  await enqueueRecords(database.sql, records, idle)
  const running = await Promise.all(
    nodes.map((settings) => forkBenchNode({ settings, workflow: MAPPING_PATH })),
  )
  const own = () => cpuSeconds(running.map((node) => node.pid))
  try {
    const cpu = cpuMeter(database, records, own)
    const seconds = await untilEmpty(database.sql)
    const cpuMs = cpu()
    const { missing, duplicates } = await checkLoaded(database.sql, records)
    return { way, records, perSecond: records / seconds, cpuMs, collisions: duplicates, missing }
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

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

async function plain(way: string, { database, records, idle = 0 }: Work): Promise<Run> {
  await emptyTables(database.sql)
  await createInput(database.sql, records, idle)
  const cpu = cpuMeter(database, records, ownCpuSeconds)
  const seconds = await plainLoop(database.sql, records)
  const cpuMs = cpu()
  const { missing } = await checkLoaded(database.sql, records)
  return { way, records, perSecond: records / seconds, cpuMs, collisions: 0, missing }
}

/** The same records by the plain loop, on one thread and on two. */
async function threads(words: string, work: Work): Promise<Run[]> {
  const { database } = work
  return [
    await plain(`plain loop${words}`, work),
    await durable(`1 thread${words}`, work, [settingsOf(database, 1)]),
    await durable(`2 threads${words}`, work, [settingsOf(database, 2)]),
  ]
}

async function uncoordinated({ database, records }: Work): Promise<Run> {
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
  const cpuMs = [Number.NaN, Number.NaN] as const
  return { way, records, perSecond: records / seconds, cpuMs, collisions, missing }
}

async function coordinated(work: Work): Promise<Run[]> {
  const { database } = work
  const instances = Array.from({ length: INSTANCES }, (_, index) => index + 1)
  const nodes = (changes: (id: number) => Partial<Settings>) =>
    instances.map((id) => settingsOf(database, 1, changes(id)))
  const coordination = 'partitioned' as const
  return [
    await uncoordinated(work),
    await durable(
      `${INSTANCES} leased`,
      work,
      nodes(() => ({})),
    ),
    await durable(
      `${INSTANCES} partitioned, fixed`,
      work,
      nodes((instanceId) => ({ coordination, instanceId, instanceCount: INSTANCES })),
    ),
    await durable(
      `${INSTANCES} partitioned, living`,
      work,
      nodes(() => ({ coordination })),
    ),
  ]
}

async function growth(database: BenchDatabase, upTo: number): Promise<Run[]> {
  const runs: Run[] = []
  for (let records = 10_000; records <= upTo; records *= 10) {
    const work = { database, records }
    const run = await durable(`2 threads, ${records}`, work, [settingsOf(database, 2)])
    say(`${run.way}: ${run.perSecond.toFixed(0)}/s`)
    runs.push(run)
  }
  return runs
}

/** What a way is compared with: the one that has the same records; a run of growth has none. */
function baseOf(way: string, base: 'plain loop' | '1 thread'): string {
  if (GROWN.test(way)) return ''
  return way.endsWith(LONG) ? `${base}${LONG}` : base
}

function rowsOf(runs: readonly Run[]): readonly (readonly string[])[] {
  const of = (way: string) => runs.filter((run) => run.way === way)
  const sum = (list: readonly Run[], field: 'collisions' | 'missing') =>
    String(list.reduce((all, run) => all + run[field], 0))
  const shares = (way: string, base: string) => {
    const bases = of(base)
    const list = of(way).map(
      ({ perSecond }, round) => perSecond / (bases[round]?.perSecond ?? Number.NaN),
    )
    return list.some(Number.isNaN) ? '' : formatSpread(spreadOf(list), 2)
  }
  const cpu = (list: readonly Run[], part: 0 | 1) => {
    const figures = list.map((run) => run.cpuMs[part])
    return figures.some(Number.isNaN) ? '' : formatSpread(spreadOf(figures), 2)
  }
  return [...new Set(runs.map((run) => run.way))].map((way) => {
    const own = of(way)
    return [
      way,
      formatSpread(spreadOf(own.map((run) => run.perSecond)), 0),
      shares(way, baseOf(way, 'plain loop')),
      way.startsWith('2 threads') ? shares(way, baseOf(way, '1 thread')) : '',
      cpu(own, 0),
      cpu(own, 1),
      sum(own, 'collisions'),
      sum(own, 'missing'),
    ]
  })
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ rounds: 3, records: 20_000, idle: 400, growth: 1 })
  const { rounds, records, idle } = numbers
  const database = await startBenchDatabase()
  try {
    const runs: Run[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const own = [
        ...(await threads('', { database, records })),
        ...(await threads(LONG, { database, records: Math.ceil(records / LONG_SHARE), idle })),
        ...(await coordinated({ database, records })),
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
        head: [
          'way',
          'records/s',
          'of the plain loop',
          'of 1 thread',
          'CPU ms, own',
          'CPU ms, database',
          'collisions',
          'missing',
        ],
        rows: rowsOf(runs),
        notes: [
          `Median (lowest to highest) of ${rounds} rounds. The plain loop keeps no log and knows`,
          'nothing of where it was; the others begin with all records in the queue. CPU is a record,',
          `start of the threads included. Long records hold ${idle} elements more, which no column asks for.`,
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
