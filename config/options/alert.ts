import type { Option } from '../option.js'
import { count, duration, optional, withDefault } from '../option.js'

const group = 'alert'
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const NONE = { meaning: 'no alert', word: 'off' }

/** An option that may be off, and is not. */
function bound(option: Option<number>): Option<number | null> {
  return withDefault(optional(option, NONE), option.default)
}

export const ALERT_OPTIONS = {
  alertSuccessPercent: bound(
    count({
      group,
      name: 'alert-success',
      sentence: 'Percent of attempts that should succeed, those asked to wait not counted.',
      default: 95,
      bounds: { min: 0, max: 100 },
    }),
  ),
  alertErrorPercent: bound(
    count({
      group,
      name: 'alert-errors',
      sentence: 'Percent of finished items that may end in an error.',
      default: 5,
      bounds: { min: 0, max: 100 },
    }),
  ),
  alertLatencyMs: bound(
    duration({
      group,
      name: 'alert-latency',
      sentence: 'Time from the selection of an item to its result, for 95 of 100 items.',
      default: 5 * MINUTE_MS,
      bounds: { min: 1_000, max: 7 * DAY_MS },
    }),
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
  alertStallMs: bound(
    duration({
      group,
      name: 'alert-stall',
      sentence: 'Time in which an item should end while there is work and nothing holds it back.',
      default: 5 * MINUTE_MS,
      bounds: { min: 1_000, max: 7 * DAY_MS },
    }),
  ),
  alertReclaims: bound(
    count({
      group,
      name: 'alert-reclaims',
      sentence: 'Items that may be taken back from the dead within 2 min, for 5 min without end.',
      default: 0,
      bounds: { min: 0, max: 1_000_000 },
    }),
  ),
  alertBudgetPercent: bound(
    count({
      group,
      name: 'alert-budget',
      sentence: 'Percent of a budget from which on it counts as nearly spent.',
      default: 90,
      bounds: { min: 1, max: 100 },
    }),
  ),
  alertCreditsRisePercent: bound(
    count({
      group,
      name: 'alert-credits',
      sentence:
        'Percent that a result may cost more in a quarter of an hour than in the hour before.',
      default: 50,
      bounds: { min: 0, max: 10_000 },
    }),
  ),
} as const
