/** What a finite run came to. */
export interface RunResult {
  /** Items that were complete or failed for good. */
  readonly complete: number
  readonly failed: number
  readonly elapsedMs: number
  /** Plural of what an item is. @default 'items' */
  readonly noun?: string
}

/**
 * The line that ends a run: "120 pages in 33.5 s; 118 successful, 2 failed, 0.28 s per page".
 *
 * Seconds per item are the run's, not an attempt's: elapsed time divided by the items finished.
 */
export function summaryLine(result: RunResult): string {
  const { complete, failed, elapsedMs, noun = 'items' } = result
  const finished = complete + failed
  const each = finished === 0 ? 0 : elapsedMs / finished
  const singular = noun.endsWith('s') ? noun.slice(0, -1) : noun
  return (
    `${finished} ${finished === 1 ? singular : noun} in ${seconds(elapsedMs)} s; ` +
    `${complete} successful, ${failed} failed, ${seconds(each)} s per ${singular}`
  )
}

/** Seconds with three significant figures below 100, none behind the point above. */
function seconds(durationMs: number): string {
  const value = durationMs / 1_000
  if (value >= 100 || value === 0) return value.toFixed(0)
  if (value >= 10) return value.toFixed(1)
  return value >= 0.1 ? value.toFixed(2) : String(Number(value.toPrecision(2)))
}
