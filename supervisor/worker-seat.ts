// A place in the worker pool, and the worker that fills it.

import type { ToWorker } from '../src/actor/messages.js'
import { PROTOCOL_VERSION } from '../src/actor/messages.js'
import type { FetchOptions, WorkerOptions } from '../src/core/worker-options.js'
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
  /** It ends because it is over its memory, and can still finish what it has. */
  isSwollen: boolean
  /** It ends because there is nothing to do: its seat stays empty. */
  isResting: boolean
  killReason: string | null
}

/** What a worker is told when it has said hello. */
export function setupOf(
  { identity, spec }: Pick<Worker, 'identity' | 'spec'>,
  options: Omit<WorkerOptions, 'workerId' | 'slots'>,
): Extract<ToWorker, { type: 'setup' }> {
  const { workerId } = identity
  const fetch = { ...options.fetch, ...spec.sockets }
  return {
    type: 'setup',
    protocolVersion: PROTOCOL_VERSION,
    options: { ...options, fetch, workerId, slots: spec.slots },
  }
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
    isSwollen: false,
    isResting: false,
    killReason: null,
  }
}
