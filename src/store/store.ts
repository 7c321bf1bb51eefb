// The store as the supervisor sees it: every statement behind one interface, so that a simulator
// can stand in for Postgres and nothing above this line knows SQL.

import type { Rollout, RolloutRecord } from '../core/cohort-figures.js'
import type { ConnectionUse } from '../core/connection-use.js'
import type { SinkDefinition, SourceDefinition } from '../core/definition.js'
import type { ClusterFigures } from '../core/figures.js'
import type { FencingRule } from '../core/heartbeat-plan.js'
import type { QueuePosition } from '../core/lease-place.js'
import type { Json } from '../core/outcome.js'
import type { ScheduleDefinition } from '../core/schedule.js'
import type { Settlement } from '../core/settlement.js'
import { bindSource, continueBackfill } from './bind.js'
import type { Binding } from './binding.js'
import { bindingOf } from './binding.js'
import type { ChoreStore } from './chore-store.js'
import { createChoreStore } from './chore-store.js'
import type { Sql } from './client.js'
import { foldCohorts, readRolloutRecord, readRollouts } from './cohorts.js'
import { readConnections } from './connections.js'
import { foldEndTally } from './end-tally.js'
import type { StoredEvent } from './events.js'
import { storeEvent } from './events.js'
import { readFigures } from './figures.js'
import { ensureReceiptPartitions, foldTallies } from './housekeeping.js'
import { forgetOldFailures } from './known-failures.js'
import { leasePacks } from './lease.js'
import type { LeasedPack } from './leased-packs.js'
import type { StoredLoad } from './loads.js'
import { readLoads } from './loads.js'
import { foldSpend } from './money.js'
import type { Fence, FencedNode, Neighbour, NodeIdentity } from './nodes.js'
import {
  fenceExpired,
  fenceNode,
  readFence,
  readNeighbours,
  registerNode,
  sendHeartbeat,
} from './nodes.js'
import type { Reclaimed } from './reclaim.js'
import { findNewestLease, reclaimPacks, releaseNode } from './reclaim.js'
import type { ReserveRequest } from './reserve.js'
import { bookRefused, closeReserve, reserveCalls } from './reserve.js'
import type { ScheduleStatus, ScheduleStore } from './schedules.js'
import { createScheduleStore, readSchedules, removeSchedule } from './schedules.js'
import type { ReceiptKey } from './settle.js'
import { findReceipts, settleItems, settleStatement } from './settle.js'
import type { Steering, SteeringChange } from './steering.js'
import { readSteering, setSteering } from './steering.js'
import type { WorkflowRow } from './workflows.js'
import {
  findWorkflow,
  pauseWorkflow,
  readForOpening,
  readWorkflows,
  registerWorkflow,
  resumeWorkflow,
  storePartitions,
  storeSinks,
} from './workflows.js'

/** What the store must know of a workflow's definition. */
export interface StoredDefinition {
  readonly name: string
  readonly source?: SourceDefinition | undefined
  readonly sinks: { readonly [sink: string]: SinkDefinition }
  /** Partitions that items enqueued from now on are spread over. */
  readonly partitions?: number | undefined
  /** null: it always works; undefined: so does this node, whatever others are told. */
  readonly schedule?: ScheduleDefinition | null | undefined
}

/** A workflow that is ready to be leased from and settled. */
export interface WorkflowHandle {
  readonly workflowId: number
  readonly name: string
  readonly binding: Binding | null
  readonly sinks: readonly string[]
  readonly settleStatement: string
  /** The same without status words and sinks, for an item whose end its tables refuse. */
  readonly bareSettleStatement: string
  /** Whether this node leases within open instances only. @default false */
  readonly isScheduled?: boolean
}

