import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How often the event loop is sampled; a delay shorter than this is not seen. */
const RESOLUTION_MS = 10

/** Watches this thread's event loop. */
export interface EventLoopWatch {
  /** The worst delay since the last call, in milliseconds. */
  readonly takeWorstMs: () => number
  readonly stop: () => void
}

export function watchEventLoop(): EventLoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  return {
    takeWorstMs: () => {
      // The histogram records the time between two samples, its own interval included.
      const worstMs = histogram.count === 0 ? 0 : histogram.max / 1e6 - RESOLUTION_MS
      histogram.reset()
      return Math.max(0, Math.round(worstMs * 10) / 10)
    },
    stop: () => void histogram.disable(),
  }
}
