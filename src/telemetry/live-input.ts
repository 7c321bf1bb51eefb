import type { MonotonicMs } from '../core/clock.js'
import type { ClusterFigures } from '../core/figures.js'
import type { Counters } from './counters.js'
import type { CounterReading } from './live-readings.js'
import type { AuditFigures } from './live-topics.js'
import type { HeardReport } from './node-report.js'
import type { NodeStatus } from './node-status.js'
import type { PulseReading } from './process-pulse.js'
import type { RateWindow } from './rate-window.js'
import type { WorkerTable } from './worker-table.js'

/** Windows of rates: what moves, what is steady enough to promise an ETA from. */
export const RATE_WINDOW_MS = 10_000
export const STEADY_WINDOW_MS = 60_000
/** All that a state is computed from. */
export interface LiveInput {
  readonly nowMs: MonotonicMs
  readonly startedMs: MonotonicMs
  readonly startedWallMs: number
  readonly counters: Counters
  readonly status: NodeStatus
  readonly workers: WorkerTable
  readonly figures: ClusterFigures | null
  /** The first figures read: what had been finished before this node started. */
  readonly baseline: ClusterFigures | null
  readonly figuresAtMs: MonotonicMs | null
  readonly audit: AuditFigures | null
  /** What nodes said of themselves at their heartbeats, and when that was read. */
  readonly heard: readonly HeardReport[]
  readonly heardAtMs: MonotonicMs
  /** This process, as of the last second. */
  readonly pulse: PulseReading
  readonly clusterWindow: RateWindow<ClusterFigures>
  readonly counterWindow: RateWindow<CounterReading>
}
