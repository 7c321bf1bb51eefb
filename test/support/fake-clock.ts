// Time that stands still until a test moves it.

import type { Clock } from '../../src/core/clock.js'

interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly fire: () => void
}

export interface FakeClock extends Clock {
  /** Moves time on, fires what falls due in order, and lets promises run after each timer. */
  readonly advance: (durationMs: number) => Promise<void>
  /** Moves the clock alone, as a machine that slept does: what fell due fires at the next advance. */
  readonly jump: (durationMs: number) => void
  /** Delays until the timers that wait, the nearest first. */
  readonly waiting: () => readonly number[]
}

/** Lets every promise that can go on do so. Nothing under test does real I/O. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

export function createFakeClock(): FakeClock {
  let nowMs = 10_000
  let order = 0
  const timers = new Set<Timer>()
  const byDue = () => [...timers].sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)
  return {
    nowMs: () => nowMs,
    wallMs: () => 1_795_000_000_000 + nowMs,
    setTimer: (delayMs, fire) => {
      order += 1
      const timer = { dueMs: nowMs + Math.max(0, delayMs), order, fire }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: async (durationMs) => {
      const untilMs = nowMs + durationMs
      await settled()
      for (;;) {
        const next = byDue()[0]
        if (next === undefined || next.dueMs > untilMs) break
        timers.delete(next)
        nowMs = Math.max(nowMs, next.dueMs)
        next.fire()
        await settled()
      }
      nowMs = Math.max(nowMs, untilMs)
    },
    jump: (durationMs) => {
      nowMs += durationMs
    },
    waiting: () => byDue().map((timer) => timer.dueMs - nowMs),
  }
}
