// How a storm is going: a line drawn over itself on a terminal, a line now and then elsewhere.

import type { Progress } from '../torture/torture.js'
import { showCount, showSeconds } from './progress.js'
import type { Out } from './streams.js'

export interface StormDisplay {
  readonly show: (progress: Progress) => void
  readonly clear: () => void
}

const LINE_EVERY_MS = 10_000

export function stormWords(progress: Progress, durationMs: number): string {
  const { passedMs, faults, kills, fetches } = progress
  return [
    `${showSeconds(passedMs / 1_000)} of ${showSeconds(durationMs / 1_000)}`,
    `${showCount(faults)} faults`,
    `${showCount(kills)} kills`,
    `${showCount(fetches)} fetches`,
  ].join('  ')
}

export function createStormDisplay(out: Out, durationMs: number): StormDisplay {
  let lines = 0
  return {
    show: (progress) => {
      const words = stormWords(progress, durationMs)
      if (out.isTerminal) void out.write(`\r\u001b[2K${words.slice(0, out.columns - 1)}`)
      else if (progress.passedMs >= (lines + 1) * LINE_EVERY_MS) {
        lines += 1
        void out.write(`${words}\n`)
      }
    },
    clear: () => {
      if (out.isTerminal) void out.write('\r\u001b[2K')
    },
  }
}
