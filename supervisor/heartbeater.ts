// The heartbeater: extends the node, and with it all its leases; knows whether they may be
// believed.

import type { CancelTimer, Clock, MonotonicMs } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import type { HeartbeatTiming } from '../src/core/heartbeat-plan.js'
import { fencingRule, planHeartbeat, trustedUntilMs } from '../src/core/heartbeat-plan.js'
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
  /** Leases may be believed again: what was held back may start. */
  readonly onTrustRegained: () => void
}

export interface Heartbeater {
  /** @param registeredMs when the statement that made the node was sent. */
  readonly start: (registeredMs: number) => void
  readonly stop: () => Promise<void>
  /**
   * Whether our leases may be believed right now. When not, nothing new is started; what is under
   * way goes on, because the database may still say that the leases are ours, and it decides.
   */
  readonly isTrusted: () => boolean
}

/** Wait before another try when a heartbeat failed. */
const RETRY_MS = 500

/** The trust in the node's leases: renewed by heartbeats, lost by the clock. */
interface Trust {
  readonly lastSentMs: () => MonotonicMs
  readonly isTrusted: () => boolean
  /** A heartbeat that was sent at this time was answered. */
  readonly renew: (sentMs: MonotonicMs) => void
  readonly note: () => void
  readonly stop: () => void
}

type TrustDeps = Pick<HeartbeaterDeps, 'clock' | 'events' | 'timing' | 'onTrustRegained'>

function createTrust({ clock, events, timing, onTrustRegained }: TrustDeps): Trust {
  let lastSentMs = clock.nowMs()
  let lostMs: MonotonicMs | null = null
  let cancelWatch: CancelTimer = () => {}
  let isStopped = false
  const untilMs = () => trustedUntilMs(timing, lastSentMs)
  const isTrusted = () => clock.nowMs() < untilMs()
  const note = () => {
    const nowMs = clock.nowMs()
    if (!isTrusted()) {
      if (lostMs === null) events.emit('node.trust_lost', { overdueMs: nowMs - untilMs() })
      lostMs ??= nowMs
    } else if (lostMs !== null) {
      events.emit('node.trust_regained', { awayMs: nowMs - lostMs })
      lostMs = null
      onTrustRegained()
    }
  }
  return {
    lastSentMs: () => lastSentMs,
    isTrusted,
    renew: (sentMs) => {
      lastSentMs = sentMs
      note()
      // A beat may hang without an answer: the end of trust is noticed by the clock.
      cancelWatch()
      if (isStopped) return
      cancelWatch = clock.setTimer(Math.max(0, untilMs() - clock.nowMs()), note)
    },
    note,
    stop: () => {
      isStopped = true
      cancelWatch()
    },
  }
}

export function createHeartbeater(deps: HeartbeaterDeps): Heartbeater {
  const { clock, events, timing, nodeId } = deps
  const trust = createTrust(deps)
  const { gapMs } = fencingRule(timing)

  const beat = async (): Promise<number> => {
    const sentMs = clock.nowMs()
    const { leaseMs, intervalMs } = timing
    const isOurs = await deps.store.sendHeartbeat({ nodeId, leaseMs, gapMs, stats: deps.stats() })
    if (!isOurs) {
      deps.onFenced()
      return intervalMs
    }
    events.emit('heartbeat.sent', { durationMs: clock.nowMs() - sentMs })
    trust.renew(sentMs)
    // After a slow answer the next beat is due earlier, perhaps now: trust counts from the sending.
    return Math.max(0, sentMs + intervalMs - clock.nowMs())
  }

  const ticker = createTicker(clock, async () => {
    const plan = planHeartbeat(timing, trust.lastSentMs(), clock.nowMs())
    if (plan.action === 'wait') return plan.delayMs
    try {
      return await beat()
    } catch (error) {
      events.emit('heartbeat.failed', { message: messageOf(error) })
      trust.note()
      return RETRY_MS
    }
  })
  return {
    start: (registeredMs) => {
      trust.renew(registeredMs)
      ticker.start()
    },
    stop: async () => {
      // First: a heartbeat that hangs would keep the watch, and with it the process, for a lease.
      trust.stop()
      await ticker.stop()
    },
    isTrusted: trust.isTrusted,
  }
}
