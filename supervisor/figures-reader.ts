// Reads the cluster's figures about once a second for whoever watches, and the audit now and then.

import type { Clock } from '../src/core/clock.js'
import type { ClusterFigures } from '../src/core/figures.js'
import { createTicker } from './ticker.js'

export interface FiguresReader {
  readonly start: () => void
  readonly stop: () => Promise<void>
}

const INTERVAL_MS = 1_000
/** The pause is at least this many times as long as the reading took, so that reading stays cheap. */
const REST_FACTOR = 20

export function createFiguresReader(deps: {
  readonly clock: Clock
  readonly read: () => Promise<ClusterFigures>
  readonly onFigures: (figures: ClusterFigures) => void
}): FiguresReader {
  const ticker = createTicker(deps.clock, async () => {
    const startedMs = deps.clock.nowMs()
    try {
      deps.onFigures(await deps.read())
    } catch {
      // Old figures show their age; the heartbeat tells why the database does not answer.
    }
    return Math.max(INTERVAL_MS, REST_FACTOR * (deps.clock.nowMs() - startedMs))
  })
  return { start: ticker.start, stop: ticker.stop }
}
