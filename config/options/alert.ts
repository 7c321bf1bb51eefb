import { count, duration, optional, withDefault } from '../option.js'

const group = 'alert'
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const NONE = { meaning: 'no alert', word: 'off' }

export const ALERT_OPTIONS = {
  alertErrorPercent: withDefault(
    optional(
      count({
        group,
        name: 'alert-errors',
        sentence: 'Percent of finished items that may end in an error.',
        default: 5,
        bounds: { min: 0, max: 100 },
      }),
      NONE,
    ),
    5,
  ),
  alertLatencyMs: withDefault(
    optional(
      duration({
        group,
        name: 'alert-latency',
        sentence: 'Time from the selection of an item to its result, for 95 of 100 items.',
        default: 5 * MINUTE_MS,
        bounds: { min: 1_000, max: 7 * DAY_MS },
      }),
      NONE,
    ),
    5 * MINUTE_MS,
  ),
  alertOldestMs: optional(
    duration({
      group,
      name: 'alert-oldest',
      sentence: 'Time that the oldest item that could be leased may wait.',
      default: 60 * MINUTE_MS,
      bounds: { min: 1_000, max: 7 * DAY_MS },
    }),
    NONE,
  ),
} as const
