// The queue as plain data: what each statement of the store promises, in the shortest words that say
// it. The model tests hold the statements against it on a real Postgres; the simulator uses it as
// its database. It knows no connections and no transactions: each method is one statement that has
// committed.

import type { FencingRule } from '../../src/core/heartbeat-plan.js'
import type { HeldItem, Settlement } from '../../src/core/settlement.js'
import type { LeasedPack } from '../../src/store/leased-packs.js'
import type { BoundTable, Wish } from './bound-table.js'
import type { ModelAgain, ModelPack } from './queue-rows.js'
import { byNumber, PACK_ITEMS_MAX, RECEIPT_STATUS, STATUS_WORD } from './queue-rows.js'
import { RetentionModel } from './retention-model.js'

export type {
  ModelItem,
  ModelNode,
  ModelPack,
  ModelReceipt,
  ModelResult,
} from './queue-rows.js'

/** Retries become due on a grid, so that those of one moment share a pack. */
const DUE_GRID_US = 250_000

export class QueueModel extends RetentionModel {
  // Nodes

  registerNode(node: { readonly nodeId: string; readonly name: string }, leaseMs: number): void {
    const aliveUntilUs = this.nowUs + leaseMs * 1_000
    const steadySinceUs = this.nowUs
    this.nodes.set(node.nodeId, { ...node, aliveUntilUs, steadySinceUs, fencedWhy: null })
  }

  /** @returns false when the node is fenced. */
  heartbeat(nodeId: string, { leaseMs, gapMs }: Omit<FencingRule, 'steadyMs'>): boolean {
    const node = this.nodes.get(nodeId)
    if (node === undefined || node.fencedWhy !== null) return false
    const isGap = node.aliveUntilUs < this.nowUs + (leaseMs - gapMs) * 1_000
    if (isGap) node.steadySinceUs = this.nowUs
    node.aliveUntilUs = this.nowUs + leaseMs * 1_000
    return true
  }

  fenceNode(nodeId: string, reason: string): boolean {
    const node = this.nodes.get(nodeId)
    if (node === undefined || node.fencedWhy !== null) return false
    node.fencedWhy = reason
    return true
  }

  fenceExpired(by: FencingRule & { readonly nodeId: string }): readonly string[] {
    if (!this.#isSteady(by)) return []
    const except = by.nodeId
    return [...this.nodes.values()]
      .filter(({ nodeId, aliveUntilUs, fencedWhy }) => {
        return fencedWhy === null && aliveUntilUs < this.nowUs && nodeId !== except
      })
      .map((node) => {
        node.fencedWhy = 'its lease ran out'
        return node.nodeId
      })
  }

  /** Whether a node may fence others: it is not fenced, was heard just now, and for a while. */
  #isSteady(by: FencingRule & { readonly nodeId: string }): boolean {
    const node = this.nodes.get(by.nodeId)
    if (node === undefined || node.fencedWhy !== null) return false
    const isHeard = node.aliveUntilUs >= this.nowUs + (by.leaseMs - by.gapMs) * 1_000
    return isHeard && node.steadySinceUs <= this.nowUs - by.steadyMs * 1_000
  }

  // Items

  /** @returns ids of the items that are new. */
  enqueue(
    workflowId: number,
    keys: readonly string[],
    options: {
      readonly again?: ModelAgain
      readonly delayMs?: number
      readonly priority?: number
    } = {},
  ): readonly string[] {
    const { again = 0, ...rest } = options
    const wishes = [...new Set(keys)].map((key) => ({ key, again }))
    return this.enqueueEach(workflowId, wishes, rest)
  }

  /** Enqueues keys by one statement that asks for each in its own way. */
  enqueueEach(
    workflowId: number,
    wishes: readonly Wish[],
    options: { readonly delayMs?: number; readonly priority?: number } = {},
  ): readonly string[] {
    const { delayMs = 0, priority = 0 } = options
    const runAtUs = this.nowUs + delayMs * 1_000
    const added = wishes.flatMap(({ key, again }) => this.#open(workflowId, key, again))
    for (let from = 0; from < added.length; from += PACK_ITEMS_MAX) {
      const itemIds = added.slice(from, from + PACK_ITEMS_MAX)
      this.addPack({ workflowId, itemIds, runAtUs, priority })
    }
    this.count(workflowId, 'enqueue', added.length)
    return added
  }

  #open(workflowId: number, key: string, again: ModelAgain): readonly string[] {
    const last = this.latest(workflowId, key)
    const isWanted =
      last === undefined || again === 2 || (again === 1 && this.isFinished(last.itemId))
    if (!isWanted) return []
    const itemId = this.nextId('item')
    this.putItem({ itemId, workflowId, key, round: (last?.round ?? 0) + 1 })
    return [itemId]
  }

