// What one worker has in hand, and which of several is to have the next item.

import type { HeldItem } from '../src/core/settlement.js'

export interface WorkerHands {
  readonly slots: number
  readonly held: Map<string, HeldItem>
  /** Takes no new items: it drains, or it is kept free for a pack that must run alone. */
  isClosed: boolean
  isReserved: boolean
  /** The worker has one pack that crashed before, and nothing else. */
  isAlone: boolean
}

/** What a worker held when it went. */
export interface Leavings {
  /** In the order in which it was given them, and begins them. */
  readonly held: readonly HeldItem[]
  readonly isAlone: boolean
  /** How many of them it has begun, at most: the first ones. */
  readonly begun: number
}

export function emptyHands(slots: number): WorkerHands {
  return { slots, held: new Map(), isClosed: false, isReserved: false, isAlone: false }
}

export function leavingsOf(hands: WorkerHands): Leavings {
  const held = [...hands.held.values()]
  return { held, begun: Math.min(held.length, hands.slots), isAlone: hands.isAlone }
}

/** Whether an item of the sequential cohort is under way. */
export function hasSequential(all: Iterable<WorkerHands>): boolean {
  for (const hands of all) {
    for (const held of hands.held.values()) if (held.cohort === 'sequential') return true
  }
  return false
}

/** The open worker with most free slots: load stays even without counting turns. */
export function mostFree(open: readonly [string, WorkerHands][]): [string, WorkerHands] | null {
  let best: [string, WorkerHands] | null = null
  let most = 0
  for (const entry of open) {
    const free = entry[1].slots - entry[1].held.size
    if (free > most) {
      most = free
      best = entry
    }
  }
  return best
}
