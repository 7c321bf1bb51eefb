import type { Clock } from '../core/clock.js'
import { countEvent } from './count-event.js'
import { type Counters, createCounters } from './counters.js'
import type { EventBus } from './events.js'
import { createLiveStats, type LiveStats } from './live-stats.js'
import { createMetrics, type Metrics } from './metrics.js'
import { createPulse } from './process-pulse.js'
import { createSummaries } from './summaries.js'

export interface Telemetry {
  readonly counters: Counters
  readonly live: LiveStats
  readonly metrics: Metrics
  /** Ends the subscription and the sampling. Harmless when called twice. */
  readonly stop: () => void
}

export interface TelemetryOptions {
  readonly bus: EventBus
  readonly clock: Clock
  /** The product's version, told by the metrics. */
  readonly version: string
  /** Adds `process_` and `nodejs_` metrics. @default true */
  readonly isProcessIncluded?: boolean
}

/**
 * Everything that listens to the events of a supervisor, but the log: one set of counters, the live
 * stats and the metrics that read from it. Sampling for rates and history starts at once.
 */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const { bus, clock, version, isProcessIncluded = true } = options
  const counters = createCounters()
  const pulse = isProcessIncluded ? createPulse() : null
  const live = createLiveStats({ clock, counters, pulse })
  const metrics = createMetrics({
    isProcessIncluded,
    read: () => ({
      counters,
      version,
      workers: live.workers,
      status: live.status(),
      figures: live.figures(),
    }),
  })
  const summaries = createSummaries({ clock, counters, emit: bus.emit })
  const unsubscribe = bus.subscribe((event) => {
    countEvent(counters, event)
    live.onEvent(event)
    summaries(event)
  })
  live.start()
  return {
    counters,
    live,
    metrics,
    stop: () => {
      unsubscribe()
      live.stop()
    },
  }
}
