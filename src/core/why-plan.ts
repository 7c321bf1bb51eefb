// What holds a workflow back right now, in words with figures: the first thing to say is what an
// operator would have to change. Pure, from figures that the database holds.

import type { BreakerView } from './breaker-plan.js'
import type { WorkflowFigures } from './figures.js'
import type { HostHold } from './host-hold.js'
import { hostWords } from './host-hold.js'
import { LIMIT_WORDS, sum } from './limit-words.js'
import type { ScheduleDefinition } from './schedule.js'
import { scheduleWords } from './schedule.js'

/** What keeps a node from working more items at once. */
export const CONCURRENCY_REASONS = [
  'configured',
  'operator',
  'share',
  'start',
  'refusals',
  'crowded',
  'event_loop',
  'sequential',
  'budget',
  'rate',
  'pause',
  'breaker',
  'database',
] as const
export type ConcurrencyReason = (typeof CONCURRENCY_REASONS)[number]

/** One workflow on one living node, as the node said at its last heartbeat. */
export interface NodeLoad {
  readonly node: string
  readonly slots: number
  readonly inFlight: number
  readonly buffered: number
  readonly settling: number
  /** Items that may be under way on this node, and what keeps it from more. */
  readonly limit: number
  readonly reason: ConcurrencyReason
  /** Items settled in the last second. */
  readonly perSecond: number
  /** So much waits for the database that nothing new is started. */
  readonly isClogged: boolean
  /** What hosts keep from being started; null when nothing is. */
  readonly hostHold: HostHold | null
  /** Items that this node may start in a minute; null: as fast as slots are free. */
  readonly perMinute: number | null
  /** Time that a slot rests after a success. */
  readonly successPauseMs: number
  /** The breaker of the upstream, while it is not closed. */
  readonly breaker: BreakerView | null
  /** Lanes, such as hosts, that are left alone. */
  readonly lanesOpen: number
  /** Attempts that made a request, and those of them over connections that were open. */
  readonly fetches: number
  readonly reusedFetches: number
}

/** What binds, in one word for programs. */
export const BINDINGS = [
  'paused',
  'no_node',
  'queue_empty',
  'schedule',
  'delayed',
  'workers_starting',
  'database_settle',
  'database_lease',
  'host',
  ...CONCURRENCY_REASONS,
] as const
export type BindingLimit = (typeof BINDINGS)[number]

export interface Verdict {
  readonly workflow: string
  readonly binding: BindingLimit
  /** What is, with its figures. */
  readonly words: string
  /** What would change it; null where nothing should. */
  readonly advice: string | null
}

/** A node works at its limit from this share of it on: slots are refilled in turns. */
const BUSY_SHARE = 0.9

/** Reasons for which slots are left free although there is work. */
const HOLDS: ReadonlySet<ConcurrencyReason> = new Set([
  'budget',
  'rate',
  'pause',
  'breaker',
  'crowded',
])

const count = (items: number, word = 'item') => `${items} ${word}${items === 1 ? '' : 's'}`

function said(
  workflow: string,
  binding: BindingLimit,
  words: string,
  advice: string | null = null,
): Verdict {
  return { workflow, binding, words, advice }
}

/** The limit that most in-flight items run against, and its figure over all nodes. */
function limitVerdict(own: WorkflowFigures, loads: readonly NodeLoad[]): Verdict {
  const [widest] = [...loads].sort((a, b) => b.limit - a.limit)
  const reason = widest?.reason ?? 'configured'
  const limit = sum(loads, (load) => load.limit)
  const busy = sum(loads, (load) => load.inFlight)
  const nodes = count(loads.length, 'node')
  const rate = sum(loads, (load) => load.perSecond)
  const { workflow, queued, delayed } = own
  const waits = delayed === 0 ? `${queued} queued` : `${queued} queued, ${delayed} delayed`
  const facts = `${busy} of ${limit} in flight on ${nodes}, ${rate}/s, ${waits}`
  const [words, advice] = LIMIT_WORDS[reason]({ workflow, facts, widest, loads })
  return said(workflow, reason, words, advice)
}

