// Fetchyard's store without a supervisor: what lease and settle cost, with receipts and with every
// lease proved, over two connections.
//
//   node store-contender.js <database url>

import { randomUUID } from 'node:crypto'
import { LIMITS } from '../../src/core/limits.js'
import type { Settlement } from '../../src/core/settlement.js'
import { connect } from '../../src/store/client.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import type { LeasedPack } from '../../src/store/lease.js'
import { createStore, type Store, type WorkflowHandle } from '../../src/store/store.js'
import { serveContender } from './serve-contender.js'

const CONNECTIONS = 2
const DAY_MS = 86_400_000

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

/** One after the other: a lease, and settles of as many items as the settler sends. */
async function drainOne(
  store: Store,
  of: { nodeId: string; workflow: WorkflowHandle; leftItems: () => number },
  onSettled: (items: number) => void,
): Promise<void> {
  const { nodeId, workflow, leftItems } = of
  while (leftItems() > 0) {
    const packs = await store.leasePacks(workflow, {
      nodeId,
      packsMax: LIMITS.leasePacksMax,
      itemsMax: LIMITS.leaseItemsMax,
      deadlineMs: DAY_MS,
    })
    const settlements = settlementsOf(packs)
    if (settlements.length === 0) return
    onSettled(0)
    for (let at = 0; at < settlements.length; at += LIMITS.settleItemsMax) {
      const batch = settlements.slice(at, at + LIMITS.settleItemsMax)
      const settled = await store.settleItems(workflow, { nodeId, settlements: batch })
      onSettled(settled.size)
    }
  }
}

async function main(url: string): Promise<void> {
  const database = await connect({ url, poolMax: CONNECTIONS, pooling: 'direct' })
  const store = createStore(database.sql)
  const workflow = await store.openWorkflow({ name: 'nothing', sinks: {} })
  const nodeId = randomUUID()
  const node = { nodeId, name: 'bench', host: 'bench', machine: 'bench', pid: 0, pidStarted: '0' }
  await store.registerNode(node, DAY_MS)
  serveContender({
    sliceItems: LIMITS.enqueueRowsMax,
    fill: (items) =>
      enqueueItems(database.sql, { workflowId: workflow.workflowId, items, again: 'never' }),
    drain: async (items, onFirst) => {
      let left = items
      let isFirst = true
      const onSettled = (settled: number) => {
        if (isFirst) onFirst()
        isFirst = false
        left -= settled
      }
      const one = () => drainOne(store, { nodeId, workflow, leftItems: () => left }, onSettled)
      await Promise.all(Array.from({ length: CONNECTIONS }, one))
      if (left !== 0) throw new Error(`${left} items were not settled.`)
    },
    stop: database.close,
  })
}

await main(process.argv[2] ?? '')
