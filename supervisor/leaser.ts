// The leaser: keeps the buffer of one workflow filled for the slots that are free.

import type { Clock, MonotonicMs } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import { LeasePlace } from '../src/core/lease-place.js'
import type { SlotSituation } from '../src/core/lease-plan.js'
import { followCharacters, LEASE_MEAN_WEIGHT, planLease } from '../src/core/lease-plan.js'
import { LIMITS } from '../src/core/limits.js'
import type { LeasedPack } from '../src/store/leased-packs.js'
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
  /** Age up to which failures of the items' URLs are asked for. @default 0, none */
  readonly failureAgeMs?: number
  readonly situation: () => SlotSituation
  /** False while the node may not lease: not trusted, draining, or too much waits to be settled. */
  readonly mayLease: () => boolean
  /** Partitions that this node leases from; null for all. @default all */
  readonly partitions?: () => readonly number[] | null
  /** Leases that this node has in hand, so that a lease nobody knows of can be told. */
  readonly knownLeases: () => readonly string[]
  /** Lanes whose hosts have enough to do. */
  readonly lanesToSkip: () => readonly string[]
  readonly onPacks: (packs: readonly LeasedPack[]) => void
}

export interface Leaser {
  readonly start: () => void
  /** Slots became free. A queue that gave less than was asked is still left alone for its pause. */
  readonly wake: () => void
  /** Something may have become ready ahead of what was leased last: the next look sees all. */
  readonly lookBack: () => void
  /** Characters of an item in recent leases; null before the first. */
  readonly itemCharacters: () => number | null
  readonly stop: () => Promise<void>
}

/** Time after which a statement whose answer was lost is almost surely over. */
const STRANDED_MS = 5_000
/** Where a disk stands still it is not, so one more look is taken now and then. */
const LOOK_AGAIN_MS = 60_000

export function createLeaser(deps: LeaserDeps): Leaser {
  const { min, max } = LIMITS.pollDelayMs
  let meanPackItems = LIMITS.packItemsMax / 2
  let itemCharacters: number | null = null
  let pauseMs: number = min
  let quietUntilMs = 0
  /** A lease whose answer was lost may have been granted all the same: when the last one was. */
  let lostMs = 0
  /** When to look for such leases; null while there are none to fear. */
  let lookMs: number | null = null
  const place = new LeasePlace()

  /** The queue has no more for now: look again after a pause that grows while it stays empty. */
  const rest = (found: number): number => {
    pauseMs = found > 0 ? min : Math.min(max, pauseMs * 2)
    quietUntilMs = deps.clock.nowMs() + pauseMs
    return pauseMs
  }

  const granted = (packs: readonly LeasedPack[], items: number, sentMs: MonotonicMs): void => {
    meanPackItems += LEASE_MEAN_WEIGHT * (items / packs.length - meanPackItems)
    const characters = packs.reduce((sum, pack) => sum + (pack.characters ?? 0), 0)
    itemCharacters = followCharacters(itemCharacters, characters / Math.max(1, items))
    const durationMs = deps.clock.nowMs() - sentMs
    deps.events.emit('lease.granted', {
      workflow: deps.workflow.name,
      packs: packs.length,
      items,
      leaseIds: packs.map(({ leaseId }) => leaseId),
      durationMs,
    })
    deps.onPacks(packs)
  }

  const lease = async (plan: { itemsMax: number; packsMax: number }): Promise<number> => {
    const sentMs = deps.clock.nowMs()
    const { nodeId, deadlineMs, workflow, failureAgeMs = 0 } = deps
    const partitions = deps.partitions?.() ?? undefined
    if (partitions?.length === 0) return rest(0)
    const lanesToSkip = deps.lanesToSkip()
    // What is passed by, or is left to others, would stand before the place.
    const isWhole = lanesToSkip.length === 0 && partitions === undefined
    const from = place.from(sentMs, isWhole)
    const request = { nodeId, deadlineMs, failureAgeMs, lanesToSkip, partitions, from, ...plan }
    const packs = await deps.store.leasePacks(workflow, request)
    const items = packs.reduce((sum, pack) => sum + pack.items.length, 0)
    const isShort = items < plan.itemsMax && packs.length < plan.packsMax
    if (!isShort && isWhole) place.reach(packs.at(-1)?.position ?? null)
    if (packs.length > 0) granted(packs, items, sentMs)
    // Beyond the place there is no more; before it there may be.
    return isShort && from === null ? rest(items) : 0
  }

  /**
   * Gives back what a lost answer left leased: nobody would work it, and its node lives. The answer
   * to the release may be lost too, and the release come late: the newest lease of now keeps it
   * from those that are granted meanwhile.
   */
  const releaseStranded = async (): Promise<void> => {
    const { store, workflow, nodeId } = deps
    const newest = await store.findNewestLease(workflow, nodeId)
    if (newest === null) return
    const { items } = await store.releaseNode(workflow, nodeId, deps.knownLeases(), newest)
    if (items === 0) return
    place.lookBack()
    deps.events.emit('items.released', { workflow: workflow.name, items, reason: 'lost_answer' })
  }

  const look = async (): Promise<void> => {
    if (lookMs === null || deps.clock.nowMs() < lookMs) return
    await releaseStranded()
    const nowMs = deps.clock.nowMs()
    const sinceMs = nowMs - lostMs
    if (sinceMs < STRANDED_MS) lookMs = lostMs + STRANDED_MS
    // By then the reclaimer frees whatever still came: its deadline is as long.
    else lookMs = sinceMs < deps.deadlineMs ? nowMs + LOOK_AGAIN_MS : null
  }

  const failed = (error: unknown): number => {
    deps.events.emit('lease.failed', { workflow: deps.workflow.name, message: messageOf(error) })
    return rest(0)
  }

  const turn = async (): Promise<number> => {
    const quietMs = quietUntilMs - deps.clock.nowMs()
    if (quietMs > 0) return quietMs
    try {
      // Also while nothing may be leased here: others could work what is stranded.
      await look()
    } catch (error) {
      return failed(error)
    }
    if (!deps.mayLease()) return max
    const plan = planLease({ ...deps.situation(), meanPackItems, itemCharacters })
    if (plan.action === 'wait') return max
    try {
      return await lease(plan)
    } catch (error) {
      lostMs = deps.clock.nowMs()
      lookMs = Math.min(lookMs ?? Number.POSITIVE_INFINITY, lostMs + STRANDED_MS)
      return failed(error)
    }
  }

  const ticker: Ticker = createTicker(deps.clock, turn)
  return {
    start: ticker.start,
    stop: ticker.stop,
    lookBack: () => place.lookBack(),
    itemCharacters: () => itemCharacters,
    wake: () => {
      if (deps.clock.nowMs() >= quietUntilMs) ticker.wake()
    },
  }
}
