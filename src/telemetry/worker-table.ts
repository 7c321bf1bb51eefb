import type { Clock, MonotonicMs } from '../core/clock.js'
import type { AnyEvent, EventOf, WorkerIdentity } from './events.js'
import type { Slots, WorkerState } from './live-topics.js'

/** How long a worker that ended stays in view, and how many of those are kept. */
const EXITED_VISIBLE_MS = 60_000
const EXITED_MAX = 64

interface Row {
  worker: WorkerState
  exitedAtMs: MonotonicMs | null
}

/** The workers of this node, as their events tell. */
export interface WorkerTable {
  readonly onEvent: (event: AnyEvent) => void
  /** Workers by id; those that ended stay for a minute. */
  readonly workers: () => { readonly [workerId: string]: WorkerState }
  /** Slots of ready workers, of one workflow or of all. */
  readonly slots: (workflow?: string) => Slots
  /** Workers that have not exited. */
  readonly liveWorkers: () => readonly WorkerState[]
}

/** Keeps the table. A worker's `active` is as old as its last pong, about a second. */
export function createWorkerTable(clock: Clock): WorkerTable {
  const rows = new Map<string, Row>()
  const restarts = new Map<string, number>()
  const change = (workerId: string, changed: Partial<WorkerState>) => {
    const row = rows.get(workerId)
    // A last word that arrives after the exit changes nothing any more.
    if (row !== undefined && row.exitedAtMs === null) row.worker = { ...row.worker, ...changed }
  }
  const live = () => [...rows.values()].filter((row) => row.exitedAtMs === null)
  return {
    onEvent: (event) => {
      switch (event.name) {
        case 'worker.started':
          rows.set(event.workerId, startedRow(event, clock, restarts.get(event.workflow) ?? 0))
          break
        case 'worker.ready':
          change(event.workerId, { state: 'ready', pid: event.pid, slots: event.slots })
          break
        case 'worker.pong':
          change(event.workerId, healthOf(event))
          break
        case 'worker.exited':
          if (!event.expected) restarts.set(event.workflow, (restarts.get(event.workflow) ?? 0) + 1)
          change(event.workerId, { state: 'exited', active: 0 })
          markExited(rows, event, clock.nowMs())
          break
        default:
      }
    },
    workers: () => {
      forgetExited(rows, clock.nowMs())
      return Object.fromEntries([...rows].map(([workerId, row]) => [workerId, row.worker]))
    },
    slots: (workflow) => {
      const counted = live().filter(
        (row) => (workflow ?? row.worker.workflow) === row.worker.workflow,
      )
      return {
        active: counted.reduce((sum, row) => sum + row.worker.active, 0),
        total: counted.reduce((sum, row) => sum + row.worker.slots, 0),
      }
    },
    liveWorkers: () => live().map((row) => row.worker),
  }
}

function startedRow(event: EventOf<'worker.started'>, clock: Clock, restarts: number): Row {
  return {
    exitedAtMs: null,
    worker: {
      workflow: event.workflow,
      kind: event.kind,
      state: 'starting',
      pid: event.pid,
      startedAtMs: Math.round(clock.wallMs()),
      restarts,
      slots: 0,
      active: 0,
      memoryBytes: 0,
      eventLoopDelayMs: 0,
    },
  }
}

function healthOf(event: EventOf<'worker.pong'>): Partial<WorkerState> {
  return {
    pid: event.pid,
    active: event.active,
    memoryBytes: event.memoryBytes,
    ...(event.bodyBytes === undefined ? {} : { bodyBytes: event.bodyBytes }),
    ...(event.sockets === undefined ? {} : { sockets: event.sockets }),
    eventLoopDelayMs: Math.round(event.eventLoopDelayMs * 10) / 10,
  }
}

function markExited(rows: Map<string, Row>, worker: WorkerIdentity, nowMs: MonotonicMs): void {
  const row = rows.get(worker.workerId)
  if (row !== undefined) row.exitedAtMs = nowMs
  forgetExited(rows, nowMs)
}

/** Drops rows that were in view long enough; in a crash loop the oldest beyond the bound, too. */
function forgetExited(rows: Map<string, Row>, nowMs: MonotonicMs): void {
  const exited = [...rows].filter(([, row]) => row.exitedAtMs !== null)
  const surplus = Math.max(0, exited.length - EXITED_MAX)
  exited.forEach(([workerId, row], position) => {
    const isOld = nowMs - (row.exitedAtMs ?? nowMs) >= EXITED_VISIBLE_MS
    if (isOld || position < surplus) rows.delete(workerId)
  })
}
