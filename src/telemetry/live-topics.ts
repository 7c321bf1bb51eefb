// What the live channel shows, topic by topic. Every state is an object of plain values without
// null, so that differences are merge patches. Durations end in `Ms`; instants ending in `AtMs` are
// wall clock, for people: compare them with a frame's `ts`, never with the reader's own clock.

import type { BreakerState } from '../core/breaker-plan.js'
import type { HostLimit } from '../core/host-hold.js'
import type { OutcomeCode } from '../core/outcome.js'
import type { Mode } from '../core/steering-plan.js'
import type { WorkerKind } from './counters.js'
import type { LogLevel } from './events.js'

export const LIVE_TOPICS = [
  'stats',
  'workflows',
  'rollouts',
  'nodes',
  'lanes',
  'events',
  'history',
] as const
export type LiveTopic = (typeof LIVE_TOPICS)[number]

/**
 * What the supervisor is doing. `starting` until it leases; `held` while leases are not trusted;
 * `waiting` when all that is left is delayed; `idle` when nothing is.
 */
export const CLUSTER_STATES = [
  'starting',
  'running',
  'waiting',
  'idle',
  'paused',
  'held',
  'quiesce',
  'drain',
  'halt',
  'fenced',
  'stopped',
] as const
export type ClusterState = (typeof CLUSTER_STATES)[number]

/** Items by state, over all nodes. */
export type ItemCounts = {
  readonly queued: number
  readonly processing: number
  readonly delayed: number
  readonly complete: number
  readonly error: number
  readonly cancelled: number
}

/** What this node did since it started. */
export type NodeCounts = {
  readonly attempts: number
  readonly retries: number
  readonly snoozes: number
  readonly rejected: number
  readonly reclaimed: number
  readonly resultRows: number
  readonly requests: number
  readonly bytes: number
  /** Share of fetches that went over an open connection, 0 to 1; absent before the first. */
  readonly reusedRatio?: number
}

/** Time of attempts over the last minute. */
export type Durations = { readonly p50Ms?: number; readonly p95Ms?: number }

export type Slots = { readonly active: number; readonly total: number }

/** Attempts that did not complete, by outcome code, since a node started. */
export type FailureCounts = { readonly [Code in OutcomeCode]?: number }

/** Findings of the last audit, when one ran. */
export type AuditFigures = {
  readonly lost: number
  readonly appliedTwice: number
  readonly fetchedAgain: number
}

/** What all living nodes do together: this one now, the others as their last heartbeats told. */
export type ClusterWork = NodeCounts & {
  /** Living nodes that are counted in. */
  readonly nodes: number
  readonly slots: Slots
  readonly attemptsPerSecond: number
  readonly requestsPerSecond: number
  readonly durations: Durations
  readonly failures: FailureCounts
  /** Age of the oldest word that is counted in; 0 while there is no other node. */
  readonly heardMs: number
}

/** The same for one workflow. */
export type ClusterShare = Pick<ClusterWork, 'nodes' | 'slots' | 'durations' | 'failures'> & {
  readonly workers: number
}

export type StatsState = {
  readonly state: ClusterState
  readonly nodeId: string
  readonly startedAtMs: number
  readonly uptimeMs: number
  /** Age of the cluster's figures; absent until they were read once. */
  readonly figuresAgeMs?: number
  readonly items: ItemCounts
  /** Items finished by all nodes since this one started, and the share that completed. */
  readonly finished: number
  readonly completedRatio?: number
  /**
   * Items finished a second, and those of them that failed: all nodes, last 10 s. Absent while the
   * figures are missing or old: a rate of the past must not pass for one of now.
   */
  readonly ratePerSecond?: number
  readonly errorsPerSecond?: number
  /** Attempts and requests a second on this node, last 10 s. */
  readonly attemptsPerSecond: number
  readonly requestsPerSecond: number
  readonly slots: Slots
  readonly node: NodeCounts
  readonly cluster: ClusterWork
  readonly durations: Durations
  readonly failures: FailureCounts
  /** Attempts that ended in a retry and items reclaimed, all nodes, as the database counts them. */
  readonly retried: number
  readonly reclaimed: number
  /** Time until all unfinished items are done at the last minute's rate; absent when unknown. */
  readonly etaMs?: number
  readonly oldestQueuedMs?: number
  readonly heartbeatAgeMs?: number
  readonly audit?: AuditFigures
  /** What an operator should look at, in words. */
  readonly problems: readonly string[]
  readonly liveClients: number
}

