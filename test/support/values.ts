// Plain values for tests, each with every field optional.

import type { AttemptFacts, Outcome } from '../../src/core/outcome.js'
import type { Random } from '../../src/core/random.js'
import type { HeldItem, NextTry, RetryPolicy, Settlement } from '../../src/core/settlement.js'
import type { LeasedPack } from '../../src/store/leased-packs.js'

export function heldItem(fields: Partial<HeldItem> = {}): HeldItem {
  const itemId = fields.itemId ?? '1'
  return {
    itemId,
    itemKey: `key-${itemId}`,
    packId: '1',
    leaseId: '1',
    attempt: 0,
    snoozes: 0,
    crashes: 0,
    lonelyCrashes: 0,
    ...fields,
  }
}

export function heldItems(count: number, fields: Partial<HeldItem> = {}): readonly HeldItem[] {
  return Array.from({ length: count }, (_, index) =>
    heldItem({ itemId: `${index + 1}`, ...fields }),
  )
}

export function nextTry(fields: Partial<NextTry> = {}): NextTry {
  return { delayMs: 0, attempt: 0, snoozes: 0, crashes: 0, lonelyCrashes: 0, slice: 0, ...fields }
}

/** A settlement that completes the item, unless its fields say otherwise. */
export function settlement(held: HeldItem, fields: Partial<Settlement> = {}): Settlement {
  return {
    itemId: held.itemId,
    packId: held.packId,
    leaseId: held.leaseId,
    event: 'complete',
    code: 'ok',
    attempt: held.attempt + 1,
    httpStatus: 200,
    durationMs: 12,
    credits: null,
    error: null,
    next: null,
    rows: {},
    ...fields,
  }
}

export function facts(fields: Partial<AttemptFacts> = {}): AttemptFacts {
  return { durationMs: 12, ...fields }
}

export function completed(
  fields: { readonly facts?: AttemptFacts } = {},
): Extract<Outcome, { result: 'complete' }> {
  return { result: 'complete', rows: {}, facts: facts(), ...fields }
}

type Failure = Extract<Outcome, { result: 'failed' }>

export function failed(code: Failure['code'], fields: Partial<Failure> = {}): Failure {
  return { result: 'failed', code, message: `it ended with ${code}`, facts: facts(), ...fields }
}

export function retryPolicy(fields: Partial<RetryPolicy> = {}): RetryPolicy {
  return { attempts: 3, backoff: { baseMs: 1_000, factor: 2, maxMs: 60_000 }, ...fields }
}

/** Always the same number. */
export function constantRandom(value = 0.5): Random {
  return { next: () => value }
}

/** A pack as a lease returns it, with items numbered from `firstItem`. */
export function leasedPack(
  fields: Partial<Omit<LeasedPack, 'items'>> & {
    readonly itemCount?: number
    readonly firstItem?: number
  } = {},
): LeasedPack {
  const { itemCount = 1, firstItem = 1, ...rest } = fields
  return {
    packId: '1',
    leaseId: '1',
    attempt: 0,
    snoozes: 0,
    crashes: 0,
    lonelyCrashes: 0,
    ...rest,
    items: Array.from({ length: itemCount }, (_, index) => ({
      itemId: `${firstItem + index}`,
      itemKey: `key-${firstItem + index}`,
      payload: null,
      lane: '',
    })),
  }
}

/** The items of packs as the supervisor holds them. */
export function heldOf(packs: readonly LeasedPack[]): readonly HeldItem[] {
  return packs.flatMap(({ items, ...counts }) =>
    items.map(({ itemId, itemKey, lane }) => ({
      itemId,
      itemKey,
      ...counts,
      ...(lane === '' ? {} : { lane }),
    })),
  )
}
