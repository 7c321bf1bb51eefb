// What happened at each lane within the last minute: a host, or the upstream as a whole. Lanes are
// as many as the world has hosts, so that those nobody hears of any more are forgotten.

import type { BreakerState } from '../core/breaker-plan.js'
import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { OutcomeCode } from '../core/outcome.js'
import type { Counts } from './counters.js'
import type { AnyEvent, EventOf } from './events.js'
import { createHistogram, type Histogram, mergeHistograms, observe } from './histogram.js'
import { UPSTREAM_LANE } from './live-topics.js'

/** Attempts are kept in two halves of a minute: the present one, and the one before. */
const HALF_MS = 30_000

interface Half {
  readonly outcomes: Counts<OutcomeCode>
  readonly durations: Histogram
}

interface Row {
  readonly workflow: string
  readonly lane: string
  now: Half
  before: Half
  breaker: BreakerState
  /** End of the last cool-down. */
  openUntilMs: MonotonicMs
}

/** What the attempts at one lane tell. */
export interface LaneEnds {
  readonly workflow: string
  readonly lane: string
  readonly perSecond: number
  readonly outcomes: Counts<OutcomeCode>
  /** Attempts by bucket of their time, as in a histogram. */
  readonly durations: readonly number[]
  readonly breaker: BreakerState
}

export interface LaneTable {
  readonly onEvent: (event: AnyEvent) => void
  readonly read: () => readonly LaneEnds[]
}

export function createLaneTable(clock: Clock): LaneTable {
  /** The one heard of longest ago first. */
  const rows = new Map<string, Row>()
  const turn = { startedMs: clock.nowMs(), halfMs: clock.nowMs() }
  const rowOf = (workflow: string, lane: string): Row => {
    const key = `${workflow} ${lane}`
    const row = rows.get(key) ?? newRow(workflow, lane)
    rows.delete(key)
    rows.set(key, row)
    if (rows.size > LIMITS.lanesCountedMax) forgetFirst(rows)
    return row
  }
  const rotate = () => {
    const nowMs = clock.nowMs()
    const halves = Math.floor((nowMs - turn.halfMs) / HALF_MS)
    if (halves < 1) return
    turn.halfMs += halves * HALF_MS
    for (const [key, row] of rows) {
      row.before = halves === 1 ? row.now : half()
      row.now = half()
      // One whose cool-down is over is left alone no longer, whether anybody asks it or not.
      const isOpen = row.breaker !== 'closed' && nowMs < row.openUntilMs
      if (row.before.durations.count === 0 && !isOpen) rows.delete(key)
    }
  }
  return {
    onEvent: (event) => {
      if (event.name === 'item.settled') {
        if (event.lane === '' || event.state === 'release') return
        rotate()
        count(rowOf(event.workflow, event.lane), event)
      } else if (event.name === 'breaker.changed') {
        const row = rowOf(event.workflow, event.lane === '' ? UPSTREAM_LANE : event.lane)
        row.breaker = event.state
        row.openUntilMs = clock.nowMs() + event.coolDownMs
      }
    },
    read: () => {
      rotate()
      const nowMs = clock.nowMs()
      const seconds = spanSeconds(turn, nowMs)
      return [...rows.values()].map((row) => endsOf(row, seconds, nowMs))
    },
  }
}

function newRow(workflow: string, lane: string): Row {
  return { workflow, lane, now: half(), before: half(), breaker: 'closed', openUntilMs: 0 }
}

function half(): Half {
  return { outcomes: {}, durations: createHistogram() }
}

/** The time that both halves cover; at first less, for the program is younger. */
function spanSeconds(
  turn: { readonly startedMs: MonotonicMs; readonly halfMs: MonotonicMs },
  nowMs: MonotonicMs,
): number {
  const sinceMs = Math.max(turn.startedMs, turn.halfMs - HALF_MS)
  return Math.max(1, (nowMs - sinceMs) / 1_000)
}

function count({ now }: Row, event: EventOf<'item.settled'>): void {
  now.outcomes[event.code] = (now.outcomes[event.code] ?? 0) + 1
  observe(now.durations, event.durationMs)
}

function endsOf(row: Row, seconds: number, nowMs: MonotonicMs): LaneEnds {
  const { workflow, lane, now, before, openUntilMs } = row
  const isOver = row.breaker === 'open' && nowMs >= openUntilMs
  const breaker = isOver ? 'half-open' : row.breaker
  const { counts, count: attempts } = mergeHistograms([before.durations, now.durations])
  const outcomes: Counts<OutcomeCode> = { ...before.outcomes }
  let code: OutcomeCode
  for (code in now.outcomes) outcomes[code] = (outcomes[code] ?? 0) + (now.outcomes[code] ?? 0)
  const perSecond = Math.round((100 * attempts) / seconds) / 100
  return { workflow, lane, perSecond, outcomes, durations: counts, breaker }
}

function forgetFirst(rows: Map<string, Row>): void {
  const [first] = rows.keys()
  if (first !== undefined) rows.delete(first)
}
