// What a lease brings: packs, and how they are read from the statement's rows.

import type { QueuePosition } from '../core/lease-place.js'
import type { Json, OutcomeCode } from '../core/outcome.js'
import type { HeldItem } from '../core/settlement.js'
import type { KnownFailure } from './known-failures.js'

export interface LeasedItem {
  readonly itemId: string
  readonly itemKey: string
  readonly payload: Json
  readonly lane: string
  /** Its URL failed before, and that was charged. */
  readonly known?: KnownFailure
}

type PackFields = 'packId' | 'leaseId' | 'attempt' | 'snoozes' | 'crashes' | 'lonelyCrashes'

/** A pack under lease. The counts are those before this lease. */
export interface LeasedPack extends Pick<HeldItem, PackFields> {
  readonly items: readonly LeasedItem[]
  /** Characters of its items as they came, about: they take some times that of memory. */
  readonly characters?: number
  /** Where it stood, or the pack stands that it is a piece of. */
  readonly position?: QueuePosition
}

/** An item as it travels: those of a row are read at once, not cell by cell. */
type LeaseItem = readonly [
  itemId: string,
  itemKey: string,
  payload: Json,
  lane: string,
  knownCode: OutcomeCode | null,
  knownStatus: number | null,
  knownDay: string | null,
]

interface PackRow {
  /** Its number among those that were leased, in the order of the queue. */
  readonly ordinal: number
  readonly pack_id: string
  readonly lease_id: string
  readonly attempt: number
  readonly snoozes: number
  readonly crashes: number
  readonly lonely_crashes: number
  readonly priority: number
  readonly run_at: string
  readonly origin_id: string
  /** In the pack's order, parted by commas. */
  readonly item_ids: string
  readonly items: null
}

/** What the statement that leases tells: a pack, or some of all items. */
export type LeaseRow = PackRow | { readonly ordinal: null; readonly items: string }

function itemOf(item: LeaseItem): LeasedItem {
  const [itemId, itemKey, payload, lane, code, httpStatus, day] = item
  if (code === null || day === null) return { itemId, itemKey, payload, lane }
  return { itemId, itemKey, payload, lane, known: { code, httpStatus, day } }
}

/** Characters of an item from which on it is counted by itself. */
const LARGE = 1_024

/** How large items are, as they came. */
class Sizes {
  readonly #small = { characters: 0, items: 0 }
  readonly #large = new Map<string, number>()

  note(items: readonly LeaseItem[], characters: number): void {
    const each = characters / items.length
    if (each > LARGE) for (const [itemId] of items) this.#large.set(itemId, each)
    else {
      this.#small.characters += characters
      this.#small.items += items.length
    }
  }

  of(items: readonly LeasedItem[]): number {
    const each = this.#small.characters / Math.max(1, this.#small.items)
    // Nearly always, and items are many.
    if (this.#large.size === 0) return Math.ceil(each * items.length)
    const sizes = items.map(({ itemId }) => this.#large.get(itemId) ?? each)
    return Math.ceil(sizes.reduce((sum, size) => sum + size, 0))
  }
}

function packOf(row: PackRow, all: ReadonlyMap<string, LeasedItem>, sizes: Sizes): LeasedPack {
  const items = row.item_ids.split(',').flatMap((itemId) => all.get(itemId) ?? [])
  return {
    packId: row.pack_id,
    leaseId: row.lease_id,
    attempt: row.attempt,
    snoozes: row.snoozes,
    crashes: row.crashes,
    lonelyCrashes: row.lonely_crashes,
    items,
    characters: sizes.of(items),
    position: { priority: row.priority, runAt: row.run_at, packId: row.origin_id },
  }
}

/** The packs in the order of the queue, each with its items in its own order. */
export function readPacks(rows: readonly LeaseRow[]): readonly LeasedPack[] {
  const packs: PackRow[] = []
  const all = new Map<string, LeasedItem>()
  const sizes = new Sizes()
  for (const row of rows) {
    if (row.ordinal !== null) {
      packs.push(row)
      continue
    }
    const items: readonly LeaseItem[] = JSON.parse(row.items)
    sizes.note(items, row.items.length)
    for (const item of items) all.set(item[0], itemOf(item))
  }
  return packs.sort((a, b) => a.ordinal - b.ordinal).map((row) => packOf(row, all, sizes))
}
