// The housekeeper: folds counts, makes the receipts' partitions ahead of time, forgets what is too
// old to be known, looks how many connections the database has left, and has a remover for what is
// kept for so many days.

import type { Clock } from '../src/core/clock.js'
import { isCrowded } from '../src/core/connection-use.js'
import { messageOf } from '../src/core/errors.js'
import type { Store } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'
import { createRemover, type Keep } from './remover.js'
import { createTicker } from './ticker.js'

export interface Housekeeper {
  readonly start: () => void
  readonly stop: () => Promise<void>
  /** Whether the database had few connections left at the last look. */
  readonly isDatabaseCrowded: () => boolean
}

const INTERVAL_MS = 10_000
/** Tallies folded by one statement. */
const FOLD_ROWS_MAX = 10_000

export function createHousekeeper(deps: {
  readonly store: Store
  readonly nodeId: string
  readonly keep: Keep
  readonly clock: Clock
  readonly events: EventBus
}): Housekeeper {
  let wasCrowded = false
  const look = async () => {
    const use = await deps.store.readConnections()
    deps.events.emit('database.connections', { ...use, isCrowded: isCrowded(use), wasCrowded })
    wasCrowded = isCrowded(use)
  }
  const ticker = createTicker(deps.clock, async () => {
    const startedMs = deps.clock.nowMs()
    try {
      await look()
      const partitions = await deps.store.ensureReceiptPartitions()
      const tallies = await deps.store.foldTallies(FOLD_ROWS_MAX)
      const spend = await deps.store.foldSpend(FOLD_ROWS_MAX)
      const ends = await deps.store.foldEndTally(FOLD_ROWS_MAX)
      const foldedRows = tallies + spend + ends + (await deps.store.foldCohorts(FOLD_ROWS_MAX))
      await deps.store.forgetOldFailures(FOLD_ROWS_MAX)
      const durationMs = deps.clock.nowMs() - startedMs
      deps.events.emit('housekeeping.done', { foldedRows, partitions, durationMs })
    } catch (error) {
      deps.events.emit('housekeeping.failed', { message: messageOf(error) })
    }
    return INTERVAL_MS
  })
  const { store, ...rest } = deps
  const remover = createRemover({ chores: store.chores, ...rest })
  return {
    start: () => {
      ticker.start()
      remover.start()
    },
    stop: async () => {
      await Promise.all([ticker.stop(), remover.stop()])
    },
    isDatabaseCrowded: () => wasCrowded,
  }
}
