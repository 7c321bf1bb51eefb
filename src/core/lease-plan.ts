import { LIMITS } from './limits.js'

/** What the leaser knows of one workflow when it decides. Counts are of items. */
export interface LeaseSituation {
  /** Slots of ready workers that hold no item. */
  readonly freeSlots: number
  /** Slots of ready workers. */
  readonly slots: number
  /** Items leased and not yet given to a worker. */
  readonly buffered: number
  /** Items settled in the last second: how fast the buffer empties. */
  readonly settledPerSecond: number
  /** Mean items a pack in recent leases; packs of one make a lease look at more of them. */
  readonly meanPackItems: number
  /** Items that one lease may bring, where that is set. @default no bound but the program's own */
  readonly batchMax?: number | null
}

export type LeasePlan =
  | { readonly action: 'wait' }
  | { readonly action: 'lease'; readonly itemsMax: number; readonly packsMax: number }

/** Share of a second's work that is leased ahead, so that a slot never waits for the database. */
const AHEAD_SECONDS = 0.5

/**
 * Decides how much to lease: for the free slots, and a little ahead of them. A lease that only tops
 * up the look-ahead waits until half of it is used, so that leases stay few and packs stay whole.
 */
export function planLease(situation: LeaseSituation): LeasePlan {
  const { freeSlots, slots, buffered, settledPerSecond } = situation
  const ahead = Math.min(
    LIMITS.bufferedItemsMax / 2,
    Math.max(Math.ceil(slots / 2), Math.ceil(settledPerSecond * AHEAD_SECONDS)),
  )
  if (slots === 0) return { action: 'wait' }
  if (buffered >= freeSlots + Math.ceil(ahead / 2)) return { action: 'wait' }
  const wanted = freeSlots + ahead - buffered
  const itemsMax = Math.min(
    wanted,
    LIMITS.leaseItemsMax,
    LIMITS.bufferedItemsMax - buffered,
    situation.batchMax ?? Number.POSITIVE_INFINITY,
  )
  if (itemsMax <= 0) return { action: 'wait' }
  const packsMax = Math.ceil(itemsMax / Math.max(1, situation.meanPackItems)) + 1
  return { action: 'lease', itemsMax, packsMax: Math.min(packsMax, LIMITS.leasePacksMax) }
}
