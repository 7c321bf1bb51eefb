// A limit that holds for the cluster is divided among the nodes that are alive, and each keeps to
// its share: no row that everybody updates, and nothing to wait for.

import { assert } from './assert.js'

/** What the account of an upstream says of its plan. */
export interface PlanFigures {
  /** Calls that may be in flight at once; null while that is not known, or where no plan is. */
  readonly limit: number | null
  /** Those that are, of everybody who has the same key; null while that is not known. */
  readonly inUse: number | null
  /** The first figures are on their way: what is begun without them may be too much. */
  readonly isAwaited: boolean
}

export const NO_PLAN: PlanFigures = { limit: null, inUse: null, isAwaited: false }

/**
 * The share of one member. All members compute the same division from the same list, in whatever
 * order they read it: the shares of all add up to the total, and none differs by more than one.
 *
 * @param turn moves the larger shares on from member to member, for things of which there are many.
 * @returns 0 for a member that is not in the list, or that comes after the total is given out.
 */
export function shareOf(
  total: number,
  members: readonly string[],
  member: string,
  turn = 0,
): number {
  assert(Number.isInteger(total) && total >= 0, 'a total is divided in whole numbers')
  const sorted = [...new Set(members)].sort()
  const index = sorted.indexOf(member)
  if (index === -1) return 0
  const rank = (index + turn) % sorted.length
  return Math.floor(total / sorted.length) + (rank < total % sorted.length ? 1 : 0)
}
