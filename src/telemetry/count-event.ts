// What each event changes in the counters: a row an event, so that none is forgotten.

import type { CohortCounters, Counters, Counts, ExitReason, WorkflowCounters } from './counters.js'
import { workflowCounters } from './counters.js'
import type { AnyEvent, EventName, EventOf, WorkerExit } from './events.js'
import { observe } from './histogram.js'

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
  'batch.ended': UNCOUNTED,
  'work.ended': UNCOUNTED,
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
  'workflow.steered': UNCOUNTED,
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
  'alert.raised': node('alertsRaised'),
  'alert.cleared': UNCOUNTED,
  'alert.judging_failed': UNCOUNTED,
  'alert.notice_sent': node('noticesSent'),
  'alert.notice_failed': node('noticeFailures'),
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
  if (event.state === 'complete') own.usefulCredits += event.credits
  else own.otherCredits += event.credits
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
