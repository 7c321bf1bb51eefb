// Whether memory grows with work: resident memory of the supervisor and of a worker after the first
// thousand items and after a hundred thousand, in one life of both; and what a fetch that waits
// takes.
//
//   npm run bench:memory -- [--items 100000] [--concurrency 50] [--waiting 1000]
//     [--extract contacts] [--semi-space MB] [--charts] [--json]
//
// Pages are small and nothing is done with them, so that what could pile up is the engine's. With
// `--extract contacts` the pages are generated ones and contacts are read from them. `--items
// 1000000` takes some minutes. `--semi-space` is for the supervisor's Node: half of what its young
// generation may have. `--charts` redraws the picture in docs/images.

import { setTimeout as delay } from 'node:timers/promises'
import { LIMITS } from '../src/core/limits.js'
import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import { lineChart, writeChart } from './support/chart.js'
import type { BenchNode } from './support/fork-bench-node.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import { forkPageServer, type PageServer } from './support/fork-page-server.js'
import { cpuSeconds, describeMachine } from './support/measure.js'
import { residentBytes } from './support/process-tree.js'
import { printReport, readNumbers, say } from './support/report.js'
import { LIGHT_PAGES } from './support/workflow-path.js'

const FIRST_ITEMS = 1_000
/** Looks between the first thousand items and the last, at equal distances. */
const LOOKS = 10
const AIMS = 'Aims: growth within 10 %; a worker below 150 MB with 1,000 waiting.'
const MEGABYTE = 1_048_576
const KILOBYTE = 1_024
/** Long enough for all calls to be under way at once, and to be looked at. */
const WAITING_MS = 20_000
const SETTLED_MS = 3_000
const LOOK_MS = 50

interface Look {
  readonly items: number
  readonly supervisorBytes: number
  readonly workerBytes: number
  readonly itemsPerSecond: number
  /** CPU seconds for 1,000 items since the look before. */
  readonly supervisorCpu: number
  readonly workerCpu: number
}

interface Waiting {
  readonly calls: number
  readonly idle: Bytes
  readonly waiting: Bytes
}

interface Bytes {
  readonly supervisorBytes: number
  readonly workerBytes: number
}

interface Bench {
  readonly database: BenchDatabase
  readonly server: PageServer
  readonly workflow: string
  readonly execArgv: readonly string[]
}

/** Counts of items after which memory is read. */
function looksUpTo(items: number): readonly number[] {
  const step = items / LOOKS
  const counts = Array.from({ length: LOOKS }, (_none, at) => Math.round(step * (at + 1)))
  return [FIRST_ITEMS, ...counts.filter((count) => count > FIRST_ITEMS)]
}

function bytesOf(node: BenchNode): Bytes {
  const [pid = 0] = node.workers
  return { supervisorBytes: residentBytes(node.pid), workerBytes: residentBytes(pid) }
}

function cpuOf(node: BenchNode): { readonly supervisor: number; readonly worker: number } {
  const worker = cpuSeconds([...node.workers])
  return { supervisor: cpuSeconds([node.pid]) - worker, worker }
}

async function lookAll(node: BenchNode, items: number): Promise<readonly Look[]> {
  const looks: Look[] = []
  const [pid = 0] = node.workers
  let [before, beforeMs, cpuBefore] = [0, performance.now(), cpuOf(node)]
  for (const count of looksUpTo(items)) {
    await node.finished(count)
    const [nowMs, cpu] = [performance.now(), cpuOf(node)]
    const per1000 = (seconds: number): number => (seconds * 1_000) / (count - before)
    const look = {
      items: count,
      ...bytesOf(node),
      itemsPerSecond: ((count - before) * 1_000) / (nowMs - beforeMs),
      supervisorCpu: per1000(cpu.supervisor - cpuBefore.supervisor),
      workerCpu: per1000(cpu.worker - cpuBefore.worker),
    }
    ;[before, beforeMs, cpuBefore] = [count, nowMs, cpu]
    looks.push(look)
    say(`${count} items: ${megabytes(look.supervisorBytes)}, ${megabytes(look.workerBytes)} MB`)
  }
  if (!node.workers.has(pid)) throw new Error('The worker was replaced in mid-run.')
  return looks
}

async function withNode<T>(
  { database, workflow, execArgv }: Bench,
  concurrency: number,
  use: (node: BenchNode) => Promise<T>,
): Promise<T> {
  await emptyBenchDatabase(database.sql, workflow)
  const sockets = { sockets: concurrency, socketsPerHost: concurrency }
  const settings = benchSettings({ databaseUrl: database.url, concurrency, ...sockets })
  const node = await forkBenchNode({ settings, workflow }, execArgv)
  try {
    if (node.workers.size === 0) await node.nextWorker()
    return await use(node)
  } finally {
    await node.stop()
  }
}

