// A process that removes what is old, slice after slice, until it is killed or nothing is left.
// Usage: node removing-child.js <database URL> <node id>

import { connect } from '../../src/store/client.js'
import { FIRST } from '../../src/store/retention.js'
import { createStore } from '../../src/store/store.js'

const [, , url = '', nodeId = ''] = process.argv
const PAGES = 200

const { sql, close } = await connect({ url, poolMax: 1, pooling: 'direct' })
const { chores } = createStore(sql)
const receipts = { partition: 'processing_log_rest', pages: PAGES, isRest: true }
for (let fromPage = 0; fromPage < PAGES; fromPage += 1) {
  const moved = await chores.moveEndings({ nodeId, receipts, fromPage, pagesMax: 1, keepMs: 0 })
  const old = { nodeId, keepMs: 0, rowsMax: 10, after: FIRST }
  const retired = await chores.retireItems(old)
  process.send?.({ moved: moved.rows, retired: retired.rows })
  if (!moved.isOurs || !retired.isOurs) break
}
await close()
process.disconnect?.()
