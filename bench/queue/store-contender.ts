// Fetchyard's store without a supervisor: what lease and settle cost, with receipts and with every
// lease proved, over two connections.
//
//   node store-contender.js <database url>

import { LIMITS } from '../../src/core/limits.js'
import { connect } from '../../src/store/client.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { createStore } from '../../src/store/store.js'
import { drainStore, registerDrainer } from './drain-store.js'
import { serveContender } from './serve-contender.js'

const CONNECTIONS = 2

async function main(url: string): Promise<void> {
  const database = await connect({ url, poolMax: CONNECTIONS, pooling: 'direct' })
  const store = createStore(database.sql)
  const workflow = await store.openWorkflow({ name: 'nothing', sinks: {} })
  const nodeId = await registerDrainer(store)
  serveContender({
    sliceItems: LIMITS.enqueueRowsMax,
    fill: (items) =>
      enqueueItems(database.sql, { workflowId: workflow.workflowId, items, again: 'never' }),
    drain: async (items, onFirst) => {
      let isFirst = true
      const onLeased = () => {
        if (isFirst) onFirst()
        isFirst = false
      }
      const drain = { store, workflow, nodeId, connections: CONNECTIONS }
      const settled = await drainStore(drain, { onLeased })
      if (settled !== items) throw new Error(`Expected ${items} items, settled ${settled}.`)
    },
    stop: database.close,
  })
}

await main(process.argv[2] ?? '')
