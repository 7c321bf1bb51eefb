// The housekeeper: folds counts, makes the receipts' partitions ahead of time, and forgets what is
// too old to be known.

import type { Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import type { Store } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'
import { createTicker } from './ticker.js'

export interface Housekeeper {
  readonly start: () => void
  readonly stop: () => Promise<void>
}

const INTERVAL_MS = 10_000
/** Tallies folded by one statement. */
const FOLD_ROWS_MAX = 10_000

export function createHousekeeper(deps: {
  readonly store: Store
  readonly clock: Clock
  readonly events: EventBus
}): Housekeeper {
  const ticker = createTicker(deps.clock, async () => {
    const startedMs = deps.clock.nowMs()
    try {
      const partitions = await deps.store.ensureReceiptPartitions()
      const tallies = await deps.store.foldTallies(FOLD_ROWS_MAX)
      const spend = await deps.store.foldSpend(FOLD_ROWS_MAX)
      const foldedRows = tallies + spend + (await deps.store.foldCohorts(FOLD_ROWS_MAX))
      await deps.store.forgetOldFailures(FOLD_ROWS_MAX)
      const durationMs = deps.clock.nowMs() - startedMs
      deps.events.emit('housekeeping.done', { foldedRows, partitions, durationMs })
    } catch (error) {
      deps.events.emit('housekeeping.failed', { message: messageOf(error) })
    }
    return INTERVAL_MS
  })
  return { start: ticker.start, stop: ticker.stop }
}
