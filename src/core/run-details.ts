// What is known of a run from its receipts: the figures of the final report.

/** Items that ended within one of the equal parts of a run's time. */
export interface RatePart {
  readonly ok: number
  readonly failed: number
}

/** Durations in milliseconds; null where nothing was completed. */
export interface Percentiles {
  readonly p50Ms: number | null
  readonly p90Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
}

export interface HostFigures {
  readonly host: string
  readonly items: number
  readonly failed: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
}

/** A command that worked the run, as it said at its end. */
export interface RunStretch {
  readonly node: string
  readonly startedAt: string
  readonly durationMs: number
  /** Share of the slots that held an item while there was work. */
  readonly slotShare: number
  readonly fetches: number
  readonly reusedFetches: number
}

export interface RunDetails {
  readonly workflow: string
  readonly run: string
  readonly startedAt: string
  /** When the last of its items ended; null before the first. */
  readonly endedAt: string | null
  readonly items: number
  /** Items that are still in the queue. */
  readonly open: number
  /** Ends whose receipts were removed by age: they are counted, and no more is known of them. */
  readonly withoutReceipt: number
  readonly outcomes: readonly {
    readonly status: string
    readonly code: string
    readonly items: number
  }[]
  /** Attempts that ended in another one; asked to wait; lost with a worker or node. */
  readonly retried: number
  readonly reclaimed: number
  /** From the first end of an attempt to the last. */
  readonly workedMs: number
  readonly rate: readonly RatePart[]
  /** Time a handler had an item that it completed; and from selection to result. */
  readonly attempt: Percentiles
  readonly latency: Percentiles
  /** Items by the attempts that they took. */
  readonly tries: readonly { readonly attempts: number; readonly items: number }[]
  readonly slowest: readonly HostFigures[]
  readonly worst: readonly HostFigures[]
  readonly stretches: readonly RunStretch[]
}

/** Share of the slots that held an item, over all commands that said so; null when none did. */
export function slotShareOf(stretches: readonly RunStretch[]): number | null {
  const wholeMs = stretches.reduce((sum, own) => sum + own.durationMs, 0)
  if (wholeMs === 0) return null
  const busyMs = stretches.reduce((sum, own) => sum + own.durationMs * own.slotShare, 0)
  return busyMs / wholeMs
}

/** Items that ended in an error, by code, most frequent first. */
export function failuresOf({ outcomes }: Pick<RunDetails, 'outcomes'>) {
  return outcomes.filter(({ status }) => status === 'error')
}
