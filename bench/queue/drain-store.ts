// Drains a queue through the store alone: leases, and settles of as many items as the settler of a
// supervisor sends.

import { randomUUID } from 'node:crypto'
import { LeasePlace } from '../../src/core/lease-place.js'
import { LIMITS } from '../../src/core/limits.js'
import type { Settlement } from '../../src/core/settlement.js'
import type { LeasedPack } from '../../src/store/leased-packs.js'
import type { Store, WorkflowHandle } from '../../src/store/store.js'

const DAY_MS = 86_400_000

/** What happened, as it happens. */
export interface DrainListener {
  readonly onLeased?: (items: number, durationMs: number) => void
  readonly onSettled?: (items: number, durationMs: number) => void
}

export interface Drain {
  readonly store: Store
  readonly workflow: WorkflowHandle
  readonly nodeId: string
  /** Connections, each with its own leases. */
  readonly connections: number
}

/** Enters a node that nobody fences while it drains. */
export async function registerDrainer(store: Store): Promise<string> {
  const nodeId = randomUUID()
  const node = { nodeId, name: 'bench', host: 'bench', machine: 'bench', pid: 0, pidStarted: '0' }
  await store.registerNode(node, DAY_MS)
  return nodeId
}

function settlementsOf(packs: readonly LeasedPack[]): readonly Settlement[] {
  return packs.flatMap(({ packId, leaseId, attempt, items }) =>
    items.map(({ itemId }) => ({
      itemId,
      packId,
      leaseId,
      event: 'complete' as const,
      code: 'ok' as const,
      attempt: attempt + 1,
      httpStatus: null,
      durationMs: 1,
      credits: null,
      error: null,
      next: null,
      rows: {},
    })),
  )
}

async function timed<Value>(of: () => Promise<Value>): Promise<[value: Value, ms: number]> {
  const startedMs = performance.now()
  const value = await of()
  return [value, performance.now() - startedMs]
}

/** @returns items settled when a lease found none. */
async function drainOne(drain: Drain, listener: DrainListener): Promise<number> {
  const { store, workflow, nodeId } = drain
  const { leaseItemsMax: itemsMax, packItemsMax, settleItemsMax } = LIMITS
  // As a leaser asks that has seen full packs.
  const packsMax = itemsMax / packItemsMax + 1
  const request = { nodeId, packsMax, itemsMax, deadlineMs: DAY_MS }
  const place = new LeasePlace()
  let items = 0
  for (;;) {
    const from = place.from(performance.now(), true)
    const [packs, leaseMs] = await timed(() => store.leasePacks(workflow, { ...request, from }))
    const settlements = settlementsOf(packs)
    if (settlements.length === 0 && from === null) return items
    if (settlements.length === 0) continue
    place.reach(packs.at(-1)?.position ?? null)
    listener.onLeased?.(settlements.length, leaseMs)
    for (let at = 0; at < settlements.length; at += settleItemsMax) {
      const batch = settlements.slice(at, at + settleItemsMax)
      const [settled, settleMs] = await timed(() =>
        store.settleItems(workflow, { nodeId, settlements: batch }),
      )
      listener.onSettled?.(settled.size, settleMs)
      items += settled.size
    }
  }
}

/** Drains what is ready. @returns items settled. */
export async function drainStore(drain: Drain, listener: DrainListener = {}): Promise<number> {
  const one = () => drainOne(drain, listener)
  const settled = await Promise.all(Array.from({ length: drain.connections }, one))
  return settled.reduce((sum, items) => sum + items, 0)
}
