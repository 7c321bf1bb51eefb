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
