// Reads the cluster's figures about once a second for whoever watches, and the audit now and then.

import type { Clock } from '../src/core/clock.js'
import { createTicker } from './ticker.js'

export interface FiguresReader {
  readonly start: () => void
  readonly stop: () => Promise<void>
}

/** How often something is read, and how much of the time reading may take. */
export interface ReadingPace {
  readonly intervalMs: number
  /**
   * The pause is at least this many times as long as the reading took, so that reading stays cheap.
   */
  readonly restFactor: number
}

export const FIGURES_PACE: ReadingPace = { intervalMs: 1_000, restFactor: 20 }
/** Of what nodes say at their heartbeats, which come every few seconds. */
export const REPORTS_PACE: ReadingPace = { intervalMs: 2_000, restFactor: 20 }
export const AUDIT_PACE: ReadingPace = { intervalMs: 10_000, restFactor: 100 }

export function createFiguresReader<Figures>(deps: {
  readonly clock: Clock
  readonly pace: ReadingPace
  readonly read: () => Promise<Figures>
  readonly onFigures: (figures: Figures) => void
}): FiguresReader {
  const { clock, pace } = deps
  const ticker = createTicker(clock, async () => {
    const startedMs = clock.nowMs()
    try {
      deps.onFigures(await deps.read())
    } catch {
      // Old figures show their age; the heartbeat tells why the database does not answer.
    }
    return Math.max(pace.intervalMs, pace.restFactor * (clock.nowMs() - startedMs))
  })
  return { start: ticker.start, stop: ticker.stop }
}
