import { assert } from './assert.js'
import type { BackoffOptions } from './backoff.js'
import { backoffDelayMs } from './backoff.js'
import { errorText } from './error-text.js'
import { LIMITS } from './limits.js'
import type { Outcome, OutcomeCode, SentRows } from './outcome.js'
import { OUTCOMES } from './outcome.js'
import type { Random } from './random.js'
import type { Cohort, Trial } from './steering-plan.js'

/** What becomes of an item, by the supervisor's decision. */
export const SETTLE_EVENTS = [
  'complete',
  'retry',
  'snooze',
  'discard',
  'release',
  'reclaim',
  'cancel',
] as const
export type SettleEvent = (typeof SETTLE_EVENTS)[number]

/** One item's end. */
export interface Settlement {
  readonly itemId: string
  readonly packId: string
  readonly leaseId: string
  readonly event: SettleEvent
  readonly code: OutcomeCode
  /** Number of the attempt that ended, from 1. */
  readonly attempt: number
  readonly httpStatus: number | null
  readonly durationMs: number | null
  readonly credits: number | null
  /** What calls whose end nobody knows may have cost beyond `credits`, at most. @default 0 */
  readonly creditsAtMost?: number
  /** A failure for good that was charged, and would be again. @default false */
  readonly isLasting?: boolean
  readonly error: string | null
  /** What its end is counted under; absent for an item of no cohort. */
  readonly trial?: Trial
  /** For an item that goes back to the queue: when, and with which counts. */
  readonly next: NextTry | null
  /** Result rows by sink; written for 'complete' only. */
  readonly rows: SentRows
}

export interface NextTry {
  readonly delayMs: number
  readonly attempt: number
  readonly snoozes: number
  readonly crashes: number
  readonly lonelyCrashes: number
  /** Items of one pack with different slices go to different packs: how a crash is bisected. */
  readonly slice: number
  /** Items that go to packs of their lane alone name it. */
  readonly lane?: string
}

/** An item under lease, with the counts its pack had when it was leased. */
export interface HeldItem {
  readonly itemId: string
  readonly itemKey: string
  readonly packId: string
  readonly leaseId: string
  /** Attempts charged before this one. */
  readonly attempt: number
  readonly snoozes: number
  readonly crashes: number
  readonly lonelyCrashes: number
  /** How it is worked while a rollout is under way. @default 'concurrent' */
  readonly cohort?: Cohort
  /** Host or account that it asks; empty: none in particular. @default '' */
  readonly lane?: string
  /** The step of the rollout that started it; absent for an item that runs alone. */
  readonly step?: number
}

export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly attempts: number
  readonly backoff: BackoffOptions
  /**
   * The other side is down, which is no fault of the item: no attempt is charged. @default false
   */
  readonly isSpared?: boolean
}

type Failure = Extract<Outcome, { result: 'failed' }>

const NO_ROWS: SentRows = {}

/** Written out, property by property: this runs for every item, and a copy by `...` is slow. */
function settlementOf(
  held: HeldItem,
  end: { event: SettleEvent; code: OutcomeCode } & Partial<Settlement>,
): Settlement {
  const settlement: { -readonly [Key in keyof Settlement]: Settlement[Key] } = {
    itemId: held.itemId,
    packId: held.packId,
    leaseId: held.leaseId,
    event: end.event,
    code: end.code,
    attempt: held.attempt + 1,
    httpStatus: end.httpStatus ?? null,
    durationMs: end.durationMs ?? null,
    credits: end.credits ?? null,
    error: end.error ?? null,
    next: end.next ?? null,
    rows: end.rows ?? NO_ROWS,
  }
  if (held.step !== undefined) {
    settlement.trial = { cohort: held.cohort ?? 'concurrent', step: held.step }
  }
  if (end.creditsAtMost !== undefined) settlement.creditsAtMost = end.creditsAtMost
  return settlement
}

function nextOf(held: HeldItem, next: Partial<NextTry>): NextTry {
  return {
    delayMs: 0,
    attempt: held.attempt,
    snoozes: held.snoozes,
    crashes: 0,
    lonelyCrashes: 0,
    slice: 0,
    ...next,
  }
}

/**
 * Decides what an outcome means for its item: the rule of its code, and the attempts that are left.
 */
export function decideSettlement(
  held: HeldItem,
  outcome: Exclude<Outcome, { result: 'release' }>,
  policy: RetryPolicy,
  random: Random,
): Settlement {
  const { httpStatus = null, durationMs, credits = null, creditsAtMost } = outcome.facts
  if (outcome.result === 'complete') {
    const { rows } = outcome
    const end = { event: 'complete', code: 'ok', rows, httpStatus, durationMs, credits } as const
    return settlementOf(held, creditsAtMost === undefined ? end : { ...end, creditsAtMost })
  }
  const asked = creditsAtMost === undefined ? {} : { creditsAtMost }
  const facts = { httpStatus, durationMs, credits, ...asked }
  const settled = { ...failureSettlement(held, outcome, policy, random), ...facts }
  return isLastingFailure(outcome) ? { ...settled, isLasting: true } : settled
}

/** One call, charged, whose answer would be the same again: nothing else stands behind it. */
function isLastingFailure({ code, facts }: Failure): boolean {
  return OUTCOMES[code].lasts === true && (facts.credits ?? 0) > 0 && facts.requests === 1
}

