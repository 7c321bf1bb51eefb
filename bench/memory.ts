// Whether memory grows with work: resident memory of the supervisor and of a worker after the first
// thousand items and after a hundred thousand, in one life of both.
//
//   npm run bench:memory -- [--items 100000] [--concurrency 50] [--extract contacts] [--json]
//
// Pages are small and nothing is done with them, so that what could pile up is the engine's. With
// `--extract contacts` the pages are generated ones and contacts are read from them.

import { LIMITS } from '../src/core/limits.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import type { BenchNode } from './support/fork-bench-node.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import { forkPageServer } from './support/fork-page-server.js'
import { describeMachine } from './support/measure.js'
import { residentBytes } from './support/process-tree.js'
import { printReport, readNumbers, say } from './support/report.js'
import { LIGHT_PAGES } from './support/workflow-path.js'

const FIRST_ITEMS = 1_000
/** Looks between the first thousand items and the last, at equal distances. */
const LOOKS = 10
const AIM = 0.1
const MEGABYTE = 1_048_576

interface Look {
  readonly items: number
  readonly supervisorBytes: number
  readonly workerBytes: number
  readonly itemsPerSecond: number
}

/** Counts of items after which memory is read. */
function looksUpTo(items: number): readonly number[] {
  const step = items / LOOKS
  const counts = Array.from({ length: LOOKS }, (_none, at) => Math.round(step * (at + 1)))
  return [FIRST_ITEMS, ...counts.filter((count) => count > FIRST_ITEMS)]
}

async function lookAll(node: BenchNode, items: number): Promise<readonly Look[]> {
  const looks: Look[] = []
  const [pid = 0] = node.workers
  let [before, beforeMs] = [0, performance.now()]
  for (const count of looksUpTo(items)) {
    await node.finished(count)
    const nowMs = performance.now()
    const seen = {
      items: count,
      supervisorBytes: residentBytes(node.pid),
      workerBytes: residentBytes(pid),
      itemsPerSecond: ((count - before) * 1_000) / (nowMs - beforeMs),
    }
    before = count
    beforeMs = nowMs
    looks.push(seen)
    say(`${count} items: ${megabytes(seen.supervisorBytes)}, ${megabytes(seen.workerBytes)} MB`)
  }
  if (!node.workers.has(pid)) throw new Error('The worker was replaced in mid-run.')
  return looks
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1)
}

/** How much more there is at the last look than at another one. */
function growthRow(looks: readonly Look[], since: Look | undefined): readonly string[] {
  const last = looks.at(-1)
  const growth = (of: 'supervisorBytes' | 'workerBytes'): string => {
    const percent = ((last?.[of] ?? Number.NaN) / (since?.[of] ?? Number.NaN) - 1) * 100
    return `${percent >= 0 ? '+' : ''}${percent.toFixed(1)} %`
  }
  return [`growth since ${since?.items}`, growth('supervisorBytes'), growth('workerBytes'), '']
}

async function main(): Promise<void> {
  const { numbers, text, isJson } = readNumbers({ items: 100_000, concurrency: 50 }, ['extract'])
  const { items, concurrency } = numbers
  const isExtracting = text('extract') === 'contacts'
  const settingName = isExtracting ? 'contacts' : 'light pages'
  const workflow = isExtracting ? 'contacts' : LIGHT_PAGES
  const hosts = Math.ceil(concurrency / LIMITS.socketsPerHostMax)
  const server = await forkPageServer({ hosts, smallBytes: isExtracting ? null : 1_024 })
  const database = await startBenchDatabase()
  try {
    await emptyBenchDatabase(database.sql, workflow)
    const settings = benchSettings({ databaseUrl: database.url, concurrency })
    const node = await forkBenchNode({ settings, workflow })
    try {
      if (node.workers.size === 0) await node.nextWorker()
      const [looks] = await Promise.all([
        lookAll(node, items),
        enqueueUrls(database.sql, workflow, server.urls(items)),
      ])
      printReport(
        {
          title: `Memory over ${items} items (${settingName}), MB resident`,
          machine: describeMachine(database.version),
          head: ['items', 'supervisor', 'worker', 'items/s'],
          rows: [
            ...looks.map((each) => [
              String(each.items),
              megabytes(each.supervisorBytes),
              megabytes(each.workerBytes),
              each.itemsPerSecond.toFixed(0),
            ]),
            growthRow(looks, looks[0]),
            growthRow(looks, looks[1]),
          ],
          notes: [`Aim: growth within ${AIM * 100} %. Part of it is a young process warming up.`],
          figures: { ...numbers, workflow: settingName, looks },
        },
        isJson,
      )
    } finally {
      await node.stop()
    }
  } finally {
    await server.close()
    await database.close()
  }
}

await main()