function measureGrowth(bench: Bench, concurrency: number, items: number) {
  return withNode(bench, concurrency, async (node) => {
    const { database, workflow, server } = bench
    const [looks] = await Promise.all([
      lookAll(node, items),
      enqueueUrls(database.sql, workflow, server.urls(items)),
    ])
    return looks
  })
}

/** As many calls as there are slots, none of which has an answer yet. */
function measureWaiting(bench: Bench, calls: number): Promise<Waiting> {
  return withNode(bench, calls, async (node) => {
    const { database, workflow, server } = bench
    await delay(SETTLED_MS)
    const idle = bytesOf(node)
    const { requests } = await server.counts()
    const urls = server.urls(calls).map((url) => `${url}?latency=${WAITING_MS}`)
    const end = node.finished(calls)
    await enqueueUrls(database.sql, workflow, urls)
    while ((await server.counts()).requests < requests + calls) await delay(LOOK_MS)
    await delay(SETTLED_MS)
    const waiting = bytesOf(node)
    await end
    return { calls, idle, waiting }
  })
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1)
}

/** How much more there is at the last look than at another one. */
function growthRow(looks: readonly Look[], since: Look | undefined): readonly string[] {
  const last = looks.at(-1)
  const growth = (of: keyof Bytes): string => {
    const percent = ((last?.[of] ?? Number.NaN) / (since?.[of] ?? Number.NaN) - 1) * 100
    return `${percent >= 0 ? '+' : ''}${percent.toFixed(1)} %`
  }
  return [`growth since ${since?.items}`, growth('supervisorBytes'), growth('workerBytes')]
}

function lookRow(look: Look): readonly string[] {
  return [
    String(look.items),
    megabytes(look.supervisorBytes),
    megabytes(look.workerBytes),
    look.itemsPerSecond.toFixed(0),
    look.supervisorCpu.toFixed(3),
    look.workerCpu.toFixed(3),
  ]
}

function waitingWords({ calls, idle, waiting }: Waiting): string {
  const each = (of: keyof Bytes) => ((waiting[of] - idle[of]) / KILOBYTE / calls).toFixed(1)
  return (
    `${calls} calls that wait: supervisor ${megabytes(waiting.supervisorBytes)} MB, ` +
    `${each('supervisorBytes')} kB a call; worker ${megabytes(waiting.workerBytes)} MB, ` +
    `${each('workerBytes')} kB a call.`
  )
}

function draw(looks: readonly Look[]): void {
  const seriesOf = (name: string, of: keyof Bytes) => ({
    name,
    points: looks.map((look) => [look.items, look[of] / MEGABYTE] as const),
  })
  const chart = lineChart({
    title: 'Resident memory, MB, by items worked in one life',
    x: { label: 'items', isLog: true },
    y: { label: 'MB' },
    series: [seriesOf('supervisor', 'supervisorBytes'), seriesOf('worker', 'workerBytes')],
  })
  say(`wrote ${writeChart('memory', chart)}`)
}

async function main(): Promise<void> {
  const defaults = { items: 100_000, concurrency: 50, waiting: 1_000 }
  const { numbers, text, has, isJson } = readNumbers(
    defaults,
    ['extract', 'semi-space'],
    ['charts'],
  )
  const { items, concurrency } = numbers
  const isExtracting = text('extract') === 'contacts'
  const setting = isExtracting ? 'contacts' : 'light pages'
  const semiSpace = text('semi-space')
  const hosts = Math.ceil(Math.max(concurrency, numbers.waiting) / LIMITS.socketsPerHostMax)
  const server = await forkPageServer({ hosts, smallBytes: isExtracting ? null : KILOBYTE })
  const database = await startBenchDatabase()
  try {
    const execArgv = semiSpace === null ? [] : [`--max-semi-space-size=${semiSpace}`]
    const workflow = isExtracting ? 'contacts' : LIGHT_PAGES
    const bench: Bench = { database, server, workflow, execArgv }
    const looks = await measureGrowth(bench, concurrency, items)
    const waiting = await measureWaiting(bench, numbers.waiting)
    printReport(
      {
        title: `Memory over ${items} items (${setting}), MB resident`,
        machine: describeMachine(database.version),
        head: ['items', 'supervisor', 'worker', 'items/s', 'supervisor, CPU s / 1,000', 'worker'],
        rows: [...looks.map(lookRow), growthRow(looks, looks[0]), growthRow(looks, looks[1])],
        notes: [waitingWords(waiting), AIMS],
        figures: { ...numbers, workflow: setting, semiSpace, looks, waiting },
      },
      isJson,
    )
    if (has('charts')) draw(looks)
  } finally {
    await server.close()
    await database.close()
  }
}

await main()
