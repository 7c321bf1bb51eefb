// One set of cumulative counters, fed by events. The log's summary, the metrics, the live stats and
// the final report all read from here, so that no two of them can tell different stories.
//
// Counters only grow, as long as the process lives: a reader that missed a reading lost nothing.

import type { ConnectionUse } from '../core/connection-use.js'
import type { OutcomeCode } from '../core/outcome.js'
import type { Cohort } from '../core/steering-plan.js'
import type { ConcurrencyReason } from '../core/why-plan.js'
import type { EventOf, ItemSettled, ReclaimReason, WorkerIdentity } from './events.js'
import { createHistogram, type Histogram } from './histogram.js'

export type SettledState = ItemSettled['state']
export type WorkerKind = WorkerIdentity['kind']
export type ReplaceReason = EventOf<'worker.replaced'>['reason']

/** How a worker ended: as it was told to, by a signal, or on its own. */
export const EXIT_REASONS = ['expected', 'signal', 'exit_code'] as const
export type ExitReason = (typeof EXIT_REASONS)[number]

/** Counts by a key that is not known in advance but is drawn from a closed list. */
export type Counts<Key extends string> = Partial<Record<Key, number>>

/** What one workflow did on this node since the process started. */
export interface WorkflowCounters {
  leases: number
  leasedPacks: number
  leasedItems: number
  leaseFailures: number
  dispatched: number
  /** Attempts by what became of the item, then by outcome code. */
  readonly settled: Record<SettledState, Counts<OutcomeCode>>
  settledItems: number
  settleStatements: number
  settleFailures: number
  settleSplits: number
  released: number
  readonly reclaimedItems: Counts<ReclaimReason>
  reclaimedPacks: number
  /** Result rows of items that were completed. */
  resultRows: number
  requests: number
  /** Attempts that made a request, and those of them whose connection was open before. */
  fetches: number
  reusedFetches: number
  bytes: number
  /** Credits of attempts whose item was completed, and of all others. */
  usefulCredits: number
  otherCredits: number
  /** Time of attempts. Attempts given back unworked are not in it. */
  readonly durations: Histogram
  readonly workersStarted: Counts<WorkerKind>
  readonly workersExited: Record<WorkerKind, Counts<ExitReason>>
  readonly workersReplaced: Counts<ReplaceReason>
  pauses: number
  rollbacks: number
  breakersOpened: number
  /** How attempts of each cohort ended, while a rollout tells them apart. */
  readonly cohorts: Record<Cohort, CohortCounters>
  /** Items this node may work at once now, and what keeps it from more. */
  concurrencyLimit: number
  concurrencyReason: ConcurrencyReason | null
}

export interface CohortCounters {
  completed: number
  failed: number
  durationMs: number
}

export interface Counters {
  readonly workflows: Map<string, WorkflowCounters>
  heartbeats: number
  heartbeatFailures: number
  trustLosses: number
  fencings: number
  reclaimFailures: number
  housekeepings: number
  housekeepingFailures: number
  /** Connections of the database server as last read; null before. */
  connections: ConnectionUse | null
  /** Alerts that this node raised for the cluster, and its notices of them. */
  alertsRaised: number
  noticesSent: number
  noticeFailures: number
  framesSkipped: number
  readonly statements: Record<'lease' | 'settle' | 'heartbeat', Histogram>
}

export function createCounters(): Counters {
  return {
    workflows: new Map(),
    heartbeats: 0,
    heartbeatFailures: 0,
    trustLosses: 0,
    fencings: 0,
    reclaimFailures: 0,
    housekeepings: 0,
    housekeepingFailures: 0,
    connections: null,
    alertsRaised: 0,
    noticesSent: 0,
    noticeFailures: 0,
    framesSkipped: 0,
    statements: {
      lease: createHistogram(),
      settle: createHistogram(),
      heartbeat: createHistogram(),
    },
  }
}

export function createWorkflowCounters(): WorkflowCounters {
  return {
    leases: 0,
    leasedPacks: 0,
    leasedItems: 0,
    leaseFailures: 0,
    dispatched: 0,
    settled: { complete: {}, retry: {}, snooze: {}, discard: {}, release: {}, rejected: {} },
    settledItems: 0,
    settleStatements: 0,
    settleFailures: 0,
    settleSplits: 0,
    released: 0,
    reclaimedItems: {},
    reclaimedPacks: 0,
    resultRows: 0,
    requests: 0,
    fetches: 0,
    reusedFetches: 0,
    bytes: 0,
    usefulCredits: 0,
    otherCredits: 0,
    durations: createHistogram(),
    workersStarted: {},
    workersExited: { process: {}, thread: {} },
    workersReplaced: {},
    pauses: 0,
    rollbacks: 0,
    breakersOpened: 0,
    cohorts: {
      concurrent: { completed: 0, failed: 0, durationMs: 0 },
      sequential: { completed: 0, failed: 0, durationMs: 0 },
    },
    concurrencyLimit: 0,
    concurrencyReason: null,
  }
}

/** The counters of a workflow, created on first sight. Workflows are as many as are configured. */
export function workflowCounters(counters: Counters, workflow: string): WorkflowCounters {
  const known = counters.workflows.get(workflow)
  if (known !== undefined) return known
  const created = createWorkflowCounters()
  counters.workflows.set(workflow, created)
  return created
}

/** The sum of counts over all their keys. */
export function totalOf<Key extends string>(counts: Counts<Key>): number {
  let total = 0
  for (const key in counts) total += counts[key] ?? 0
  return total
}
