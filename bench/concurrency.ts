// How near N pages at once come to N times the rate of one page at a time, on an endpoint that
// takes a second to answer.
//
//   npm run bench:concurrency -- [--rounds 3] [--latency 1000] [--waves 12] [--json]
//
// Every run has a fresh cluster and `waves` pages a slot, so that the start and the end, when not
// all slots are busy, are in the figure but do not rule it. Workers: as few as the sockets of one
// allow.

import { LIMITS } from '../src/core/limits.js'
import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import type { PageServer } from './support/fork-page-server.js'
import { forkPageServer } from './support/fork-page-server.js'
import { describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'
import { LIGHT_PAGES } from './support/workflow-path.js'

const CONCURRENCIES = [1, 10, 50, 200] as const
const HOSTS = Math.ceil(Math.max(...CONCURRENCIES) / LIMITS.socketsPerHostMax)
const AIM = 0.95

interface Run {
  readonly concurrency: number
  readonly pagesPerSecond: number
  readonly failed: number
}

async function runOnce(
  concurrency: number,
  waves: number,
  parts: { readonly database: BenchDatabase; readonly server: PageServer },
): Promise<Run> {
  const { database, server } = parts
  await emptyBenchDatabase(database.sql, LIGHT_PAGES)
  const processes = Math.ceil(concurrency / LIMITS.socketsMax)
  const settings = benchSettings({
    databaseUrl: database.url,
    concurrency,
    processes,
    sockets: LIMITS.socketsMax * processes,
    socketsPerHost: LIMITS.socketsPerHostMax * processes,
  })
  const node = await forkBenchNode({ settings, workflow: LIGHT_PAGES })
  try {
    while (node.workers.size < processes) await node.nextWorker()
    const pages = concurrency * waves
    const end = node.finished(pages)
    await enqueueUrls(database.sql, LIGHT_PAGES, server.urls(pages))
    const { seconds, failed } = await end
    return { concurrency, pagesPerSecond: pages / seconds, failed }
  } finally {
    await node.stop()
  }
}

function rowOf(concurrency: number, runs: readonly Run[]): readonly string[] {
  const own = runs.filter((run) => run.concurrency === concurrency)
  const rates = own.map((run) => run.pagesPerSecond)
  const sequential = runs.filter((run) => run.concurrency === 1).map((run) => run.pagesPerSecond)
  const speedUps = rates.map((rate, round) => rate / (sequential[round] ?? Number.NaN))
  return [
    concurrency === 1 ? 'sequential' : String(concurrency),
    formatSpread(spreadOf(rates), 2),
    formatSpread(spreadOf(speedUps), 1),
    formatSpread(spreadOf(speedUps.map((speedUp) => speedUp / concurrency)), 3),
    String(own.reduce((sum, run) => sum + run.failed, 0)),
  ]
}

async function main(): Promise<void> {
  const { numbers, isJson } = readNumbers({ rounds: 3, latency: 1_000, waves: 12 })
  const { rounds, latency, waves } = numbers
  const server = await forkPageServer({ latencyMs: latency, hosts: HOSTS, smallBytes: 1_024 })
  const database = await startBenchDatabase()
  try {
    const runs: Run[] = []
    for (let round = 1; round <= rounds; round += 1) {
      for (const concurrency of CONCURRENCIES) {
        const run = await runOnce(concurrency, waves, { database, server })
        runs.push(run)
        say(
          `round ${round} of ${rounds}: ${concurrency} at once: ${run.pagesPerSecond.toFixed(2)}/s`,
        )
      }
    }
    printReport(
      {
        title: `Concurrency on an endpoint that answers after ${latency} ms, ${waves} pages a slot`,
        machine: describeMachine(database.version),
        head: ['at once', 'pages/s', 'times sequential', 'of the ideal N times', 'failed'],
        rows: CONCURRENCIES.map((concurrency) => rowOf(concurrency, runs)),
        notes: [
          `Median (lowest to highest) of ${rounds} rounds, start and end included.`,
          `Aim: ${AIM} of the ideal.`,
        ],
        figures: { ...numbers, runs },
      },
      isJson,
    )
  } finally {
    await server.close()
    await database.close()
  }
}

await main()
