// All orders in which the steps of several actors can come. An order is run from its beginning, since
// a database cannot be wound back: it is the list of choices among those who can move, and the next
// order differs from the last one in its last choice that has an alternative left.

import type { Random } from '../../../src/core/random.js'
import { randomInteger } from '../../../src/core/random.js'

/** Asked at every step: which of the actors that can move does. Answers with a place in the list. */
export type Choose = (movers: readonly number[]) => number

/** Runs every order once, depth first. `run` must come to the same moves after the same choices. */
export async function eachOrder(run: (choose: Choose) => Promise<void>): Promise<void> {
  let path: { readonly options: number; chosen: number }[] = []
  do {
    let depth = 0
    await run(({ length: options }) => {
      // Two waiters set free at once may go on in either order; what follows is then chosen anew.
      if (path[depth]?.options !== options) {
        path = [...path.slice(0, depth), { options, chosen: 0 }]
      }
      depth += 1
      return path[depth - 1]?.chosen ?? 0
    })
    path = path.slice(0, depth)
    while (path.length > 0 && isLast(path.at(-1))) path.pop()
    const last = path.at(-1)
    if (last !== undefined) last.chosen += 1
  } while (path.length > 0)
}

const isLast = (step: { options: number; chosen: number } | undefined) =>
  step !== undefined && step.chosen + 1 >= step.options

/** Runs orders that chance decides. */
export async function someOrders(
  sample: { readonly orders: number; readonly random: Random },
  run: (choose: Choose) => Promise<void>,
): Promise<void> {
  for (let count = 0; count < sample.orders; count += 1) {
    await run(({ length }) => randomInteger(sample.random, { min: 0, max: length - 1 }))
  }
}

/** How many orders there are of so many steps an actor, were nobody ever to wait. */
export function countOrders(steps: readonly number[]): number {
  let orders = 1
  let placed = 0
  for (const count of steps) {
    for (let step = 1; step <= count; step += 1) {
      placed += 1
      orders = (orders * placed) / step
    }
  }
  return Math.round(orders)
}

/** The orders of whole things: who is first, second, ... */
export function permutations(count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]]
  return permutations(count - 1).flatMap((shorter) =>
    Array.from({ length: count }, (_, at) => [
      ...shorter.slice(0, at),
      count - 1,
      ...shorter.slice(at),
    ]),
  )
}
