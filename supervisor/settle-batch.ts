// What the settler sends: decisions gathered in batches, what is told of them afterwards, and how a
// batch goes on that the database refused.

import { LIMITS } from '../src/core/limits.js'
import type { AttemptFacts, SentRows } from '../src/core/outcome.js'
import type { HeldItem, Settlement } from '../src/core/settlement.js'
import { sinkFailure } from '../src/core/settlement.js'
import type { EventOf } from '../src/telemetry/events.js'

/** A decision on its way to the database. */
export interface Ending {
  readonly held: HeldItem
  readonly settlement: Settlement
  readonly facts: AttemptFacts | null
}

/** An ending and the bytes of its results. */
export interface WeighedEnding extends Ending {
  readonly bytes: number
}

export interface Batch {
  readonly endings: readonly WeighedEnding[]
  /** A try may have taken effect although its answer was lost. */
  isUncertain: boolean
  failures: number
  /** Written without results and status words: even the bare failure was refused with them. */
  readonly isBare: boolean
}

/** How many of the waiting endings fit in one statement; always one. */
export function fittingCount(waiting: readonly WeighedEnding[]): number {
  let bytes = 0
  let count = 0
  for (const ending of waiting) {
    bytes += ending.bytes
    if (count > 0 && bytes > LIMITS.settleBytesMax) break
    count += 1
    if (count === LIMITS.settleItemsMax) break
  }
  return count
}

export type SplitPlan =
  | { readonly action: 'send'; readonly batches: readonly Batch[] }
  | { readonly action: 'give-up'; readonly ending: WeighedEnding }

/** Finds the row that the database refuses by halving; alone, its item fails for good. */
export function splitRefused(batch: Batch, message: string): SplitPlan {
  const { endings, isUncertain } = batch
  const send = (...parts: Pick<Batch, 'endings' | 'isBare'>[]): SplitPlan => ({
    action: 'send',
    batches: parts.map((part) => ({ ...part, isUncertain, failures: 0 })),
  })
  const [only] = endings
  if (endings.length > 1 || only === undefined) {
    const half = Math.ceil(endings.length / 2)
    const [first, second] = [endings.slice(0, half), endings.slice(half)]
    return send({ endings: first, isBare: false }, { endings: second, isBare: false })
  }
  if (batch.isBare) return { action: 'give-up', ending: only }
  // A failure that is refused, too, is refused for its status word: its receipt is written alone.
  const isBare = only.settlement.code === 'sink'
  const settlement = isBare ? only.settlement : sinkFailure(only.settlement, message)
  return send({ endings: [{ ...only, settlement }], isBare })
}

/** What is told of an ending once the database has answered. */
export function settledEvent(
  workflow: string,
  { held, settlement, facts }: Ending,
  isApplied: boolean,
): EventOf<'item.settled'> {
  const { event } = settlement
  const state = event === 'reclaim' || event === 'cancel' ? 'release' : event
  return {
    name: 'item.settled',
    workflow,
    leaseId: held.leaseId,
    itemId: held.itemId,
    itemKey: held.itemKey,
    lane: held.lane ?? '',
    state: isApplied ? state : 'rejected',
    code: settlement.code,
    attempt: settlement.attempt,
    durationMs: facts?.durationMs ?? 0,
    httpStatus: settlement.httpStatus,
    resultRows: rowsIn(settlement.rows),
    requests: facts?.requests ?? 0,
    reused: facts?.reused ?? false,
    bytes: facts?.bytes ?? 0,
    credits: (settlement.credits ?? 0) + (settlement.creditsAtMost ?? 0),
    message: settlement.error,
    cohort: held.cohort ?? 'concurrent',
  }
}

function rowsIn(bySink: SentRows): number {
  let rows = 0
  for (const sink in bySink) rows += bySink[sink]?.length ?? 0
  return rows
}

/** Whether calls may have been made for it: what goes back untouched cost nothing. */
export function hasBegun({ settlement }: Ending): boolean {
  const { event, code, credits, creditsAtMost = 0 } = settlement
  if (code === 'known_failure') return false
  return event !== 'release' || (credits ?? 0) + creditsAtMost > 0
}

/** What these decisions cost together. */
export function billOf(endings: readonly Ending[]) {
  const bill = { calls: 0, credits: 0, unsure: 0 }
  for (const { settlement } of endings) {
    const { credits, creditsAtMost = 0 } = settlement
    const cost = (credits ?? 0) + creditsAtMost
    bill.calls += cost > 0 ? 1 : 0
    bill.credits += cost
    bill.unsure += creditsAtMost
  }
  return bill
}
