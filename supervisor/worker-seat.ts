// A place in the worker pool, and the worker that fills it.

import type { FetchOptions } from '../src/core/worker-options.js'
import type { WorkerState } from '../src/core/worker-state.js'
import type { WorkerIdentity } from '../src/telemetry/events.js'
import type { WorkerKind, WorkerLink } from './transport.js'

/** A place in the pool: whoever dies in it is replaced by one like it. */
export interface WorkerSeatSpec {
  readonly kind: WorkerKind
  readonly slots: number
  /** Its share of the node's sockets. */
  readonly sockets: Pick<FetchOptions, 'socketsMax' | 'socketsPerHostMax'>
}

/** What the pool knows of a worker. */
export interface Worker {
  readonly identity: WorkerIdentity
  readonly spec: WorkerSeatSpec
  readonly startedMs: number
  link: WorkerLink | null
  state: WorkerState
  finished: number
  unanswered: number
  sequence: number
  isExpectedToEnd: boolean
  killReason: string | null
}

/** A worker that is about to be started. */
export function newWorker(
  identity: WorkerIdentity,
  spec: WorkerSeatSpec,
  startedMs: number,
): Worker {
  return {
    identity,
    spec,
    startedMs,
    link: null,
    state: 'starting',
    finished: 0,
    unanswered: 0,
    sequence: 0,
    isExpectedToEnd: false,
    killReason: null,
  }
}
