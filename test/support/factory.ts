// Rows for store tests: a migrated database, and nodes, workflows, items and leases on it.

import { randomUUID } from 'node:crypto'
import { before } from 'mocha'
import type { SinkDefinition, SourceDefinition } from '../../src/core/definition.js'
import type { QueuePosition } from '../../src/core/lease-place.js'
import type { Json } from '../../src/core/outcome.js'
import type { HeldItem, Settlement } from '../../src/core/settlement.js'
import type { Sql } from '../../src/store/client.js'
import type { Again } from '../../src/store/enqueue.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { migrate } from '../../src/store/migrate.js'
import type { FencedNode } from '../../src/store/nodes.js'
import type { Store, WorkflowHandle } from '../../src/store/store.js'
import { createStore } from '../../src/store/store.js'
import type { Audited } from './audited.js'
import { useAudit } from './audited.js'
import { useDatabase } from './database.js'
import { heldOf, settlement } from './values.js'

export interface EnqueueRequest {
  readonly payload?: Json
  readonly lane?: string
  readonly again?: Again
  readonly priority?: number
}

export interface LeaseRequest {
  readonly itemsMax?: number
  readonly packsMax?: number
  readonly deadlineMs?: number
  readonly lanesToSkip?: readonly string[]
  readonly from?: QueuePosition | null
}

export interface PackRow {
  readonly pack_id: string
  readonly lease_id: string | null
  readonly node_id: string | null
  readonly attempt: number
  readonly snoozes: number
  readonly crashes: number
  readonly lonely_crashes: number
  readonly priority: number
  readonly item_ids: readonly string[]
  readonly waits_ms: number
}

export interface ReceiptRow {
  readonly item_id: string
  readonly lease_id: string
  readonly status: string
  readonly outcome_code: string
  readonly attempt: number
  readonly http_status: number | null
  readonly duration_ms: number | null
  readonly credits: number | null
  readonly error: string | null
  readonly node_id: string | null
}

/** A migrated database and short ways to use it. */
export class Yard {
  readonly #database: { readonly sql: Sql; readonly url: string }
  readonly #audited: Audited
  #workflows = 0

  constructor(database: { readonly sql: Sql; readonly url: string }, audited: Audited) {
    this.#database = database
    this.#audited = audited
  }

  /** Says that this test breaks promises on purpose: it ends without an audit. */
  damage(): void {
    this.#audited.isDamaged = true
  }

  get sql(): Sql {
    return this.#database.sql
  }

  get url(): string {
    return this.#database.url
  }

  get store(): Store {
    return createStore(this.sql)
  }

  /** Registers a living node. @returns its id. */
  async node(fields: { readonly name?: string; readonly leaseMs?: number } = {}): Promise<string> {
    const nodeId = randomUUID()
    const { name = 'node', leaseMs = 60_000 } = fields
    const identity = { nodeId, name, host: 'host', machine: 'machine', pid: 42, pidStarted: '7' }
    await this.store.registerNode(identity, leaseMs)
    return nodeId
  }

  /** Opens a workflow of its own, so that tests in one database do not meet. */
  async workflow(
    parts: {
      readonly name?: string
      readonly source?: SourceDefinition
      readonly sinks?: { readonly [sink: string]: SinkDefinition }
    } = {},
  ): Promise<WorkflowHandle> {
    this.#workflows += 1
    const { name = `workflow-${this.#workflows}`, source, sinks = {} } = parts
    return this.store.openWorkflow({ name, source, sinks })
  }

  async enqueue(
    workflow: WorkflowHandle,
    keys: readonly string[],
    request: EnqueueRequest = {},
  ): Promise<number> {
    const { payload = null, lane = '', again = 'never', priority = 0 } = request
    const items = keys.map((key) => ({ key, payload, lane }))
    return enqueueItems(this.sql, { workflowId: workflow.workflowId, items, again, priority })
  }

  lease(workflow: WorkflowHandle, nodeId: string, request: LeaseRequest = {}) {
    const { itemsMax = 1_000, packsMax = 64, deadlineMs = 600_000, lanesToSkip = [] } = request
    const { from = null } = request
    const wish = { nodeId, itemsMax, packsMax, deadlineMs, lanesToSkip, from }
    return this.store.leasePacks(workflow, wish)
  }

