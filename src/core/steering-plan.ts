// Which items are worked concurrently while a rollout is under way, and when it is taken back.

/** How a workflow is worked: as many items at once as limits allow, or one in all the cluster. */
export const MODES = ['concurrent', 'sequential'] as const
export type Mode = (typeof MODES)[number]

/** Worked with others, or one after the other. */
export type Cohort = 'concurrent' | 'sequential'

/** What an item's end is counted under: its cohort, and the step of the rollout it started in. */
export interface Trial {
  readonly cohort: Cohort
  readonly step: number
}

/** FNV-1a over the UTF-16 units: the same in every process and version, unlike the engine's own. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash ^= text.charCodeAt(index)
    hash = Math.imul(hash, 0x01000193)
  }
  // Its low bits are weak for short keys; a last mix spreads them.
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  return hash >>> 0
}

/**
 * The cohort of an item. It follows from its key, so that it is the same on every node and at every
 * attempt, and an item that is in at 10 % is in at 50 %, too.
 */
export function cohortOf(itemKey: string, rollout: number): Cohort {
  return hash32(itemKey) % 100 < rollout ? 'concurrent' : 'sequential'
}

/** How the items of one cohort ended. */
export interface CohortRecord {
  readonly finished: number
  readonly failed: number
}

export interface RollbackRule {
  /** Share of failed items above which the rollout is taken back, 0 to 1. */
  readonly errorRateMax: number
  /** Items that must have ended before anything is concluded. */
  readonly itemsMin: number
}

const rateOf = ({ finished, failed }: CohortRecord) => (finished === 0 ? 0 : failed / finished)

/**
 * Whether the concurrent cohort fails too often. When the sequential one fails as often, the fault
 * is not in the concurrency, and taking it back would not help: then only its own rate is blamed
 * that is at least half as high again.
 */
export function shouldRollBack(
  records: { readonly [cohort in Cohort]: CohortRecord },
  rule: RollbackRule,
): boolean {
  const { concurrent, sequential } = records
  if (concurrent.finished < rule.itemsMin) return false
  const rate = rateOf(concurrent)
  if (rate <= rule.errorRateMax) return false
  return sequential.finished < rule.itemsMin || rate > 1.5 * rateOf(sequential)
}
