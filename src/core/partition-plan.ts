// Which partitions of a workflow a node leases from. Partitions spread the nodes over the queue so
// that they do not meet at its head; whose an item is, the lease alone decides. So nothing is lost
// or done twice while two nodes see the list of the living differently for a moment.

import { LIMITS } from './limits.js'
import { hash32 } from './steering-plan.js'

/** Partitions are numbered below this, in whatever number a workflow has them. */
const PARTITION_NUMBERS = 256

export type Coordination =
  /** Every node leases what is next. */
  | { readonly way: 'leased' }
  /** Instance `id` of `count`, from 1: whoever is missing, its partitions wait for it. */
  | { readonly way: 'fixed'; readonly id: number; readonly count: number }
  /** Divided among the nodes that are alive. */
  | { readonly way: 'members' }

/** Partitions of a workflow; undefined leaves it the number it has. */
export function partitionsOf(
  definition: { readonly partitions?: number | undefined },
  coordination: Coordination = { way: 'leased' },
): number | undefined {
  if (definition.partitions !== undefined) return definition.partitions
  return coordination.way === 'leased' ? undefined : LIMITS.partitionsMax
}

/**
 * The member that a partition belongs to: the one whose hash with it is highest. When a member
 * comes or goes, only its own partitions change hands.
 */
function ownerOf(partition: number, members: readonly string[]): string | null {
  let owner: string | null = null
  let highest = -1
  for (const member of members) {
    const weight = hash32(`${partition}/${member}`)
    // Of equal weights the smaller name wins, so that all nodes name the same one.
    const isHigher = weight > highest || (weight === highest && owner !== null && member < owner)
    if (!isHigher) continue
    owner = member
    highest = weight
  }
  return owner
}

/**
 * The partitions of one node; null for all of them. A node that is not in the list, because it has
 * just come or was not heard, owns none.
 */
export function ownPartitions(
  coordination: Coordination,
  self: { readonly nodeId: string; readonly members: readonly string[] },
): readonly number[] | null {
  if (coordination.way === 'leased') return null
  const all = Array.from({ length: PARTITION_NUMBERS }, (_, partition) => partition)
  if (coordination.way === 'fixed') {
    const { id, count } = coordination
    return all.filter((partition) => partition % count === id - 1)
  }
  return all.filter((partition) => ownerOf(partition, self.members) === self.nodeId)
}
