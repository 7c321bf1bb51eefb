// What large payloads cost: the most memory that the supervisor and its worker ever had while items
// of one size after another are worked, as many of each as make the same number of megabytes.
//
//   npm run bench:payloads -- [--megabytes 1000] [--concurrency 1000] [--rounds 1] [--json]
//
// Nothing is done with the items, so that they come and go as fast as the engine moves them. The
// supervisor's Node is as PM2 starts it. All items are queued before the node starts.

import { randomBytes } from 'node:crypto'
import { LIMITS } from '../src/core/limits.js'
import { enqueueItems } from '../src/store/enqueue.js'
import { registerWorkflow } from '../src/store/workflows.js'
import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, startBenchDatabase } from './support/bench-database.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import { describeMachine, spreadOf } from './support/measure.js'
import { peakResidentBytes } from './support/process-tree.js'
import { printReport, readNumbers, say } from './support/report.js'
import { NO_OP } from './support/workflow-path.js'

const KILOBYTE = 1_000
const SIZES_KB = [1, 10, 100, 1_000, 8_000]
/** Characters of payloads that one statement enqueues. */
const SLICE_CHARACTERS = 20_000_000
const MIB = 1_048_576
const AIM =
  'Aim: the supervisor stays below 1 GB, at which PM2 would start it again, whatever the size.'

interface Run {
  readonly kilobytes: number
  readonly items: number
  readonly seconds: number
  readonly supervisorBytes: number
  readonly workerBytes: number
}

async function fill(database: BenchDatabase, items: number, kilobytes: number): Promise<void> {
  const { workflowId } = await registerWorkflow(database.sql, 'no-op')
  const characters = kilobytes * KILOBYTE
  const slice = Math.min(LIMITS.enqueueRowsMax, Math.ceil(SLICE_CHARACTERS / characters))
  // Nothing that could be stored as less than it is.
  const ballast = randomBytes(characters).toString('base64').slice(0, characters)
  for (let at = 0; at < items; at += slice) {
    const count = Math.min(slice, items - at)
    const some = Array.from({ length: count }, (_none, n) => {
      return { key: `item-${at + n}`, payload: { ballast }, lane: '' }
    })
    await enqueueItems(database.sql, { workflowId, items: some, again: 'never' })
  }
}

async function run(
  database: BenchDatabase,
  of: { readonly items: number; readonly kilobytes: number; readonly concurrency: number },
): Promise<Run> {
  const { items, kilobytes, concurrency } = of
  await emptyBenchDatabase(database.sql, NO_OP)
  await fill(database, items, kilobytes)
  const sockets = { sockets: concurrency, socketsPerHost: concurrency }
  const settings = benchSettings({ databaseUrl: database.url, concurrency, ...sockets })
  const startedMs = performance.now()
  const node = await forkBenchNode({ settings, workflow: NO_OP }, ['--max-semi-space-size=4'])
  try {
    await node.finished(items)
    const seconds = (performance.now() - startedMs) / 1_000
    const [worker = 0] = node.workers
    const supervisorBytes = peakResidentBytes(node.pid)
    say(`${items} of ${kilobytes} kB: ${(supervisorBytes / MIB).toFixed(0)} MB`)
    return { kilobytes, items, seconds, supervisorBytes, workerBytes: peakResidentBytes(worker) }
  } finally {
    await node.stop()
  }
}

function rowOf(kilobytes: number, all: readonly Run[]): readonly string[] {
  const runs = all.filter((one) => one.kilobytes === kilobytes)
  const of = (figure: (one: Run) => number) => spreadOf(runs.map(figure)).median
  return [
    `${kilobytes} kB`,
    String(runs[0]?.items ?? 0),
    of(({ items, seconds }) => items / seconds).toFixed(0),
    of(({ items, seconds }) => (items * kilobytes) / KILOBYTE / seconds).toFixed(1),
    of(({ supervisorBytes }) => supervisorBytes / MIB).toFixed(0),
    of(({ workerBytes }) => workerBytes / MIB).toFixed(0),
  ]
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ megabytes: 1_000, concurrency: 1_000, rounds: 1 })
  const { megabytes, concurrency, rounds } = numbers
  const database = await startBenchDatabase()
  try {
    const runs: Run[] = []
    for (let round = 0; round < rounds; round += 1) {
      for (const kilobytes of SIZES_KB) {
        const items = Math.ceil((megabytes * KILOBYTE) / kilobytes)
        runs.push(await run(database, { items, kilobytes, concurrency }))
      }
    }
    printReport(
      {
        title: `${megabytes} MB of items of each size, ${concurrency} at once; most MB resident`,
        machine: describeMachine(database.version),
        head: ['payload', 'items', 'items/s', 'MB/s', 'supervisor', 'worker'],
        rows: SIZES_KB.map((kilobytes) => rowOf(kilobytes, runs)),
        notes: ['The start of the node is in the rates.', AIM],
        figures: { ...numbers, runs },
      },
      isJson,
    )
  } finally {
    await database.close()
  }
}

await main()
