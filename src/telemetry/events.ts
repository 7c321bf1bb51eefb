// What the program says about itself. Services emit events and nothing else; log lines, metrics, live
// stats and the final report are subscribers. `docs/reference.md` lists every event with its fields.

import type { BreakerState } from '../core/breaker-plan.js'
import type { OutcomeCode } from '../core/outcome.js'
import type { Cohort } from '../core/steering-plan.js'
import type { ConcurrencyReason } from '../core/why-plan.js'

/** Every event with its fields. Durations in milliseconds, sizes in bytes. */
export interface Events {
  'supervisor.started': { nodeId: string; pid: number; workflows: readonly string[] }
  'supervisor.stopping': { stage: 'quiesce' | 'drain' | 'halt'; reason: string; inFlight: number }
  'supervisor.stopped': { reason: string }
  'supervisor.fenced': { nodeId: string; reason: string }
  'node.trust_lost': { overdueMs: number }
  'node.trust_regained': { awayMs: number }
  'heartbeat.sent': { durationMs: number }
  'heartbeat.failed': { message: string }
  'lease.granted': {
    workflow: string
    packs: number
    items: number
    leaseIds: readonly string[]
    durationMs: number
  }
  'lease.failed': { workflow: string; message: string }
  'item.dispatched': { workflow: string; workerId: string; itemId: string; attempt: number }
  'item.settled': ItemSettled
  'batch.ended': WorkSummary & { batches: number }
  'work.ended': WorkSummary
  'settle.applied': { workflow: string; items: number; rejected: number; durationMs: number }
  'settle.failed': { workflow: string; items: number; message: string; willRetry: boolean }
  'settle.split': { workflow: string; items: number; message: string }
  'items.released': { workflow: string; items: number; reason: string }
  'items.reclaimed': { workflow: string; packs: number; items: number; reason: ReclaimReason }
  'worker.started': WorkerIdentity & { pid: number }
  'worker.ready': WorkerIdentity & { pid: number; slots: number; startMs: number }
  'worker.pong': WorkerIdentity & WorkerHealth
  'worker.exited': WorkerIdentity & WorkerExit
  'worker.replaced': WorkerIdentity & { reason: 'memory' | 'silent' | 'protocol' | 'start' }
  'worker.log': WorkerIdentity & {
    level: LogLevel
    message: string
    fields: Record<string, unknown>
  }
  'upstream.endpoint_down': WorkerIdentity & {
    endpoint: string
    reason: string
    coolDownMs: number
  }
  'upstream.endpoint_up': WorkerIdentity & { endpoint: string }
  'upstream.account': UpstreamAccount
  'upstream.account_failed': { message: string; ageMs: number | null }
  'concurrency.changed': { workflow: string; limit: number; reason: ConcurrencyReason }
  'breaker.changed': BreakerChange
  'workflow.steered': { workflow: string; by: string; message: string }
  'steering.failed': { workflow: string; message: string }
  'rollout.taken_back': { workflow: string; rollout: number; message: string }
  'workflow.paused': { workflow: string; reason: string }
  'workflow.resumed': { workflow: string; reason: string }
  'reclaim.failed': { message: string }
  'database.connections': { used: number; max: number; isCrowded: boolean; wasCrowded: boolean }
  'housekeeping.done': { foldedRows: number; partitions: number; durationMs: number }
  'housekeeping.failed': { message: string }
  'schedule.ticked': { workflow: string; nextAt: string }
  'schedule.failed': { workflow: string; message: string }
  'housekeeping.removed': { chore: string; rows: number; partitions: number; durationMs: number }
  'alert.raised': AlertTold
  'alert.cleared': AlertTold
  'alert.judging_failed': { message: string }
  'alert.notice_sent': { notice: string; alert: string; subject: string; tries: number }
  'alert.notice_failed': AlertNoticeFailed
  'live.client_connected': { clients: number }
  'live.client_closed': { clients: number; code: number }
  'live.frame_skipped': { clients: number }
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type ReclaimReason =
  | 'worker_lost'
  | 'node_lost'
  | 'deadline'
  | 'drain'
  | 'pause'
  | 'lost_answer'
  | 'no_share'
  | 'host'
  | 'breaker'

/** An alert of the whole cluster. It is told by the node that judges, once. */
export interface AlertTold {
  alert: string
  /** A workflow or a node; empty: the database. */
  subject: string
  severity: 'warn' | 'error'
  message: string
}

export interface AlertNoticeFailed {
  notice: string
  alert: string
  subject: string
  tries: number
  message: string
  willRetry: boolean
}

/** The account of a proxy API; null for a figure that its answer did not have. */
export interface UpstreamAccount {
  /** Calls that the plan lets be in flight, now and at the reading before. */
  limit: number | null
  limitBefore: number | null
  inUse: number | null
  credits: number | null
  creditsLeft: number | null
}

export interface BreakerChange {
  workflow: string
  /** The host that it stands for; empty: the upstream as a whole. */
  lane: string
  state: BreakerState
  /** Failures in a row, and how the last one ended. */
  failures: number
  code: OutcomeCode | null
  coolDownMs: number
}

export interface WorkerIdentity {
  workflow: string
  workerId: string
  kind: 'process' | 'thread'
}

export interface WorkerHealth {
  pid: number
  eventLoopDelayMs: number
  memoryBytes: number
  active: number
  /** Bodies in memory, and connections; absent before the worker fetches. */
  bodyBytes?: number
  sockets?: number
}

export interface WorkerExit {
  pid: number
  exitCode: number | null
  signal: string | null
  expected: boolean
  itemsHeld: number
  uptimeMs: number
}

/** What was worked, and how it ended: well, for good, or to be tried again. */
export interface WorkSummary {
  workflow: string
  complete: number
  failed: number
  again: number
  durationMs: number
}

export interface ItemSettled {
  workflow: string
  /** The lease that it was worked under. */
  leaseId: string
  itemId: string
  itemKey: string
  /** The host, or whatever else is asked at a pace of its own; empty: nothing in particular. */
  lane: string
  /** What became of the item; `rejected`: the lease was lost and nothing was written. */
  state: 'complete' | 'retry' | 'snooze' | 'discard' | 'release' | 'rejected'
  code: OutcomeCode
  attempt: number
  durationMs: number
  httpStatus: number | null
  resultRows: number
  requests: number
  reused: boolean
  bytes: number
  /** What the attempt cost, or may have cost at most. */
  credits: number
  message: string | null
  cohort: Cohort
}

export type EventName = keyof Events
export type EventOf<Name extends EventName> = { readonly name: Name } & Readonly<Events[Name]>
export type AnyEvent = { [Name in EventName]: EventOf<Name> }[EventName]

export type EventListener = (event: AnyEvent) => void

export interface EventBus {
  readonly emit: <Name extends EventName>(name: Name, fields: Events[Name]) => void
  /**
   * The same for an event that is whole already, which nobody changes afterwards. For those of
   * single items: at tens of thousands a second `emit` would spend more on their copies than all
   * listeners together.
   */
  readonly publish: (event: AnyEvent) => void
  /** Returns the function that ends the subscription. */
  readonly subscribe: (listener: EventListener) => () => void
}

/**
 * A synchronous bus: an event has reached every subscriber when `emit` returns, so a figure read
 * afterwards contains it. A subscriber that throws loses its event, never the emitter's turn.
 */
export function createEventBus(onListenerError: (error: unknown) => void = () => {}): EventBus {
  const listeners = new Set<EventListener>()
  const publish = (event: AnyEvent): void => {
    for (const listener of listeners) {
      try {
        listener(event)
      } catch (error) {
        onListenerError(error)
      }
    }
  }
  return {
    emit: (name, fields) => publish({ name, ...fields } as AnyEvent),
    publish,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
