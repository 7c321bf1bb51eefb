// What a node says of itself with each heartbeat, so that any other can tell what the whole cluster
// does. It is read back from the database, where a node of another version may have written it:
// whatever is not as expected counts as not said.

import { BREAKER_STATES, type BreakerState } from '../core/breaker-plan.js'
import { type Fields, isFields } from '../core/fields.js'
import { HOST_LIMITS, type HostLimit } from '../core/host-hold.js'
import { OUTCOME_CODES } from '../core/outcome.js'
import { DURATION_BOUNDS_MS } from './histogram.js'
import type { FailureCounts, NodeCounts, Slots, WorkerState } from './live-topics.js'

/** One lane as one node sees it. */
export interface LaneReading {
  readonly workflow: string
  readonly lane: string
  readonly active: number
  readonly waiting: number
  readonly perSecond: number
  readonly outcomes: { readonly [code: string]: number }
  /** Attempts of the last minute by bucket of their time. */
  readonly durations: readonly number[]
  /** Time until the next request may start; null while one has to end first. */
  readonly opensInMs: number | null
  readonly heldBy: HostLimit | null
  readonly breaker: BreakerState
}

/** One workflow as one node works it. */
export interface WorkflowReading {
  readonly slots: Slots
  readonly workers: number
  readonly durations: readonly number[]
  readonly failures: FailureCounts
}

export interface NodeReport {
  readonly slots: Slots
  readonly work: NodeCounts
  readonly attemptsPerSecond: number
  readonly requestsPerSecond: number
  /** Of the supervisor's own process. */
  readonly memoryBytes: number
  readonly eventLoopDelayMs: number
  readonly workflows: { readonly [workflow: string]: WorkflowReading }
  readonly workers: { readonly [workerId: string]: WorkerState }
  readonly lanes: readonly LaneReading[]
}

/** A report with the time that has passed since it was written. */
export interface HeardReport {
  readonly nodeId: string
  readonly ageMs: number
  readonly report: NodeReport
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? Object.fromEntries(Object.entries(value)) : {}
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function oneOf<Word extends string>(words: readonly Word[], value: unknown): Word | null {
  return words.find((word) => word === value) ?? null
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function mapOf<Entry>(
  value: unknown,
  read: (entry: Fields) => Entry,
): { readonly [key: string]: Entry } {
  const entries = Object.entries(fieldsOf(value))
  return Object.fromEntries(entries.map(([key, entry]) => [key, read(fieldsOf(entry))]))
}

/** @returns what a node said, as far as it can be understood. */
export function readReport(value: unknown): NodeReport {
  const said = fieldsOf(value)
  return {
    slots: readSlots(said.slots),
    work: readCounts(fieldsOf(said.work)),
    attemptsPerSecond: numberOf(said.attemptsPerSecond),
    requestsPerSecond: numberOf(said.requestsPerSecond),
    memoryBytes: numberOf(said.memoryBytes),
    eventLoopDelayMs: numberOf(said.eventLoopDelayMs),
    workflows: mapOf(said.workflows, readWorkflow),
    workers: mapOf(said.workers, readWorker),
    lanes: listOf(said.lanes).map((lane) => readLane(fieldsOf(lane))),
  }
}

function readSlots(value: unknown): Slots {
  const { active, total } = fieldsOf(value)
  return { active: numberOf(active), total: numberOf(total) }
}

function readCounts(said: Fields): NodeCounts {
  return {
    attempts: numberOf(said.attempts),
    retries: numberOf(said.retries),
    snoozes: numberOf(said.snoozes),
    rejected: numberOf(said.rejected),
    reclaimed: numberOf(said.reclaimed),
    resultRows: numberOf(said.resultRows),
    requests: numberOf(said.requests),
    bytes: numberOf(said.bytes),
    ...(said.reusedRatio === undefined ? {} : { reusedRatio: numberOf(said.reusedRatio) }),
  }
}

/** Counts by code; codes of another version are left out. */
function readOutcomes(value: unknown): FailureCounts {
  const said = fieldsOf(value)
  const known = OUTCOME_CODES.filter((code) => numberOf(said[code]) > 0)
  return Object.fromEntries(known.map((code) => [code, numberOf(said[code])]))
}

function readDurations(value: unknown): readonly number[] {
  const said = listOf(value)
  return Array.from({ length: DURATION_BOUNDS_MS.length + 1 }, (_, at) => numberOf(said[at]))
}

function readWorkflow(said: Fields): WorkflowReading {
  return {
    slots: readSlots(said.slots),
    workers: numberOf(said.workers),
    durations: readDurations(said.durations),
    failures: readOutcomes(said.failures),
  }
}

function readWorker(said: Fields): WorkerState {
  return {
    workflow: textOf(said.workflow),
    kind: oneOf(['process', 'thread'] as const, said.kind) ?? 'process',
    state: oneOf(['starting', 'ready', 'exited'] as const, said.state) ?? 'starting',
    pid: numberOf(said.pid),
    startedAtMs: numberOf(said.startedAtMs),
    restarts: numberOf(said.restarts),
    slots: numberOf(said.slots),
    active: numberOf(said.active),
    memoryBytes: numberOf(said.memoryBytes),
    ...(said.bodyBytes === undefined ? {} : { bodyBytes: numberOf(said.bodyBytes) }),
    ...(said.sockets === undefined ? {} : { sockets: numberOf(said.sockets) }),
    eventLoopDelayMs: numberOf(said.eventLoopDelayMs),
  }
}

function readLane(said: Fields): LaneReading {
  return {
    workflow: textOf(said.workflow),
    lane: textOf(said.lane),
    active: numberOf(said.active),
    waiting: numberOf(said.waiting),
    perSecond: numberOf(said.perSecond),
    outcomes: readOutcomes(said.outcomes),
    durations: readDurations(said.durations),
    opensInMs: said.opensInMs === null ? null : numberOf(said.opensInMs),
    heldBy: oneOf(HOST_LIMITS, said.heldBy),
    breaker: oneOf(BREAKER_STATES, said.breaker) ?? 'closed',
  }
}
