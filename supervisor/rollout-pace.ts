// How far ahead a node leases while a rollout is partial.
//
// Items of the sequential cohort wait for each other, and those that wait fill the buffer. Leased
// only as they end, no more than one or two of the concurrent cohort would ever be under way, and a
// rollout would prove nothing about concurrency. So the node leases on, past what waits, until its
// slots are full or enough waits; then it works that off before it leases again. Each round is a
// batch of which this share is worked concurrently.

import type { SlotSituation } from '../src/core/lease-plan.js'
import type { Steering } from '../src/store/steering.js'

/** Items that wait for their turn on one node, at most. */
const HELD_BACK_MAX = 500

/** Items that wait when a batch surely holds enough of the concurrent cohort for all slots. */
export function batchItems(slots: number, rollout: number): number {
  return Math.min(HELD_BACK_MAX, Math.ceil((150 * slots) / rollout))
}

export class RolloutPace {
  #isFilling = true

  /**
   * @param of `heldBack`: those of the buffered items that wait for one of their cohort; `most`:
   * how many may wait, by their size.
   */
  pace(
    situation: SlotSituation,
    steering: Steering | null,
    of: { readonly heldBack: number; readonly most: number },
  ): SlotSituation {
    const { heldBack, most } = of
    const { rollout, mode } = steering ?? { rollout: 100, mode: 'concurrent' }
    if (mode === 'sequential' || rollout <= 0 || rollout >= 100) return situation
    if (heldBack === 0) this.#isFilling = true
    else if (heldBack >= Math.min(most, batchItems(situation.slots, rollout))) {
      this.#isFilling = false
    }
    return this.#isFilling
      ? { ...situation, buffered: situation.buffered - heldBack }
      : // Without slots nothing is leased.
        { ...situation, slots: 0 }
  }
}
