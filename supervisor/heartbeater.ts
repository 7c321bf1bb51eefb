// The heartbeater: extends the node, and with it all its leases; knows whether they may be believed.

import type { Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import type { HeartbeatTiming } from '../src/core/heartbeat-plan.js'
import { planHeartbeat, trustedUntilMs } from '../src/core/heartbeat-plan.js'
import type { Json } from '../src/core/outcome.js'
import type { Store } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'
import { createTicker } from './ticker.js'

export interface HeartbeaterDeps {
  readonly store: Store
  readonly nodeId: string
  readonly clock: Clock
  readonly events: EventBus
  readonly timing: HeartbeatTiming
  readonly stats: () => Json
  /** The node is fenced: abort everything, write nothing. */
  readonly onFenced: () => void
}

export interface Heartbeater {
  /** @param registeredMs when the statement that made the node was sent. */
  readonly start: (registeredMs: number) => void
  readonly stop: () => Promise<void>
  /**
   * Whether our leases may be believed right now. When not, nothing new is started; what is under way
   * goes on, because the database may still say that the leases are ours, and it decides.
   */
  readonly isTrusted: () => boolean
}

/** Wait before another try when a heartbeat failed. */
const RETRY_MS = 500

export function createHeartbeater(deps: HeartbeaterDeps): Heartbeater {
  const { clock, events, timing } = deps
  let lastSentMs = clock.nowMs()
  let lostTrustMs: number | null = null

  const isTrusted = () => clock.nowMs() < trustedUntilMs(timing, lastSentMs)

  const noteTrust = () => {
    const nowMs = clock.nowMs()
    if (isTrusted()) {
      if (lostTrustMs !== null) events.emit('node.trust_regained', { awayMs: nowMs - lostTrustMs })
      lostTrustMs = null
    } else if (lostTrustMs === null) {
      lostTrustMs = nowMs
      events.emit('node.trust_lost', { overdueMs: nowMs - trustedUntilMs(timing, lastSentMs) })
    }
  }

  const beat = async (): Promise<number> => {
    const sentMs = clock.nowMs()
    const { nodeId } = deps
    const isOurs = await deps.store.sendHeartbeat({
      nodeId,
      leaseMs: timing.leaseMs,
      stats: deps.stats(),
    })
    if (!isOurs) {
      deps.onFenced()
      return timing.intervalMs
    }
    lastSentMs = sentMs
    events.emit('heartbeat.sent', { durationMs: clock.nowMs() - sentMs })
    noteTrust()
    return timing.intervalMs
  }

  const ticker = createTicker(clock, async () => {
    const plan = planHeartbeat(timing, lastSentMs, clock.nowMs())
    if (plan.action === 'wait') return plan.delayMs
    try {
      return await beat()
    } catch (error) {
      events.emit('heartbeat.failed', { message: messageOf(error) })
      noteTrust()
      return RETRY_MS
    }
  })
  return {
    start: (registeredMs) => {
      lastSentMs = registeredMs
      ticker.start()
    },
    stop: ticker.stop,
    isTrusted,
  }
}
