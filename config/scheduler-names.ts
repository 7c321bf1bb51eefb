// Names of the environment that operators already set for the scheduler of one workflow:
// `DEEP_SCAN_SCHEDULER_INTERVAL_MINUTES` and the like. They are read for every workflow, by its
// name.

import type { ScheduleDefinition } from '../src/core/schedule.js'
import type { Environment } from './load.js'
import type { Settings } from './settings.js'

/** What these names say, and the rule of each. */
export const SCHEDULER_NAMES = {
  INTERVAL_MINUTES: { means: 'schedule.every', max: 527_040 },
  BATCH_SIZE: { means: 'schedule.batch', max: 1_000_000 },
  MAX_INSTANCES: { means: 'schedule.maxInstances', max: 100 },
} as const
type SchedulerName = keyof typeof SCHEDULER_NAMES

export interface SchedulerWish {
  /** The schedule that the workflow has now; null: its own, if it has one. */
  readonly schedule: ScheduleDefinition | null
  readonly overrides: Partial<Settings>
  readonly violations: readonly string[]
}

const NOTHING: SchedulerWish = { schedule: null, overrides: {}, violations: [] }

/** `deep-scan` is `DEEP_SCAN_SCHEDULER_`. */
function prefixOf(workflow: string): string {
  return `${workflow.toUpperCase().replaceAll('-', '_')}_SCHEDULER_`
}

/**
 * Reads them. Without an interval, theirs or the workflow's, it works all the time: the batch is
 * then what one lease takes, and instances there are none.
 */
export function schedulerOf(
  workflow: { readonly name: string; readonly schedule: ScheduleDefinition | null },
  environment: Environment,
): SchedulerWish {
  const prefix = prefixOf(workflow.name)
  const violations: string[] = []
  const read = (name: SchedulerName): number | null => {
    const raw = environment[`${prefix}${name}`]
    if (raw === undefined || raw === '') return null
    const { max } = SCHEDULER_NAMES[name]
    const value = /^\d{1,9}$/.test(raw.trim()) ? Number(raw) : 0
    if (value >= 1 && value <= max) return value
    violations.push(
      `Expected \`${prefix}${name}\` to be a whole number from 1 to ${max}, got \`${raw}\`.`,
    )
    return null
  }
  const minutes = read('INTERVAL_MINUTES')
  const batch = read('BATCH_SIZE')
  const maxInstances = read('MAX_INSTANCES')
  if (violations.length > 0) return { ...NOTHING, violations }
  if (minutes === null && batch === null && maxInstances === null) return NOTHING
  const base = minutes === null ? workflow.schedule : { every: `${minutes}m` }
  if (base === null) return withoutInterval(prefix, batch, maxInstances)
  const { batch: ownBatch, maxInstances: ownInstances } = workflow.schedule ?? {}
  const schedule = {
    ...base,
    ...defined('batch', batch ?? ownBatch),
    ...defined('maxInstances', maxInstances ?? ownInstances),
  }
  return { ...NOTHING, schedule }
}

function withoutInterval(
  prefix: string,
  batch: number | null,
  maxInstances: number | null,
): SchedulerWish {
  const overrides = batch === null ? {} : { batchSize: batch }
  if (maxInstances === null) return { ...NOTHING, overrides }
  const words = `\`${prefix}MAX_INSTANCES\` says nothing without \`${prefix}INTERVAL_MINUTES\`.`
  return { ...NOTHING, violations: [words] }
}

function defined<Name extends string>(name: Name, value: number | undefined) {
  return value === undefined ? {} : { [name]: value }
}
