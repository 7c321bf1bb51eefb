// What supervisor and worker say to each other, whether the worker is a child process or a thread.
//
// Everything here survives JSON and structured clone: plain data, no functions, no class instances.
// Durations, never clock readings: two processes share no zero. Whatever is about an item carries its
// pack and lease, so that a late word cannot touch a newer lease.

import type { Json, Outcome } from '../core/outcome.js'
import type { WorkerOptions } from '../core/worker-options.js'

/** Raised with every change that an old peer would misread. Peers with another number are replaced. */
export const PROTOCOL_VERSION = 4

/** One item to work. */
export interface DispatchedItem {
  readonly itemId: string
  readonly packId: string
  readonly leaseId: string
  readonly itemKey: string
  readonly payload: Json
  /** This attempt's number, from 1. */
  readonly attempt: number
}

/** One item's end in the worker's eyes. The supervisor decides whether it still counts. */
export interface SettledItem {
  readonly itemId: string
  readonly packId: string
  readonly leaseId: string
  readonly outcome: Outcome
}

/** First word of a worker. */
export interface Hello {
  readonly type: 'hello'
  readonly protocolVersion: number
  readonly pid: number
}

/** Answer to `Hello`. */
export interface Setup {
  readonly type: 'setup'
  readonly protocolVersion: number
  readonly options: WorkerOptions
}

/** The worker has loaded its workflow and has this many slots. Before it says so it has none. */
export interface Ready {
  readonly type: 'ready'
  readonly slots: number
}

/** The worker cannot start: its workflow's module is unusable. It exits by itself afterwards. */
export interface Refused {
  readonly type: 'refused'
  readonly message: string
}

/** Work these items. The worker answers each with exactly one entry of a `Settled`. */
export interface Dispatch {
  readonly type: 'dispatch'
  readonly items: readonly DispatchedItem[]
}

/** Stop working these items at once and answer them with `release`. */
export interface Abort {
  readonly type: 'abort'
  readonly itemIds: readonly string[]
}

/**
 * Take no new item, give back what waits for a slot, finish what is under way within `drainMs`, give
 * back the rest, then exit with code 0.
 */
export interface Drain {
  readonly type: 'drain'
  readonly drainMs: number
}

export interface Ping {
  readonly type: 'ping'
  readonly sequence: number
}

/** Answer to `Ping`: how the worker is. */
export interface Pong {
  readonly type: 'pong'
  readonly sequence: number
  /** Worst event-loop delay since the last answer, in milliseconds. */
  readonly eventLoopDelayMs: number
  /** Memory of the process, or heap of the thread, in bytes. */
  readonly memoryBytes: number
  /** Items under way. */
  readonly active: number
  /** Bodies in memory, and connections; absent before the worker fetches. */
  readonly bodyBytes?: number
  readonly sockets?: number
}

/** Ends of items; each frees a slot. */
export interface Settled {
  readonly type: 'settled'
  readonly items: readonly SettledItem[]
}

/** An endpoint of the upstream went down in this worker's eyes, or is back. */
export interface EndpointNews {
  readonly type: 'endpoint'
  /** Scheme, host and port. */
  readonly endpoint: string
  readonly state: 'down' | 'up'
  readonly reason: string
  /** How long it is left alone, in milliseconds; 0 when it is up. */
  readonly coolDownMs: number
}

/** A line for the supervisor's log. */
export interface LogLine {
  readonly type: 'log'
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields?: { readonly [key: string]: Json }
}

export type ToWorker = Setup | Dispatch | Abort | Drain | Ping
export type FromWorker = Hello | Ready | Refused | Settled | Pong | EndpointNews | LogLine
