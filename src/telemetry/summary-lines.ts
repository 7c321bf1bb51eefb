import type { WorkSummary } from './events.js'
import type { Lines } from './line.js'
import { summaryLine } from './summary.js'

function workWords({ complete, failed, again, durationMs }: WorkSummary): string {
  const line = summaryLine({ complete, failed, elapsedMs: durationMs })
  return again === 0 ? line : `${line}; ${again} to be tried again`
}

/** Level and words of summaries. */
export const SUMMARY_LINES = {
  'batch.ended': {
    level: 'info',
    words: (event) => {
      const what = event.batches === 1 ? 'A batch' : `${event.batches} batches`
      return `${what} of ${event.workflow}: ${workWords(event)}`
    },
  },
  'work.ended': {
    level: 'info',
    words: (event) => `Worked ${event.workflow}: ${workWords(event)}`,
  },
} as const satisfies Partial<Lines>
