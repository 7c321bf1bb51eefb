// What an operator does to a queue, as plain data.

import type { ModelPack } from './queue-rows.js'
import { byNumber, PACK_ITEMS_MAX } from './queue-rows.js'
import { QueueTables } from './queue-tables.js'

export class OperatorModel extends QueueTables {
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

  /** Items of these keys, or all, that are in a pack which fits. */
  #chosen(
    workflowId: number,
    keys: readonly string[] | null,
    fits: (pack: ModelPack) => boolean,
  ): readonly { readonly pack: ModelPack; readonly itemId: string }[] {
    return [...this.packs.values()]
      .filter((pack) => pack.workflowId === workflowId && fits(pack))
      .sort((a, b) => byNumber(a.packId, b.packId))
      .flatMap((pack) => pack.itemIds.map((itemId) => ({ pack, itemId })))
      .filter(({ itemId }) => keys?.includes(this.items.get(itemId)?.key ?? '') ?? true)
  }

  cancel(workflowId: number, keys: readonly string[] | null): number {
    const chosen = this.#chosen(workflowId, keys, () => true)
    for (const { pack, itemId } of chosen) {
      this.takeOut(pack, itemId)
      const end = { status: 'cancelled', code: 'cancelled' } as const
      this.record({ itemId, leaseId: '0', nodeId: null, attempt: pack.attempt, ...end })
      this.mirror(itemId, 'Cancelled', ['Queued', 'Processing'])
    }
    this.count(workflowId, 'cancel', chosen.length)
    return chosen.length
  }

  promote(workflowId: number, keys: readonly string[] | null): number {
    const isDelayed = ({ lease, runAtUs }: ModelPack) => lease === null && runAtUs > this.nowUs
    const chosen = this.#chosen(workflowId, keys, isDelayed)
    const ready = new Map<string, ModelPack>()
    for (const { pack, itemId } of chosen) {
      const { priority, attempt, snoozes, crashes, lonelyCrashes } = pack
      const counts = { priority, attempt, snoozes, crashes, lonelyCrashes }
      this.takeOut(pack, itemId)
      const together = ready.get(JSON.stringify(counts))
      const isRoomy = together !== undefined && together.itemIds.length < PACK_ITEMS_MAX
      if (isRoomy) together.itemIds.push(itemId)
      else {
        const fields = { workflowId, ...counts, runAtUs: this.nowUs, itemIds: [itemId] }
        ready.set(JSON.stringify(counts), this.addPack(fields))
      }
    }
    return chosen.length
  }
}
