// How near a plan of N calls at once comes to N times one call at a time, through a proxy API; and
// what 1,000 calls cost that only wait.
//
//   npm run bench:throughput -- [--rounds 3] [--latency 5000] [--waves 6] [--least 1]
//     [--most 1000] [--json]
//
// One worker process in every case. A run has `waves` calls a slot, of `latency` ms in the middle and
// half as much more or less. The API counts: calls a second from the first `plan` ends to the last,
// when the queue no longer fills the plan, and what they would be if no slot were ever free.

import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import type { BenchNode } from './support/fork-bench-node.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import { forkProxyServer, madeUpUrls, type ProxyServer } from './support/fork-proxy-server.js'
import { cpuSeconds, describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { residentBytes } from './support/process-tree.js'
import { printReport, readNumbers, say } from './support/report.js'
import { LIGHT_PAGES } from './support/workflow-path.js'

/** Of the logarithm: two calls of three are within a third of the median. */
const SPREAD = 0.3
const PLANS = [1, 10, 50, 200, 1_000] as const
const MEGABYTE = 1_048_576
const AIMS = 'Aims: 0.95 of the ideal up to 1,000 at once; a worker below 150 MB.'
/** The calls that only wait take longer than they are watched. */
const WAITING_MS = 60_000
const WATCHED_MS = 15_000

interface Run {
  readonly plan: number
  readonly callsPerSecond: number
  readonly idealPerSecond: number
  readonly ofIdeal: number
  readonly reusedShare: number
  readonly workerBytes: number
  readonly workerCpuMs: number
  readonly supervisorCpuMs: number
}

interface Waiting {
  readonly workerBytes: number
  readonly workerCpuPercent: number
  readonly supervisorCpuPercent: number
}

interface Cluster {
  readonly api: ProxyServer
  readonly node: BenchNode
  readonly workerPid: number
  readonly close: () => Promise<void>
}

async function startCluster(
  database: BenchDatabase,
  of: { readonly plan: number; readonly latencyMs: number },
): Promise<Cluster> {
  const { plan, latencyMs } = of
  const latency = { medianMs: latencyMs, spread: SPREAD, tailPerMille: 0 }
  const api = await forkProxyServer({ limit: plan, latency })
  await emptyBenchDatabase(database.sql, LIGHT_PAGES)
  const settings = benchSettings({
    ...api.settings,
    databaseUrl: database.url,
    concurrency: plan,
    sockets: plan,
    socketsPerHost: plan,
  })
  const node = await forkBenchNode({ settings, workflow: LIGHT_PAGES })
  if (node.workers.size === 0) await node.nextWorker()
  const [workerPid = 0] = node.workers
  const close = async () => {
    await node.stop()
    await api.close()
  }
  return { api, node, workerPid, close }
}

async function lookAt(api: ProxyServer, ended: number) {
  for (;;) {
    const look = await api.look()
    if (look.counts.ended >= ended) return look
    await pause(20)
  }
}

const pause = (delayMs: number) => new Promise((resolve) => setTimeout(resolve, delayMs))

async function runOnce(
  database: BenchDatabase,
  of: { readonly plan: number; readonly latencyMs: number; readonly waves: number },
): Promise<Run> {
  const { plan, waves } = of
  const calls = plan * waves
  const { api, node, workerPid, close } = await startCluster(database, of)
  try {
    const cpu = () => ({ worker: cpuSeconds([workerPid]), all: cpuSeconds([node.pid]) })
    const before = cpu()
    const end = node.finished(calls)
    await enqueueUrls(database.sql, LIGHT_PAGES, madeUpUrls(calls))
    const first = await lookAt(api, plan)
    const fromMs = performance.now()
    const last = await lookAt(api, calls - plan)
    const seconds = (performance.now() - fromMs) / 1_000
    const workerBytes = residentBytes(workerPid)
    const { failed } = await end
    if (failed > 0) throw new Error(`${failed} of ${calls} calls failed.`)
    const after = cpu()
    const { connections } = await api.look()
    const busyMs = last.counts.busySlotMs - first.counts.busySlotMs
    const ended = last.counts.ended - first.counts.ended
    const workerCpu = after.worker - before.worker
    return {
      plan,
      callsPerSecond: ended / seconds,
      // As many slots as the plan has, each with the next call as soon as one has ended.
      idealPerSecond: (plan * 1_000 * ended) / busyMs,
      ofIdeal: busyMs / (last.counts.offeredSlotMs - first.counts.offeredSlotMs),
      // The reader of the account has one of the connections.
      reusedShare: 1 - (connections - 1) / calls,
      workerBytes,
      workerCpuMs: (workerCpu * 1e6) / calls,
      supervisorCpuMs: ((after.all - before.all - workerCpu) * 1e6) / calls,
    }
  } finally {
    await close()
  }
}

/** As many calls as there are slots, and nothing comes back while they are watched. */
async function watchWaiting(database: BenchDatabase, plan: number): Promise<Waiting> {
  const cluster = await startCluster(database, { plan, latencyMs: WAITING_MS })
  const { api, node, workerPid, close } = cluster
  try {
    await enqueueUrls(database.sql, LIGHT_PAGES, madeUpUrls(plan))
    while ((await api.look()).counts.inFlight < plan) await pause(20)
    const cpu = () => ({ worker: cpuSeconds([workerPid]), all: cpuSeconds([node.pid]) })
    const before = cpu()
    await pause(WATCHED_MS)
    const after = cpu()
    const worker = after.worker - before.worker
    const percent = (seconds: number) => (seconds * 1e5) / WATCHED_MS
    return {
      workerBytes: residentBytes(workerPid),
      workerCpuPercent: percent(worker),
      supervisorCpuPercent: percent(after.all - before.all - worker),
    }
  } finally {
    await close()
  }
}

function rowOf(plan: number, runs: readonly Run[]): readonly string[] {
  const own = runs.filter((run) => run.plan === plan)
  const spread = (figure: (run: Run) => number, digits: number) =>
    formatSpread(spreadOf(own.map(figure)), digits)
  return [
    plan === 1 ? 'sequential' : String(plan),
    spread((run) => run.idealPerSecond, 2),
    spread((run) => run.callsPerSecond, 2),
    spread((run) => run.ofIdeal, 3),
    spread((run) => run.reusedShare * 100, 1),
    spread((run) => run.workerBytes / MEGABYTE, 0),
    spread((run) => run.workerCpuMs, 0),
    spread((run) => run.supervisorCpuMs, 0),
  ]
}

function waitingWords(plan: number, seen: readonly Waiting[]): string {
  const spread = (figure: (one: Waiting) => number, digits: number) =>
    formatSpread(spreadOf(seen.map(figure)), digits)
  return (
    `${plan} calls that only wait: worker ${spread((one) => one.workerBytes / MEGABYTE, 0)} MB and ` +
    `${spread((one) => one.workerCpuPercent, 1)} % of a core, supervisor ` +
    `${spread((one) => one.supervisorCpuPercent, 1)} % of a core.`
  )
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({
    rounds: 3,
    latency: 5_000,
    waves: 6,
    ...{ least: 1, most: 1_000 },
  })
  const { rounds, latency, waves, least, most } = numbers
  const database = await startBenchDatabase()
  const plans = PLANS.filter((plan) => plan >= least && plan <= most)
  try {
    const runs: Run[] = []
    const waiting: Waiting[] = []
    for (let round = 1; round <= rounds; round += 1) {
      for (const plan of plans) {
        const run = await runOnce(database, { plan, latencyMs: latency, waves })
        runs.push(run)
        say(`round ${round}: ${plan} at once: ${run.ofIdeal.toFixed(3)} of the ideal`)
      }
      waiting.push(await watchWaiting(database, most))
    }
    printReport(
      {
        title: `Calls of about ${latency} ms through a proxy API, ${waves} a slot, one worker process`,
        machine: describeMachine(database.version),
        head: [
          ...['plan', 'ideal calls/s', 'calls/s', 'of the ideal'],
          ...['reused, %', 'worker, MB', 'worker, CPU ms / 1,000', 'supervisor, CPU ms / 1,000'],
        ],
        rows: plans.map((plan) => rowOf(plan, runs)),
        notes: [
          waitingWords(most, waiting),
          `Median (lowest to highest) of ${rounds} rounds. ${AIMS}`,
        ],
        figures: { ...numbers, runs, waiting },
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
