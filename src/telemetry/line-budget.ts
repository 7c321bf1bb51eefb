import type { Clock, MonotonicMs } from '../core/clock.js'

export interface LineBudgetOptions {
  readonly clock: Clock
  /** Lines of one name let through within a window. @default 50 */
  readonly linesMax?: number
  /** Length of a window in milliseconds. @default 1_000 */
  readonly windowMs?: number
}

/** What becomes of a line: written, with the number of its kind that were not, or withheld. */
export type LineVerdict =
  | { readonly verdict: 'write'; readonly withheld: number }
  | { readonly verdict: 'withhold' }

interface Window {
  startedAtMs: MonotonicMs
  lines: number
  withheld: number
}

/**
 * Bounds how many lines of one name are written a second. An endpoint that fails ten thousand times
 * a second would otherwise fill the disk with one sentence. Nothing is lost but words: counters
 * count every event.
 */
export function createLineBudget(options: LineBudgetOptions): (name: string) => LineVerdict {
  const { clock, linesMax = 50, windowMs = 1_000 } = options
  const windows = new Map<string, Window>()
  return (name) => {
    const nowMs = clock.nowMs()
    const window = windows.get(name)
    if (window === undefined || nowMs - window.startedAtMs >= windowMs) {
      windows.set(name, { startedAtMs: nowMs, lines: 1, withheld: 0 })
      return { verdict: 'write', withheld: window?.withheld ?? 0 }
    }
    window.lines += 1
    if (window.lines <= linesMax) return { verdict: 'write', withheld: 0 }
    window.withheld += 1
    return { verdict: 'withhold' }
  }
}
