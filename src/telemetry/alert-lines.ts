import type { Lines } from './line.js'

/** Level and words of what alerts say. */
export const ALERT_LINES = {
  'alert.raised': { level: (event) => event.severity, words: (event) => `Alert: ${event.message}` },
  'alert.cleared': { level: 'info', words: (event) => `All clear: ${event.message}` },
  'alert.judging_failed': {
    level: 'warn',
    words: (event) => `Alerts cannot be judged: ${event.message}`,
  },
  'alert.notice_sent': {
    level: 'debug',
    words: (event) => `The webhook took notice ${event.notice} of ${event.alert}`,
  },
  'alert.notice_failed': {
    level: (event) => (event.willRetry ? 'warn' : 'error'),
    words: (event) =>
      `The webhook did not take notice ${event.notice} of ${event.alert}, ` +
      `${event.willRetry ? 'it will be tried again' : 'it is given up'}: ${event.message}`,
  },
} as const satisfies Partial<Lines>
