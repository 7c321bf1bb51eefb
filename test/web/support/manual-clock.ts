import type { Clock } from '../../../src/core/clock.js'

interface Timer {
  readonly dueMs: number
  readonly fire: () => void
}

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time on and fires what falls due, in order. */
  readonly advance: (durationMs: number) => void
  /** Timers that wait. */
  readonly pending: () => number
}

export function createManualClock(wallStartMs = Date.parse('2026-11-22T10:00:00Z')): ManualClock {
  let nowMs = 1_000
  const timers = new Set<Timer>()
  const earliest = (untilMs: number) =>
    [...timers].filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0]
  return {
    nowMs: () => nowMs,
    wallMs: () => wallStartMs + nowMs,
    setTimer: (delayMs, fire) => {
      const timer = { dueMs: nowMs + delayMs, fire }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: (durationMs) => {
      const untilMs = nowMs + durationMs
      for (let timer = earliest(untilMs); timer !== undefined; timer = earliest(untilMs)) {
        timers.delete(timer)
        nowMs = Math.max(nowMs, timer.dueMs)
        timer.fire()
      }
      nowMs = untilMs
    },
    pending: () => timers.size,
  }
}
