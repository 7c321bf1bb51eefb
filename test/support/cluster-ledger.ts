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
 * Every key complete exactly once: one receipt of success, one row, written under the same lease, from
 * a page that the origin says it gave to that very process and thread.
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
  for (const key of keys) {
    expect(pages.get(key)?.leaseId, `lease of ${key}`).to.equal(successes.get(key)?.leaseId)
    expect(wasServed(cluster, pages.get(key)), `the origin served the page of ${key}`).to.equal(
      true,
    )
  }
}

function wasServed(cluster: Cluster, page: Page | undefined): boolean {
  if (page === undefined) return false
  const { itemKey, body, pid, thread } = page
  return cluster.origin.log.some((request) => {
    if (request.key !== itemKey || request.pid !== pid || request.threadId !== thread) return false
    return request.state === 'answered' && pageOf(itemKey, request.visit) === body
  })
}

/** Requests beyond the first of each key. */
export function countRefetches(cluster: Cluster): number {
  const { log } = cluster.origin
  return log.length - new Set(log.map((request) => request.key)).size
}
