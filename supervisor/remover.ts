// The remover: takes away what is older than it is to be kept, a small slice at a time. Between two
// slices it rests for as long as the last one took, so it uses half of one connection at most. It
// works a chore only while it has the turn at it, which one node of the cluster has. Whatever fails
// here is said, and tried again later; nothing waits for it.

import type { Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import { LIMITS } from '../src/core/limits.js'
import type { ChoreStore } from '../src/store/chore-store.js'
import type { Chore, Slice } from '../src/store/chores.js'
import { CHORES } from '../src/store/chores.js'
import { FIRST, type OldReceipts } from '../src/store/retention.js'
import type { EventBus } from '../src/telemetry/events.js'
import { createTicker, type Ticker } from './ticker.js'

/** For how long things are kept, in milliseconds; null: for ever. */
export interface Keep {
  readonly receiptsMs: number | null
  readonly itemsMs: number | null
}

interface RemoverDeps {
  readonly chores: ChoreStore
  readonly nodeId: string
  readonly keep: Keep
  readonly clock: Clock
  readonly events: EventBus
}

/** Time between two looks for a turn that is free. */
const LOOK_MS = 60_000
/** Time between two passes over a chore, in the whole cluster. */
const PASS_GAP_MS = 600_000
/** Shortest rest between two slices. */
const REST_MS_MIN = 20

/** What a pass has done so far. */
interface Progress {
  rows: number
  partitions: number
}

/** One yield a slice. */
type Pass = AsyncGenerator<void, void>

export function createRemover(deps: RemoverDeps): Pick<Ticker, 'start' | 'stop'> {
  const { clock } = deps
  let round: Pass | null = null
  const ticker = createTicker(clock, async () => {
    const startedMs = clock.nowMs()
    round ??= allPasses(deps)
    const { done } = await round.next()
    if (done !== true) return Math.max(REST_MS_MIN, clock.nowMs() - startedMs)
    round = null
    return LOOK_MS
  })
  return ticker
}

async function* allPasses(deps: RemoverDeps): Pass {
  for (const chore of CHORES) yield* onePass(deps, chore)
}

async function* onePass(deps: RemoverDeps, chore: Chore): Pass {
  const { chores, nodeId, clock, events } = deps
  const keepMs = keepOf(deps.keep, chore)
  if (keepMs === null) return
  const progress: Progress = { rows: 0, partitions: 0 }
  const startedMs = clock.nowMs()
  let failure: string | null = null
  try {
    if (!(await chores.takeTurn({ chore, nodeId, gapMs: PASS_GAP_MS }))) return
    yield* slicesOf(deps, chore, { keepMs, progress })
  } catch (error) {
    failure = messageOf(error)
    events.emit('housekeeping.failed', { message: `${chore}: ${failure}` })
  }
  const { rows, partitions } = progress
  await chores.endTurn({ chore, nodeId, rows, failure }).catch((error: unknown) => {
    // The turn is free again after a minute.
    events.emit('housekeeping.failed', { message: `${chore}: ${messageOf(error)}` })
  })
  if (rows + partitions === 0) return
  const durationMs = clock.nowMs() - startedMs
  events.emit('housekeeping.removed', { chore, rows, partitions, durationMs })
}

function keepOf(keep: Keep, chore: Chore): number | null {
  return chore === 'items' || chore === 'runs' ? keep.itemsMs : keep.receiptsMs
}

interface Work {
  readonly keepMs: number
  readonly progress: Progress
}

async function* slicesOf(deps: RemoverDeps, chore: Chore, work: Work): Pass {
  if (chore === 'receipts') yield* receiptSlices(deps, work)
  else if (chore === 'items') yield* itemSlices(deps, work)
  else {
    const { chores, nodeId } = deps
    const old = { nodeId, keepMs: work.keepMs, rowsMax: LIMITS.choreSliceRowsMax }
    yield* untilEmpty(() => chores.remove(chore, old), work.progress)
  }
}

async function* untilEmpty(take: () => Promise<Slice>, progress: Progress): Pass {
  for (let slices = 0; slices < LIMITS.choreSlicesMax; slices += 1) {
    const { isOurs, rows } = await take()
    progress.rows += rows
    if (!isOurs || rows === 0) return
    yield
  }
}

async function* receiptSlices(deps: RemoverDeps, work: Work): Pass {
  const { chores, nodeId } = deps
  for (const receipts of await chores.findOldReceipts(work.keepMs)) {
    if (!(yield* moveAll(deps, receipts, work))) return
    if (receipts.isRest) continue
    const dropped = await chores.dropReceipts({ nodeId, partition: receipts.partition })
    if (dropped === 'lost') return
    if (dropped === 'dropped') work.progress.partitions += 1
    yield
  }
}

/** @returns false when the turn was lost. */
async function* moveAll(
  deps: RemoverDeps,
  receipts: OldReceipts,
  { keepMs, progress }: Work,
): AsyncGenerator<void, boolean> {
  const pagesMax = LIMITS.choreSlicePagesMax
  for (let fromPage = 0; fromPage < receipts.pages; fromPage += pagesMax) {
    const slice = { nodeId: deps.nodeId, receipts, fromPage, pagesMax, keepMs }
    const { isOurs, rows } = await deps.chores.moveEndings(slice)
    progress.rows += rows
    if (!isOurs) return false
    yield
  }
  return true
}

async function* itemSlices(deps: RemoverDeps, { keepMs, progress }: Work): Pass {
  const { chores, nodeId } = deps
  let after = FIRST
  for (let slices = 0; slices < LIMITS.choreSlicesMax; slices += 1) {
    const old = { nodeId, keepMs, rowsMax: LIMITS.choreSliceRowsMax, after }
    const { isOurs, rows, next } = await chores.retireItems(old)
    progress.rows += rows
    if (!isOurs || next === null) return
    after = next
    yield
  }
}
