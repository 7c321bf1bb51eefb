// How much may be started and leased now, by everything that has a say in it. Reads, decides and
// changes nothing but the pace of a rollout's sequential items.

import { itemsFitting, type SlotSituation } from '../src/core/lease-plan.js'
import { LIMITS } from '../src/core/limits.js'
import type { CallsInHand } from './reserver.js'
import { RolloutPace } from './rollout-pace.js'
import type { WorkflowParts } from './workflow-parts.js'

export class StartRoom {
  readonly #parts: WorkflowParts
  readonly #pace = new RolloutPace()
  readonly #seatSlots: number

  constructor(parts: WorkflowParts) {
    this.#parts = parts
    const { seats } = parts.deps.options
    this.#seatSlots = seats.reduce((sum, { slots }) => sum + slots, 0)
  }

  /** Items that may be started now, whatever slots there are. */
  room(): number {
    const { governor, table, breakers } = this.#parts
    return Math.min(governor.room(table.active), breakers.room())
  }

  /** Items that this node may have under way. */
  allowed(): number {
    const { governor, table } = this.#parts
    return governor.allowed(table.active)
  }

  /** Whether new work may be started on this node. */
  mayStart(): boolean {
    const { state, breakers, settler, deps } = this.#parts
    if (breakers.room() === 0) return false
    return !(state.isQuiet || state.isHolding) && deps.isTrusted() && !settler.isFull()
  }

  situation(): SlotSituation {
    const { table, pool, governor, settledRate, deps } = this.#parts
    const { buffered } = table
    const isFull = buffered >= LIMITS.bufferedItemsMax
    // What rests is roused by the first lease, which fills the slots that there will be.
    const resting = pool.isResting ? this.#seatSlots : 0
    const slots = [resting || table.slots, this.allowed(), governor.ahead(), this.#trial()]
    const situation = {
      freeSlots: Math.min(resting || table.freeSlots, this.room()),
      slots: Math.min(...slots),
      // What waits for its host fills no slot, so it is no reason to lease less.
      buffered: isFull ? buffered : table.startable(LIMITS.leaseItemsMax),
      held: buffered,
      unsentCharacters: table.unsent.characters,
      settledPerSecond: settledRate.perSecond(),
      batchMax: deps.options.batchSize ?? null,
    }
    const { heldBack } = table
    return this.#pace.pace(situation, governor.steering(), { heldBack, most: this.waitingMax() })
  }

  /** Items that may wait here for something else than a slot, by their size. */
  waitingMax(): number {
    const size = this.#parts.leaser.itemCharacters()
    return Math.max(1, itemsFitting(LIMITS.bufferedCharactersMax / 2, size))
  }

  callsInHand(): CallsInHand {
    const { table, governor, state, settler } = this.#parts
    const { inFlight, buffered, active } = table
    const limit = governor.limit()
    // A quarter ahead of the free slots: the next items begin before the next reserve is answered.
    const soon = Math.max(0, limit - active) + Math.ceil(limit / 4)
    const startable = state.isQuiet ? 0 : Math.min(buffered, soon)
    return { open: inFlight + settler.unbooked(), startable }
  }

  /** Items worth leasing while the upstream is on trial: one. */
  #trial(): number {
    return Math.max(1, this.#parts.breakers.room())
  }
}
