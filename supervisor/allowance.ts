import type { Cohort } from '../src/core/steering-plan.js'

/** How much may be under way, and what of it one after the other. */
export interface Allowance {
  /** Items under way in all workers, at most. */
  readonly items: number
  /** Items that may be begun, whatever may be under way. @default as many as there is room for */
  readonly starts?: number
  /** Whether an item is worked with others, or after the others of its kind. */
  readonly cohortOf: (itemKey: string) => Cohort
  /** The step of the rollout that items are started in. */
  readonly step: number
}

export const EVERYTHING: Allowance = {
  items: Number.POSITIVE_INFINITY,
  cohortOf: () => 'concurrent',
  step: 0,
}
