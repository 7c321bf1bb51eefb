// How many items of a workflow a node works at once: additive increase, multiplicative decrease,
// below a ceiling that others set. Pure: whoever holds the state tells what happened.

import { assert } from './assert.js'

export interface ConcurrencyState {
  /** Items worked at once, at most. Grows by fractions; the whole part counts. */
  readonly limit: number
  /** Most that configuration, plan and share allow. */
  readonly ceiling: number
  /** Doubles with every round of successes, until the first overload. */
  readonly isSlowStart: boolean
  /** Overloads of the burst that is going on; 0 when there is none. */
  readonly overloads: number
  /** Items that have to end without an overload before the burst is over. */
  readonly recovering: number
  /** Successes since the last overload, for the return to slow start. */
  readonly calm: number
}

/** Why an overload was noticed: the other side's word, or our own machine's. */
const OVERLOADS = ['rate_limited', 'event_loop', 'memory', 'database'] as const
export type Overload = (typeof OVERLOADS)[number]

/** Rounds without an overload after which growth doubles again: the plan may have risen. */
const CALM_ROUNDS = 10
/** Growth needs the limit to have been used to this share: an idle node learns nothing. */
const USED_SHARE = 0.9
/** What a burst leaves of the limit at its 2nd, 4th, 8th overload, and at each doubling after. */
const BURST_SHARES = [0.9, 0.7, 0.5] as const
/** What our own machine's overload leaves of the limit. */
const OWN_SHARE = 0.9

export function startConcurrency(bounds: {
  readonly start: number
  readonly ceiling: number
}): ConcurrencyState {
  assert(bounds.start >= 1, 'concurrency starts with one')
  const limit = Math.min(bounds.start, bounds.ceiling)
  return {
    limit,
    ceiling: bounds.ceiling,
    isSlowStart: limit < bounds.ceiling,
    overloads: 0,
    recovering: 0,
    calm: 0,
  }
}

/** The whole number of items that may be under way. */
export function allowedItems(state: ConcurrencyState): number {
  return Math.floor(state.limit)
}

/**
 * The ceiling moved. A limit that stood at the ceiling moves with it, up as far as the other side
 * has `free`, and doubles from there: what a node that went had in flight may still be. One that
 * overloads pressed below it stays where it is and grows by itself, as it does while nothing may
 * grow.
 */
export function moveCeiling(
  state: ConcurrencyState,
  ceiling: number,
  { mayGrow = true, free = Number.POSITIVE_INFINITY } = {},
): ConcurrencyState {
  if (ceiling === state.ceiling) return state
  if (ceiling < state.limit) return { ...state, limit: ceiling, ceiling }
  const stoodAtCeiling = state.limit >= state.ceiling
  if (!stoodAtCeiling || !mayGrow) return { ...state, ceiling }
  const limit = Math.min(ceiling, state.limit + free)
  return { ...state, limit, ceiling, isSlowStart: limit < ceiling }
}

/**
 * An item ended without an overload. `active` counts the items under way before, itself included. A
 * failure teaches nothing about the limit, so it never speeds anything up.
 */
export function onEnd(
  state: ConcurrencyState,
  end: {
    readonly active: number
    readonly isSuccess: boolean
    /** False while something shared is short. @default true */
    readonly mayGrow?: boolean
  },
): ConcurrencyState {
  if (state.recovering > 0) {
    const recovering = state.recovering - 1
    return { ...state, recovering, overloads: recovering === 0 ? 0 : state.overloads }
  }
  if (!end.isSuccess) return state
  const calm = state.calm + 1
  const isSlowStart = state.isSlowStart || calm >= CALM_ROUNDS * state.limit
  const isUsed = end.active >= USED_SHARE * Math.floor(state.limit)
  const mayGrow = isUsed && end.mayGrow !== false
  const { ceiling, overloads, recovering } = state
  const step = isSlowStart ? 1 : 1 / Math.max(1, state.limit)
  const limit = mayGrow ? Math.min(ceiling, state.limit + step) : state.limit
  const goesOn = mayGrow ? isSlowStart && limit < ceiling : state.isSlowStart
  // Written out instead of copied by `...`, which is slow: this runs for every item.
  return { limit, ceiling, isSlowStart: goesOn, overloads, recovering, calm }
}

/**
 * The other side refused an item because it has too many (429).
 *
 * The first refusal of a burst tells the limit: what is under way beside the refused item was
 * accepted. More of them say that the limit has fallen far, and each doubling cuts deeper. So the
 * burst by which a plan of 51 is told from one of 50 costs a single slot.
 */
export function onRefusal(state: ConcurrencyState, active: number): ConcurrencyState {
  const overloads = state.overloads + 1
  const doublings = Math.log2(overloads)
  const isCut = overloads > 1 && Number.isInteger(doublings)
  const share = BURST_SHARES[Math.min(doublings, BURST_SHARES.length) - 1] ?? 1
  const accepted = overloads === 1 ? Math.min(state.limit, active - 1) : state.limit
  const limit = Math.max(1, Math.floor(isCut ? accepted * share : accepted))
  return {
    ...state,
    limit,
    overloads,
    isSlowStart: false,
    recovering: Math.max(1, active),
    calm: 0,
  }
}

/** Our own machine is overloaded: the caller says so once in a while, not for every item. */
export function onOwnOverload(state: ConcurrencyState): ConcurrencyState {
  const limit = Math.max(1, Math.floor(state.limit * OWN_SHARE))
  return { ...state, limit, isSlowStart: false, calm: 0 }
}