  /** A statement of the owner's on a bound table, and what its triggers make of it. */
  own(
    workflowId: number,
    statement: (table: BoundTable, isLeased: (key: string) => boolean) => readonly Wish[],
  ): readonly string[] {
    const table = this.bound.get(workflowId)
    if (table === undefined) return []
    const isLeased = (key: string) => {
      const item = this.latest(workflowId, key)
      return item !== undefined && (this.packOf(item.itemId)?.lease ?? null) !== null
    }
    return this.enqueueEach(workflowId, statement(table, isLeased))
  }

  // Leases

  /** Ready packs in the order in which they are leased. */
  ready(workflowId: number): readonly ModelPack[] {
    return [...this.packs.values()]
      .filter((pack) => pack.workflowId === workflowId)
      .filter((pack) => pack.lease === null && pack.runAtUs <= this.nowUs)
      .sort(
        (a, b) =>
          a.priority - b.priority || a.runAtUs - b.runAtUs || Number(a.packId) - Number(b.packId),
      )
  }

  lease(
    workflowId: number,
    request: {
      readonly nodeId: string
      readonly packsMax: number
      readonly itemsMax: number
      readonly deadlineMs: number
    },
  ): readonly LeasedPack[] {
    const isPaused = (this.pausedBy.get(workflowId)?.size ?? 0) > 0
    if (isPaused || this.isFenced(request.nodeId)) return []
    const leased: ModelPack[] = []
    let left = request.itemsMax
    for (const pack of this.ready(workflowId).slice(0, request.packsMax)) {
      if (left <= 0) break
      const taken = pack.itemIds.length <= left ? pack : this.#splitOff(pack, left)
      left -= taken.itemIds.length
      const deadlineUs = this.nowUs + request.deadlineMs * 1_000
      taken.lease = { leaseId: this.nextId('lease'), nodeId: request.nodeId, deadlineUs }
      for (const itemId of taken.itemIds) this.mirror(itemId, 'Processing', ['Queued'])
      leased.push(taken)
    }
    return leased.map((pack) => this.leasedPack(pack))
  }

