// When a schedule ticks next. The instants are the database's: whoever asks hands one in.

import { Cron } from 'croner'
import { durationMsOf, nextOfGrid, type ScheduleDefinition } from '../core/schedule.js'

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** @returns null when the expression cannot be read, or never comes again. */
export function nextOfCron(
  { cron, timeZone = 'UTC' }: { readonly cron: string; readonly timeZone?: string },
  after: Date,
): Date | null {
  // Croner takes dates as well; a schedule that comes once is none.
  if (!/^\S+(\s+\S+){4,5}$/.test(cron.trim())) return null
  try {
    return new Cron(cron, { timezone: timeZone, paused: true }).nextRun(after)
  } catch {
    return null
  }
}

/**
 * The next tick after `now`.
 *
 * @param anchor where the grid of an interval begins.
 * @param chance from 0 to below 1: where in the jitter it falls.
 */
export function nextTick(
  schedule: ScheduleDefinition,
  at: { readonly now: Date; readonly anchor: Date; readonly chance: number },
): Date | null {
  if (!('every' in schedule)) return nextOfCron(schedule, at.now)
  const everyMs = durationMsOf(schedule.every)
  if (everyMs === null || everyMs === 0) return null
  const jitterMs = durationMsOf(schedule.jitter) ?? 0
  const grid = { everyMs, jitterMs, anchorMs: at.anchor.getTime() }
  return new Date(nextOfGrid(grid, at.now.getTime(), at.chance))
}
