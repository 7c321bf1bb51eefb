// The reckoning after a run: what the tables say, held against what the origin saw.

import { expect } from 'chai'
import type { AuditReport } from '../../src/store/audit.js'
import type { Cluster } from './cluster.js'
import { pageOf } from './origin.js'

export interface Receipt {
  readonly itemKey: string
  readonly leaseId: string
  readonly nodeId: string
  readonly attempt: number
  readonly status: string
  readonly code: string
  readonly error: string | null
}

interface Page {
  readonly itemKey: string
  readonly body: string
  readonly pid: number
  readonly thread: number
  readonly leaseId: string
}

export function readReceipts(cluster: Cluster): Promise<readonly Receipt[]> {
  return cluster.sql<Receipt[]>`
    select item_key as "itemKey", lease_id as "leaseId", node_id as "nodeId", attempt, status,
           outcome_code as code, error
      from fetchyard.processing_log
     order by ended_at, item_id`
}

function readPages(cluster: Cluster): Promise<readonly Page[]> {
  return cluster.sql<Page[]>`
    select item_key as "itemKey", body, pid, thread, lease_id as "leaseId" from public.chaos_page`
}

export interface NodeRow {
  readonly nodeId: string
  readonly pid: number
  readonly fencedWhy: string | null
}

export function readNodes(cluster: Cluster): Promise<readonly NodeRow[]> {
  return cluster.sql<NodeRow[]>`
    select node_id as "nodeId", pid, fenced_why as "fencedWhy"
      from fetchyard.node order by started_at`
}

/** The clean audit of a queue that was worked to its end. */
export function expectClean(report: AuditReport, items: number): void {
  const broken = report.checks.filter((check) => check.violations > 0)
  expect(broken, 'violations of the audit').to.deep.equal([])
  const { enqueued, finished, queued, processing, delayed, lost, appliedTwice } = report
  expect({ enqueued, finished, queued, processing, delayed, lost, appliedTwice }).to.deep.equal({
    enqueued: items,
    finished: items,
    queued: 0,
    processing: 0,
    delayed: 0,
    lost: 0,
    appliedTwice: 0,
  })
}

/**
 * Every key complete exactly once: one receipt of success, one row, written under the same lease,
 * from a page that the origin says it gave to that very process and thread.
 */
export async function expectCompleteOnce(cluster: Cluster, keys: readonly string[]): Promise<void> {
  const receipts = await readReceipts(cluster)
  const successes = new Map<string, Receipt>()
  for (const receipt of receipts.filter(({ status }) => status === 'success')) {
    expect(successes.has(receipt.itemKey), `a second success of ${receipt.itemKey}`).to.equal(false)
    successes.set(receipt.itemKey, receipt)
  }
  const pages = new Map((await readPages(cluster)).map((page) => [page.itemKey, page]))
  expect([...successes.keys()].sort(), 'items complete').to.deep.equal([...keys].sort())
  expect([...pages.keys()].sort(), 'pages written').to.deep.equal([...keys].sort())
  const served = pagesServed(cluster)
  for (const [key, page] of pages) {
    expect(page.leaseId, `lease of ${key}`).to.equal(successes.get(key)?.leaseId)
    expect(served.has(wordFor(page)), `the origin served the page of ${key}`).to.equal(true)
  }
}

/** Pages that were handed over whole, each by its words and by who got it. */
function pagesServed({ origin }: Cluster): ReadonlySet<string> {
  const answered = origin.log.filter(({ state }) => state === 'answered')
  return new Set(
    answered.map(({ key, visit, pid, threadId }) => {
      return wordFor({ body: pageOf(key, visit), pid, thread: threadId })
    }),
  )
}

const wordFor = (page: Pick<Page, 'body' | 'pid' | 'thread'>) =>
  `${page.body} for ${page.pid}/${page.thread}`

/** Requests beyond the first of each key. */
export function countRefetches(cluster: Cluster): number {
  const { log } = cluster.origin
  return log.length - new Set(log.map((request) => request.key)).size
}

/**
 * Holds every request beyond the first of a key against a receipt: a page is fetched again because
 * an attempt failed or because its holder died, or not at all.
 *
 * @returns how many there were.
 */
export async function expectRefetchesExplained(cluster: Cluster): Promise<number> {
  const reasons = new Map<string, number>()
  for (const { itemKey, status } of await readReceipts(cluster)) {
    reasons.set(itemKey, (reasons.get(itemKey) ?? 0) + 1)
    expect(status).to.be.oneOf(['success', 'error', 'retry', 'reclaimed'])
  }
  const unexplained = [...cluster.origin.visits()].filter(([key, visits]) => {
    return visits > (reasons.get(key) ?? 0)
  })
  expect(unexplained, 'pages fetched more often than attempts ended').to.deep.equal([])
  return countRefetches(cluster)
}
