// How soon work goes on after a kill -9, of a worker and of the supervisor itself.
//
//   npm run bench:recovery -- [--kills 7] [--concurrency 20] [--latency 500] [--json]
//
// The page server keeps the clock: it sends the SIGKILL itself, sees which of its answers find
// nobody, and sees each of those pages asked for again. What is reported is the time from the kill
// to the last of these requests, and, from the ledger, how many items were reclaimed. All clocks
// are the one of this machine. The queue is never empty while this happens.

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { assert } from '../src/core/assert.js'
import { LIMITS } from '../src/core/limits.js'
import { audit } from '../src/store/audit.js'
import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import type { BenchNode } from './support/fork-bench-node.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import type { PageServer } from './support/fork-page-server.js'
import { forkPageServer } from './support/fork-page-server.js'
import { describeMachine, formatSpread, spreadOf } from './support/measure.js'
import type { LoggedRequest } from './support/page-server.js'
import { startPm2Node } from './support/pm2-node.js'
import { printReport, readNumbers, say } from './support/report.js'
import { LIGHT_PAGES } from './support/workflow-path.js'

const PROCESSES = 2
/** How long the cluster works in peace before each kill, as a multiple of the latency. */
const PEACE_LATENCIES = 4
/** PM2 forgets earlier restarts after some time of peace; before that it waits ever longer. */
const PM2_PEACE_MS = 3_000
/** Stands beside the compiled program's directory. */
const ECOSYSTEM = fileURLToPath(new URL('../../ecosystem.config.cjs', import.meta.url))
const LOOK_MS = 100
const PATIENCE_MS = 30_000
const AIM_MS = { worker: 1_000, supervisor: 3_000 }

interface Recovery {
  /** Pages whose request the kill cut. */
  readonly cut: number
  /** From the kill to the first and to the last of them being asked for again. */
  readonly firstMs: number
  readonly lastMs: number
  /** From the kill to the moment the ledger says that the items were ready again. */
  readonly reclaimedMs: number
  /** Items the ledger says were reclaimed. */
  readonly reclaimed: number
}

interface Bench {
  readonly database: BenchDatabase
  readonly server: PageServer
  readonly latencyMs: number
  readonly concurrency: number
}

/** Pages whose answer the killed process did not take. */
function cutPages(log: readonly LoggedRequest[], killedAtMs: number): ReadonlySet<number> {
  const cut = log.filter(({ atMs, state }) => atMs <= killedAtMs && state === 'cut')
  return new Set(cut.map(({ page }) => page))
}

/** Milliseconds from the kill until each of the pages was asked for again. */
function askedAgain(
  log: readonly LoggedRequest[],
  pages: ReadonlySet<number>,
  killedAtMs: number,
): readonly number[] {
  const again = new Map<number, number>()
  for (const { page, atMs } of log) {
    if (atMs > killedAtMs && pages.has(page) && !again.has(page)) again.set(page, atMs - killedAtMs)
  }
  return [...again.values()]
}

/** Waits until every page that was cut has been asked for again. */
async function untilAskedAgain(server: PageServer, killedAtMs: number): Promise<readonly number[]> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += LOOK_MS) {
    await delay(LOOK_MS)
    const log = await server.readLog()
    const cut = cutPages(log, killedAtMs)
    const again = askedAgain(log, cut, killedAtMs)
    if (cut.size > 0 && again.length === cut.size) return again
  }
  const log = await server.readLog()
  const cut = cutPages(log, killedAtMs)
  throw new Error(
    `Of ${cut.size} pages whose request was cut, ` +
      `${askedAgain(log, cut, killedAtMs).length} were asked for again; ${log.length} requests.`,
  )
}

async function readReclaimed(
  { database }: Bench,
  killedAtMs: number,
): Promise<{ readonly items: number; readonly lastMs: number }> {
  const [row] = await database.sql<{ items: number; lastMs: number | null }[]>`
    select count(*)::int as items,
           (max(extract(epoch from ended_at)) * 1000 - ${killedAtMs}::float8)::float8 as "lastMs"
      from fetchyard.processing_log
     where status = 'reclaimed'
       and ended_at > to_timestamp(${killedAtMs}::float8 / 1000)`
  return { items: row?.items ?? 0, lastMs: row?.lastMs ?? Number.NaN }
}

/** Kills a process and tells how the cluster got over it. */
async function killAndObserve(bench: Bench, pid: number): Promise<Recovery> {
  const killedAtMs = await bench.server.kill(pid)
  const times = await untilAskedAgain(bench.server, killedAtMs)
  const { items, lastMs } = await readReclaimed(bench, killedAtMs)
  return {
    cut: times.length,
    firstMs: Math.min(...times),
    lastMs: Math.max(...times),
    reclaimedMs: lastMs,
    reclaimed: items,
  }
}

async function startNode(bench: Bench): Promise<BenchNode> {
  const settings = benchSettings({
    databaseUrl: bench.database.url,
    concurrency: bench.concurrency,
    processes: PROCESSES,
    sockets: LIMITS.socketsMax * PROCESSES,
    socketsPerHost: LIMITS.socketsPerHostMax * PROCESSES,
  })
  return forkBenchNode({ settings, workflow: LIGHT_PAGES })
}

async function untilAllWork(node: BenchNode, { latencyMs }: Bench): Promise<void> {
  while (node.workers.size < PROCESSES) await node.nextWorker()
  await delay(latencyMs * PEACE_LATENCIES)
}

