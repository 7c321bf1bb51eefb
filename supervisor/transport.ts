// How a supervisor reaches its workers. Production has child processes and threads; a simulator
// brings links of its own.

import type { FromWorker, ToWorker } from '../src/actor/messages.js'

export type WorkerKind = 'process' | 'thread'

/** What is needed to start a worker. */
export interface ChildSpec {
  readonly workerId: string
  readonly workflow: string
  readonly kind: WorkerKind
  /** How many items it works at once. */
  readonly slots: number
  /** Heap of the worker, in megabytes; null for Node's own choice. */
  readonly heapMb: number | null
}

/** How a worker ended. A thread has an exit code and never a signal. */
export interface LinkExit {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly message: string | null
}

export interface LinkListener {
  readonly onMessage: (message: FromWorker) => void
  /** Called once, after the last message. */
  readonly onExit: (exit: LinkExit) => void
}

export interface WorkerLink {
  /** Process id; for a thread that of its process. */
  readonly pid: number
  /**
   * Sends a message; one to a worker that is gone is dropped.
   *
   * @param onSent called once, when the message takes no memory of ours any more: the worker's
   * process has it, or is gone.
   */
  readonly send: (message: ToWorker, onSent?: () => void) => void
  /** Ends the worker at once, whatever it does. */
  readonly kill: () => void
}

/** The way to nobody. */
export const NO_LINK: WorkerLink = {
  pid: 0,
  send: (_, onSent) => onSent?.(),
  kill: () => {},
}

export interface WorkerTransport {
  readonly start: (spec: ChildSpec, listener: LinkListener) => WorkerLink
  /** Ends what is left and frees what the transport holds. */
  readonly close: () => Promise<void>
}
