import type { HostFigures, RunDetails } from '../../src/core/run-details.js'

export const HOST: HostFigures = {
  ...{ host: 'slow.example', items: 10, failed: 0, p50Ms: 900, p95Ms: 2_000 },
}

/** A run that went well; every field can be told otherwise. */
export function runDetails(changed: Partial<RunDetails> = {}): RunDetails {
  const percentiles = { p50Ms: 400, p90Ms: 900, p95Ms: 1_200, p99Ms: 2_500, maxMs: 61_000 }
  return {
    ...{ workflow: 'contacts', run: 'contacts-1', items: 1_000, open: 0, withoutReceipt: 0 },
    ...{ startedAt: '2026-11-26T10:00:00Z', endedAt: '2026-11-26T10:01:00Z' },
    outcomes: [{ status: 'success', code: 'ok', items: 1_000 }],
    ...{ retried: 0, reclaimed: 0, workedMs: 60_000 },
    rate: [
      { ok: 400, failed: 0 },
      { ok: 600, failed: 0 },
    ],
    attempt: percentiles,
    latency: percentiles,
    tries: [{ attempts: 1, items: 1_000 }],
    slowest: [HOST],
    worst: [],
    stretches: [],
    ...changed,
  }
}