async function killWorkers(bench: Bench, kills: number): Promise<readonly Recovery[]> {
  const recoveries: Recovery[] = []
  const node = await startNode(bench)
  try {
    while (recoveries.length < kills) {
      await untilAllWork(node, bench)
      const [pid] = node.workers
      assert(pid !== undefined, 'a worker is there')
      recoveries.push(tellOf('a worker', await killAndObserve(bench, pid)))
    }
  } finally {
    await node.stop()
  }
  return recoveries
}

/** Starts the next supervisor as soon as the last one is gone, as a process manager does. */
async function killSupervisors(bench: Bench, kills: number): Promise<readonly Recovery[]> {
  const recoveries: Recovery[] = []
  let node = await startNode(bench)
  try {
    while (recoveries.length < kills) {
      await untilAllWork(node, bench)
      const observed = killAndObserve(bench, node.pid)
      await node.exited
      node = await startNode(bench)
      recoveries.push(tellOf('the supervisor', await observed))
    }
  } finally {
    await node.stop()
  }
  return recoveries
}

/** The same with PM2 in its place, by the shipped ecosystem file. */
async function killUnderPm2(bench: Bench, kills: number): Promise<readonly Recovery[]> {
  const recoveries: Recovery[] = []
  const node = await startPm2Node({
    ecosystem: ECOSYSTEM,
    databaseUrl: bench.database.url,
    args: [
      ...['up', LIGHT_PAGES, '--port', 'off', '--allow-ranges', 'loopback'],
      ...['--concurrency', String(bench.concurrency), '--processes', String(PROCESSES)],
    ],
  })
  try {
    while (recoveries.length < kills) {
      await delay(bench.latencyMs * PEACE_LATENCIES + PM2_PEACE_MS)
      const recovery = await killAndObserve(bench, await node.pid())
      recoveries.push(tellOf('the supervisor under PM2', recovery))
    }
  } finally {
    await node.close()
  }
  return recoveries
}

function tellOf(victim: string, recovery: Recovery): Recovery {
  const { cut, lastMs, reclaimedMs, reclaimed } = recovery
  say(
    `killed ${victim}: ${cut} requests cut, ` +
      `${reclaimed} items reclaimed in ${Math.round(reclaimedMs)} ms, ` +
      `all asked for again in ${lastMs} ms`,
  )
  return recovery
}

function rowOf(name: string, recoveries: readonly Recovery[]): readonly string[] {
  const spread = (of: (recovery: Recovery) => number) =>
    formatSpread(spreadOf(recoveries.map(of)), 0)
  return [
    name,
    String(recoveries.length),
    spread(({ cut }) => cut),
    spread(({ reclaimedMs }) => reclaimedMs),
    spread(({ firstMs }) => firstMs),
    spread(({ lastMs }) => lastMs),
  ]
}

/** What the ledger says about the whole, after everything has ended. */
async function verdictOf({ database }: Bench): Promise<string> {
  const { isClean, lost, appliedTwice } = await audit(database.sql)
  const words = isClean ? 'clean' : 'NOT clean'
  return `Afterwards the audit is ${words}: items lost ${lost}, applied twice ${appliedTwice}.`
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ kills: 7, concurrency: 20, latency: 500 })
  const { kills, concurrency, latency: latencyMs } = numbers
  const hosts = Math.ceil(concurrency / LIMITS.socketsPerHostMax)
  const server = await forkPageServer({
    latencyMs,
    // So that the slots do not move in step, and a kill always finds some at work.
    latencySpread: 0.5,
    hosts,
    smallBytes: 1_024,
    isLogging: true,
  })
  const database = await startBenchDatabase()
  const bench: Bench = { database, server, latencyMs, concurrency }
  try {
    await emptyBenchDatabase(database.sql, LIGHT_PAGES)
    await enqueueUrls(database.sql, LIGHT_PAGES, server.urls(pagesFor(bench, kills)))
    const workers = await killWorkers(bench, kills)
    const supervisors = await killSupervisors(bench, kills)
    const underPm2 = await killUnderPm2(bench, kills)
    printReport(
      {
        title:
          `Recovery from kill -9: ${concurrency} pages of ${latencyMs} ms at once, ` +
          `${PROCESSES} workers`,
        machine: describeMachine(database.version),
        head: [
          'killed',
          'times',
          'requests cut',
          'ready again, ms',
          'first asked again, ms',
          'all asked again, ms',
        ],
        rows: [
          rowOf('worker', workers),
          rowOf('supervisor, restarted by the benchmark', supervisors),
          rowOf('supervisor, restarted by PM2', underPm2),
        ],
        notes: [
          'Median (lowest to highest) after the kill.',
          `Aim: all asked again in ${AIM_MS.worker} ms (worker), ` +
            `${AIM_MS.supervisor} ms (supervisor).`,
          await verdictOf(bench),
        ],
        figures: { ...numbers, workers, supervisors, underPm2 },
      },
      isJson,
    )
  } finally {
    await server.close()
    await database.close()
  }
}

/** More than can be worked while this lasts: the queue is never empty. */
function pagesFor({ latencyMs, concurrency }: Bench, kills: number): number {
  const seconds = 3 * kills * (PEACE_LATENCIES * (latencyMs / 1_000) + 5)
  return Math.ceil((seconds * concurrency * 1_000) / latencyMs)
}

await main()
