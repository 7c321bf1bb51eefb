// Deaths of workers in a row, and what follows from them: which items are settled how, whether the
// worker's seat is excused, and when the workflow is to be paused.

import { LIMITS } from '../src/core/limits.js'
import type { HeldItem, Settlement } from '../src/core/settlement.js'
import { decideCrash } from '../src/core/settlement.js'

/** A worker died unexpectedly with items in hand. */
export interface CrashedWith {
  readonly held: readonly HeldItem[]
  /** Its only pack was kept apart from others because it crashed before. */
  readonly isAlone: boolean
  readonly reason: string
  /** How many of them it had begun, at most: the first ones. */
  readonly begun: number
  /** What a call for an item may have cost, at most. */
  readonly creditsOf: (held: HeldItem) => number
}

export interface CrashVerdict {
  readonly settlements: readonly Settlement[]
  /** The items are to blame: the death does not count against the seat. */
  readonly isExcused: boolean
  /** Why the workflow must be paused, in words; null while it need not be. */
  readonly pauseMessage: string | null
}

export class DeathCount {
  /** Since an item was last completed. */
  #deaths = 0
  #poison = 0

  /** An item was completed, or a person looked into the deaths: they count anew. */
  reset(): void {
    this.#deaths = 0
    this.#poison = 0
  }

  judge({ held, isAlone, reason, begun, creditsOf }: CrashedWith): CrashVerdict {
    const mayQuarantine = this.#poison < LIMITS.poisonInARowMax
    const costs = new Map(held.slice(0, begun).map((item) => [item.itemId, creditsOf(item)]))
    const decided = decideCrash(held, { reason, isAlone, mayQuarantine })
    const settlements = decided.map((one) => ({
      ...one,
      creditsAtMost: costs.get(one.itemId) ?? 0,
    }))
    const pauseMessage = this.#count(settlements, reason)
    const isSuspect = isAlone || held.some((item) => item.crashes > 0)
    const isExcused = isSuspect && this.#deaths <= LIMITS.deathsInARowMax
    return { settlements, isExcused, pauseMessage }
  }

  /**
   * One item that kills its worker is poison. Item after item that does, with nothing completed in
   * between, is a sick machine or a broken module: quarantine would turn the whole queue into
   * errors. The workflow is paused when yet another item's worker dies, not before: several
   * poisonous items at the end of a queue, with nothing left that could be completed, are no reason
   * to hold back what comes next.
   */
  #count(settlements: readonly Settlement[], reason: string): string | null {
    this.#deaths += 1
    const isPoison = settlements.some((settlement) => settlement.code === 'poison')
    if (isPoison) this.#poison += 1
    else if (this.#poison >= LIMITS.poisonInARowMax)
      return `${this.#poison} items in a row killed their workers and none was completed; the last ${reason}`
    return null
  }
}
