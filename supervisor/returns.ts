// How items go back to the queue unfinished: given back, held back for later, or lost with their
// worker. All of them go through the settler, as everything about a leased item does.

import type { AttemptFacts } from '../src/core/outcome.js'
import type { HeldItem, Settlement } from '../src/core/settlement.js'
import { holdSettlement, releaseSettlement } from '../src/core/settlement.js'
import type { EventBus, ReclaimReason } from '../src/telemetry/events.js'
import type { Breakers } from './breakers.js'
import type { Settler } from './settler.js'

export interface ReturnsDeps {
  readonly workflow: string
  readonly events: EventBus
  readonly breakers: Pick<Breakers, 'forget'>
  readonly settler: Pick<Settler, 'offer' | 'flush'>
  /** What a call is expected to cost; 0 for calls that cost nothing. */
  /** What a call for an item may cost, at most. */
  readonly creditsOf: (held: HeldItem) => number
  /** The node is fenced, and nothing is written any more. */
  readonly isAbandoned: () => boolean
}

export class Returns {
  readonly #deps: ReturnsDeps

  constructor(deps: ReturnsDeps) {
    this.#deps = deps
  }

  /** @param begun how many of them a worker had begun, at most: the first ones. */
  release(held: readonly HeldItem[], reason: ReclaimReason, begun = 0): void {
    const { settler, breakers, events, workflow, isAbandoned } = this.#deps
    if (held.length === 0 || isAbandoned()) return
    for (const [index, item] of held.entries()) {
      breakers.forget(item)
      const cost = index < begun ? this.costOf(item, { durationMs: 0 }) : null
      settler.offer({ held: item, settlement: releaseSettlement(item, cost), facts: null })
    }
    events.emit('items.released', { workflow, items: held.length, reason })
  }

  /** Back later, and uncharged. */
  holdBack(held: HeldItem, delayMs: number): void {
    const { settler, breakers } = this.#deps
    breakers.forget(held)
    settler.offer({ held, settlement: holdSettlement(held, delayMs), facts: null })
  }

  /** Settles what a worker died with. @returns when that is written. */
  async giveUp(held: readonly HeldItem[], settlements: readonly Settlement[]): Promise<void> {
    const { settler, events, workflow } = this.#deps
    const byId = new Map(held.map((item) => [item.itemId, item]))
    for (const settlement of settlements) {
      const item = byId.get(settlement.itemId)
      if (item !== undefined) settler.offer({ held: item, settlement, facts: null })
    }
    const packs = new Set(held.map((item) => item.packId)).size
    const lost = { workflow, packs, items: held.length }
    events.emit('items.reclaimed', { ...lost, reason: 'worker_lost' })
    // The items of a dead worker should not wait for company: others are ready to run them.
    await settler.flush()
  }

  /** What an item cost that is given back in the middle: its last call goes on without us. */
  costOf(
    held: HeldItem,
    facts: AttemptFacts | null,
  ): Pick<Settlement, 'credits' | 'creditsAtMost'> | null {
    const price = this.#deps.creditsOf(held)
    if (facts === null || price === 0) return null
    const { credits = null, creditsAtMost = 0 } = facts
    return { credits, creditsAtMost: creditsAtMost + price }
  }
}
