import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { Database, Sql } from '../../src/store/client.js'
import { connect } from '../../src/store/client.js'
import { useDatabase } from '../support/database.js'
import type { Pooler } from '../support/pgbouncer.js'
import { startPgBouncer, usePgBouncer } from '../support/pgbouncer.js'

const CLIENTS = 3
/** More of them ask at once than the client has connections. */
const ASKERS = 5
const STATEMENTS = 100

describe('store/behind PgBouncer', () => {
  const pgbouncer = usePgBouncer()
  const database = useDatabase()
  let pooler: Pooler | null = null
  let databases: readonly Database[] = []

  beforeEach(async () => {
    pooler = await startPgBouncer(pgbouncer.program, database.url)
    const { url } = pooler
    const options = { url, poolMax: 2, pooling: 'transaction' } as const
    databases = await Promise.all(Array.from({ length: CLIENTS }, () => connect(options)))
  })
  afterEach(async () => {
    await Promise.all(databases.map((one) => one.close()))
    await pooler?.stop()
  })

  it('gets an answer to every statement, however many ask at once', async () => {
    // One with a parameter is first described, by a message after which the pooler expects nothing.
    const ask = async (sql: Sql, asker: number) => {
      for (let n = 0; n < STATEMENTS; n += 1) {
        const rows =
          (n + asker) % 2 === 0 ? await sql`select 7 as n` : await sql`select ${7}::int as n`
        expect([...rows]).to.deep.equal([{ n: 7 }])
      }
      return STATEMENTS
    }
    const askers = Array.from({ length: ASKERS }, (_, asker) => asker)
    const answered = await Promise.all(
      databases.map(({ sql }) => Promise.all(askers.map((asker) => ask(sql, asker)))),
    )
    expect(answered.flat()).to.deep.equal(Array(CLIENTS * ASKERS).fill(STATEMENTS))
  })

  it('keeps transactions apart from statements that are asked meanwhile', async () => {
    await database.sql`create table public.counted (n int, inside boolean)`
    await Promise.all(
      databases.flatMap(({ sql }) =>
        Array.from({ length: 20 }, async (_, n) => {
          const outside = sql`insert into public.counted values (${n}, false)`
          const inside = sql
            .begin(async (transaction) => {
              await transaction`insert into public.counted values (${n}, true)`
              if (n % 2 === 0) throw new Error('rolled back')
            })
            .catch(() => {})
          await Promise.all([outside, inside])
        }),
      ),
    )
    const counts = await database.sql`
      select inside, count(*)::int as rows from public.counted group by inside order by inside`
    expect([...counts]).to.deep.equal([
      { inside: false, rows: 60 },
      { inside: true, rows: 30 },
    ])
  })
})
