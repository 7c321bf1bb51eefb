// What the live channel shows, topic by topic. Every state is an object of plain values without
// null, so that differences are merge patches. Durations end in `Ms`; instants ending in `AtMs` are
// wall clock, for people: compare them with a frame's `ts`, never with the reader's own clock.

import type { OutcomeCode } from '../core/outcome.js'
import type { Mode } from '../core/steering-plan.js'
import type { WorkerKind } from './counters.js'
import type { LogLevel } from './events.js'

export const LIVE_TOPICS = ['stats', 'workflows', 'rollouts', 'nodes', 'events', 'history'] as const
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

/** Time of attempts over the last minute on this node. */
export type Durations = { readonly p50Ms?: number; readonly p95Ms?: number }

export type Slots = { readonly active: number; readonly total: number }

/** Attempts that did not complete, by outcome code, on this node since it started. */
export type FailureCounts = { readonly [Code in OutcomeCode]?: number }

/** Findings of the last audit, when one ran. */
export type AuditFigures = {
  readonly lost: number
  readonly appliedTwice: number
  readonly fetchedAgain: number
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
  /** Whether this is the node that tells it; only that one knows its workers. */
  readonly isSelf: boolean
  readonly workers: { readonly [workerId: string]: WorkerState }
}

export type EventState = {
  readonly atMs: number
  readonly level: LogLevel
  readonly name: string
  readonly words: string
}

/** Items finished a second, failed a second, active slots, p95 in milliseconds; -1 is unknown. */
export type HistoryPoint = readonly [number, number, number, number]

/** States: workflows by name, nodes by id, events by number, history by second of uptime. */
export type LiveStates = {
  readonly stats: StatsState
  readonly workflows: { readonly [workflow: string]: WorkflowState }
  readonly rollouts: { readonly [workflow: string]: RolloutState }
  readonly nodes: { readonly [nodeId: string]: NodeState }
  readonly events: { readonly [number: string]: EventState }
  readonly history: { readonly [uptimeSeconds: string]: HistoryPoint }
}
