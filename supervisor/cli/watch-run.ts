// Watches a finite run from its start until none of its items is open, or until it ends early.

import type { Clock } from '../../src/core/clock.js'
import { OWN_PAUSES } from '../../src/core/own-pauses.js'
import type { Sql } from '../../src/store/client.js'
import { classifyFault } from '../../src/store/client.js'
import type { RunProgress } from '../../src/store/runs.js'
import { readRunProgress } from '../../src/store/runs.js'
import { findWorkflow } from '../../src/store/workflows.js'
import { totalOf, workflowCounters } from '../../src/telemetry/counters.js'
import type { RunningNode } from '../node.js'
import { createProgressDisplay } from './progress.js'
import type { Streams } from './streams.js'

export interface WatchRequest {
  readonly node: RunningNode
  readonly sql: Sql
  readonly runId: number
  readonly workflow: string
  readonly streams: Streams
  readonly clock: Clock
  /** Whether items may still join the run. */
  readonly isFed: () => boolean
}

export type WatchEnd =
  | { readonly cause: 'done' }
  | { readonly cause: 'fenced' }
  | { readonly cause: 'stopped' }
  /** The workflow was paused by the program itself: `reason` says why. */
  | { readonly cause: 'paused'; readonly reason: string }
  /** The budget pays for no further call, and nothing is under way. */
  | { readonly cause: 'budget' }

export interface Watched {
  readonly end: WatchEnd
  readonly progress: RunProgress
  readonly durationMs: number
  /** Share of the slots that held an item, 0 to 1, while there was work. */
  readonly slotUtilisation: number
}

const LOOK_EVERY_MS = 250
/** A node that is waiting for the ledger to catch up looks broke for a moment. */
const BROKE_MS = 4_000
/** The pause is at least this many times as long as the look took, so that looking stays cheap. */
const REST_FACTOR = 10

interface Look {
  readonly progress: RunProgress
  readonly pausedBy: readonly string[]
}

/** Watches until the run ends. The node is not stopped here, whatever the end is. */
export async function watchRun(request: WatchRequest): Promise<Watched> {
  const { node, clock, streams } = request
  const display = createProgressDisplay(streams.stderr)
  const startedMs = clock.nowMs()
  const busy = { inFlight: 0, slots: 0 }
  let look: Look = { progress: { total: 0, open: 0 }, pausedBy: [] }
  let isSeen = false
  let brokeSinceMs: number | null = null
  let stopped: WatchEnd | null = null
  const ending = node.stopped.then((reason) => {
    stopped = reason === 'fenced' ? { cause: 'fenced' } : { cause: 'stopped' }
  })
  for (;;) {
    const lookedMs = clock.nowMs()
    // Read before the progress: counters must not be ahead of it, and the end must be behind it.
    const own = ownFigures(request)
    const isFed = request.isFed()
    const early = stopped
    const seen = await lookAt(request)
    if (seen !== null) look = seen
    isSeen ||= seen !== null
    const nowMs = clock.nowMs()
    const state = { isAway: seen === null, isFed, isDraining: node.supervisor.state === 'draining' }
    const load = { ...look.progress, ...own, note: noteOf(look, state) }
    if (node.supervisor.state === 'running' && load.open > 0) {
      busy.inFlight += Math.min(load.inFlight, load.slots)
      busy.slots += load.slots
    }
    display.show(load, nowMs)
    brokeSinceMs = own.isBroke ? (brokeSinceMs ?? nowMs) : null
    const isBroke = brokeSinceMs !== null && nowMs - brokeSinceMs >= BROKE_MS
    const end = (isSeen ? endOf(look, { isBroke, isFed }) : null) ?? early
    if (end !== null) {
      display.clear()
      const slotUtilisation = busy.slots === 0 ? 0 : busy.inFlight / busy.slots
      return { end, progress: look.progress, durationMs: nowMs - startedMs, slotUtilisation }
    }
    await rest(clock, Math.max(LOOK_EVERY_MS, REST_FACTOR * (nowMs - lookedMs)), ending)
  }
}

/** Waits, but not past the end of the node. */
async function rest(clock: Clock, delayMs: number, ending: Promise<void>): Promise<void> {
  let cancel = () => {}
  const pause = new Promise<void>((resolve) => {
    cancel = clock.setTimer(delayMs, resolve)
  })
  await Promise.race([pause, ending])
  cancel()
}

/** How the run stands; null while the database is away, which the node survives and so do we. */
async function lookAt(request: WatchRequest): Promise<Look | null> {
  const { sql, runId, workflow } = request
  try {
    const progress = await readRunProgress(sql, runId)
    const row = await findWorkflow(sql, workflow)
    return { progress, pausedBy: row?.pausedBy ?? [] }
  } catch (error) {
    if (classifyFault(error) === 'transient') return null
    throw error
  }
}

/** Waiting lifts none of our own pauses. Others are an operator's, who may lift them again. */
function endOf(
  { progress, pausedBy }: Look,
  { isBroke, isFed }: { readonly isBroke: boolean; readonly isFed: boolean },
): WatchEnd | null {
  if (progress.open === 0 && !isFed) return { cause: 'done' }
  if (isBroke) return { cause: 'budget' }
  const own = pausedBy.find((reason) => OWN_PAUSES.some((one) => one === reason))
  return own === undefined ? null : { cause: 'paused', reason: own }
}

function ownFigures({ node, workflow }: WatchRequest) {
  const { settled } = workflowCounters(node.telemetry.counters, workflow)
  const loads = node.supervisor.loads()
  return {
    ok: totalOf(settled.complete),
    failed: totalOf(settled.discard),
    inFlight: loads.reduce((sum, load) => sum + load.inFlight, 0),
    slots: loads.reduce((sum, load) => sum + load.slots, 0),
    isBroke: loads.some(({ reason, inFlight, settling }) => {
      return reason === 'budget' && inFlight === 0 && settling === 0
    }),
  }
}

function noteOf(
  look: Look,
  state: { isAway: boolean; isDraining: boolean; isFed: boolean },
): string | null {
  if (state.isDraining) return 'draining'
  if (state.isAway) return 'the database does not answer'
  if (look.pausedBy.length > 0) return `paused by ${look.pausedBy.join(', ')}`
  return state.isFed ? 'more is coming' : null
}