export type WorkflowState = ItemCounts & {
  readonly retried: number
  readonly reclaimed: number
  readonly pausedBy: readonly string[]
  /** Time from selection to result, last five minutes, all nodes; upper bounds. */
  readonly latency: Durations
  /** Items that ended in an error since the beginning, by code, all nodes. */
  readonly errors: { readonly [code: string]: number }
  readonly ratePerSecond?: number
  readonly completedRatio?: number
  readonly etaMs?: number
  readonly oldestQueuedMs?: number
  readonly slots: Slots
  readonly workers: number
  readonly durations: Durations
  readonly failures: FailureCounts
  readonly cluster: ClusterShare
}

/** One cohort of a rollout over all nodes, in the last step in which any of it ended. */
export type RolloutCohort = {
  readonly step: number
  readonly completed: number
  readonly failed: number
  readonly snoozed: number
  readonly crashed: number
  readonly credits: number
  readonly perSecond: number
  readonly errorRate?: number
  readonly meanMs?: number
  readonly p50Ms?: number
  readonly p95Ms?: number
}

/** What operators set for a workflow, and how both cohorts do. */
export type RolloutState = {
  readonly mode: Mode
  readonly rollout: number
  readonly step: number
  readonly sinceAtMs: number
  readonly nodes: number
  readonly pausedBy: readonly string[]
  /** Who set mode and rollout; absent until somebody did. */
  readonly by?: string
  /** Absent: what each node is configured for. */
  readonly concurrency?: number
  readonly concurrent?: RolloutCohort
  readonly sequential?: RolloutCohort
}

export type WorkerState = {
  readonly workflow: string
  readonly kind: WorkerKind
  readonly state: 'starting' | 'ready' | 'exited'
  readonly pid: number
  readonly startedAtMs: number
  /** Workers of this workflow that ended unexpectedly before this one started. */
  readonly restarts: number
  readonly slots: number
  readonly active: number
  readonly memoryBytes: number
  /** Bodies in memory, and connections; absent before the worker fetches. */
  readonly bodyBytes?: number
  readonly sockets?: number
  readonly eventLoopDelayMs: number
}

export type NodeState = {
  readonly name: string
  readonly host: string
  readonly pid: number
  readonly state: 'alive' | 'stale' | 'fenced'
  readonly startedAtMs: number
  readonly leasedItems: number
  /** Workflows that it was asked to work and refused, with the reason. */
  readonly refused: { readonly [module: string]: string }
  /** Whether this is the node that tells it. Of others all is as old as their last heartbeat. */
  readonly isSelf: boolean
  /** Since its last heartbeat; absent for one that is not alive. */
  readonly heartbeatAgeMs?: number
  /** Of the supervisor's process; absent until it was heard. */
  readonly memoryBytes?: number
  readonly eventLoopDelayMs?: number
  readonly slots?: Slots
  readonly attemptsPerSecond?: number
  readonly workers: { readonly [workerId: string]: WorkerState }
}

/** A host, or the upstream as a whole, on all nodes, over the last minute. */
export type LaneState = {
  /** Nodes that have to do with it. */
  readonly nodes: number
  /** Requests under way, and items in hand that wait for it. */
  readonly active: number
  readonly waiting: number
  /** Attempts that ended a second, and how many ended how, `ok` among them. */
  readonly perSecond: number
  readonly outcomes: { readonly [code: string]: number }
  readonly p95Ms?: number
  /** When the next request may start, wall clock; absent: now. */
  readonly opensAtMs?: number
  /** What keeps it from being asked; absent: nothing. */
  readonly heldBy?: HostLimit
  readonly breaker: BreakerState
}

/** The lane that stands for the upstream of a workflow as a whole. */
export const UPSTREAM_LANE = '*'

export type EventState = {
  readonly atMs: number
  readonly level: LogLevel
  readonly name: string
  readonly words: string
  /** Name of the node that told it; absent: this node, or a command. */
  readonly node?: string
}

/**
 * Items finished a second, failed a second, active slots, p95 in milliseconds, of all nodes; -1 is
 * unknown.
 */
export type HistoryPoint = readonly [number, number, number, number]

/**
 * States: workflows by name, nodes by id, lanes by workflow and name, events by number, history by
 * second of uptime.
 */
export type LiveStates = {
  readonly stats: StatsState
  readonly workflows: { readonly [workflow: string]: WorkflowState }
  readonly rollouts: { readonly [workflow: string]: RolloutState }
  readonly nodes: { readonly [nodeId: string]: NodeState }
  readonly lanes: { readonly [workflow: string]: { readonly [lane: string]: LaneState } }
  readonly events: { readonly [number: string]: EventState }
  readonly history: { readonly [uptimeSeconds: string]: HistoryPoint }
}
