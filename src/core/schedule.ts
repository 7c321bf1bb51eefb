// When a workflow works: always, or in instances that a schedule opens. What people write is
// checked by `src/workflow/check-schedule.ts`; here is what it means.

import { readDuration } from './duration.js'

/** Every so long. */
interface EverySchedule {
  /** Time between two ticks, such as `30s`, `5m`, `2h` or `1d`. */
  readonly every: string
  /** A tick comes up to so much later, by chance; shorter than `every`. @default none */
  readonly jitter?: string
}

/** At the moments a cron expression names. */
interface CronSchedule {
  /** Five fields, or six with seconds first. */
  readonly cron: string
  /** IANA name, such as `Europe/Berlin`. @default 'UTC' */
  readonly timeZone?: string
}

export type ScheduleDefinition = (EverySchedule | CronSchedule) & {
  /** Items that an instance works at most. @default all that are ready */
  readonly batch?: number
  /** Instances that may be open at once in the whole cluster. @default 1 */
  readonly maxInstances?: number
}

/** @returns milliseconds, or null when the text is no duration with a unit. */
export function durationMsOf(text: unknown): number | null {
  const hasUnit = typeof text === 'string' && /[a-z]/i.test(text)
  return hasUnit ? (readDuration(text) ?? null) : null
}

/**
 * The next moment of the grid that begins at `anchorMs`, after `nowMs`: however many moments were
 * missed, one comes next.
 *
 * @param chance from 0 to below 1: where in the jitter it falls.
 */
export function nextOfGrid(
  grid: { readonly everyMs: number; readonly jitterMs: number; readonly anchorMs: number },
  nowMs: number,
  chance: number,
): number {
  const passed = Math.floor((nowMs - grid.anchorMs) / grid.everyMs)
  return grid.anchorMs + (passed + 1) * grid.everyMs + Math.floor(grid.jitterMs * chance)
}

/** A schedule in words. */
export function scheduleWords(schedule: ScheduleDefinition): string {
  if ('every' in schedule) {
    const jitter = schedule.jitter === undefined ? '' : `, up to ${schedule.jitter} later`
    return `every ${schedule.every}${jitter}`
  }
  return `${schedule.cron} (${schedule.timeZone ?? 'UTC'})`
}
