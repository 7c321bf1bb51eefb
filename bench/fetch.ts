// What durability costs: settled pages a second, and CPU seconds for 1,000 pages, of the whole cluster
// (supervisor, workers, Postgres) beside a bare loop around undici that forgets everything.
//
//   npm run bench:fetch -- [--rounds 3] [--pages 3000] [--concurrency 50] [--processes 2]
//     [--directory PAGES] [--json]
//
// Both do the same pages from the same page server with the same extraction, each from a fresh process
// that has warmed up on a tenth of the pages before. They take turns within each round, so that
// whatever else the machine does falls on all. The page server's CPU is nobody's.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { LIMITS } from '../src/core/limits.js'
import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import { benchSettings, forkBenchNode } from './support/fork-bench-node.js'
import type { PageServer } from './support/fork-page-server.js'
import { forkPageServer } from './support/fork-page-server.js'
import { cpuSeconds, describeMachine, formatSpread, spreadOf } from './support/measure.js'
import { printReport, readNumbers, say } from './support/report.js'

const BARE_LOOP = fileURLToPath(new URL('./bare-loop.js', import.meta.url))
const WORKFLOW = 'contacts'
/** Of a round's pages, before the measurement. */
const WARM_UP_SHARE = 10
const AIM = 0.8

interface Plan {
  readonly pages: number
  readonly concurrency: number
  readonly database: BenchDatabase
  readonly server: PageServer
}

interface Run {
  readonly pagesPerSecond: number
  readonly cpuSecondsPer1000: number
  readonly failed: number
}

interface Contender {
  readonly name: string
  readonly run: (plan: Plan) => Promise<Run>
}

async function runBare(plan: Plan): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), 'fetchyard-bench-'))
  try {
    const file = join(directory, 'urls')
    writeFileSync(file, plan.server.urls(plan.pages).join('\n'))
    const args = ['--urls', file, '--concurrency', String(plan.concurrency)]
    const { stdout } = await promisify(execFile)(process.execPath, [BARE_LOOP, ...args])
    return readRun(JSON.parse(stdout))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function readRun(result: unknown): Run {
  const figure = (name: keyof Run): number => {
    if (typeof result !== 'object' || result === null) return Number.NaN
    return Number(Object.getOwnPropertyDescriptor(result, name)?.value)
  }
  return {
    pagesPerSecond: figure('pagesPerSecond'),
    cpuSecondsPer1000: figure('cpuSecondsPer1000'),
    failed: figure('failed'),
  }
}

/**
 * Everything from the insert of the rows to the settlement of the last is charged to the cluster; the
 * rate counts from the first lease, since an idle queue is looked at once a second.
 */
async function runCluster(plan: Plan, processes: number): Promise<Run> {
  const { pages, concurrency, database, server } = plan
  await emptyBenchDatabase(database.sql, WORKFLOW)
  const settings = benchSettings({
    databaseUrl: database.url,
    concurrency,
    processes,
    sockets: LIMITS.socketsMax * processes,
    socketsPerHost: LIMITS.socketsPerHostMax * processes,
  })
  const node = await forkBenchNode({ settings, workflow: WORKFLOW })
  try {
    const warmUp = Math.ceil(pages / WARM_UP_SHARE)
    const isWarm = node.finished(warmUp)
    await enqueueUrls(database.sql, WORKFLOW, server.urls(warmUp))
    await isWarm
    const roots = [node.pid, database.postmasterPid]
    const cpuBefore = cpuSeconds(roots)
    const end = node.finished(warmUp + pages)
    await enqueueUrls(database.sql, WORKFLOW, server.urls(pages, warmUp))
    const { seconds, failed } = await end
    const cpu = cpuSeconds(roots) - cpuBefore
    return { pagesPerSecond: pages / seconds, cpuSecondsPer1000: (cpu * 1_000) / pages, failed }
  } finally {
    await node.stop()
  }
}

function contendersOf(processes: number): readonly Contender[] {
  const several = {
    name: `Fetchyard, ${processes} workers`,
    run: (plan: Plan) => runCluster(plan, processes),
  }
  return [
    { name: 'bare undici loop', run: runBare },
    { name: 'Fetchyard, 1 worker', run: (plan) => runCluster(plan, 1) },
    ...(processes > 1 ? [several] : []),
  ]
}

async function measure(
  contenders: readonly Contender[],
  rounds: number,
  plan: Plan,
): Promise<ReadonlyMap<string, readonly Run[]>> {
  const runs = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, run } of contenders) {
      const result = await run(plan)
      runs.get(name)?.push(result)
      const figures = `${result.pagesPerSecond.toFixed(0)} pages/s, ${result.cpuSecondsPer1000.toFixed(2)} s CPU`
      say(`round ${round} of ${rounds}: ${name}: ${figures} per 1,000 pages`)
    }
  }
  return runs
}

/** Bare over cluster in CPU time a page, round by round: 1 would be durability for nothing. */
function ratiosOf(bare: readonly Run[], runs: readonly Run[]): readonly number[] {
  return runs.map(({ cpuSecondsPer1000 }, round) => {
    return (bare[round]?.cpuSecondsPer1000 ?? Number.NaN) / cpuSecondsPer1000
  })
}

function rowOf(name: string, runs: readonly Run[], bare: readonly Run[]): readonly string[] {
  return [
    name,
    formatSpread(spreadOf(runs.map((run) => run.pagesPerSecond)), 0),
    formatSpread(spreadOf(runs.map((run) => run.cpuSecondsPer1000)), 2),
    formatSpread(spreadOf(ratiosOf(bare, runs)), 2),
    String(runs.reduce((sum, run) => sum + run.failed, 0)),
  ]
}

async function main(): Promise<void> {
  const defaults = { rounds: 3, pages: 3_000, concurrency: 50, processes: 2 }
  const { numbers, text, isJson } = readNumbers(defaults, ['directory'])
  const { rounds, pages, concurrency, processes } = numbers
  const directory = text('directory')
  // A worker opens no more sockets to one host than its limit.
  const hosts = Math.ceil(concurrency / LIMITS.socketsPerHostMax)
  const server = await forkPageServer({ directory, hosts })
  const database = await startBenchDatabase()
  try {
    const plan: Plan = { pages, concurrency, database, server }
    const runs = await measure(contendersOf(processes), rounds, plan)
    const bare = runs.get('bare undici loop') ?? []
    const { requests, connections } = await server.counts()
    const source = directory === null ? 'generated pages' : 'pages of a directory'
    printReport(
      {
        title: `Fetching and extracting: ${pages} ${source}, ${server.meanBytes} bytes each, ${concurrency} at once`,
        machine: describeMachine(database.version),
        head: ['', 'pages/s', 'CPU s / 1,000 pages', 'pages per CPU s, of the bare loop', 'failed'],
        rows: [...runs].map(([name, own]) => rowOf(name, own, bare)),
        notes: [
          `Median (lowest to highest) of ${rounds} rounds. Aim: ${AIM} of the bare loop's pages per CPU second.`,
          `The page server saw ${requests} requests over ${connections} connections.`,
        ],
        figures: { ...numbers, meanBytes: server.meanBytes, runs: Object.fromEntries(runs) },
      },
      isJson,
    )
  } finally {
    await server.close()
    await database.close()
  }
}

await main()
