// The state of topic `lanes`: the lanes that matter most, from what every node sees of them.

import type { HostLimit } from '../core/host-hold.js'
import { LIMITS } from '../core/limits.js'
import { createHistogram, mergeHistograms, quantileMs } from './histogram.js'
import type { LaneEnds } from './lane-table.js'
import { round, sum } from './live-readings.js'
import type { LaneState, LiveStates } from './live-topics.js'
import type { LaneReading } from './node-report.js'

/** What this node has in hand for a lane, and why it may not start more of it. */
export interface LaneHold {
  readonly workflow: string
  readonly lane: string
  readonly active: number
  readonly waiting: number
  /** Time until the next request may start; null while one has to end first. */
  readonly opensInMs: number | null
  readonly heldBy: HostLimit | null
}

/** Times of openings are told to a tenth of a second, so that they stand still. */
const OPENS_STEP_MS = 100

const keyOf = (of: { readonly workflow: string; readonly lane: string }) =>
  `${of.workflow} ${of.lane}`

const NO_ENDS = { perSecond: 0, outcomes: {}, durations: createHistogram().counts } as const
const NO_HOLD = { active: 0, waiting: 0, opensInMs: 0, heldBy: null } as const

/** Lanes of this node: how attempts at them ended, and what it has in hand for them. */
export function laneReadings(
  ends: readonly LaneEnds[],
  holds: readonly LaneHold[],
): readonly LaneReading[] {
  const readings = new Map<string, LaneReading>()
  for (const end of ends) readings.set(keyOf(end), { ...NO_HOLD, ...end })
  for (const hold of holds) {
    const known = readings.get(keyOf(hold)) ?? { ...NO_ENDS, breaker: 'closed' as const }
    readings.set(keyOf(hold), { ...known, ...hold })
  }
  return [...readings.values()]
}

const weightOf = (lane: Pick<LaneReading, 'active' | 'waiting' | 'perSecond' | 'breaker'>) =>
  lane.active + lane.waiting + lane.perSecond + (lane.breaker === 'closed' ? 0 : 1)

/** Those with most to do, or in trouble. */
export function heaviestLanes<
  Lane extends Pick<LaneReading, 'active' | 'waiting' | 'perSecond' | 'breaker' | 'lane'>,
>(lanes: readonly Lane[], most: number): readonly Lane[] {
  const heavy = [...lanes].sort(
    (a, b) => weightOf(b) - weightOf(a) || a.lane.localeCompare(b.lane, 'en'),
  )
  return heavy.slice(0, most)
}

/** @param nodes readings of each node, this one's among them. @param wallMs wall clock of now. */
export function lanesState(
  nodes: readonly (readonly LaneReading[])[],
  wallMs: number,
): LiveStates['lanes'] {
  const byLane = new Map<string, LaneReading[]>()
  for (const reading of nodes.flat()) {
    const told = byLane.get(keyOf(reading))
    if (told === undefined) byLane.set(keyOf(reading), [reading])
    else told.push(reading)
  }
  const merged = [...byLane.values()].flatMap((told) => mergedLane(told, wallMs) ?? [])
  const state: Record<string, Record<string, LaneState>> = {}
  const shown = heaviestLanes(merged, LIMITS.lanesShownMax)
  const inOrder = [...shown].sort((a, b) => keyOf(a).localeCompare(keyOf(b), 'en'))
  for (const { workflow, lane, ...own } of inOrder) {
    state[workflow] ??= {}
    const lanes = state[workflow]
    lanes[lane] = own
  }
  return state
}

type MergedLane = LaneState & { readonly workflow: string; readonly lane: string }

function mergedLane(told: readonly LaneReading[], wallMs: number): MergedLane | null {
  const [first] = told
  if (first === undefined) return null
  const attempts = mergeHistograms(told.map(({ durations: counts }) => histogramOf(counts)))
  const p95Ms = quantileMs(attempts, 0.95)
  const outcomes: Record<string, number> = {}
  for (const reading of told) {
    for (const [code, count] of Object.entries(reading.outcomes)) {
      outcomes[code] = (outcomes[code] ?? 0) + count
    }
  }
  const { breaker } = told.find((reading) => reading.breaker !== 'closed') ?? first
  return {
    workflow: first.workflow,
    lane: first.lane,
    nodes: told.length,
    active: sum(told, (reading) => reading.active),
    waiting: sum(told, (reading) => reading.waiting),
    perSecond: round(
      sum(told, (reading) => reading.perSecond),
      2,
    ),
    outcomes,
    ...(p95Ms === undefined ? {} : { p95Ms: Math.round(p95Ms) }),
    ...heldOf(told, wallMs),
    breaker,
  }
}

/** What keeps the lane from being asked, unless some node may ask it now. */
function heldOf(
  told: readonly LaneReading[],
  wallMs: number,
): Pick<LaneState, 'opensAtMs' | 'heldBy'> {
  const held = told.filter((reading) => reading.heldBy !== null)
  const laterMs = (one: LaneReading) => one.opensInMs ?? Number.MAX_SAFE_INTEGER
  const [soonest] = [...held].sort((a, b) => laterMs(a) - laterMs(b))
  if (soonest === undefined || soonest.heldBy === null) return {}
  const { heldBy, opensInMs } = soonest
  if (held.length < told.filter((one) => one.active + one.waiting > 0).length) return {}
  const opensAtMs = Math.ceil((wallMs + (opensInMs ?? 0)) / OPENS_STEP_MS) * OPENS_STEP_MS
  return { heldBy, ...(opensInMs === null || opensInMs === 0 ? {} : { opensAtMs }) }
}

export function histogramOf(counts: readonly number[]) {
  const count = sum(counts, (attempts) => attempts)
  return { counts, sumMs: 0, count }
}
