// The leaser: keeps the buffer of one workflow filled for the slots that are free.

import type { Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import type { LeaseSituation } from '../src/core/lease-plan.js'
import { planLease } from '../src/core/lease-plan.js'
import { LIMITS } from '../src/core/limits.js'
import type { LeasedPack } from '../src/store/lease.js'
import type { Store, WorkflowHandle } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'
import type { Ticker } from './ticker.js'
import { createTicker } from './ticker.js'

export interface LeaserDeps {
  readonly store: Store
  readonly workflow: WorkflowHandle
  readonly nodeId: string
  readonly clock: Clock
  readonly events: EventBus
  /** Time from a lease to the moment its packs may be reclaimed although the node lives. */
  readonly deadlineMs: number
  readonly situation: () => Omit<LeaseSituation, 'meanPackItems'>
  /** False while the node may not lease: not trusted, draining, or too much waits to be settled. */
  readonly mayLease: () => boolean
  /** Leases that this node has in hand, so that a lease nobody knows of can be told. */
  readonly knownLeases: () => readonly string[]
  /** @returns items that stay here; the others go back, and to look again soon is of no use. */
  readonly onPacks: (packs: readonly LeasedPack[]) => number
}

export interface Leaser {
  readonly start: () => void
  /** Slots became free. A queue that gave less than was asked is still left alone for its pause. */
  readonly wake: () => void
  readonly stop: () => Promise<void>
}

/** Time after which a statement whose answer was lost is surely over. */
const STRANDED_MS = 5_000
/** How fast the mean pack size follows what leases bring. */
const MEAN_WEIGHT = 0.3

export function createLeaser(deps: LeaserDeps): Leaser {
  const { min, max } = LIMITS.pollDelayMs
  let meanPackItems = LIMITS.packItemsMax / 2
  let pauseMs: number = min
  let quietUntilMs = 0
  /** A lease whose answer was lost may have been granted all the same. */
  let strandedSinceMs: number | null = null

  /** The queue has no more for now: look again after a pause that grows while it stays empty. */
  const rest = (found: number): number => {
    pauseMs = found > 0 ? min : Math.min(max, pauseMs * 2)
    quietUntilMs = deps.clock.nowMs() + pauseMs
    return pauseMs
  }

  const lease = async (plan: { itemsMax: number; packsMax: number }): Promise<number> => {
    const sentMs = deps.clock.nowMs()
    const { nodeId, deadlineMs, workflow } = deps
    const packs = await deps.store.leasePacks(workflow, { nodeId, deadlineMs, ...plan })
    const items = packs.reduce((sum, pack) => sum + pack.items.length, 0)
    let kept = 0
    if (packs.length > 0) {
      const mean = items / packs.length
      meanPackItems += MEAN_WEIGHT * (mean - meanPackItems)
      const durationMs = deps.clock.nowMs() - sentMs
      deps.events.emit('lease.granted', {
        workflow: workflow.name,
        packs: packs.length,
        items,
        durationMs,
      })
      kept = deps.onPacks(packs)
    }
    const isShort = items < plan.itemsMax && packs.length < plan.packsMax
    return isShort ? rest(kept) : 0
  }

  /** Gives back what a lost answer left leased: nobody would work it, and its node lives. */
  const releaseStranded = async (): Promise<void> => {
    if (strandedSinceMs === null) return
    if (deps.clock.nowMs() - strandedSinceMs < STRANDED_MS) return
    const { items } = await deps.store.releaseNode(deps.workflow, deps.nodeId, deps.knownLeases())
    strandedSinceMs = null
    if (items === 0) return
    const workflow = deps.workflow.name
    deps.events.emit('items.released', { workflow, items, reason: 'lost_answer' })
  }

  const turn = async (): Promise<number> => {
    const quietMs = quietUntilMs - deps.clock.nowMs()
    if (quietMs > 0) return quietMs
    if (!deps.mayLease()) return max
    const plan = planLease({ ...deps.situation(), meanPackItems })
    if (plan.action === 'wait') return max
    try {
      await releaseStranded()
      return await lease(plan)
    } catch (error) {
      strandedSinceMs ??= deps.clock.nowMs()
      deps.events.emit('lease.failed', { workflow: deps.workflow.name, message: messageOf(error) })
      return rest(0)
    }
  }

  const ticker: Ticker = createTicker(deps.clock, turn)
  return {
    start: ticker.start,
    stop: ticker.stop,
    wake: () => {
      if (deps.clock.nowMs() >= quietUntilMs) ticker.wake()
    },
  }
}
