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
export type LeaseRow = PackRow | { readonly ordinal: null; readonly items: readonly LeaseItem[] }

function itemOf(item: LeaseItem): LeasedItem {
  const [itemId, itemKey, payload, lane, code, httpStatus, day] = item
  if (code === null || day === null) return { itemId, itemKey, payload, lane }
  return { itemId, itemKey, payload, lane, known: { code, httpStatus, day } }
}

function packOf(row: PackRow, items: ReadonlyMap<string, LeasedItem>): LeasedPack {
  return {
    packId: row.pack_id,
    leaseId: row.lease_id,
    attempt: row.attempt,
    snoozes: row.snoozes,
    crashes: row.crashes,
    lonelyCrashes: row.lonely_crashes,
    items: row.item_ids.split(',').flatMap((itemId) => items.get(itemId) ?? []),
    position: { priority: row.priority, runAt: row.run_at, packId: row.origin_id },
  }
}

/** The packs in the order of the queue, each with its items in its own order. */
export function readPacks(rows: readonly LeaseRow[]): readonly LeasedPack[] {
  const packs: PackRow[] = []
  const items = new Map<string, LeasedItem>()
  for (const row of rows) {
    if (row.ordinal !== null) packs.push(row)
    else for (const item of row.items) items.set(item[0], itemOf(item))
  }
  return packs.sort((a, b) => a.ordinal - b.ordinal).map((row) => packOf(row, items))
}