/** Slots are free, and what is in hand waits for its hosts: the node where that is most tells. */
function hostVerdict(own: WorkflowFigures, loads: readonly NodeLoad[]): Verdict | null {
  const holds = loads.flatMap(({ hostHold }) => (hostHold === null ? [] : [hostHold]))
  const [most] = holds.sort((a, b) => b.held - a.held)
  if (most === undefined || (most.held === 0 && own.queued + own.delayed === 0)) return null
  const busy = sum(loads, (load) => load.inFlight)
  const limit = sum(loads, (load) => load.limit)
  const waits = `${own.queued} queued, ${own.delayed} delayed`
  const { words, advice } = hostWords(most)
  const facts = `The limits of hosts: ${busy} of ${limit} in flight, ${waits}.`
  return said(own.workflow, 'host', `${facts} ${words}`, advice)
}

/** How a workflow's schedule stands: it is leased from within open instances only. */
export interface ScheduleStanding {
  readonly definition: ScheduleDefinition
  /** Instant of the next tick, by the database's clock. */
  readonly nextAt: string
  readonly openInstances: number
}

/**
 * Decides what holds one workflow back.
 *
 * @param loads those of living nodes that work it.
 * @param schedule null for a workflow that always works.
 */
export function explainWorkflow(
  own: WorkflowFigures,
  loads: readonly NodeLoad[],
  schedule: ScheduleStanding | null = null,
): Verdict {
  const verdict = bindingVerdict(own, loads, schedule)
  const lanes = Math.max(0, ...loads.map((load) => load.lanesOpen))
  if (lanes === 0) return verdict
  const note = `${count(lanes, 'host')} ${lanes === 1 ? 'is' : 'are'} left alone after failures.`
  return { ...verdict, words: `${verdict.words} ${note}` }
}

/** Between two instances nothing is leased, however much is ready. */
function scheduleVerdict(own: WorkflowFigures, schedule: ScheduleStanding | null): Verdict | null {
  const { workflow, queued, delayed, processing } = own
  if (schedule === null || schedule.openInstances > 0 || processing > 0) return null
  return said(
    workflow,
    'schedule',
    `Its schedule (${scheduleWords(schedule.definition)}): the next tick is ${schedule.nextAt}; ` +
      `${queued} queued, ${delayed} delayed.`,
    `fetchyard run-now ${workflow}`,
  )
}

function bindingVerdict(
  own: WorkflowFigures,
  loads: readonly NodeLoad[],
  schedule: ScheduleStanding | null,
): Verdict {
  const { workflow, queued, processing, delayed, pausedBy } = own
  if (pausedBy.length > 0) {
    return said(
      workflow,
      'paused',
      `It is paused by ${pausedBy.join(', ')}; ${queued} queued.`,
      `fetchyard resume ${workflow}, once the reason is gone`,
    )
  }
  const waiting = queued + delayed
  if (loads.length === 0 && waiting + processing > 0) {
    return said(
      workflow,
      'no_node',
      `No living node works it; ${queued} queued, ${processing} held by nodes that are gone.`,
      'fetchyard up, or pm2 start ecosystem.config.cjs',
    )
  }
  if (waiting + processing === 0) return said(workflow, 'queue_empty', 'The queue is empty.')
  const scheduled = scheduleVerdict(own, schedule)
  if (scheduled !== null) return scheduled
  const busy = sum(loads, (load) => load.inFlight)
  const limit = sum(loads, (load) => load.limit)
  const clogged = loads.filter((load) => load.isClogged)
  if (clogged.length > 0) {
    const settling = sum(clogged, (load) => load.settling)
    return said(
      workflow,
      'database_settle',
      `The database: ${count(settling, 'outcome')} wait to be written, so nothing new is started.`,
      'see the log for settle.failed; check locks and load of the database',
    )
  }
  if (sum(loads, (load) => load.slots) === 0) {
    return said(workflow, 'workers_starting', `No worker is ready yet; ${queued} queued.`)
  }
  const isHeld = loads.every((load) => HOLDS.has(load.reason))
  if (isHeld || busy >= BUSY_SHARE * limit) return limitVerdict(own, loads)
  const held = hostVerdict(own, loads)
  if (held !== null) return held
  if (queued > 0) {
    return said(
      workflow,
      'database_lease',
      `Leasing: ${busy} of ${limit} in flight although ${queued} are queued.`,
      'the database answers slowly or the node is not sure of its leases; see the log',
    )
  }
  if (delayed > 0 && busy === 0) {
    return said(
      workflow,
      'delayed',
      `${count(delayed)} wait for a retry or for their time; nothing else is queued.`,
    )
  }
  return said(workflow, 'queue_empty', `The queue is empty; the last ${processing} are in flight.`)
}
