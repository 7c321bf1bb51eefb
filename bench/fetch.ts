// What durability costs: settled pages a second, and CPU seconds for 1,000 pages, of the whole
// cluster (supervisor, workers, Postgres) beside a bare loop around undici that forgets everything.
//
//   npm run bench:fetch -- [--rounds 3] [--pages 3000] [--concurrency 50] [--processes 2]
//     [--directory PAGES] [--json]
//
// Both do the same pages from the same page server with the same extraction, each from a fresh
// process that has warmed up on a tenth of the pages before. They take turns within each round, so
// that whatever else the machine does falls on all. The page server's CPU is nobody's.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { LIMITS } from '../src/core/limits.js'
import type { BenchDatabase } from './support/bench-database.js'
import { emptyBenchDatabase, enqueueUrls, startBenchDatabase } from './support/bench-database.js'
import type { BenchNode } from './support/fork-bench-node.js'
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
  readonly connections: number
  /** The same CPU seconds by who used them; null for the bare loop, which is one process. */
  readonly shares: Shares | null
}

interface Shares {
  readonly supervisor: number
  readonly workers: number
  readonly postgres: number
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
    const before = await plan.server.counts()
    const { stdout } = await promisify(execFile)(process.execPath, [BARE_LOOP, ...args])
    const { connections } = await plan.server.counts()
    return { ...readBareRun(JSON.parse(stdout)), connections: connections - before.connections }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function readBareRun(result: unknown): Omit<Run, 'connections'> {
  const figure = (name: string): number => {
    if (typeof result !== 'object' || result === null) return Number.NaN
    return Number(Object.getOwnPropertyDescriptor(result, name)?.value)
  }
  return {
    pagesPerSecond: figure('pagesPerSecond'),
    cpuSecondsPer1000: figure('cpuSecondsPer1000'),
    failed: figure('failed'),
    shares: null,
  }
}

/**
 * Everything from the insert of the rows to the settlement of the last is charged to the cluster.
 * The rate counts from the first lease, since an idle queue is looked at once a second.
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
  const connectionsBefore = (await server.counts()).connections
  const node = await forkBenchNode({ settings, workflow: WORKFLOW })
  try {
    const warmUp = Math.ceil(pages / WARM_UP_SHARE)
    const isWarm = node.finished(warmUp)
    await enqueueUrls(database.sql, WORKFLOW, server.urls(warmUp))
    await isWarm
    const before = readShares(node, database)
    const end = node.finished(warmUp + pages)
    await enqueueUrls(database.sql, WORKFLOW, server.urls(pages, warmUp))
    const { seconds, failed } = await end
    const after = readShares(node, database)
    const per1000 = (of: keyof Shares): number => ((after[of] - before[of]) * 1_000) / pages
    const shares = {
      supervisor: per1000('supervisor'),
      workers: per1000('workers'),
      postgres: per1000('postgres'),
    }
    const cpuSecondsPer1000 = shares.supervisor + shares.workers + shares.postgres
    const { connections } = await server.counts()
    return {
      pagesPerSecond: pages / seconds,
      cpuSecondsPer1000,
      failed,
      connections: connections - connectionsBefore,
      shares,
    }
  } finally {
    await node.stop()
  }
}

/**
 * CPU seconds used so far; the supervisor's are those of its process tree without the workers in
 * it.
 */
function readShares(node: BenchNode, database: BenchDatabase): Shares {
  const workers = cpuSeconds([...node.workers])
  const supervisor = cpuSeconds([node.pid]) - workers
  return { supervisor, workers, postgres: cpuSeconds([database.postmasterPid]) }
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
      say(`round ${round} of ${rounds}: ${name}: ${wordsOf(result)}`)
    }
  }
  return runs
}

function wordsOf(run: Run): string {
  const words = `${run.pagesPerSecond.toFixed(0)} pages/s, ${run.connections} connections, `
  const cpu = `${run.cpuSecondsPer1000.toFixed(2)} s CPU per 1,000 pages`
  return run.shares === null ? words + cpu : `${words}${cpu} (${shareWords(run.shares)})`
}

function shareWords({ supervisor, workers, postgres }: Shares): string {
  const [s, w, p] = [supervisor, workers, postgres].map((seconds) => seconds.toFixed(2))
  return `supervisor ${s}, workers ${w}, Postgres ${p}`
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
    sharesOf(runs),
    String(runs.reduce((sum, run) => sum + run.failed, 0)),
  ]
}

/** Medians of the shares over the rounds. */
function sharesOf(runs: readonly Run[]): string {
  const shares = runs.flatMap((run) => run.shares ?? [])
  if (shares.length === 0) return ''
  const median = (of: keyof Shares): string =>
    spreadOf(shares.map((each) => each[of])).median.toFixed(2)
  return `${median('supervisor')} + ${median('workers')} + ${median('postgres')}`
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
    const source = directory === null ? 'generated pages' : 'pages of a directory'
    printReport(
      {
        title:
          `Fetching and extracting: ${pages} ${source}, ` +
          `${server.meanBytes} bytes each, ${concurrency} at once`,
        machine: describeMachine(database.version),
        head: [
          '',
          'pages/s',
          'CPU s / 1,000 pages',
          'pages per CPU s, of the bare loop',
          'supervisor + workers + Postgres',
          'failed',
        ],
        rows: [...runs].map(([name, own]) => rowOf(name, own, bare)),
        notes: [
          `Median (lowest to highest) of ${rounds} rounds.`,
          `Aim: ${AIM} of the bare loop's pages per CPU second.`,
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
