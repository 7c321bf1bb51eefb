// What retention does to a queue, as plain data.

import { OperatorModel } from './operator-model.js'
import type { ModelItem } from './queue-rows.js'
import { isFinal } from './queue-rows.js'

export class RetentionModel extends OperatorModel {
  /** Receipts go; what ends an item is kept as its ending. @returns receipts that went. */
  archive(): number {
    let rows = 0
    for (const [itemId, receipts] of this.receipts) {
      rows += receipts.length
      const end = receipts.find(isFinal)
      if (end !== undefined) this.endings.set(itemId, end)
    }
    this.receipts.clear()
    return rows
  }

  /** Items with an ending go, but for those of which an earlier round is left. */
  retire(): number {
    const gone = [...this.endings.keys()].flatMap((itemId) => {
      const item = this.items.get(itemId)
      return item !== undefined && this.#isOlderEnded(item) ? [item] : []
    })
    for (const item of gone) {
      this.endings.delete(item.itemId)
      this.dropItem(item)
      this.count(item.workflowId, 'retire', 1)
    }
    return gone.length
  }

  #isOlderEnded({ workflowId, key, round }: ModelItem): boolean {
    return [...this.items.values()]
      .filter((one) => one.workflowId === workflowId && one.key === key && one.round < round)
      .every(({ itemId }) => this.endings.has(itemId))
  }
}
