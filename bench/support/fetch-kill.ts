// What is lost and what is done twice when a client is killed half-way and started again by the same
// command: the page server says which pages were asked for twice, the results say the rest.

import { setTimeout as delay } from 'node:timers/promises'
import { audit } from '../../src/store/audit.js'
import type { BenchDatabase } from './bench-database.js'
import { emptyBenchDatabase, enqueueUrls } from './bench-database.js'
import { endWords, inDirectory, storeIn, writeUrls } from './fetch-peers.js'
import { forkClusterNode, workflowOf } from './fetch-runs.js'
import type { BenchNode } from './fork-bench-node.js'
import type { PageServer, PageServerOptions } from './fork-page-server.js'
import { forkPageServer } from './fork-page-server.js'
import { type Peer, type PeerEnd, type PeerRun, startPeer } from './peer-process.js'

const LOOK_MS = 10
/** A second start that has not ended by then is ended. */
const PATIENCE_MS = 300_000

export interface KillPlan {
  readonly pages: number
  readonly concurrency: number
  readonly database: BenchDatabase
  readonly site: PageServerOptions
}

export interface KillResult {
  readonly pages: number
  /** Answers and results there were when it was killed. */
  readonly askedAtKill: number
  /** Pages without a result at the end, and with more than one. */
  readonly missing: number
  readonly doubled: number
  /** Pages asked for more than once, and those of them whose first answer had arrived. */
  readonly askedTwice: number
  readonly answeredTwice: number
  /** Seconds of the second start, and how it ended. */
  readonly seconds: number
  readonly end: string
}

/** A client that can be killed and started again, and that tells its results in the end. */
interface Victim {
  readonly start: () => Promise<void>
  readonly kill: () => Promise<void>
  /** Resolves with a word on how it ended. */
  readonly finish: () => Promise<string>
  readonly results: () => Promise<ReadonlyMap<string, number>>
  readonly close: () => Promise<void>
}

async function untilAsked(server: PageServer, pages: number): Promise<number> {
  for (;;) {
    const { requests } = await server.counts()
    if (requests >= pages) return requests
    await delay(LOOK_MS)
  }
}

async function observe(
  plan: KillPlan,
  victimOf: (server: PageServer, urls: readonly string[]) => Promise<Victim>,
): Promise<KillResult> {
  const server = await forkPageServer({ ...plan.site, isLogging: true })
  const urls = server.urls(plan.pages)
  const victim = await victimOf(server, urls)
  try {
    await victim.start()
    const askedAtKill = await untilAsked(server, plan.pages / 2)
    await victim.kill()
    const startedMs = performance.now()
    await victim.start()
    const end = await victim.finish()
    const seconds = (performance.now() - startedMs) / 1_000
    const results = await victim.results()
    const counts = urls.map((url) => results.get(url) ?? 0)
    return {
      pages: plan.pages,
      askedAtKill,
      missing: counts.filter((count) => count === 0).length,
      doubled: counts.filter((count) => count > 1).length,
      ...(await countRepeats(server)),
      seconds,
      end,
    }
  } finally {
    await victim.close()
    await server.close()
  }
}

async function countRepeats(
  server: PageServer,
): Promise<Pick<KillResult, 'askedTwice' | 'answeredTwice'>> {
  const byPage = new Map<number, string[]>()
  for (const { page, state } of await server.readLog()) {
    const states = byPage.get(page)
    if (states === undefined) byPage.set(page, [state])
    else states.push(state)
  }
  const repeated = [...byPage.values()].filter((states) => states.length > 1)
  const again = repeated.filter(([first]) => first === 'answered')
  return { askedTwice: repeated.length, answeredTwice: again.length }
}

function countEach(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

export function killPeer(peer: Peer, plan: KillPlan): Promise<KillResult> {
  return inDirectory((directory) =>
    observe(plan, async (_server, urls) =>
      peerVictim(peer, {
        directory: storeIn(directory),
        urlFile: writeUrls(directory, 'urls', urls),
        warmUpFile: null,
        concurrency: plan.concurrency,
      }),
    ),
  )
}

function peerVictim(peer: Peer, run: PeerRun): Victim {
  let process_ = startNothing()
  const kill = async () => {
    process.kill(process_.pid, 'SIGKILL')
    await process_.ended
  }
  return {
    start: async () => {
      process_ = startPeer(peer, run)
    },
    kill,
    finish: async () => {
      const patience = new AbortController()
      const isLate = delay(PATIENCE_MS, null, { signal: patience.signal }).catch(() => null)
      const end = await Promise.race([process_.ended, isLate])
      patience.abort()
      if (end !== null) return end.exitCode === 0 ? 'ended by itself' : endWords(end)
      await kill()
      const { complaint } = await process_.ended
      const last = complaint.split('\n').at(-1) ?? ''
      return `did not end in ${PATIENCE_MS / 1_000} s: ${last}`
    },
    results: async () => countEach(peer.readResults(run.directory)),
    close: async () => {},
  }
}

function startNothing(): { readonly pid: number; readonly ended: Promise<PeerEnd> } {
  const end = { exitCode: 0, signal: null, answer: null, complaint: '' }
  return { pid: 0, ended: Promise.resolve(end) }
}

/** The supervisor and its workers are killed at once, as by the end of their machine. */
export function killCluster(plan: KillPlan, processes: number): Promise<KillResult> {
  return observe(plan, async (_server, urls) => {
    const workflow = workflowOf('light')
    await emptyBenchDatabase(plan.database.sql, workflow)
    return clusterVictim({ ...plan, urls, workflow }, processes)
  })
}

function clusterVictim(
  plan: KillPlan & { readonly urls: readonly string[]; readonly workflow: string },
  processes: number,
): Victim {
  const { sql } = plan.database
  let node: BenchNode | null = null
  return {
    start: async () => {
      node = await forkClusterNode({ ...plan, extraction: 'light' }, processes)
      // The same command again: what is queued or done is left alone.
      await enqueueUrls(sql, plan.workflow, plan.urls)
    },
    kill: async () => {
      if (node === null) return
      for (const pid of [node.pid, ...node.workers]) process.kill(pid, 'SIGKILL')
      await node.exited
    },
    finish: async () => {
      for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += LOOK_MS) {
        const [row] = await sql<{ has: boolean }[]>`
          select exists (select from fetchyard.work_queue) as has`
        if (row?.has === false) break
        await delay(LOOK_MS)
      }
      await node?.stop()
      const { isClean, lost, appliedTwice } = await audit(sql)
      const verdict = isClean ? 'audit clean' : 'audit NOT clean'
      return `${verdict}, lost ${lost}, applied twice ${appliedTwice}`
    },
    // By receipts and not by rows, whose key would hide a second result.
    results: async () => {
      const rows = await sql<{ url: string; successes: number }[]>`
        select item.item_key as url, count(*)::int as successes
          from fetchyard.processing_log log
          join fetchyard.item using (item_id)
          join public.light_contact found on found.url = item.item_key
         where log.status = 'success'
         group by 1`
      return new Map(rows.map(({ url, successes }) => [url, successes]))
    },
    close: async () => {
      await node?.stop()
    },
  }
}
