// What a worker pool is made of, and whom it tells.

import type { Settled } from '../src/actor/messages.js'
import type { Clock } from '../src/core/clock.js'
import type { WorkerOptions } from '../src/core/worker-options.js'
import type { EventBus } from '../src/telemetry/events.js'
import type { WorkerKind, WorkerTransport } from './transport.js'
import type { WorkerDeath } from './worker-death.js'
import type { WorkerSeatSpec } from './worker-seat.js'

export interface WorkerPoolDeps {
  readonly workflow: string
  readonly seats: readonly WorkerSeatSpec[]
  readonly workerOptions: Omit<WorkerOptions, 'workerId' | 'slots'>
  readonly transports: { readonly [kind in WorkerKind]: WorkerTransport }
  readonly heapMb: number | null
  /** Memory above which a worker is drained and replaced, in bytes. */
  readonly memoryBytesMax: number
  /** Time without an answer to a ping after which a worker is killed. */
  readonly silentMs: number
  /** Time without work after which workers end, until they are roused; null: they stay. */
  readonly idleMs: number | null
  /** Whether items wait for workers, or what they ended is not written yet. */
  readonly hasWork: () => boolean
  readonly clock: Clock
  readonly events: EventBus
  readonly onReady: (workerId: string, slots: number) => void
  readonly onSettled: (workerId: string, settled: Settled) => void
  /** Worst event-loop delay of a worker since its last answer, in milliseconds. */
  readonly onDelay: (workerId: string, eventLoopDelayMs: number) => void
  /** The worker takes nothing more: it drains. */
  readonly onClosed: (workerId: string) => void
  /** Called once a worker is gone. Answers whether it died of an item that is being isolated. */
  readonly onExit: (workerId: string, exit: WorkerDeath) => { readonly isExcused: boolean }
  readonly heldBy: (workerId: string) => number
  /** Workers die without finishing anything, or refuse their workflow: somebody must look. */
  readonly onGiveUp: (reason: 'restart_intensity' | 'module_refused', message: string) => void
}
