// The queue as plain data: what each statement of the store promises, in the shortest words that say
// it. The model tests hold the statements against it on a real Postgres; the simulator uses it as
// its database. It knows no connections and no transactions: each method is one statement that has
// committed.

import type { HeldItem, Settlement } from '../../src/core/settlement.js'
import type { LeasedPack } from '../../src/store/lease.js'

const PACK_ITEMS_MAX = 256
/** Retries become due on a grid, so that those of one moment share a pack. */
const DUE_GRID_US = 250_000

export interface ModelNode {
  readonly nodeId: string
  readonly name: string
  aliveUntilUs: number
  fencedWhy: string | null
}

export interface ModelPack {
  readonly packId: string
  readonly workflowId: number
  readonly priority: number
  readonly attempt: number
  readonly snoozes: number
  crashes: number
  readonly lonelyCrashes: number
  runAtUs: number
  itemIds: string[]
  lease: { readonly leaseId: string; readonly nodeId: string; readonly deadlineUs: number } | null
}

export interface ModelItem {
  readonly itemId: string
  readonly workflowId: number
  readonly key: string
  readonly round: number
}

export interface ModelReceipt {
  readonly itemId: string
  readonly leaseId: string
  readonly nodeId: string | null
  readonly attempt: number
  readonly status: 'success' | 'retry' | 'error' | 'cancelled' | 'reclaimed'
  readonly code: string
}

export interface ModelResult {
  readonly itemId: string
  readonly leaseId: string
}

const RECEIPT_STATUS = {
  complete: 'success',
  discard: 'error',
  cancel: 'cancelled',
  reclaim: 'reclaimed',
  retry: 'retry',
  snooze: 'retry',
} as const

const isFinal = ({ status }: ModelReceipt) =>
  status === 'success' || status === 'error' || status === 'cancelled'

export class QueueModel {
  /** The database's clock, in microseconds. */
  nowUs = 0
  readonly nodes = new Map<string, ModelNode>()
  readonly packs = new Map<string, ModelPack>()
  readonly items = new Map<string, ModelItem>()
  readonly receipts = new Map<string, ModelReceipt[]>()
  /** One row an item that completed: written by the settle, never twice. */
  readonly results = new Map<string, ModelResult[]>()
  readonly pausedBy = new Map<number, Set<string>>()
  readonly #latest = new Map<string, ModelItem>()
  #serial = { pack: 0, item: 0, lease: 0 }

  // Nodes

  registerNode(node: { readonly nodeId: string; readonly name: string }, leaseMs: number): void {
    const aliveUntilUs = this.nowUs + leaseMs * 1_000
    this.nodes.set(node.nodeId, { ...node, aliveUntilUs, fencedWhy: null })
  }

  /** @returns false when the node is fenced. */
  heartbeat(nodeId: string, leaseMs: number): boolean {
    const node = this.nodes.get(nodeId)
    if (node === undefined || node.fencedWhy !== null) return false
    node.aliveUntilUs = this.nowUs + leaseMs * 1_000
    return true
  }

  fenceNode(nodeId: string, reason: string): boolean {
    const node = this.nodes.get(nodeId)
    if (node === undefined || node.fencedWhy !== null) return false
    node.fencedWhy = reason
    return true
  }

  fenceExpired(except: string): readonly string[] {
    return [...this.nodes.values()]
      .filter(({ nodeId, aliveUntilUs, fencedWhy }) => {
        return fencedWhy === null && aliveUntilUs < this.nowUs && nodeId !== except
      })
      .map((node) => {
        node.fencedWhy = 'its lease ran out'
        return node.nodeId
      })
  }

  isFenced(nodeId: string): boolean {
    return this.nodes.get(nodeId)?.fencedWhy !== null
  }

  // Items

