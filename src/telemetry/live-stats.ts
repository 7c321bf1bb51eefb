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
import { createLaneTable } from './lane-table.js'
import { clusterWork, heardOthers, ownReport } from './live-cluster.js'
import type { LiveInput } from './live-input.js'
import { type LaneHold, laneReadings, lanesState } from './live-lanes.js'
import { readCounters, round } from './live-readings.js'
import { rolloutsState } from './live-rollouts.js'
import { nodesState, rates, statsState, workflowsState } from './live-states.js'
import type { AuditFigures, HistoryPoint, LiveStates } from './live-topics.js'
import type { HeardReport, LaneReading, NodeReport } from './node-report.js'
import {
  INITIAL_NODE_STATUS,
  type NodeStatus,
  type Readiness,
  readinessOf,
  statusAfter,
} from './node-status.js'
import type { Pulse } from './process-pulse.js'
import { createRateWindow } from './rate-window.js'
import { createRecentEvents, type HeardEvent, type RecentEvents } from './recent-events.js'
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
  /** Takes what nodes said of themselves at their last heartbeats; every few seconds. */
  readonly setHeard: (heard: readonly HeardReport[]) => void
  /** Takes what the rest of the cluster has told; every few seconds. */
  readonly setHeardEvents: (events: readonly HeardEvent[]) => void
  /** From where it is known what this node has in hand for its lanes. */
  readonly setLaneHolds: (read: () => readonly LaneHold[]) => void
  /** What this node tells the others with its next heartbeat. */
  readonly report: () => NodeReport
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
  /** Watches this process. @default nobody does */
  readonly pulse?: Pulse | null
}): LiveStats {
  const { clock, counters, pulse = null } = options
  const workers = createWorkerTable(clock)
  const events = createRecentEvents(clock)
  const history = createHistory()
  const lanes = createLaneTable(clock)
  const input = initialInput(clock, counters, workers)
  let rollouts: LiveStates['rollouts'] = {}
  let laneHolds: () => readonly LaneHold[] = () => []
  let cancelTimer: CancelTimer | null = null

  const readLanes = () => laneReadings(lanes.read(), laneHolds())
  const sample = () => {
    input.nowMs = clock.nowMs()
    input.pulse = pulse?.read() ?? input.pulse
    input.counterWindow.push(input.nowMs, readCounters(counters))
    history.push(Math.round((input.nowMs - input.startedMs) / 1_000), historyPoint(input))
  }
  const sampleAgain = () => {
    sample()
    cancelTimer = clock.setTimer(SAMPLE_INTERVAL_MS, sampleAgain)
  }

  return {
    workers,
    onEvent: (event) => {
      // The most frequent event changes nothing here; it is let go first.
      if (event.name === 'item.dispatched') return
      lanes.onEvent(event)
      observeEvent(event, { input, clock, workers, events })
    },
    setFigures: (figures) => takeFigures(input, figures, clock.nowMs()),
    setRollouts: (read) => {
      rollouts = rolloutsState(read)
    },
    // The report of an audit has more to tell, with lists and nulls that a state must not hold.
    setAudit: ({ lost, appliedTwice, fetchedAgain }) => {
      input.audit = { lost, appliedTwice, fetchedAgain }
    },
    setHeard: (heard) => {
      input.heard = heard
      input.heardAtMs = clock.nowMs()
    },
    setHeardEvents: events.onHeard,
    setLaneHolds: (read) => {
      laneHolds = read
    },
    report: () => {
      input.nowMs = clock.nowMs()
      return ownReport(input, readLanes())
    },
    sample,
    states: () => {
      input.nowMs = clock.nowMs()
      const more = { rollouts, events: events.read(), history: history.read() }
      return statesOf(input, { ownLanes: readLanes(), wallMs: clock.wallMs(), ...more })
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
      pulse?.stop()
    },
  }
}

function statesOf(
  input: LiveInput,
  parts: Pick<LiveStates, 'rollouts' | 'events' | 'history'> & {
    readonly ownLanes: readonly LaneReading[]
    readonly wallMs: number
  },
): LiveStates {
  const { ownLanes, wallMs, ...states } = parts
  const nodes = { own: ownReport(input, ownLanes), others: heardOthers(input) }
  return {
    ...states,
    stats: statsState(input, nodes),
    workflows: workflowsState(input, nodes),
    nodes: nodesState(input, nodes),
    lanes: lanesState(lanesOfAll(ownLanes, nodes.others), wallMs),
  }
}

/** Lanes of each node; times until they open are brought up to now. */
function lanesOfAll(
  own: readonly LaneReading[],
  others: readonly HeardReport[],
): readonly (readonly LaneReading[])[] {
  const heard = others.map(({ report, ageMs }) =>
    report.lanes.map(({ opensInMs, ...lane }) => ({
      ...lane,
      opensInMs: opensInMs === null ? null : Math.max(0, opensInMs - ageMs),
    })),
  )
  return [own, ...heard]
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
    heard: [],
    heardAtMs: clock.nowMs(),
    pulse: { memoryBytes: 0, eventLoopDelayMs: 0 },
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
  const { slots, durations } = clusterWork(ownReport(input, []), heardOthers(input))
  return [round(finished, 2), round(errors, 2), slots.active, durations.p95Ms ?? -1]
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
