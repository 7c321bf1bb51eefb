// What a workflow's service is made of and told, and what it says of itself.

import type { Clock } from '../src/core/clock.js'
import type { Coordination } from '../src/core/partition-plan.js'
import type { Random } from '../src/core/random.js'
import type { RetryPolicy } from '../src/core/settlement.js'
import type { PlanFigures } from '../src/core/share-plan.js'
import type { RollbackRule } from '../src/core/steering-plan.js'
import type { NodeLoad } from '../src/core/why-plan.js'
import type { WorkerOptions } from '../src/core/worker-options.js'
import type { Store, WorkflowHandle } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'
import type { GovernorOptions } from './governor.js'
import type { HostLimits } from './host-pace.js'
import type { WorkerKind, WorkerTransport } from './transport.js'
import type { WorkerSeatSpec } from './worker-seat.js'

export interface WorkflowServiceOptions {
  readonly seats: readonly WorkerSeatSpec[]
  readonly workerOptions: Omit<WorkerOptions, 'workerId' | 'slots'>
  readonly retry: RetryPolicy
  readonly heapMb: number | null
  readonly memoryBytesMax: number
  readonly silentMs: number
  /** Time without an item after which workers end, until there is one. @default they stay */
  readonly workerIdleMs?: number | null
  /** Items of one lease at most. @default what the slots can take */
  readonly batchSize?: number | null
  readonly governor: GovernorOptions
  /** How the hosts of items are treated, in the whole cluster; null: as if there were none. */
  readonly hosts: HostLimits | null
  readonly rollback: RollbackRule
  /** What a call is expected to cost; 0 for calls that cost nothing. */
  readonly creditsPerCall: number
  /** The same for a host, which may be dearer. @default as any other */
  readonly priceOfHost?: (host: string) => number
  /** Age up to which a failure that was charged is not paid for again; 0 asks every time. */
  readonly failureAgeMs: number
  /** How nodes divide the items. @default each leases what is next */
  readonly coordination?: Coordination
}

export interface WorkflowServiceDeps {
  readonly workflow: WorkflowHandle
  readonly nodeId: string
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
  readonly transports: { readonly [kind in WorkerKind]: WorkerTransport }
  readonly isTrusted: () => boolean
  /** What the account of the workflow's upstream says of its plan, which is the cluster's. */
  readonly plan: () => PlanFigures
  /** Whether the database has few connections left. */
  readonly isDatabaseCrowded: () => boolean
  readonly options: WorkflowServiceOptions
}

/** What a call for an item may cost, at most, as far as can be told before it is made. */
export function creditsOf(
  { priceOfHost, creditsPerCall }: WorkflowServiceOptions,
  { lane = '' }: { readonly lane?: string },
): number {
  return priceOfHost?.(lane) ?? creditsPerCall
}

/** What a heartbeat says of one workflow on this node, but for the node's name. */
export interface WorkflowLoad extends Omit<NodeLoad, 'node'> {
  readonly workflow: string
}

/** Time that a pack may be leased although its node lives, as a multiple of an item's own time. */
const DEADLINE_ITEM_TIMES = 20
const DEADLINE_FLOOR_MS = 600_000

/** How long the packs of a workflow may be leased, in milliseconds. */
export function deadlineOf(options: WorkflowServiceOptions): number {
  return Math.max(DEADLINE_FLOOR_MS, DEADLINE_ITEM_TIMES * options.workerOptions.itemTimeoutMs)
}