export interface Store {
  readonly registerNode: (node: NodeIdentity, leaseMs: number) => Promise<void>
  readonly readNeighbours: (of: {
    readonly machine: string
    readonly except: string
  }) => Promise<readonly Neighbour[]>
  readonly sendHeartbeat: (beat: {
    readonly nodeId: string
    readonly leaseMs: number
    readonly gapMs: number
    readonly stats: Json
  }) => Promise<boolean>
  readonly fenceNode: (fence: {
    readonly nodeId: string
    readonly reason: string
  }) => Promise<boolean>
  readonly fenceExpired: (
    by: FencingRule & { readonly nodeId: string },
  ) => Promise<readonly FencedNode[]>
  readonly readFence: (nodeId: string) => Promise<Fence | null>
  /** Registers the workflow, binds its source, and prepares its statements. */
  readonly openWorkflow: (definition: StoredDefinition) => Promise<WorkflowHandle>
  readonly readWorkflows: () => Promise<readonly WorkflowRow[]>
  readonly findWorkflow: (name: string) => Promise<WorkflowRow | null>
  readonly leasePacks: (
    workflow: WorkflowHandle,
    request: {
      readonly nodeId: string
      readonly packsMax: number
      readonly itemsMax: number
      readonly deadlineMs: number
      readonly lanesToSkip?: readonly string[]
      readonly failureAgeMs?: number
      /** Partitions that may be leased from; all when it is left out. */
      readonly partitions?: readonly number[] | undefined
      /** Where to look from; what comes before it is not seen. @default the beginning */
      readonly from?: QueuePosition | null
    },
  ) => Promise<readonly LeasedPack[]>
  readonly settleItems: (
    workflow: WorkflowHandle,
    request: {
      readonly nodeId: string
      readonly settlements: readonly Settlement[]
      /** Writes neither results nor status words. @default false */
      readonly isBare?: boolean
    },
  ) => Promise<ReadonlySet<string>>
  readonly findReceipts: (keys: readonly ReceiptKey[]) => Promise<ReadonlySet<string>>
  readonly reclaimPacks: (
    workflow: { readonly workflowId: number; readonly binding: Binding | null },
    packsMax: number,
  ) => Promise<Reclaimed>
  readonly releaseNode: (
    workflow: { readonly workflowId: number; readonly binding: Binding | null },
    nodeId: string,
    knownLeases?: readonly string[],
    newestLease?: string | null,
  ) => Promise<Reclaimed>
  readonly findNewestLease: (
    workflow: { readonly workflowId: number },
    nodeId: string,
  ) => Promise<string | null>
  readonly pauseWorkflow: (pause: {
    readonly workflowId: number
    readonly reason: string
  }) => Promise<boolean>
  readonly resumeWorkflow: (resume: {
    readonly workflowId: number
    readonly reason: string | null
  }) => Promise<boolean>
  readonly readSteering: (of: {
    readonly workflowId: number
    readonly workflow: string
    readonly plan: string
  }) => Promise<Steering | null>
  readonly setSteering: (change: SteeringChange) => Promise<boolean>
  readonly readConnections: () => Promise<ConnectionUse>
  readonly readRolloutRecord: (of: {
    readonly workflowId: number
    readonly step: number
  }) => Promise<RolloutRecord>
  readonly readRollouts: (workflow?: string | null) => Promise<readonly Rollout[]>
  readonly readLoads: () => Promise<readonly StoredLoad[]>
  readonly reserveCalls: (request: ReserveRequest) => Promise<number | null>
  readonly closeReserve: (of: Parameters<typeof closeReserve>[1]) => Promise<void>
  readonly bookRefused: (of: Parameters<typeof bookRefused>[1]) => Promise<void>
  readonly forgetOldFailures: (rowsMax: number) => Promise<number>
  readonly readFigures: () => Promise<ClusterFigures>
  readonly foldTallies: (rowsMax: number) => Promise<number>
  readonly foldSpend: (rowsMax: number) => Promise<number>
  readonly foldEndTally: (rowsMax: number) => Promise<number>
  readonly foldCohorts: (rowsMax: number) => Promise<number>
  readonly ensureReceiptPartitions: () => Promise<number>
  readonly storeEvent: (event: StoredEvent) => Promise<void>
  readonly schedules: ScheduleStore
  readonly readSchedules: () => Promise<readonly ScheduleStatus[]>
  /** What removes what is old. */
  readonly chores: ChoreStore
}