  /** Leases and answers with the items alone. */
  async hold(
    workflow: WorkflowHandle,
    nodeId: string,
    request: LeaseRequest = {},
  ): Promise<readonly HeldItem[]> {
    return heldOf(await this.lease(workflow, nodeId, request))
  }

  async settle(
    workflow: WorkflowHandle,
    nodeId: string,
    settlements: readonly Settlement[],
  ): Promise<readonly string[]> {
    const applied = await this.store.settleItems(workflow, { nodeId, settlements })
    return [...applied].sort((a, b) => Number(a) - Number(b))
  }

  /** Settles items as complete. */
  complete(workflow: WorkflowHandle, nodeId: string, held: readonly HeldItem[]) {
    return this.settle(
      workflow,
      nodeId,
      held.map((item) => settlement(item)),
    )
  }

  /** One item that is leased, with its workflow and node. */
  async leased(count = 1, parts: Parameters<Yard['workflow']>[0] = {}) {
    const workflow = await this.workflow(parts)
    const nodeId = await this.node()
    await this.enqueue(workflow, keys(count))
    const held = await this.hold(workflow, nodeId)
    const [first] = held
    if (first === undefined) throw new Error('nothing was leased')
    return { workflow, nodeId, held, first }
  }

  async packs(workflow: WorkflowHandle): Promise<readonly PackRow[]> {
    return this.sql<PackRow[]>`
      select pack_id, lease_id, node_id, attempt, snoozes, crashes, lonely_crashes, priority,
             item_ids, extract(epoch from run_at - now())::float8 * 1000 as waits_ms
        from fetchyard.work_queue
       where workflow_id = ${workflow.workflowId}
       order by pack_id`
  }

  async receipts(workflow: WorkflowHandle): Promise<readonly ReceiptRow[]> {
    return this.sql<ReceiptRow[]>`
      select item_id, lease_id, status, outcome_code, attempt, http_status, duration_ms, credits,
             error, node_id
        from fetchyard.processing_log
       where workflow_id = ${workflow.workflowId}
       order by item_id, ended_at`
  }

  async tally(workflow: WorkflowHandle): Promise<{ readonly [event: string]: number }> {
    const rows = await this.sql<{ event: string; items: number }[]>`
      select event, sum(items)::int as items
        from fetchyard.tally
       where workflow_id = ${workflow.workflowId}
       group by event`
    return Object.fromEntries(rows.map((row) => [row.event, row.items]))
  }

  /** The words that people read, by key. */
  async words(workflow: WorkflowHandle): Promise<{ readonly [key: string]: string | null }> {
    const rows = await this.sql<{ item_key: string; status: string | null }[]>`
      select item_key, status from fetchyard.work_items
       where workflow = ${workflow.name} order by item_id`
    return Object.fromEntries(rows.map((row) => [row.item_key, row.status]))
  }

  /**
   * Fences whose lease ran out, in the name of a node that is heard; without one, of a new node.
   */
  async fenceExpired(by?: string): Promise<readonly FencedNode[]> {
    const nodeId = by ?? (await this.node({ name: 'warden' }))
    return this.store.fenceExpired({ nodeId, leaseMs: 60_000, gapMs: 60_000, steadyMs: 0 })
  }

  /** Lets the lease of a node run out, as if its process had died a while ago. */
  async expire(nodeId: string): Promise<void> {
    await this.sql`
      update fetchyard.node set alive_until = now() - interval '1 second' where node_id = ${nodeId}`
  }

  /** Makes packs that wait for a retry due. */
  async makeDue(workflow: WorkflowHandle): Promise<void> {
    await this.sql`
      update fetchyard.work_queue set run_at = now() - interval '1 second'
       where workflow_id = ${workflow.workflowId} and run_at > now()`
  }
}

export function keys(count: number, prefix = 'key'): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`)
}

/** Gives the surrounding `describe` a yard; after every test its audit must be clean. */
export function useYard(): Yard {
  const database = useDatabase()
  const yard = new Yard(database, useAudit(database))
  before(async () => {
    await migrate(database.sql)
  })
  return yard
}