  /** @returns ids of the items that are new. */
  enqueue(
    workflowId: number,
    keys: readonly string[],
    options: { readonly again?: 0 | 1 | 2; readonly delayMs?: number } = {},
  ): readonly string[] {
    const { again = 0, delayMs = 0 } = options
    const added = [...new Set(keys)].flatMap((key) => this.#open(workflowId, key, again))
    for (let from = 0; from < added.length; from += PACK_ITEMS_MAX) {
      const itemIds = added.slice(from, from + PACK_ITEMS_MAX)
      this.#addPack({ workflowId, itemIds, runAtUs: this.nowUs + delayMs * 1_000 })
    }
    return added
  }

  #open(workflowId: number, key: string, again: 0 | 1 | 2): readonly string[] {
    const address = `${workflowId} ${key}`
    const last = this.#latest.get(address)
    const isWanted =
      last === undefined || again === 2 || (again === 1 && this.isFinished(last.itemId))
    if (!isWanted) return []
    this.#serial.item += 1
    const itemId = `${this.#serial.item}`
    const item = { itemId, workflowId, key, round: (last?.round ?? 0) + 1 }
    this.#latest.set(address, item)
    this.items.set(itemId, item)
    return [itemId]
  }

  isFinished(itemId: string): boolean {
    return (this.receipts.get(itemId) ?? []).some(isFinal)
  }