async function openWorkflow(sql: Sql, definition: StoredDefinition): Promise<WorkflowHandle> {
  await registerWorkflow(sql, definition.name)
  const row = await readForOpening(sql, definition.name)
  await storeSinks(sql, row, definition.sinks)
  if (definition.partitions !== undefined) await storePartitions(sql, row, definition.partitions)
  // What an operator bound stays bound to that.
  const source = row.boundBy === 'operator' ? undefined : definition.source
  if (source === undefined) await continueBackfill(sql, row)
  else await bindSource(sql, row, source)
  if (definition.schedule === null) await removeSchedule(sql, row.workflowId)
  const bound = source === undefined ? row.binding : bindingOf(source)
  return {
    workflowId: row.workflowId,
    name: row.name,
    binding: bound,
    isScheduled: definition.schedule !== undefined && definition.schedule !== null,
    sinks: Object.keys(definition.sinks),
    settleStatement: settleStatement({
      workflowId: row.workflowId,
      binding: bound,
      sinks: definition.sinks,
    }),
    bareSettleStatement: settleStatement({ workflowId: row.workflowId, binding: null, sinks: {} }),
  }
}

/**
 * The store on a real database.
 *
 * @param heartbeatSql a connection of their own for heartbeats and fencing, lest statements that
 * wait for rows keep a healthy node from saying that it lives. @default sql
 */
export function createStore(sql: Sql, heartbeatSql: Sql = sql): Store {
  return {
    registerNode: (node, leaseMs) => registerNode(sql, node, leaseMs),
    readNeighbours: (of) => readNeighbours(sql, of),
    sendHeartbeat: (beat) => sendHeartbeat(heartbeatSql, beat),
    fenceNode: (fence) => fenceNode(heartbeatSql, fence),
    fenceExpired: (by) => fenceExpired(heartbeatSql, by),
    readFence: (nodeId) => readFence(heartbeatSql, nodeId),
    openWorkflow: (definition) => openWorkflow(sql, definition),
    readWorkflows: () => readWorkflows(sql),
    findWorkflow: (name) => findWorkflow(sql, name),
    leasePacks: ({ workflowId, binding, isScheduled = false }, request) =>
      leasePacks(sql, { workflowId, binding, isScheduled, ...request }),
    settleItems: (workflow, { nodeId, settlements, isBare = false }) =>
      settleItems(sql, {
        nodeId,
        settlements,
        statement: isBare ? workflow.bareSettleStatement : workflow.settleStatement,
        sinks: isBare ? [] : workflow.sinks,
      }),
    findReceipts: (keys) => findReceipts(sql, keys),
    reclaimPacks: ({ workflowId, binding }, packsMax) =>
      reclaimPacks(sql, { workflowId, binding, packsMax }),
    releaseNode: ({ workflowId, binding }, nodeId, knownLeases = [], newestLease = null) =>
      releaseNode(sql, { workflowId, binding, nodeId, knownLeases, newestLease }),
    findNewestLease: ({ workflowId }, nodeId) => findNewestLease(sql, { workflowId, nodeId }),
    pauseWorkflow: (pause) => pauseWorkflow(sql, pause),
    resumeWorkflow: (resume) => resumeWorkflow(sql, resume),
    readSteering: (of) => readSteering(sql, of),
    setSteering: (change) => setSteering(sql, change),
    readConnections: () => readConnections(sql),
    readRolloutRecord: (of) => readRolloutRecord(sql, of),
    readRollouts: (workflow = null) => readRollouts(sql, workflow),
    readLoads: () => readLoads(sql),
    reserveCalls: (request) => reserveCalls(sql, request),
    closeReserve: (of) => closeReserve(sql, of),
    bookRefused: (of) => bookRefused(sql, of),
    forgetOldFailures: (rowsMax) => forgetOldFailures(sql, rowsMax),
    readFigures: () => readFigures(sql),
    foldTallies: (rowsMax) => foldTallies(sql, rowsMax),
    foldSpend: (rowsMax) => foldSpend(sql, rowsMax),
    foldEndTally: (rowsMax) => foldEndTally(sql, rowsMax),
    foldCohorts: (rowsMax) => foldCohorts(sql, rowsMax),
    ensureReceiptPartitions: () => ensureReceiptPartitions(sql),
    storeEvent: (event) => storeEvent(sql, event),
    schedules: createScheduleStore(sql),
    readSchedules: () => readSchedules(sql),
    chores: createChoreStore(sql),
  }
}
