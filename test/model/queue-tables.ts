// The tables of the model, and what holds of them between two statements.

import type { BoundTable } from './bound-table.js'
import type {
  ModelItem,
  ModelNode,
  ModelPack,
  ModelReceipt,
  ModelResult,
  TallyEvent,
  ViewWord,
} from './queue-rows.js'
import { isFinal } from './queue-rows.js'

export class QueueTables {
  /** The database's clock, in microseconds. */
  nowUs = 0
  readonly nodes = new Map<string, ModelNode>()
  readonly packs = new Map<string, ModelPack>()
  readonly items = new Map<string, ModelItem>()
  readonly receipts = new Map<string, ModelReceipt[]>()
  /** What is left of the receipt that ended an item, once receipts went. */
  readonly endings = new Map<string, ModelReceipt>()
  /** One entry an item that completed: written by the settle, never twice. */
  readonly results = new Map<string, ModelResult[]>()
  readonly pausedBy = new Map<number, Set<string>>()
  /** Items counted, by workflow and event. */
  readonly tallies = new Map<string, number>()
  /** Tables that are the queues of workflows. */
  readonly bound = new Map<number, BoundTable>()
  readonly #latest = new Map<string, ModelItem>()
  #serial: { pack: number; item: number; lease: number }

  /** @param firstId numbers are given from here on: a test that takes real ones over tells them. */
  constructor(firstId = 1) {
    this.#serial = { pack: firstId, item: firstId, lease: firstId }
  }

  protected nextId(of: 'pack' | 'item' | 'lease'): string {
    const id = `${this.#serial[of]}`
    this.#serial[of] += 1
    return id
  }

  isFenced(nodeId: string): boolean {
    return this.nodes.get(nodeId)?.fencedWhy !== null
  }

  /** The item of a key's latest round. */
  latest(workflowId: number, key: string): ModelItem | undefined {
    return this.#latest.get(`${workflowId} ${key}`)
  }

  isLatest(item: ModelItem): boolean {
    return this.latest(item.workflowId, item.key)?.round === item.round
  }

  isFinished(itemId: string): boolean {
    return this.endsOf(itemId).length > 0
  }

  /** What says that an item is finished: one receipt or one ending, or nothing. */
  endsOf(itemId: string): readonly ModelReceipt[] {
    const ending = this.endings.get(itemId)
    const receipts = (this.receipts.get(itemId) ?? []).filter(isFinal)
    return ending === undefined ? receipts : [...receipts, ending]
  }

  packOf(itemId: string): ModelPack | undefined {
    return [...this.packs.values()].find(({ itemIds }) => itemIds.includes(itemId))
  }

  putItem(item: ModelItem): void {
    this.items.set(item.itemId, item)
    this.#latest.set(`${item.workflowId} ${item.key}`, item)
  }

  protected dropItem(item: ModelItem): void {
    this.items.delete(item.itemId)
    if (this.isLatest(item)) this.#latest.delete(`${item.workflowId} ${item.key}`)
  }

  protected addPack(
    pack: Pick<ModelPack, 'workflowId' | 'itemIds' | 'runAtUs'> & Partial<ModelPack>,
  ): ModelPack {
    const made = {
      priority: 0,
      attempt: 0,
      snoozes: 0,
      crashes: 0,
      lonelyCrashes: 0,
      lease: null,
      ...pack,
      packId: this.nextId('pack'),
    }
    this.packs.set(made.packId, made)
    return made
  }

  protected takeOut(pack: ModelPack, itemId: string): void {
    pack.itemIds = pack.itemIds.filter((one) => one !== itemId)
    if (pack.itemIds.length === 0) this.packs.delete(pack.packId)
  }

  protected record(receipt: ModelReceipt): void {
    const earlier = this.receipts.get(receipt.itemId) ?? []
    this.receipts.set(receipt.itemId, [...earlier, receipt])
  }

  protected count(workflowId: number, event: TallyEvent, items: number): void {
    if (items === 0) return
    const address = `${workflowId} ${event}`
    this.tallies.set(address, (this.tallies.get(address) ?? 0) + items)
  }

  /** Writes the status word of an item's row, if it is the item of the key's latest round. */
  protected mirror(itemId: string, word: string, over: readonly string[]): void {
    const item = this.items.get(itemId)
    if (item === undefined || !this.isLatest(item)) return
    this.bound.get(item.workflowId)?.writeBack(item.key, word, over)
  }

  /** The word of an item in `work_items`. */
  wordOf(itemId: string): ViewWord | null {
    const pack = this.packOf(itemId)
    if (pack !== undefined) {
      if (pack.lease !== null) return 'Processing'
      return pack.runAtUs > this.nowUs ? 'Delayed' : 'Queued'
    }
    const end = this.endsOf(itemId)[0]?.status
    if (end === undefined) return null
    return end === 'success' ? 'Complete' : end === 'cancelled' ? 'Cancelled' : 'Error'
  }

  /** Keys of a bound table whose word is not the state of their latest item, as the audit sees it. */
  wordFaults(workflowId: number): readonly string[] {
    return [...(this.bound.get(workflowId)?.rows ?? [])].flatMap(([key, row]) => {
      const item = this.latest(workflowId, key)
      const word = item === undefined ? null : this.wordOf(item.itemId)
      const state = word === 'Delayed' ? 'Queued' : word
      if (row.word === state) return []
      const isOurs = ['Processing', 'Complete', 'Error'].includes(row.word ?? '') && state !== null
      return isOurs || (row.word === 'Queued' && row.isSelected) ? [key] : []
    })
  }

  /** What is wrong with the whole, by invariant; nothing, whatever statements were run. */
  faults(): readonly string[] {
    const places = new Map<string, number>()
    for (const { itemIds } of this.packs.values()) {
      for (const itemId of itemIds) places.set(itemId, (places.get(itemId) ?? 0) + 1)
    }
    return [...this.items.keys()].flatMap((itemId) => {
      const ended = this.endsOf(itemId)
      const ends = ended.length
      const successes = ended.filter(({ status }) => status === 'success').length
      const results = this.results.get(itemId)?.length ?? 0
      const queued = places.get(itemId) ?? 0
      return [
        ...(queued + ends === 1 ? [] : [`I1: item ${itemId} is in ${queued} packs, ended ${ends}`]),
        ...(results === successes ? [] : [`I3: item ${itemId}: ${results} results`]),
      ]
    })
  }
}
