import type { DispatchedItem } from '../src/actor/messages.js'
import type { MonotonicMs } from '../src/core/clock.js'
import type { HeldItem } from '../src/core/settlement.js'
import type { LeasedPack } from '../src/store/leased-packs.js'

/** An item that is leased and that no worker has yet. */
export interface Waiting {
  readonly held: HeldItem
  readonly item: DispatchedItem
  /** Its share of the characters that its pack came with. */
  readonly characters: number
  readonly leasedMs: MonotonicMs
}

/** The items of a pack. */
export function waitingOf(pack: LeasedPack, leasedMs: MonotonicMs): Waiting[] {
  const characters = Math.ceil((pack.characters ?? 0) / pack.items.length)
  return pack.items.map((item) => ({
    leasedMs,
    characters,
    held: {
      itemId: item.itemId,
      itemKey: item.itemKey,
      packId: pack.packId,
      leaseId: pack.leaseId,
      attempt: pack.attempt,
      snoozes: pack.snoozes,
      crashes: pack.crashes,
      lonelyCrashes: pack.lonelyCrashes,
      lane: item.lane,
    },
    item: {
      itemId: item.itemId,
      packId: pack.packId,
      leaseId: pack.leaseId,
      itemKey: item.itemKey,
      payload: item.payload,
      attempt: pack.attempt + 1,
    },
  }))
}

/**
 * The item as it is started in a step of a rollout. Written out: this runs for every item, and what
 * is copied by `...` and added to is slow to make and slow to read.
 */
export function startedIn(held: HeldItem, step: number): HeldItem {
  const { itemId, itemKey, packId, leaseId, attempt, snoozes, crashes, lonelyCrashes } = held
  const started = {
    itemId,
    itemKey,
    packId,
    leaseId,
    attempt,
    snoozes,
    crashes,
    lonelyCrashes,
    lane: held.lane ?? '',
    step,
  }
  return held.cohort === undefined ? started : { ...started, cohort: held.cohort }
}

/** Those that stay, and those that go. */
export function parted(
  waiting: readonly Waiting[],
  isTaken: (held: HeldItem) => boolean,
): { readonly kept: Waiting[]; readonly taken: readonly HeldItem[] } {
  const taken: HeldItem[] = []
  const kept = waiting.filter(({ held }) => {
    if (!isTaken(held)) return true
    taken.push(held)
    return false
  })
  return { kept, taken }
}
