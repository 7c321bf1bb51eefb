// Judges the whole cluster every few seconds, on the one node that has the turn at it. It decides
// nothing (`src/core/alert-plan.ts` does) and holds nothing: states stand in the database, so that
// an alert which was raised by a node that died is cleared by the next.

import { planAlerts } from '../src/core/alert-plan.js'
import type { Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import type { AlertStore } from '../src/store/alerts.js'
import type { EventBus } from '../src/telemetry/events.js'
import { createTicker } from './ticker.js'

export interface AlertWatch {
  readonly start: () => void
  /** Lets the judging under way end and gives the turn to others. */
  readonly stop: () => Promise<void>
}

export interface AlertWatchDeps {
  readonly store: Pick<
    AlertStore,
    'takeTurn' | 'endTurn' | 'takeSamples' | 'readMeasures' | 'readAlerts' | 'apply'
  >
  readonly nodeId: string
  readonly clock: Clock
  readonly events: EventBus
  /** @default 5_000 */
  readonly intervalMs?: number
}

const INTERVAL_MS = 5_000
/** The pause is at least this many times as long as judging took, so that it stays cheap. */
const REST_FACTOR = 20

/** Judges once. */
async function judge({ store, nodeId, events }: AlertWatchDeps): Promise<void> {
  await store.takeSamples()
  // The states first: what they were read with proves the change, whatever is read after them.
  const stored = await store.readAlerts()
  const changes = planAlerts(await store.readMeasures(), stored)
  if (changes.length === 0) return
  for (const change of await store.apply({ nodeId, changes })) {
    const { alert, subject, level: severity, message, told } = change
    if (told === null) continue
    events.emit(`alert.${told}`, { alert, subject, severity, message })
  }
}

export function createAlertWatch(deps: AlertWatchDeps): AlertWatch {
  const { store, nodeId, clock, events, intervalMs = INTERVAL_MS } = deps
  let hadTurn = false
  const ticker = createTicker(clock, async () => {
    const startedMs = clock.nowMs()
    try {
      hadTurn = await store.takeTurn(nodeId)
      if (hadTurn) await judge(deps)
    } catch (error) {
      events.emit('alert.judging_failed', { message: messageOf(error) })
    }
    return Math.max(intervalMs, REST_FACTOR * (clock.nowMs() - startedMs))
  })
  return {
    start: ticker.start,
    stop: async () => {
      await ticker.stop()
      // Without it the turn is free after a while.
      if (hadTurn) await store.endTurn(nodeId).catch(() => {})
    },
  }
}
