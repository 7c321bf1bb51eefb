// Checks the schedule that a workflow declares.

import { durationMsOf } from '../core/schedule.js'
import { isTimeZone, nextOfCron } from './next-tick.js'
import type { Fields, Violations } from './violations.js'

const FIELDS = ['every', 'jitter', 'cron', 'timeZone', 'batch', 'maxInstances']
const EVERY_MS_MIN = 1_000
const EVERY_MS_MAX = 366 * 86_400_000
const BATCH_MAX = 1_000_000_000
const INSTANCES_MAX = 100

export function checkSchedule(value: unknown, violations: Violations): void {
  const schedule = violations.object('schedule', value)
  if (schedule === null) {
    violations.advise(
      "For example `schedule: { every: '5m' }`; without it the workflow always works.",
    )
    return
  }
  violations.onlyFields('schedule.', schedule, FIELDS)
  const isCron = schedule.cron !== undefined
  if (isCron === (schedule.every !== undefined)) {
    violations.add('schedule', 'either `every` or `cron`', isCron ? 'both' : undefined)
    return
  }
  if (isCron) checkCron(schedule, violations)
  else checkEvery(schedule, violations)
  checkWhole('batch', schedule.batch, { max: BATCH_MAX, violations })
  checkWhole('maxInstances', schedule.maxInstances, { max: INSTANCES_MAX, violations })
}

function checkEvery(schedule: Fields, violations: Violations): void {
  const everyMs = durationMsOf(schedule.every)
  if (everyMs === null || everyMs < EVERY_MS_MIN || everyMs > EVERY_MS_MAX) {
    const rule = 'a duration from 1s to 366d, such as 30s, 5m, 2h or 1d'
    violations.add('schedule.every', rule, schedule.every)
    return
  }
  if (schedule.timeZone !== undefined) {
    violations.add('schedule.timeZone', 'nothing beside `every`', schedule.timeZone)
  }
  if (schedule.jitter === undefined) return
  const jitterMs = durationMsOf(schedule.jitter)
  if (jitterMs === null || jitterMs >= everyMs) {
    violations.add('schedule.jitter', 'a duration shorter than `every`', schedule.jitter)
  }
}

function checkCron(schedule: Fields, violations: Violations): void {
  const { cron, timeZone = 'UTC' } = schedule
  if (schedule.jitter !== undefined) {
    violations.add('schedule.jitter', 'nothing beside `cron`', schedule.jitter)
  }
  if (typeof timeZone !== 'string' || !isTimeZone(timeZone)) {
    violations.add('schedule.timeZone', 'an IANA time zone such as Europe/Berlin', timeZone)
    return
  }
  const next = typeof cron === 'string' ? nextOfCron({ cron, timeZone }, new Date()) : null
  if (next !== null) return
  violations.add('schedule.cron', 'a cron expression of five or six fields that comes again', cron)
  violations.advise('For example `0 3 * * *` for three at night.')
}

function checkWhole(
  field: string,
  value: unknown,
  { max, violations }: { readonly max: number; readonly violations: Violations },
): void {
  if (value === undefined) return
  const isFit = typeof value === 'number' && Number.isSafeInteger(value) && value >= 1
  if (!isFit || value > max) {
    violations.add(`schedule.${field}`, `a whole number from 1 to ${max}`, value)
  }
}