  #addPack(
    pack: Pick<ModelPack, 'workflowId' | 'itemIds' | 'runAtUs'> & Partial<ModelPack>,
  ): ModelPack {
    this.#serial.pack += 1
    const made = {
      priority: 0,
      attempt: 0,
      snoozes: 0,
      crashes: 0,
      lonelyCrashes: 0,
      lease: null,
      ...pack,
      packId: `${this.#serial.pack}`,
    }
    this.packs.set(made.packId, made)
    return made
  }

  // Leases

  pause(workflowId: number, reason: string): boolean {
    const reasons = this.pausedBy.get(workflowId) ?? new Set()
    this.pausedBy.set(workflowId, reasons)
    if (reasons.has(reason)) return false
    reasons.add(reason)
    return true
  }

  resume(workflowId: number, reason: string | null): boolean {
    const reasons = this.pausedBy.get(workflowId)
    if (reasons === undefined || reasons.size === 0) return false
    if (reason !== null) return reasons.delete(reason)
    reasons.clear()
    return true
  }

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
      this.#serial.lease += 1
      const deadlineUs = this.nowUs + request.deadlineMs * 1_000
      taken.lease = { leaseId: `${this.#serial.lease}`, nodeId: request.nodeId, deadlineUs }
      leased.push(taken)
    }
    return leased.map((pack) => this.#leasedPack(pack))
  }

  /** The first `count` items of a pack, as a pack of their own. */
  #splitOff(pack: ModelPack, count: number): ModelPack {
    const itemIds = pack.itemIds.splice(0, count)
    return this.#addPack({ ...pack, itemIds, lease: null })
  }

  #leasedPack(pack: ModelPack): LeasedPack {
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
    const own = settlements.filter((one) => {
      if (seen.has(one.itemId)) return false
      seen.add(one.itemId)
      return this.holds(nodeId, one)
    })
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
    this.#takeOut(pack, one.itemId)
    const { itemId, leaseId, attempt, event, code } = one
    if (event !== 'release') {
      this.#record({ itemId, leaseId, nodeId, attempt, status: RECEIPT_STATUS[event], code })
    }
    if (event === 'complete') {
      const rows = this.results.get(itemId) ?? []
      this.results.set(itemId, [...rows, { itemId, leaseId }])
    }
    if (one.next === null) return
    const { slice, delayMs, ...counts } = one.next
    const runAtUs = this.#due(pack, event, delayMs)
    const { workflowId, priority } = pack
    const address = JSON.stringify([workflowId, priority, counts, runAtUs, slice])
    const together = back.get(address)
    if (together !== undefined) together.itemIds.push(itemId)
    else {
      const fields = { workflowId, priority, ...counts, runAtUs, itemIds: [itemId] }
      back.set(address, this.#addPack(fields))
    }
  }

  #due(pack: ModelPack, event: Settlement['event'], delayMs: number): number {
    if (event === 'release' || event === 'reclaim') return pack.runAtUs - 1
    if (delayMs === 0) return this.nowUs
    const atUs = this.nowUs + Math.round(delayMs) * 1_000
    return Math.floor(atUs / DUE_GRID_US) * DUE_GRID_US + DUE_GRID_US
  }

  #takeOut(pack: ModelPack, itemId: string): void {
    pack.itemIds = pack.itemIds.filter((one) => one !== itemId)
    if (pack.itemIds.length === 0) this.packs.delete(pack.packId)
  }

  #record(receipt: ModelReceipt): void {
    const earlier = this.receipts.get(receipt.itemId) ?? []
    this.receipts.set(receipt.itemId, [...earlier, receipt])
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
      .sort((a, b) => Number(a.packId) - Number(b.packId))
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
      this.#record({ itemId, leaseId, nodeId, attempt: attempt + 1, ...end })
    }
    const isHalved = pack.crashes >= 1 && itemIds.length > 1
    const kept = isHalved ? Math.ceil(itemIds.length / 2) : itemIds.length
    pack.lease = null
    pack.crashes = Math.max(pack.crashes, 1)
    pack.runAtUs -= 1
    pack.itemIds = itemIds.slice(0, kept)
    if (kept < itemIds.length) this.#addPack({ ...pack, itemIds: itemIds.slice(kept) })
    return itemIds.length
  }

  /** Gives a node's packs back untouched, but for the leases it knows of. */
  releaseNode(
    workflowId: number,
    nodeId: string,
    knownLeases: readonly string[],
  ): { packs: number; items: number } {
    const mine = [...this.packs.values()].filter(
      ({ workflowId: of, lease }) =>
        of === workflowId && lease?.nodeId === nodeId && !knownLeases.includes(lease.leaseId),
    )
    for (const pack of mine) {
      pack.lease = null
      pack.runAtUs -= 1
    }
    return { packs: mine.length, items: mine.reduce((sum, pack) => sum + pack.itemIds.length, 0) }
  }

  // Operators

  /** Items of these keys, or all, that are in a pack which fits. */
  #chosen(
    workflowId: number,
    keys: readonly string[] | null,
    fits: (pack: ModelPack) => boolean,
  ): readonly { readonly pack: ModelPack; readonly itemId: string }[] {
    return [...this.packs.values()]
      .filter((pack) => pack.workflowId === workflowId && fits(pack))
      .flatMap((pack) => pack.itemIds.map((itemId) => ({ pack, itemId })))
      .filter(({ itemId }) => keys?.includes(this.items.get(itemId)?.key ?? '') ?? true)
  }

  cancel(workflowId: number, keys: readonly string[] | null): number {
    const chosen = this.#chosen(workflowId, keys, () => true)
    for (const { pack, itemId } of chosen) {
      this.#takeOut(pack, itemId)
      const end = { status: 'cancelled', code: 'cancelled' } as const
      this.#record({ itemId, leaseId: '0', nodeId: null, attempt: pack.attempt, ...end })
    }
    return chosen.length
  }

  promote(workflowId: number, keys: readonly string[] | null): number {
    const isDelayed = ({ lease, runAtUs }: ModelPack) => lease === null && runAtUs > this.nowUs
    const chosen = this.#chosen(workflowId, keys, isDelayed)
    for (const { pack, itemId } of chosen) {
      this.#takeOut(pack, itemId)
      this.#addPack({ ...pack, runAtUs: this.nowUs, itemIds: [itemId] })
    }
    return chosen.length
  }

  // The whole

  /** Where an item is: the number of packs that hold it, and how it ended. */
  faults(): readonly string[] {
    const places = new Map<string, number>()
    for (const { itemIds } of this.packs.values()) {
      for (const itemId of itemIds) places.set(itemId, (places.get(itemId) ?? 0) + 1)
    }
    return [...this.items.keys()].flatMap((itemId) => {
      const receipts = this.receipts.get(itemId) ?? []
      const ends = receipts.filter(isFinal).length
      const successes = receipts.filter(({ status }) => status === 'success').length
      const results = this.results.get(itemId)?.length ?? 0
      const queued = places.get(itemId) ?? 0
      return [
        ...(queued + ends === 1 ? [] : [`I1: item ${itemId} is in ${queued} packs, ended ${ends}`]),
        ...(results === successes ? [] : [`I3: item ${itemId}: ${results} results`]),
      ]
    })
  }
}
