// Counters, the cluster's figures and the worker table, turned into the states of the live topics.
//
// Rates and totals of items come from the database and are the cluster's; attempts, requests, codes
// and durations come from this node's counters. Everything is read, nothing is decided here.

import type { CancelTimer, Clock, MonotonicMs } from '../core/clock.js'
import type { Rollout } from '../core/cohort-figures.js'
import type { ClusterFigures } from '../core/figures.js'
import { LIMITS } from '../core/limits.js'
import type { Counters } from './counters.js'
import type { AnyEvent } from './events.js'
import { type LiveInput, STEADY_WINDOW_MS } from './live-input.js'
import { durationsOf, readCounters, round } from './live-readings.js'
import { rolloutsState } from './live-rollouts.js'
import { nodesState, rates, statsState, workflowsState } from './live-states.js'
import type { AuditFigures, HistoryPoint, LiveStates } from './live-topics.js'
import {
  INITIAL_NODE_STATUS,
  type NodeStatus,
  type Readiness,
  readinessOf,
  statusAfter,
} from './node-status.js'
import { createRateWindow } from './rate-window.js'
import { createRecentEvents, type RecentEvents } from './recent-events.js'
import { createWorkerTable, type WorkerTable } from './worker-table.js'

const HISTORY_WINDOW_MS = 5_000
const SAMPLE_INTERVAL_MS = 1_000
/** Readings closer together than this replace nothing and add nothing to a rate. */
const READING_INTERVAL_MIN_MS = 500
/** A steady window of readings at the closest interval, and some. */
const READINGS_MAX = 128

export interface LiveStats {
  readonly onEvent: (event: AnyEvent) => void
  /** Takes the cluster's figures; about once a second. */
  readonly setFigures: (figures: ClusterFigures) => void
  /** Takes what is set for each workflow and how its cohorts do; about once a second. */
  readonly setRollouts: (rollouts: readonly Rollout[]) => void
  /** Takes the findings of an audit, shown from then on. */
  readonly setAudit: (audit: AuditFigures) => void
  /** Takes a reading for rates and history. `start` does it once a second. */
  readonly sample: () => void
  readonly states: () => LiveStates
  readonly readiness: () => Readiness
  readonly status: () => NodeStatus
  readonly figures: () => ClusterFigures | null
  readonly workers: WorkerTable
  /** Starts sampling. Harmless when it runs. */
  readonly start: () => void
  /** Stops sampling. Harmless when it does not run. */
  readonly stop: () => void
}

/** @param options.counters fed with every event before `onEvent` of this is. */
export function createLiveStats(options: {
  readonly clock: Clock
  readonly counters: Counters
}): LiveStats {
  const { clock, counters } = options
  const workers = createWorkerTable(clock)
  const events = createRecentEvents(clock)
  const history = createHistory()
  const input = initialInput(clock, counters, workers)
  let rollouts: LiveStates['rollouts'] = {}
  let cancelTimer: CancelTimer | null = null

  const sample = () => {
    input.nowMs = clock.nowMs()
    input.counterWindow.push(input.nowMs, readCounters(counters))
    history.push(Math.round((input.nowMs - input.startedMs) / 1_000), historyPoint(input))
  }
  const sampleAgain = () => {
    sample()
    cancelTimer = clock.setTimer(SAMPLE_INTERVAL_MS, sampleAgain)
  }

  return {
    workers,
    onEvent: (event) => observeEvent(event, { input, clock, workers, events }),
    setFigures: (figures) => takeFigures(input, figures, clock.nowMs()),
    setRollouts: (read) => {
      rollouts = rolloutsState(read)
    },
    setAudit: (audit) => {
      input.audit = audit
    },
    sample,
    states: () => {
      input.nowMs = clock.nowMs()
      return {
        stats: statsState(input),
        workflows: workflowsState(input),
        rollouts,
        nodes: nodesState(input),
        events: events.read(),
        history: history.read(),
      }
    },
    readiness: () => readinessOf(input.status),
    status: () => input.status,
    figures: () => input.figures,
    start: () => {
      if (cancelTimer === null) sampleAgain()
    },
    stop: () => {
      cancelTimer?.()
      cancelTimer = null
    },
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

function initialInput(clock: Clock, counters: Counters, workers: WorkerTable): Writable<LiveInput> {
  return {
    nowMs: clock.nowMs(),
    startedMs: clock.nowMs(),
    startedWallMs: Math.round(clock.wallMs()),
    counters,
    status: INITIAL_NODE_STATUS,
    workers,
    figures: null,
    baseline: null,
    figuresAtMs: null,
    audit: null,
    clusterWindow: createRateWindow(READINGS_MAX),
    counterWindow: createRateWindow(READINGS_MAX),
  }
}

function observeEvent(
  event: AnyEvent,
  to: {
    readonly input: Writable<LiveInput>
    readonly clock: Clock
    readonly workers: WorkerTable
    readonly events: RecentEvents
  },
): void {
  // The two most frequent events change nothing here; they are let go first.
  if (event.name === 'item.dispatched') return
  to.events.onEvent(event)
  if (event.name === 'item.settled') return
  to.workers.onEvent(event)
  const now = { nowMs: to.clock.nowMs(), wallMs: to.clock.wallMs() }
  to.input.status = statusAfter(to.input.status, event, now)
}

function takeFigures(
  input: Writable<LiveInput>,
  figures: ClusterFigures,
  nowMs: MonotonicMs,
): void {
  const sinceMs = nowMs - (input.figuresAtMs ?? Number.NEGATIVE_INFINITY)
  if (sinceMs >= READING_INTERVAL_MIN_MS) {
    input.clusterWindow.push(nowMs, figures)
    input.figuresAtMs = nowMs
  }
  input.baseline ??= figures
  input.figures = figures
}

function historyPoint(input: LiveInput): HistoryPoint {
  const { finished, errors } = rates(input, HISTORY_WINDOW_MS) ?? { finished: -1, errors: -1 }
  const { p95Ms = -1 } = durationsOf(input.counterWindow.span(STEADY_WINDOW_MS))
  return [round(finished, 2), round(errors, 2), input.workers.slots().active, p95Ms]
}

/** The last points by second of uptime. The same object until a point is added. */
function createHistory() {
  const points: [second: string, point: HistoryPoint][] = []
  let state: LiveStates['history'] | null = {}
  return {
    push: (second: number, point: HistoryPoint) => {
      if (points.at(-1)?.[0] === String(second)) return
      points.push([String(second), point])
      if (points.length > LIMITS.historyPointsMax) points.shift()
      state = null
    },
    read: (): LiveStates['history'] => {
      state ??= Object.fromEntries(points)
      return state
    },
  }
}
