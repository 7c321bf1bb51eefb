import { expect } from 'chai'
import type { Sql } from '../../src/store/client.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { createStore } from '../../src/store/store.js'
import { keys, useYard } from '../support/factory.js'
import { heldOf, settlement } from '../support/values.js'

/** Statements whose plans are made anew each time, before the server keeps one for all. */
const CUSTOM_PLANS = 5

describe('the plans of lease and settle', () => {
  const yard = useYard()

  it('reach for items by the index, however small the table was when they were made', async () => {
    const { workflowId, ...workflow } = await yard.workflow()
    const nodeId = await yard.node()
    const rows = await yard.sql.begin(async (transaction) => {
      const sql = transaction as unknown as Sql
      const store = createStore(sql)
      const enqueue = (names: readonly string[]) => {
        const items = names.map((key) => ({ key, payload: null, lane: '' }))
        return enqueueItems(sql, { workflowId, items, again: 'never' })
      }
      const work = async (itemsMax: number) => {
        const request = { nodeId, itemsMax, packsMax: 64, deadlineMs: 600_000 }
        const packs = await store.leasePacks({ workflowId, ...workflow }, request)
        const settlements = heldOf(packs).map((held) => settlement(held))
        await store.settleItems({ workflowId, ...workflow }, { nodeId, settlements })
        return settlements.length
      }
      const rowsRead = async () => {
        const [row] = await sql<{ rows: number }[]>`
          select seq_tup_read::int as rows from pg_stat_xact_user_tables
           where relid = 'fetchyard.item'::regclass`
        return row?.rows ?? Number.NaN
      }
      await enqueue(keys(200))
      await sql`analyze fetchyard.item`
      for (let time = 0; time < 2 * CUSTOM_PLANS; time += 1) await work(10)
      for (let at = 0; at < 20_000; at += 5_000) {
        await enqueue(keys(5_000).map((key) => `later-${at}-${key}`))
      }
      const before = await rowsRead()
      expect(await work(250)).to.equal(250)
      return (await rowsRead()) - before
    })
    expect(rows, 'rows of the table that were read one after the other').to.equal(0)
  })
})