/** Ends an item whose URL is known to fail, without a call. */
export function knownFailureSettlement(
  held: HeldItem,
  known: { readonly code: string; readonly httpStatus: number | null; readonly day: string },
): Settlement {
  const { code, httpStatus, day } = known
  const what = httpStatus === null ? code : `${code}, HTTP ${httpStatus}`
  const error = `Its URL ended with ${what} on ${day}, which was charged; it was not asked for again.`
  return settlementOf(held, { event: 'discard', code: 'known_failure', error })
}

function failureSettlement(
  held: HeldItem,
  failure: Failure,
  policy: RetryPolicy,
  random: Random,
): Settlement {
  const { code, retryAfterMs } = failure
  const error = errorText(failure.message)
  const attempt = held.attempt + 1
  const delayMs = (waits = 0) =>
    backoffDelayMs(policy.backoff, { attempt: attempt + waits, retryAfterMs }, random)
  switch (policy.isSpared === true ? 'snooze' : OUTCOMES[code].rule) {
    case 'snooze':
      // An endless 429 would keep the item for ever: past the bound a snooze costs an attempt.
      if (held.snoozes < LIMITS.snoozesMax) {
        // Each further wait may be longer: whoever refuses for a minute is not asked each second.
        const waits = held.snoozes
        const next = nextOf(held, { delayMs: delayMs(waits), snoozes: waits + 1 })
        return settlementOf(held, { event: 'snooze', code, error, next })
      }
      break
    case 'discard':
      return settlementOf(held, { event: 'discard', code, error })
    case 'cancel':
      return settlementOf(held, { event: 'cancel', code, error })
    default:
      break
  }
  if (attempt >= policy.attempts) return settlementOf(held, { event: 'discard', code, error })
  const next = nextOf(held, { attempt, delayMs: delayMs() })
  return settlementOf(held, { event: 'retry', code, error, next })
}

/**
 * Gives an item back: no attempt is charged, nothing it did counts.
 *
 * @param cost of calls that were begun for it, which are paid for in vain.
 */
export function releaseSettlement(
  held: HeldItem,
  cost: Pick<Settlement, 'credits' | 'creditsAtMost'> | null = null,
): Settlement {
  const { crashes, lonelyCrashes } = held
  const end = { event: 'release', next: nextOf(held, { crashes, lonelyCrashes }) } as const
  if (cost === null) return settlementOf(held, { ...end, code: 'cancelled' })
  // It has a receipt, unlike what goes back untouched: that is where its cost stands.
  const error = 'It was given back while a call for it was under way.'
  return settlementOf(held, { ...end, code: 'worker_lost', error, ...cost })
}

/**
 * Gives an item back untouched whose host or account is not to be asked for a while, to a pack of
 * its lane alone, which leases can pass by.
 */
export function holdSettlement(held: HeldItem, delayMs: number): Settlement {
  const { lane = '' } = held
  const { next, ...release } = releaseSettlement(held)
  return { ...release, next: next && { ...next, delayMs, lane } }
}

/** Ends an item whose result rows the database refused. */
export function sinkFailure(settlement: Settlement, message: string): Settlement {
  return {
    ...settlement,
    event: 'discard',
    code: 'sink',
    error: errorText(message),
    next: null,
    rows: {},
  }
}

export interface Crash {
  /** Who died and how, for the items' history. */
  readonly reason: string
  /** The worker had been given one pack and nothing else. */
  readonly isAlone: boolean
  /** Whether an item may be quarantined; not while everything kills its worker. @default true */
  readonly mayQuarantine?: boolean
  /** What a call under way may have cost, at most. @default 0 */
  readonly creditsEach?: number
}

/**
 * Decides about the items a dead worker held. Nobody's attempt is charged. A pack that crashed
 * before comes back in halves, so that an item which kills its worker is alone after a few deaths;
 * one that kills alone again and again is quarantined.
 */
export function decideCrash(items: readonly HeldItem[], crash: Crash): readonly Settlement[] {
  return [...groupByPack(items).values()].flatMap((members) => crashOfPack(members, crash))
}

function groupByPack(items: readonly HeldItem[]): Map<string, HeldItem[]> {
  const packs = new Map<string, HeldItem[]>()
  for (const item of items) {
    const members = packs.get(item.packId)
    if (members === undefined) packs.set(item.packId, [item])
    else members.push(item)
  }
  return packs
}

function crashOfPack(members: readonly HeldItem[], crash: Crash): readonly Settlement[] {
  const first = members[0]
  assert(first !== undefined, 'a pack has members')
  const isLonely = crash.isAlone && members.length === 1
  const { mayQuarantine = true, creditsEach = 0 } = crash
  const lonelyCrashes = Math.min(first.lonelyCrashes + (isLonely ? 1 : 0), LIMITS.crashesCounted)
  const half = first.crashes >= 1 ? Math.ceil(members.length / 2) : members.length
  const error = errorText(crash.reason)
  return members.map((held, index) => {
    if (isLonely && mayQuarantine && lonelyCrashes >= LIMITS.lonelyCrashesMax) {
      return settlementOf(held, {
        event: 'discard',
        code: 'poison',
        error,
        creditsAtMost: creditsEach,
      })
    }
    const next = nextOf(held, {
      crashes: Math.min(held.crashes + 1, LIMITS.crashesCounted),
      lonelyCrashes,
      slice: index < half ? 0 : 1,
    })
    return settlementOf(held, {
      event: 'reclaim',
      code: 'worker_lost',
      error,
      next,
      creditsAtMost: creditsEach,
    })
  })
}
