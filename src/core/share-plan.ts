// A limit that holds for the cluster is divided among the nodes that are alive, and each keeps to
// its share: no row that everybody updates, and nothing to wait for.

import { assert } from './assert.js'

/**
 * The share of one member. All members compute the same division from the same list, in whatever
 * order they read it: the shares of all add up to the total, and none differs by more than one.
 *
 * @returns 0 for a member that is not in the list, or that comes after the total is given out.
 */
export function shareOf(total: number, members: readonly string[], member: string): number {
  assert(Number.isInteger(total) && total >= 0, 'a total is divided in whole numbers')
  const sorted = [...new Set(members)].sort()
  const rank = sorted.indexOf(member)
  if (rank === -1) return 0
  return Math.floor(total / sorted.length) + (rank < total % sorted.length ? 1 : 0)
}
