// A cluster under test: an empty database, an origin that keeps the log, and supervisors as
// processes.

import { after, afterEach, before, beforeEach } from 'mocha'
import type { Settings } from '../../config/settings.js'
import { messageOf } from '../../src/core/errors.js'
import type { AuditReport } from '../../src/store/audit.js'
import { audit } from '../../src/store/audit.js'
import type { Sql } from '../../src/store/client.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { ensureReceiptPartitions } from '../../src/store/housekeeping.js'
import { migrate } from '../../src/store/migrate.js'
import { pauseWorkflow, registerWorkflow, resumeWorkflow } from '../../src/store/workflows.js'
import type { Silence } from '../../supervisor/node.js'
import { useAudit } from './audited.js'
import type { NodeChild } from './cluster-child.js'
import { startNodeChild, untilGone } from './cluster-child.js'
import type { TestDatabase } from './database.js'
import { useDatabase } from './database.js'
import type { ChaosPayload } from './handlers/chaos-pages.js'
import chaosPages from './handlers/chaos-pages.js'
import type { Origin } from './origin.js'
import { startOrigin } from './origin.js'
import { eventually } from './poll.js'

const DEFINITION_URL = new URL('./handlers/chaos-pages.js', import.meta.url).href
export const WORKFLOW = chaosPages.name

export interface AlsoWorked {
  readonly definitionUrl: string
  readonly overrides: Partial<Settings>
}

export interface NodeRequest {
  /** What workers load instead of the workflow's own module. */
  readonly moduleUrl?: string
  /** Definitions of more workflows that this node works, and settings of their own. */
  readonly alsoWorks?: readonly (string | AlsoWorked)[]
  /** Database of this node, when it is reached in another way. */
  readonly databaseUrl?: string
  /** When it gives up a silent connection, when that should be sooner than in production. */
  readonly silence?: Silence
}

export interface Cluster {
  readonly origin: Origin
  readonly sql: Sql
  readonly url: string
  /** Starts a supervisor; it is killed after the test if it still runs. */
  readonly start: (settings?: Partial<Settings>, request?: NodeRequest) => Promise<NodeChild>
  /**
   * Enqueues `count` items in one call, with keys that go on counting from `k0`; those that
   * `misdeed` names do something bad.
   */
  readonly enqueue: (
    count: number,
    misdeed?: (index: number) => Omit<ChaosPayload, 'url'> | null,
  ) => Promise<readonly string[]>
  readonly pause: (reason: string) => Promise<void>
  readonly resume: (reason: string) => Promise<void>
  /** Resolves with the audit when no item is left in the queue. */
  readonly untilEmpty: (patienceMs?: number) => Promise<AuditReport>
  readonly audit: () => Promise<AuditReport>
  /** Says that this test breaks promises on purpose: it ends without an audit. */
  readonly damage: () => void
}

/** The database a cluster lives in, when it is not one of the tests' own server. */
export function useCluster(database: TestDatabase = useDatabase()): Cluster {
  let origin: Origin | null = null
  const nodes: NodeChild[] = []
  const family = new Set<number>()
  let enqueued = 0
  const referee = () => {
    if (origin === null) throw new Error('The origin exists inside of tests and hooks only.')
    return origin
  }

  before(async () => {
    origin = await startOrigin()
  })
  beforeEach(async () => {
    await emptyDatabase(database.sql)
    referee().reset()
    enqueued = 0
  })
  afterEach(async () => {
    for (const node of nodes) node.signal('SIGKILL')
    await Promise.all(nodes.splice(0).map((node) => node.exited))
    await untilGone([...family])
    family.clear()
  })
  const audited = useAudit(database)
  after(() => origin?.close())

  return {
    get origin() {
      return referee()
    },
    get sql() {
      return database.sql
    },
    get url() {
      return database.url
    },
    start: async (settings = {}, request = {}) => {
      const { databaseUrl = database.url, moduleUrl = DEFINITION_URL } = request
      const workflows = [
        { definitionUrl: DEFINITION_URL, moduleUrl },
        ...(request.alsoWorks ?? []).map((one) =>
          typeof one === 'string' ? { definitionUrl: one } : one,
        ),
      ]
      const silence = request.silence === undefined ? {} : { silence: request.silence }
      const node = await startNodeChild({ databaseUrl, settings, workflows, ...silence }, family)
      nodes.push(node)
      return node
    },
    enqueue: async (count, misdeed = () => null) => {
      const indices = Array.from({ length: count }, (_, n) => enqueued + n)
      enqueued += count
      const items = indices.map((index) => {
        const key = `k${index}`
        return { key, payload: { url: referee().urlOf(key), ...misdeed(index) }, lane: '' }
      })
      const { workflowId } = await registerWorkflow(database.sql, WORKFLOW)
      await enqueueItems(database.sql, { workflowId, items, again: 'never' })
      return items.map(({ key }) => key)
    },
    pause: async (reason) => {
      const { workflowId } = await registerWorkflow(database.sql, WORKFLOW)
      await pauseWorkflow(database.sql, { workflowId, reason })
    },
    resume: async (reason) => {
      const { workflowId } = await registerWorkflow(database.sql, WORKFLOW)
      await resumeWorkflow(database.sql, { workflowId, reason })
    },
    untilEmpty: (patienceMs = 60_000) => untilEmpty(database.sql, patienceMs),
    audit: () => audit(database.sql),
    damage: () => {
      audited.isDamaged = true
    },
  }
}

/** Brings a database to the state of the first day. */
async function emptyDatabase(sql: Sql): Promise<void> {
  await sql`drop schema if exists fetchyard cascade`
  await sql`drop table if exists public.chaos_page`
  await migrate(sql)
  await ensureReceiptPartitions(sql)
  for (const statement of chaosPages.tables ?? []) await sql.unsafe(statement)
}

async function untilEmpty(sql: Sql, patienceMs: number): Promise<AuditReport> {
  const words = 'an empty queue'
  let left: unknown = null
  await eventually({ words, patienceMs, seen: () => left }, async () => {
    // A database that is away has not said that the queue is empty.
    left = await sql`
      select pack_id, lease_id, run_at > now() as delayed, attempt, crashes, lonely_crashes,
             cardinality(item_ids) as items from fetchyard.work_queue limit 5`.catch(messageOf)
    return Array.isArray(left) && left.length === 0
  })
  return audit(sql)
}
