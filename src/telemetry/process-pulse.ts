// How this process is doing: its memory, and how late its event loop was within the last second.

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

export interface PulseReading {
  readonly memoryBytes: number
  readonly eventLoopDelayMs: number
}

export interface Pulse {
  /** The reading of the second that ends now. */
  readonly read: () => PulseReading
  readonly stop: () => void
}

const RESOLUTION_MS = 20
const NANOSECONDS = 1e6
/** Memory is told in steps, so that what stands still looks still. */
const MEMORY_STEP_BYTES = 65_536

export function createPulse(): Pulse {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  return {
    read: () => {
      const eventLoopDelayMs = latenessOf(delay)
      delay.reset()
      const memory = process.memoryUsage.rss()
      return {
        memoryBytes: Math.round(memory / MEMORY_STEP_BYTES) * MEMORY_STEP_BYTES,
        eventLoopDelayMs,
      }
    },
    stop: () => delay.disable(),
  }
}

/** The monitor measures the time between two of its timers: what is beyond its own is late. */
function latenessOf(delay: IntervalHistogram): number {
  const p99Ms = delay.percentile(99) / NANOSECONDS
  return Math.round(10 * Math.max(0, p99Ms - RESOLUTION_MS)) / 10
}
