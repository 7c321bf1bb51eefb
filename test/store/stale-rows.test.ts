// A connection that dies in the middle of an answer, at every place of it, and the statement that
// comes after.

import { expect } from 'chai'
import { connect } from '../../src/store/client.js'
import { startFaultProxy } from '../../supervisor/torture/fault-proxy.js'
import { useDatabase } from '../support/database.js'

describe('store/stale-rows', () => {
  const database = useDatabase()

  it('answers with the rows of the statement itself, wherever the last connection died', async () => {
    const proxy = await startFaultProxy({ url: database.url })
    const { sql, close } = await connect({ url: proxy.url, poolMax: 1 })
    const rowsOf = async (first: number) => {
      const rows = await sql<{ n: number }[]>`
        select n from generate_series(${first}::int, ${first + 4}::int) as n`
      return rows.map(({ n }) => n)
    }
    let cuts = 0
    try {
      for (let bytes = 1; bytes < 200; bytes += 3) {
        await rowsOf(0)
        proxy.cutAfterBytes(bytes)
        cuts += await rowsOf(100).then(
          () => 0,
          () => 1,
        )
        proxy.cutAfterBytes(null)
        // The first one may find the connection that is just dying.
        const after = await rowsOf(500).catch(() => rowsOf(500))
        expect(after, `after a cut at byte ${bytes}`).to.deep.equal([500, 501, 502, 503, 504])
        const all = await sql.unsafe<{ n: number }[]>('select 7 as n')
        expect(all.map(({ n }) => n)).to.deep.equal([7])
      }
      expect(cuts, 'connections that died').to.be.above(20)
    } finally {
      await close()
      await proxy.close()
    }
  })
})
