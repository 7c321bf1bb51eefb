// One set of cumulative counters, fed by events. The log's summary, the metrics, the live stats and
// the final report all read from here, so that no two of them can tell different stories.
//
// Counters only grow, as long as the process lives: a reader that missed a reading lost nothing.

import type { ConnectionUse } from '../core/connection-use.js'
import type { OutcomeCode } from '../core/outcome.js'
import type { Cohort } from '../core/steering-plan.js'
import type { ConcurrencyReason } from '../core/why-plan.js'
import type {
  AnyEvent,
  EventName,
  EventOf,
  ItemSettled,
  ReclaimReason,
  WorkerExit,
  WorkerIdentity,
} from './events.js'
import { createHistogram, type Histogram, observe } from './histogram.js'

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

type Count<Name extends EventName> = (counters: Counters, event: EventOf<Name>) => void

/** The event changes no counter; live stats or the log may care. */
const UNCOUNTED = (): void => {}

type NumberIn<Record> = {
  [Key in keyof Record]: Record[Key] extends number ? Key : never
}[keyof Record]

/** One more on a counter of the node. */
function node(counter: NumberIn<Counters>): (counters: Counters) => void {
  return (counters) => {
    counters[counter] += 1
  }
}

/** One more on a counter of the event's workflow. */
function own(
  counter: NumberIn<WorkflowCounters>,
): (counters: Counters, event: { readonly workflow: string }) => void {
  return (counters, event) => {
    workflowCounters(counters, event.workflow)[counter] += 1
  }
}

/** What each event adds. Complete on purpose: a new event does not compile until it is decided. */
const COUNTS: { readonly [Name in EventName]: Count<Name> } = {
  'supervisor.started': UNCOUNTED,
  'supervisor.stopping': UNCOUNTED,
  'supervisor.stopped': UNCOUNTED,
  'supervisor.fenced': node('fencings'),
  'node.trust_lost': node('trustLosses'),
  'node.trust_regained': UNCOUNTED,
  'heartbeat.sent': (counters, event) => {
    counters.heartbeats += 1
    observe(counters.statements.heartbeat, event.durationMs)
  },
  'heartbeat.failed': node('heartbeatFailures'),
  'lease.granted': (counters, event) => {
    const workflow = workflowCounters(counters, event.workflow)
    workflow.leases += 1
    workflow.leasedPacks += event.packs
    workflow.leasedItems += event.items
    observe(counters.statements.lease, event.durationMs)
  },
  'lease.failed': own('leaseFailures'),
  'item.dispatched': own('dispatched'),
  'item.settled': (counters, event) =>
    countSettled(workflowCounters(counters, event.workflow), event),
  'settle.applied': (counters, event) => {
    const workflow = workflowCounters(counters, event.workflow)
    workflow.settleStatements += 1
    workflow.settledItems += event.items
    observe(counters.statements.settle, event.durationMs)
  },
  'settle.failed': own('settleFailures'),
  'settle.split': own('settleSplits'),
  'items.released': (counters, event) => {
    workflowCounters(counters, event.workflow).released += event.items
  },
  'items.reclaimed': (counters, event) => {
    const workflow = workflowCounters(counters, event.workflow)
    workflow.reclaimedPacks += event.packs
    add(workflow.reclaimedItems, event.reason, event.items)
  },
  'worker.started': (counters, event) =>
    add(workflowCounters(counters, event.workflow).workersStarted, event.kind, 1),
  'worker.ready': UNCOUNTED,
  'worker.pong': UNCOUNTED,
  'worker.exited': (counters, event) => {
    const workflow = workflowCounters(counters, event.workflow)
    add(workflow.workersExited[event.kind], exitReason(event), 1)
  },
  'worker.replaced': (counters, event) =>
    add(workflowCounters(counters, event.workflow).workersReplaced, event.reason, 1),
  'worker.log': UNCOUNTED,
  'upstream.endpoint_down': UNCOUNTED,
  'upstream.endpoint_up': UNCOUNTED,
  'upstream.account': UNCOUNTED,
  'upstream.account_failed': UNCOUNTED,
  'concurrency.changed': (counters, event) => {
    const workflow = workflowCounters(counters, event.workflow)
    workflow.concurrencyLimit = event.limit
    workflow.concurrencyReason = event.reason
  },
  'breaker.changed': (counters, { workflow, state }) => {
    if (state === 'open') workflowCounters(counters, workflow).breakersOpened += 1
  },
  'steering.failed': UNCOUNTED,
  'rollout.taken_back': own('rollbacks'),
  'workflow.paused': own('pauses'),
  'workflow.resumed': UNCOUNTED,
  'reclaim.failed': node('reclaimFailures'),
  'database.connections': (counters, use) => {
    counters.connections = use
  },
  'housekeeping.done': node('housekeepings'),
  'housekeeping.failed': node('housekeepingFailures'),
  'schedule.ticked': UNCOUNTED,
  'schedule.failed': UNCOUNTED,
  'housekeeping.removed': UNCOUNTED,
  'live.client_connected': UNCOUNTED,
  'live.client_closed': UNCOUNTED,
  'live.frame_skipped': node('framesSkipped'),
}

/** Counts an event. Runs once an item, at tens of thousands a second: it allocates nothing. */
export function countEvent(counters: Counters, event: AnyEvent): void {
  // The compiler does not see that the row and the event share their name.
  const count = COUNTS[event.name] as Count<EventName>
  count(counters, event)
}

function countSettled(own: WorkflowCounters, event: EventOf<'item.settled'>): void {
  add(own.settled[event.state], event.code, 1)
  own.requests += event.requests
  own.bytes += event.bytes
  if (event.requests > 0) own.fetches += 1
  if (event.requests > 0 && event.reused) own.reusedFetches += 1
  if (event.state === 'complete') own.resultRows += event.resultRows
  if (event.state !== 'release') observe(own.durations, event.durationMs)
  countCohort(own.cohorts[event.cohort], event)
}

/** What says nothing about the work (given back, refused, asked to wait) is in neither figure. */
function countCohort(cohort: CohortCounters, event: EventOf<'item.settled'>): void {
  if (event.state === 'complete') cohort.completed += 1
  else if (event.state === 'retry' || event.state === 'discard') cohort.failed += 1
  else return
  cohort.durationMs += event.durationMs
}

function add<Key extends string>(counts: Counts<Key>, key: Key, amount: number): void {
  counts[key] = (counts[key] ?? 0) + amount
}

/** Why a worker ended, from what the operating system says about it. */
function exitReason(exit: Pick<WorkerExit, 'expected' | 'signal'>): ExitReason {
  if (exit.expected) return 'expected'
  return exit.signal === null ? 'exit_code' : 'signal'
}

/** The sum of counts over all their keys. */
export function totalOf<Key extends string>(counts: Counts<Key>): number {
  let total = 0
  for (const key in counts) total += counts[key] ?? 0
  return total
}
