// Level and words of every event, in one table. Code emits events; this file alone decides what
// people read about them, in the log and in the list of the dashboard.

import { OUTCOMES } from '../core/outcome.js'
import { ALERT_LINES } from './alert-lines.js'
import type { AnyEvent, EventOf, ItemSettled, LogLevel } from './events.js'
import type { Line, Lines } from './line.js'
import { SUMMARY_LINES } from './summary-lines.js'

/** How many of something, in words. */
function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}

const SETTLED_LEVELS: Readonly<Record<ItemSettled['state'], LogLevel>> = {
  complete: 'debug',
  retry: 'debug',
  snooze: 'debug',
  release: 'debug',
  discard: 'warn',
  rejected: 'info',
}

const SETTLED_WORDS: Readonly<Record<ItemSettled['state'], string>> = {
  complete: 'complete',
  retry: 'failed and will be tried again',
  snooze: 'was asked to wait',
  release: 'was given back',
  discard: 'failed for good',
  rejected: 'was refused: its lease was lost, nothing was written',
}

function settledWords(event: EventOf<'item.settled'>): string {
  const what = `Item ${event.itemId} of ${event.workflow} ${SETTLED_WORDS[event.state]}`
  if (event.state === 'complete') return `${what} in ${Math.round(event.durationMs)} ms`
  const why = event.message ?? OUTCOMES[event.code].meaning
  return `${what} (${event.code}, attempt ${event.attempt}): ${why}`
}

function exitWords(event: EventOf<'worker.exited'>): string {
  const how = event.signal === null ? `with code ${event.exitCode}` : `on ${event.signal}`
  const held = event.itemsHeld === 0 ? '' : ` holding ${count(event.itemsHeld, 'item')}`
  const where = event.kind === 'thread' ? `a thread of pid ${event.pid}` : `pid ${event.pid}`
  return `Worker ${event.workerId} (${where}) exited ${how}${held}`
}

function settleFailedWords(event: EventOf<'settle.failed'>): string {
  const next = event.willRetry ? 'it will be tried again' : 'the reclaimer takes the items over'
  const what = `Settling ${count(event.items, 'item')} of ${event.workflow}`
  return `${what} failed, ${next}: ${event.message}`
}

function breakerLevel(event: EventOf<'breaker.changed'>): LogLevel {
  if (event.state === 'half-open') return 'debug'
  return event.lane === '' && event.state === 'open' ? 'error' : 'warn'
}

function breakerWords(event: EventOf<'breaker.changed'>): string {
  const who = event.lane === '' ? `The upstream of ${event.workflow}` : event.lane
  if (event.state === 'closed') return `${who} answers again`
  if (event.state === 'half-open') return `${who} is tried with a single item`
  const why = `${count(event.failures, 'failure')} in a row, the last ${event.code}`
  return `${who} is left alone for ${Math.round(event.coolDownMs / 1_000)} s: ${why}`
}

const SUPERVISOR_LINES = {
  'supervisor.started': {
    level: 'info',
    words: (event) => `Supervisor started, pid ${event.pid}: ${event.workflows.join(', ')}`,
  },
  'supervisor.stopping': {
    level: 'info',
    words: (event) =>
      `Stopping (${event.stage}), ${count(event.inFlight, 'item')} in flight: ${event.reason}`,
  },
  'supervisor.stopped': { level: 'info', words: (event) => `Stopped: ${event.reason}` },
  'supervisor.fenced': {
    level: 'error',
    words: (event) =>
      `Fenced: ${event.reason}. Its items are given to others; nothing it still does counts`,
  },
  'node.trust_lost': {
    level: 'warn',
    words: (event) =>
      `No heartbeat reached the database in time (${Math.round(event.overdueMs)} ms overdue); ` +
      'leases are not trusted and work is held',
  },
  'node.trust_regained': {
    level: 'info',
    words: (event) => `Heartbeats reach the database again after ${Math.round(event.awayMs)} ms`,
  },
  'heartbeat.sent': {
    level: 'debug',
    words: (event) => `Heartbeat in ${Math.round(event.durationMs)} ms`,
  },
  'heartbeat.failed': { level: 'warn', words: (event) => `Heartbeat failed: ${event.message}` },
  'reclaim.failed': { level: 'warn', words: (event) => `Reclaiming failed: ${event.message}` },
  'database.connections': {
    level: (event) => {
      if (event.isCrowded === event.wasCrowded) return 'debug'
      return event.isCrowded ? 'warn' : 'info'
    },
    words: (event) =>
      `The database has ${event.used} of ${event.max} connections in use` +
      (event.isCrowded ? '; concurrency grows no further' : ''),
  },
  'housekeeping.done': {
    level: 'debug',
    words: (event) => `Housekeeping folded ${count(event.foldedRows, 'row')}`,
  },
  'housekeeping.failed': {
    level: 'warn',
    words: (event) => `Housekeeping failed: ${event.message}`,
  },
  'schedule.ticked': {
    level: 'info',
    words: (event) => `${event.workflow} works for a tick of its schedule; next ${event.nextAt}`,
  },
  'schedule.failed': {
    level: 'warn',
    words: (event) => `The schedule of ${event.workflow} failed: ${event.message}`,
  },
  'housekeeping.removed': {
    level: 'info',
    words: (event) =>
      `Housekeeping of ${event.chore} moved or removed ${count(event.rows, 'row')} and dropped ` +
      `${count(event.partitions, 'partition')} in ${Math.round(event.durationMs)} ms`,
  },
  'live.client_connected': {
    level: 'debug',
    words: (event) => `Live channel has ${count(event.clients, 'client')}`,
  },
  'live.client_closed': {
    level: 'debug',
    words: (event) =>
      `Live channel has ${count(event.clients, 'client')}, one left (${event.code})`,
  },
  'live.frame_skipped': {
    level: 'debug',
    words: () => 'A slow client of the live channel missed frames',
  },
} as const satisfies Partial<Lines>