  /** The first `count` items of a pack, as a pack of their own. */
  #splitOff(pack: ModelPack, count: number): ModelPack {
    const itemIds = pack.itemIds.splice(0, count)
    return this.addPack({ ...pack, itemIds, lease: null })
  }

  /** A pack as a lease answers with it. */
  leasedPack(pack: ModelPack): LeasedPack {
    const { packId, attempt, snoozes, crashes, lonelyCrashes, lease } = pack
    const items = pack.itemIds.map((itemId) => {
      return { itemId, itemKey: this.items.get(itemId)?.key ?? '', payload: null, lane: '' }
    })
    const leaseId = lease?.leaseId ?? ''
    return { packId, leaseId, attempt, snoozes, crashes, lonelyCrashes, items }
  }

  // Ends

  /** @returns ids of the items that were this node's to settle, and are settled now. */
  settle(nodeId: string, settlements: readonly Settlement[]): ReadonlySet<string> {
    if (this.isFenced(nodeId)) return new Set()
    const seen = new Set<string>()
    const own = settlements
      .filter((one) => {
        const address = `${one.itemId} ${one.leaseId}`
        if (seen.has(address)) return false
        seen.add(address)
        return this.holds(nodeId, one)
      })
      .sort((a, b) => byNumber(a.itemId, b.itemId))
    const back = new Map<string, ModelPack>()
    for (const one of own) this.#settleOne(nodeId, one, back)
    return new Set(own.map(({ itemId }) => itemId))
  }

  /** Whether this node holds the item under this very lease. */
  holds(nodeId: string, held: Pick<HeldItem, 'itemId' | 'packId' | 'leaseId'>): boolean {
    const pack = this.packs.get(held.packId)
    const isLease = pack?.lease?.leaseId === held.leaseId && pack.lease.nodeId === nodeId
    return isLease && pack.itemIds.includes(held.itemId)
  }

  #settleOne(nodeId: string, one: Settlement, back: Map<string, ModelPack>): void {
    const pack = this.packs.get(one.packId)
    if (pack === undefined) return
    this.takeOut(pack, one.itemId)
    const { itemId, leaseId, attempt, event, code } = one
    if (event !== 'release') {
      this.record({ itemId, leaseId, nodeId, attempt, status: RECEIPT_STATUS[event], code })
    }
    if (event === 'complete') {
      const earlier = this.results.get(itemId) ?? []
      const key = this.items.get(itemId)?.key ?? ''
      this.results.set(itemId, [...earlier, { itemId, key, leaseId, rows: one.rows }])
    }
    this.count(pack.workflowId, event, 1)
    this.mirror(itemId, STATUS_WORD[event], ['Processing'])
    if (one.next === null) return
    const { slice, delayMs, ...counts } = one.next
    const runAtUs = this.#due(pack, event, delayMs)
    const { workflowId, priority } = pack
    const address = JSON.stringify([workflowId, priority, counts, runAtUs, slice])
    const together = back.get(address)
    if (together !== undefined) together.itemIds.push(itemId)
    else {
      const fields = { workflowId, priority, ...counts, runAtUs, itemIds: [itemId] }
      back.set(address, this.addPack(fields))
    }
  }

  #due(pack: ModelPack, event: Settlement['event'], delayMs: number): number {
    if (event === 'release' || event === 'reclaim') return pack.runAtUs - 1
    const delayUs = Math.round(delayMs) * 1_000
    if (delayUs === 0) return this.nowUs
    const atUs = this.nowUs + delayUs
    return Math.floor(atUs / DUE_GRID_US) * DUE_GRID_US + DUE_GRID_US
  }

  /** Which items were settled under these very leases. */
  findReceipts(
    keys: readonly { readonly itemId: string; readonly leaseId: string }[],
  ): ReadonlySet<string> {
    const settled = keys.filter(({ itemId, leaseId }) => {
      const receipts = this.receipts.get(itemId) ?? []
      return receipts.some((one) => one.leaseId === leaseId && one.code !== 'node_lost')
    })
    return new Set(settled.map(({ itemId }) => itemId))
  }

  /** Frees packs of fenced or unknown nodes, and those past their deadline. */
  reclaim(workflowId: number, packsMax: number): { packs: number; items: number } {
    const dead = [...this.packs.values()]
      .filter((pack) => pack.workflowId === workflowId && pack.lease !== null)
      .filter(({ lease }) => {
        return lease !== null && (this.isFenced(lease.nodeId) || lease.deadlineUs < this.nowUs)
      })
      .sort((a, b) => byNumber(a.packId, b.packId))
      .slice(0, packsMax)
    let items = 0
    for (const pack of dead) items += this.#reclaimPack(pack)
    return { packs: dead.length, items }
  }

  #reclaimPack(pack: ModelPack): number {
    const { lease, itemIds, attempt } = pack
    if (lease === null) return 0
    const { leaseId, nodeId } = lease
    for (const itemId of itemIds) {
      const end = { status: 'reclaimed', code: 'node_lost' } as const
      this.record({ itemId, leaseId, nodeId, attempt: attempt + 1, ...end })
      this.mirror(itemId, 'Queued', ['Processing'])
    }
    this.count(pack.workflowId, 'reclaim', itemIds.length)
    const isHalved = pack.crashes >= 1 && itemIds.length > 1
    const kept = isHalved ? Math.ceil(itemIds.length / 2) : itemIds.length
    pack.lease = null
    pack.crashes = Math.max(pack.crashes, 1)
    pack.runAtUs -= 1
    pack.itemIds = itemIds.slice(0, kept)
    if (kept < itemIds.length) this.addPack({ ...pack, itemIds: itemIds.slice(kept) })
    return itemIds.length
  }

  leasedBy(workflowId: number, nodeId: string): readonly ModelPack[] {
    return [...this.packs.values()].filter(
      ({ workflowId: of, lease }) => of === workflowId && lease?.nodeId === nodeId,
    )
  }

  findNewestLease(workflowId: number, nodeId: string): string | null {
    const leases = this.leasedBy(workflowId, nodeId).map(({ lease }) => lease?.leaseId ?? '')
    return leases.sort(byNumber).at(-1) ?? null
  }

  /** Gives a node's packs back untouched, but for the leases it knows of and newer ones. */
  releaseNode(
    workflowId: number,
    nodeId: string,
    knownLeases: readonly string[],
    newestLease: string | null = null,
  ): { packs: number; items: number } {
    const mine = this.leasedBy(workflowId, nodeId).filter(
      ({ lease }) =>
        !knownLeases.includes(lease?.leaseId ?? '') &&
        (newestLease === null || byNumber(lease?.leaseId ?? '', newestLease) <= 0),
    )
    for (const pack of mine) {
      pack.lease = null
      pack.runAtUs -= 1
      for (const itemId of pack.itemIds) this.mirror(itemId, 'Queued', ['Processing'])
      this.count(workflowId, 'release', pack.itemIds.length)
    }
    return { packs: mine.length, items: mine.reduce((sum, pack) => sum + pack.itemIds.length, 0) }
  }
}
