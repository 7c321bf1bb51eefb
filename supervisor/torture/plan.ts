// Which faults come, in which order, at whom and for how long: all of it follows from the seed. The
// choices of a storm can therefore be replayed exactly. Its instants cannot: processes are real.

import { assert } from '../../src/core/assert.js'
import { type Random, randomInteger, seededRandom } from '../../src/core/random.js'
import { FAULT_KINDS, type FaultName } from './faults.js'

export interface PlannedFault {
  /** From 1. */
  readonly number: number
  readonly kind: FaultName
  /** Calm before it. */
  readonly pauseMs: number
  /**
   * Whom it meets, as a share of the list of those who live: 0 is the first, just below 1 the last.
   */
  readonly target: number
  /** How long or strong it is, as a share of what its kind allows. */
  readonly strength: number
}

export interface Plan {
  readonly next: () => PlannedFault
}

export interface PlanRequest {
  readonly seed: number
  readonly kinds: readonly FaultName[]
  readonly calmMs: { readonly min: number; readonly max: number }
}

/**
 * Draws faults from shuffled decks. The first deck holds every kind once, so that a short storm
 * leaves none out; in those that follow a kind has as many cards as its weight.
 */
export function createPlan({ seed, kinds, calmMs }: PlanRequest): Plan {
  assert(kinds.length > 0, 'a storm has faults')
  const random = seededRandom(seed)
  const weighted = kinds.flatMap((kind) => Array<FaultName>(FAULT_KINDS[kind].weight).fill(kind))
  let deck: FaultName[] = shuffled(random, kinds)
  let number = 0
  return {
    next: () => {
      if (deck.length === 0) deck = shuffled(random, weighted)
      const kind = deck.pop()
      assert(kind !== undefined, 'a deck has cards')
      number += 1
      return {
        number,
        kind,
        pauseMs: randomInteger(random, calmMs),
        target: random.next(),
        strength: random.next(),
      }
    },
  }
}

function shuffled<T>(random: Random, cards: readonly T[]): T[] {
  const deck: T[] = []
  for (const card of cards) {
    // Inserted anywhere, itself included: every order is as likely as any other.
    const at = randomInteger(random, { min: 0, max: deck.length })
    deck.splice(at, 0, card)
  }
  return deck
}

/** The one of a list that a fault means; undefined for an empty list. */
export function targetOf<T>(list: readonly T[], fault: PlannedFault): T | undefined {
  return list[Math.floor(fault.target * list.length)]
}

/** A figure between two bounds, by the strength of a fault. */
export function strengthOf(fault: PlannedFault, range: { min: number; max: number }): number {
  return Math.round(range.min + fault.strength * (range.max - range.min))
}
