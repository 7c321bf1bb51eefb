// One run of the loop around undici, and one of the cluster, over the same pages: what `bench:fetch`
// compares, with or without peers.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { LIMITS } from '../../src/core/limits.js'
import type { BenchDatabase } from './bench-database.js'
import { emptyBenchDatabase, enqueueUrls } from './bench-database.js'
import type { BenchNode } from './fork-bench-node.js'
import { benchSettings, forkBenchNode } from './fork-bench-node.js'
import type { PageServer } from './fork-page-server.js'
import { cpuSeconds } from './measure.js'
import { peakResidentBytes } from './process-tree.js'
import { LIGHT_CONTACTS } from './workflow-path.js'

const BARE_LOOP = fileURLToPath(new URL('../bare-loop.js', import.meta.url))
/** Of a round's pages, before the measurement. */
const WARM_UP_SHARE = 10

/** What is read from a page: everything that the product reads, or what two patterns find. */
export type Extraction = 'contacts' | 'light'

export interface Plan {
  readonly pages: number
  readonly concurrency: number
  readonly extraction: Extraction
  readonly database: BenchDatabase
  readonly server: PageServer
}

export interface Run {
  readonly pagesPerSecond: number
  readonly cpuSecondsPer1000: number
  readonly failed: number
  readonly connections: number
  /** Most memory that the process which fetches ever had; the supervisor, if any, comes apart. */
  readonly peakBytes: number
  readonly supervisorPeakBytes: number | null
  /** The same CPU seconds by who used them; null for whoever is one process. */
  readonly shares: Shares | null
}

export interface Shares {
  readonly supervisor: number
  readonly workers: number
  readonly postgres: number
}

/** Pages of a run that come before those that count. */
export function warmUpOf(pages: number): number {
  return Math.ceil(pages / WARM_UP_SHARE)
}

export function workflowOf(extraction: Extraction): string {
  return extraction === 'contacts' ? 'contacts' : LIGHT_CONTACTS
}

export async function runBare(plan: Plan): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), 'fetchyard-bench-'))
  try {
    const file = join(directory, 'urls')
    writeFileSync(file, plan.server.urls(plan.pages).join('\n'))
    const args = ['--urls', file, '--concurrency', String(plan.concurrency)]
    args.push('--extract', plan.extraction)
    const before = await plan.server.counts()
    const { stdout } = await promisify(execFile)(process.execPath, [BARE_LOOP, ...args])
    const { connections } = await plan.server.counts()
    return { ...readBareRun(JSON.parse(stdout)), connections: connections - before.connections }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** A figure of the object that a child printed; not a number when it has none of that name. */
export function figureOf(result: unknown, name: string): number {
  if (typeof result !== 'object' || result === null) return Number.NaN
  return Number(Object.getOwnPropertyDescriptor(result, name)?.value)
}

function readBareRun(result: unknown): Omit<Run, 'connections'> {
  return {
    pagesPerSecond: figureOf(result, 'pagesPerSecond'),
    cpuSecondsPer1000: figureOf(result, 'cpuSecondsPer1000'),
    failed: figureOf(result, 'failed'),
    peakBytes: figureOf(result, 'peakBytes'),
    supervisorPeakBytes: null,
    shares: null,
  }
}

/** A supervisor over the plan's database, which has been emptied before. */
export function forkClusterNode(
  plan: Pick<Plan, 'concurrency' | 'extraction' | 'database'>,
  processes: number,
): Promise<BenchNode> {
  const settings = benchSettings({
    databaseUrl: plan.database.url,
    concurrency: plan.concurrency,
    processes,
    sockets: LIMITS.socketsMax * processes,
    socketsPerHost: LIMITS.socketsPerHostMax * processes,
  })
  return forkBenchNode({ settings, workflow: workflowOf(plan.extraction) })
}

/**
 * Everything from the insert of the rows to the settlement of the last is charged to the cluster.
 * The rate counts from the first lease, since an idle queue is looked at once a second.
 */
export async function runCluster(plan: Plan, processes: number): Promise<Run> {
  const { pages, database, server } = plan
  const workflow = workflowOf(plan.extraction)
  await emptyBenchDatabase(database.sql, workflow)
  const connectionsBefore = (await server.counts()).connections
  const node = await forkClusterNode(plan, processes)
  try {
    const warmUp = warmUpOf(pages)
    const isWarm = node.finished(warmUp)
    await enqueueUrls(database.sql, workflow, server.urls(warmUp))
    await isWarm
    const before = readShares(node, database)
    const end = node.finished(warmUp + pages)
    await enqueueUrls(database.sql, workflow, server.urls(pages, warmUp))
    const { seconds, failed } = await end
    const shares = sharesSince(before, readShares(node, database), pages)
    const { connections } = await server.counts()
    return {
      pagesPerSecond: pages / seconds,
      cpuSecondsPer1000: shares.supervisor + shares.workers + shares.postgres,
      failed,
      connections: connections - connectionsBefore,
      peakBytes: Math.max(...[...node.workers].map(peakResidentBytes)),
      supervisorPeakBytes: peakResidentBytes(node.pid),
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

function sharesSince(before: Shares, after: Shares, pages: number): Shares {
  const per1000 = (of: keyof Shares): number => ((after[of] - before[of]) * 1_000) / pages
  return {
    supervisor: per1000('supervisor'),
    workers: per1000('workers'),
    postgres: per1000('postgres'),
  }
}