const WORK_LINES = {
  'lease.granted': {
    level: 'debug',
    words: (event) => `Leased ${count(event.items, 'item')} of ${event.workflow}`,
  },
  'lease.failed': {
    level: 'warn',
    words: (event) => `Leasing for ${event.workflow} failed: ${event.message}`,
  },
  'item.dispatched': {
    level: 'debug',
    words: (event) => `Item ${event.itemId} dispatched to ${event.workerId}`,
  },
  'item.settled': { level: (event) => SETTLED_LEVELS[event.state], words: settledWords },
  'settle.applied': {
    level: 'debug',
    words: (event) => `Settled ${count(event.items, 'item')} of ${event.workflow}`,
  },
  'settle.failed': {
    level: (event) => (event.willRetry ? 'warn' : 'error'),
    words: settleFailedWords,
  },
  'settle.split': {
    level: 'warn',
    words: (event) =>
      `A batch of ${count(event.items, 'outcome')} of ${event.workflow} was split to find ` +
      `the one the database refuses: ${event.message}`,
  },
  'items.released': {
    level: (event) => (event.items > 0 ? 'info' : 'debug'),
    words: (event) =>
      `Gave back ${count(event.items, 'item')} of ${event.workflow}: ${event.reason}`,
  },
  'items.reclaimed': {
    level: (event) => (event.items > 0 ? 'warn' : 'debug'),
    words: (event) =>
      `Reclaimed ${count(event.items, 'orphan')} of ${event.workflow} (${event.reason})`,
  },
  'concurrency.changed': {
    level: 'debug',
    words: (event) =>
      `${event.workflow} works ${count(event.limit, 'item')} at once on this node (${event.reason})`,
  },
  'breaker.changed': { level: breakerLevel, words: breakerWords },
  'workflow.steered': { level: 'info', words: (event) => `Set ${event.message}` },
  'steering.failed': {
    level: 'warn',
    words: (event) => `Reading what is set for ${event.workflow} failed: ${event.message}`,
  },
  'rollout.taken_back': {
    level: 'error',
    words: (event) =>
      `${event.workflow} is sequential again, its rollout of ${event.rollout} % was taken back: ` +
      event.message,
  },
  'workflow.paused': {
    level: 'warn',
    words: (event) => `Workflow ${event.workflow} is paused: ${event.reason}`,
  },
  'workflow.resumed': {
    level: 'info',
    words: (event) => `Workflow ${event.workflow} runs again: ${event.reason}`,
  },
} as const satisfies Partial<Lines>

const WORKER_LINES = {
  'worker.started': {
    level: 'debug',
    words: (event) => `Worker ${event.workerId} of ${event.workflow} started, pid ${event.pid}`,
  },
  'worker.ready': {
    level: 'info',
    words: (event) =>
      `Worker ${event.workerId} of ${event.workflow} is ready, ${count(event.slots, 'slot')}`,
  },
  'worker.pong': {
    level: 'debug',
    words: (event) => `Worker ${event.workerId} has ${count(event.active, 'item')} under way`,
  },
  'worker.exited': { level: (event) => (event.expected ? 'info' : 'error'), words: exitWords },
  'worker.replaced': {
    level: 'warn',
    words: (event) => `Worker ${event.workerId} is being replaced (${event.reason})`,
  },
  'worker.log': { level: (event) => event.level, words: (event) => event.message },
} as const satisfies Partial<Lines>

const UPSTREAM_LINES = {
  'upstream.endpoint_down': {
    level: 'warn',
    words: (event) =>
      `Worker ${event.workerId} leaves ${event.endpoint} alone for ` +
      `${Math.round(event.coolDownMs / 1_000)} s: ${event.reason}`,
  },
  'upstream.endpoint_up': {
    level: 'info',
    words: (event) => `Worker ${event.workerId} reaches ${event.endpoint} again`,
  },
  'upstream.account': {
    level: (event) => (event.limit === event.limitBefore ? 'debug' : 'info'),
    words: (event) =>
      `The plan of the upstream has room for ${event.limit ?? 'an unknown number of'} calls at ` +
      `once, ${event.inUse ?? 'an unknown number'} in flight; ` +
      `${event.creditsLeft ?? 'an unknown number of'} credits are left`,
  },
  'upstream.account_failed': {
    level: 'warn',
    words: (event) =>
      `The account of the upstream cannot be read: ${event.message}` +
      (event.ageMs === null ? '' : ` (known figures are ${Math.round(event.ageMs / 1_000)} s old)`),
  },
} as const satisfies Partial<Lines>

const LINES: Lines = {
  ...SUPERVISOR_LINES,
  ...WORK_LINES,
  ...WORKER_LINES,
  ...UPSTREAM_LINES,
  ...ALERT_LINES,
  ...SUMMARY_LINES,
}

/** The table's row for an event. The compiler does not see that row and event share their name. */
function lineOf(event: AnyEvent): Line<AnyEvent> {
  return LINES[event.name] as Line<AnyEvent>
}

/** How much an event matters. Cheap: it is asked for every event. */
export function levelOf(event: AnyEvent): LogLevel {
  const { level } = lineOf(event)
  return typeof level === 'string' ? level : level(event)
}

/** What an event says to people, not yet redacted. */
export function wordsOf(event: AnyEvent): string {
  return lineOf(event).words(event)
}

const LEVEL_ORDER: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

export function isAtLeast(level: LogLevel, floor: LogLevel): boolean {
  return LEVEL_ORDER[level] >= LEVEL_ORDER[floor]
}
