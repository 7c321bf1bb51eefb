import { LIMITS } from './limits.js'

/** What the leaser knows of one workflow when it decides. Counts are of items. */
export interface LeaseSituation {
  /** Slots of ready workers that hold no item. */
  readonly freeSlots: number
  /** Slots of ready workers. */
  readonly slots: number
  /** Items leased and not yet given to a worker, which a slot could start. */
  readonly buffered: number
  /** All items leased and not yet given to a worker: those that wait for their hosts, too. */
  readonly held: number
  /** Characters of items on their way to workers that have not taken them off our hands yet. */
  readonly unsentCharacters: number
  /** Items settled in the last second: how fast the buffer empties. */
  readonly settledPerSecond: number
  /** Mean items a pack in recent leases; packs of one make a lease look at more of them. */
  readonly meanPackItems: number
  /** Characters of an item in recent leases, with its payload; null before the first. */
  readonly itemCharacters: number | null
  /** Items that one lease may bring, where that is set. @default no bound but the program's own */
  readonly batchMax?: number | null
}

/** What the leaser is told; the rest it learns from its own leases. */
export type SlotSituation = Omit<LeaseSituation, 'meanPackItems' | 'itemCharacters'>

export type LeasePlan =
  | { readonly action: 'wait' }
  | { readonly action: 'lease'; readonly itemsMax: number; readonly packsMax: number }

/** Share of a second's work that is leased ahead, so that a slot never waits for the database. */
const AHEAD_SECONDS = 0.5

/** Taken for the size of an item before one was seen: the first lease brings 16 at most. */
const CHARACTERS_AT_FIRST = LIMITS.leaseCharactersMax / 16

/** How fast means follow what leases bring. */
export const LEASE_MEAN_WEIGHT = 0.3

/**
 * The size of an item, with those of one more lease seen: up at once, since one lease of large
 * items fills the memory, and down by and by.
 */
export function followCharacters(known: number | null, seen: number): number {
  if (known === null) return seen
  return Math.max(seen, known + LEASE_MEAN_WEIGHT * (seen - known))
}

/** @returns how many items have so many characters. */
export function itemsFitting(characters: number, itemCharacters: number | null): number {
  return Math.floor(characters / Math.max(1, itemCharacters ?? CHARACTERS_AT_FIRST))
}

/**
 * Items that fit by their size. One, however large it is, where there is none that could start:
 * what waits for its host, or for others, must not keep slots empty.
 */
function roomByCharacters(situation: LeaseSituation): number {
  const { buffered, held, unsentCharacters, itemCharacters: size } = situation
  const room = itemsFitting(LIMITS.bufferedCharactersMax - unsentCharacters, size) - held
  const isBare = buffered <= 0 && unsentCharacters < LIMITS.leaseCharactersMax
  return Math.max(isBare ? 1 : 0, Math.min(itemsFitting(LIMITS.leaseCharactersMax, size), room))
}

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
    roomByCharacters(situation),
    situation.batchMax ?? Number.POSITIVE_INFINITY,
  )
  if (itemsMax <= 0) return { action: 'wait' }
  const packsMax = Math.ceil(itemsMax / Math.max(1, situation.meanPackItems)) + 1
  return { action: 'lease', itemsMax, packsMax: Math.min(packsMax, LIMITS.leasePacksMax) }
}
