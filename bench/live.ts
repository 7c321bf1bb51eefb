// What watching costs: the rate of items and the lateness of the supervisor's event loop with 200
// clients of the live channel, 20 of which do not read, beside the same run without clients.
//
//   npm run bench:live -- [--rounds 5] [--seconds 20] [--clients 200] [--stuck 20] [--concurrency 50]
//                         [--latency 250] [--json]
//
// One supervisor works one queue all the time; windows without and with clients take turns, so that
// both see the same machine. The clients live in this process, which has no part in the work; on a
// machine of few cores their reading is in the figures all the same. What a client does not read
// waits in the kernel's buffers first, which take megabytes: whether it is then passed over and cut
// off is the business of test/web/slow-client.test.ts.

import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import { forkPageServer } from './support/fork-page-server.js'
import { connectClients } from './support/live-clients.js'
import { cpuSeconds, describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'
import { LIGHT_PAGES } from './support/workflow-path.js'

const TOKEN = 'a-token-of-the-benchmark'
const PORT = 9_387
const AIM = 'Aim: both within 5 % of those without clients.'
/** What a change needs to be over before a window begins. */
const SETTLE_MS = 3_000
/** The monitor counts the time between two of its own timers; what is beyond it is late. */
const MONITOR_MS = 10
const HEADERS = { authorization: `Bearer ${TOKEN}` }

type Numbers = Record<
  'rounds' | 'seconds' | 'clients' | 'stuck' | 'concurrency' | 'latency',
  number
>

interface Window {
  readonly clients: number
  readonly itemsPerSecond: number
  readonly lateMeanMs: number
  readonly lateP99Ms: number
  readonly cpuPercent: number
  readonly skipped: number
  readonly cutOff: number
  /** Of all clients that read, and of the one that got least. */
  readonly kilobytesPerSecond: number
  readonly fewestFrames: number
}

interface Reading {
  readonly atMs: number
  readonly attempts: number
  readonly cpuSeconds: number
  readonly metrics: string
}

const pause = (delayMs: number) => new Promise((resolve) => setTimeout(resolve, delayMs))

async function ask(path: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${PORT}${path}`, { headers: HEADERS })
  if (!answer.ok) throw new Error(`${path} answered with ${answer.status}.`)
  return answer.text()
}

/** Reading the metrics begins a new window of the monitor of the event loop. */
async function read(pid: number): Promise<Reading> {
  const metrics = await ask('/metrics')
  const stats: { d: { node: { attempts: number } } } = JSON.parse(await ask('/api/stats'))
  const { attempts } = stats.d.node
  return { atMs: performance.now(), attempts, cpuSeconds: cpuSeconds([pid]), metrics }
}

function metricOf(metrics: string, name: string): number {
  return Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, 'm').exec(metrics)?.[1] ?? Number.NaN)
}

function lateMs({ metrics }: Reading, figure: 'mean' | 'p99'): number {
  const seconds = metricOf(metrics, `nodejs_eventloop_lag_${figure}_seconds`)
  return Math.max(0, seconds * 1_000 - MONITOR_MS)
}

async function watch(pid: number, numbers: Numbers, isWatched: boolean): Promise<Window> {
  const { clients, stuck, seconds } = numbers
  const watchers = isWatched
    ? await connectClients({ port: PORT, token: TOKEN, clients, stuck })
    : null
  await pause(SETTLE_MS)
  const before = await read(pid)
  const gotBefore = watchers?.got()
  await pause(seconds * 1_000)
  const got = watchers?.got()
  const after = await read(pid)
  const cutOff = watchers?.cutOff() ?? 0
  await watchers?.close()
  const elapsed = (after.atMs - before.atMs) / 1_000
  const skipped = (reading: Reading) =>
    metricOf(reading.metrics, 'fetchyard_live_frames_skipped_total')
  return {
    clients: isWatched ? clients : 0,
    itemsPerSecond: (after.attempts - before.attempts) / elapsed,
    lateMeanMs: lateMs(after, 'mean'),
    lateP99Ms: lateMs(after, 'p99'),
    cpuPercent: (100 * (after.cpuSeconds - before.cpuSeconds)) / elapsed,
    skipped: skipped(after) - skipped(before),
    cutOff,
    kilobytesPerSecond: ((got?.bytes ?? 0) - (gotBefore?.bytes ?? 0)) / elapsed / 1_000,
    fewestFrames: (got?.fewest ?? 0) - (gotBefore?.fewest ?? 0),
  }
}

async function measure(database: BenchDatabase, numbers: Numbers): Promise<readonly Window[]> {
  const { rounds, seconds, clients, concurrency, latency } = numbers
  const server = await forkPageServer({ latencyMs: latency, latencySpread: 0.5 })
  await emptyBenchDatabase(database.sql, LIGHT_PAGES)
  const settings = benchSettings({
    ...{
      databaseUrl: database.url,
      concurrency,
      sockets: concurrency,
      socketsPerHost: concurrency,
    },
    ...{ port: PORT, token: TOKEN, liveClients: clients },
  })
  const node = await forkBenchNode({ settings, workflow: LIGHT_PAGES })
  try {
    if (node.workers.size === 0) await node.nextWorker()
    const lastingSeconds = 2 * (rounds + 1) * (seconds + 2 * (SETTLE_MS / 1_000))
    const items = Math.ceil((1.5 * lastingSeconds * concurrency * 1_000) / latency)
    await enqueueUrls(database.sql, LIGHT_PAGES, server.urls(items))
    await pause(SETTLE_MS)
    const windows: Window[] = []
    for (let round = 1; round <= rounds; round += 1) {
      // Whichever comes first in a round comes second in the next.
      for (const isWatched of round % 2 === 0 ? [true, false] : [false, true]) {
        const window = await watch(node.pid, numbers, isWatched)
        windows.push(window)
        const { itemsPerSecond, lateP99Ms } = window
        const words = `${itemsPerSecond.toFixed(1)} items/s, loop late by ${lateP99Ms.toFixed(2)} ms`
        say(`round ${round}, ${window.clients} clients: ${words} (p99)`)
      }
    }
    return windows
  } finally {
    await node.stop()
    await server.close()
  }
}

function rowOf(title: string, windows: readonly Window[]): readonly string[] {
  const spread = (figure: (window: Window) => number, digits: number) =>
    formatSpread(spreadOf(windows.map(figure)), digits)
  return [
    title,
    spread((window) => window.itemsPerSecond, 1),
    spread((window) => window.lateMeanMs, 2),
    spread((window) => window.lateP99Ms, 2),
    spread((window) => window.cpuPercent, 1),
    spread((window) => window.kilobytesPerSecond, 0),
  ]
}

/** Of the two windows of each round: what they were with clients, over what they were without. */
function ratioRow(without: readonly Window[], watched: readonly Window[]): readonly string[] {
  const ratio = (figure: (window: Window) => number) =>
    formatSpread(
      spreadOf(
        watched.map((window, round) => {
          const other = without[round]
          return other === undefined ? Number.NaN : figure(window) / figure(other)
        }),
      ),
      3,
    )
  return [
    'ratio',
    ratio((window) => window.itemsPerSecond),
    // With the monitor's own time: a ratio of two figures near nothing says nothing.
    ratio((window) => window.lateMeanMs + MONITOR_MS),
    ratio((window) => window.lateP99Ms + MONITOR_MS),
    ratio((window) => window.cpuPercent),
    '',
  ]
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({
    ...{ rounds: 5, seconds: 20, clients: 200, stuck: 20, concurrency: 50, latency: 250 },
  })
  const { rounds, clients, stuck } = numbers
  const database = await startBenchDatabase()
  try {
    const windows = await measure(database, numbers)
    const watched = windows.filter((window) => window.clients > 0)
    const without = windows.filter((window) => window.clients === 0)
    const skipped = watched.reduce((sum, window) => sum + window.skipped, 0)
    const cutOff = watched.reduce((sum, window) => sum + window.cutOff, 0)
    const fewest = Math.min(...watched.map((window) => window.fewestFrames))
    printReport(
      {
        title: `${clients} clients of the live channel, ${stuck} of them not reading, beside none`,
        machine: describeMachine(database.version),
        head: ['clients', 'items/s', 'late, mean ms', 'late, p99 ms', 'CPU, % of a core', 'kB/s'],
        rows: [rowOf('none', without), rowOf(String(clients), watched), ratioRow(without, watched)],
        notes: [
          `Median (lowest to highest) of ${rounds} rounds; late is the supervisor's event loop, its ratio ` +
            `with the monitor's own ${MONITOR_MS} ms. ${AIM}`,
          `Frames passed over: ${skipped}; clients cut off: ${cutOff}; fewest frames that one that reads ` +
            `got in a window: ${fewest}.`,
        ],
        figures: { ...numbers, windows },
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
