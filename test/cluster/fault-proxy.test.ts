// The proxy that makes the faults, held against a real Postgres.

import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { expect } from 'chai'
import postgres from 'postgres'
import { hasCode } from '../../src/core/errors.js'
import { randomInteger, seededRandom } from '../../src/core/random.js'
import type { Sql } from '../../src/store/client.js'
import { codeOf, connect } from '../../src/store/client.js'
import { withoutStaleRows } from '../../src/store/stale-rows.js'
import type { FaultProxy } from '../../supervisor/torture/fault-proxy.js'
import { startFaultProxy } from '../../supervisor/torture/fault-proxy.js'
import { useEmbeddedGuest } from '../support/cluster-server.js'
import { useDatabase } from '../support/database.js'
import { eventually } from '../support/poll.js'
import { useTlsServer } from '../support/tls-server.js'

const seed = Number(process.env.FETCHYARD_SEED ?? Math.floor(Math.random() * 2 ** 32))
/** Codes by which a client knows that its connection is gone. */
const LOST = ['CONNECTION_CLOSED', 'ECONNRESET', 'EPIPE', 'CONNECTION_DESTROYED']

interface Bench {
  readonly proxy: FaultProxy
  /** A client through the proxy, with one connection. */
  readonly client: (options?: { readonly prepare?: boolean }) => Sql
  readonly direct: Sql
}

/** A proxy for each test, before the suite's own database with an empty table `t`. */
function useBench(): Bench {
  const database = useDatabase()
  const clients: Sql[] = []
  let proxy: FaultProxy | null = null
  beforeEach(async () => {
    await database.sql`create table t (n int unique)`
    proxy = await startFaultProxy({ url: database.url })
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((sql) => sql.end({ timeout: 0 })))
    await proxy?.close()
    await database.sql`drop table t`
  })
  const ready = () => {
    if (proxy === null) throw new Error('The proxy exists inside of tests only.')
    return proxy
  }
  return {
    get proxy() {
      return ready()
    },
    get direct() {
      return database.sql
    },
    client: ({ prepare = true } = {}) => {
      const options = { max: 1, prepare, fetch_types: false, onnotice: () => {} }
      // As the product has it: the bare driver keeps the rows of an answer that was cut off, and
      // begins its next answer with them.
      const sql = withoutStaleRows(postgres(ready().url, options) as Sql)
      clients.push(sql)
      return sql
    },
  }
}

/** A promise that is watched: what it came to, if anything. */
function watch(promise: PromiseLike<unknown>): { readonly end: () => string | null } {
  let end: string | null = null
  promise.then(
    () => {
      end = 'answered'
    },
    (error: unknown) => {
      end = codeOf(error)
    },
  )
  return { end: () => end }
}

describe(`the fault proxy (FETCHYARD_SEED=${seed})`, () => {
  const bench = useBench()
  const numbers = async () => {
    const rows = await bench.direct<{ n: number }[]>`select n from t order by n`
    return rows.map((row) => row.n)
  }
  /** As good as a while: what could pass would have passed. */
  const breathe = async () => {
    for (let turn = 0; turn < 20; turn += 1) await bench.direct`select pg_sleep(0.005)`
  }

  it('lets everything pass as it is, so that it is not taken for a pooler', async () => {
    const database = await connect({ url: bench.proxy.url })
    expect(database.pooling).to.equal('direct')
    const text = 'ä'.repeat(1_000_000)
    const rows = await database.sql<{ text: string }[]>`select ${text}::text as text`
    expect(rows[0]?.text === text).to.equal(true)
    await database.close()
    const { cuts, answersDropped, bytes } = bench.proxy.counts()
    expect({ cuts, answersDropped }).to.deep.equal({ cuts: 0, answersDropped: 0 })
    expect(bytes).to.be.above(4_000_000)
  })

  it('declines encryption, and lets requests to cancel pass', async () => {
    const socket = connectSocket(Number(new URL(bench.proxy.url).port), '127.0.0.1')
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
    expect(String((await once(socket, 'data'))[0])).to.equal('N')
    socket.destroy()
    const sql = bench.client()
    const sleep = sql`select pg_sleep(60)`
    const slept = watch(sleep)
    await eventually({ words: 'a statement under way' }, async () => {
      const rows = await bench.direct`
        select from pg_stat_activity where query like 'select pg_sleep(60)%' and state = 'active'`
      return rows.length === 1
    })
    sleep.cancel()
    expect(await eventually({ words: 'the end of it' }, slept.end)).to.equal('57014')
  })

  it('delays each way, and keeps the order', async () => {
    const sql = bench.client()
    await sql`select 1`
    bench.proxy.delay(60)
    const startMs = performance.now()
    const order: number[] = []
    await Promise.all(
      [1, 2, 3].map(async (n) => {
        await sql`insert into t values (${n})`
        order.push(n)
      }),
    )
    expect(performance.now() - startMs).to.be.at.least(120)
    expect(order).to.deep.equal([1, 2, 3])
    bench.proxy.delay(0)
    expect(await numbers()).to.deep.equal([1, 2, 3])
  })

  it('freezes what is there and what comes, and lets it go on', async () => {
    const sql = bench.client()
    await sql`select 1`
    bench.proxy.freeze()
    const before = bench.proxy.counts()
    const old = watch(sql`insert into t values (1)`)
    const fresh = watch(bench.client()`insert into t values (2)`)
    await eventually({ words: 'a connection that is accepted' }, () => {
      return bench.proxy.counts().connections > before.connections
    })
    await breathe()
    expect([old.end(), fresh.end(), await numbers()]).to.deep.equal([null, null, []])
    expect(bench.proxy.counts().bytes).to.equal(before.bytes)
    bench.proxy.thaw('go-on')
    await eventually({ words: 'both answers' }, () => old.end() && fresh.end())
    expect([old.end(), fresh.end()]).to.deep.equal(['answered', 'answered'])
    expect(await numbers()).to.deep.equal([1, 2])
  })

  it('cuts what was frozen when that is asked, and nothing of it arrives', async () => {
    const sql = bench.client()
    await sql`select 1`
    bench.proxy.freeze()
    const frozen = watch(sql`insert into t values (1)`)
    await breathe()
    bench.proxy.thaw('cut')
    expect(await eventually({ words: 'a lost connection' }, frozen.end)).to.be.oneOf(LOST)
    await sql`insert into t values (2)`
    expect(await numbers()).to.deep.equal([2])
    expect(bench.proxy.counts().cuts).to.equal(1)
  })

  it('tells the server nothing of a client that leaves a frozen network', async () => {
    const sql = bench.client()
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    const isServed = async () => {
      const pid = row?.pid ?? 0
      const found = await bench.direct`select from pg_stat_activity where pid = ${pid}`
      return found.length === 1
    }
    bench.proxy.freeze()
    await sql.end({ timeout: 0 })
    await breathe()
    expect(await isServed()).to.equal(true)
    bench.proxy.thaw('go-on')
    await eventually({ words: 'the end of its server process' }, async () => !(await isServed()))
  })

  it('accepts no more than it can hold while it is frozen', async () => {
    const sql = bench.client()
    await sql`select 1`
    bench.proxy.freeze()
    const { url } = bench.proxy
    const flood = connectSocket(Number(new URL(url).port), '127.0.0.1')
    flood.on('error', () => {})
    flood.write(Buffer.alloc(64 * 1_048_576))
    await breathe()
    // The rest stays with the client: kernel buffers are some megabytes at most.
    expect(flood.writableLength).to.equal(64 * 1_048_576)
    flood.destroy()
  })

  it('cuts at any byte, and no answer is mistaken for whole', async () => {
    const sql = bench.client()
    await sql`select 1`
    const before = bench.proxy.counts().bytes
    const question = (through: Sql) => through`select repeat('x', 2000) as x, n from t`
    await bench.direct`insert into t values (1), (2)`
    await question(sql)
    // Both directions of the first statement of a connection and more: no cut comes too late.
    const length = bench.proxy.counts().bytes - before
    const random = seededRandom(seed)
    const offsets = Array.from({ length: 24 }, () =>
      randomInteger(random, { min: 1, max: Math.floor(length / 2) }),
    )
    for (const offset of [0, 1, 4, 5, 6, ...offsets]) {
      bench.proxy.cutAfterBytes(null)
      await sql`select 1`
      bench.proxy.cutAfterBytes(offset)
      const end = await question(sql).catch(codeOf)
      expect(end, `the answer cut after ${offset} bytes`).to.be.oneOf(LOST)
    }
    bench.proxy.cutAfterBytes(null)
    expect(await question(sql)).to.have.length(2)
    expect(bench.proxy.counts().cuts).to.equal(offsets.length + 5)
  })

  // The driver's own question for types, lost like this, ended the process.
  it('fails a node that connects at any byte with the word for it', async () => {
    for (let bytes = 0; bytes < 500; bytes += 23) {
      bench.proxy.cutAfterBytes(bytes)
      const error = await connect({ url: bench.proxy.url }).catch((thrown: unknown) => thrown)
      expect(hasCode(error, 'DATABASE_UNAVAILABLE'), `${bytes} bytes: ${error}`).to.equal(true)
    }
    bench.proxy.cutAfterBytes(null)
    const database = await connect({ url: bench.proxy.url })
    bench.proxy.cutAfterBytes(1_200)
    const pool = database.openPool({ max: 1, silenceMs: 60_000 })
    const ends = new Set<unknown>()
    for (let turn = 0; turn < 20; turn += 1) {
      ends.add(await pool`select repeat('x', 150)`.then(() => 'answered', codeOf))
    }
    expect(ends).to.deep.equal(new Set(['answered', 'CONNECTION_CLOSED']))
    await database.close()
  })

  it('refuses new connections while it is asked to, and keeps the old ones', async () => {
    const sql = bench.client()
    await sql`select 1`
    bench.proxy.refuse(true)
    expect(await bench.client()`select 1`.catch(codeOf)).to.equal('ECONNRESET')
    expect(await sql`select 1 as one`).to.deep.equal([{ one: 1 }])
    bench.proxy.refuse(false)
    expect(await bench.client()`select 1 as one`).to.deep.equal([{ one: 1 }])
  })

  for (const prepare of [true, false]) {
    it(`loses an answer after it took effect, ${prepare ? 'named' : 'unnamed'}`, async () => {
      const sql = bench.client({ prepare })
      const insert = (n: number) => sql`insert into t values (${n})`.then(() => 'answered', codeOf)
      expect(await insert(1)).to.equal('answered')
      bench.proxy.dropAnswers({ statement: /INTO t/i, times: 2 })
      expect(await sql`select n from t`).to.deep.equal([{ n: 1 }])
      expect(await insert(2)).to.be.oneOf(LOST)
      expect(await numbers()).to.deep.equal([1, 2])
      // Refused, so it took no effect: the client hears why, and the loss is still to come.
      expect(await insert(2)).to.equal('23505')
      expect(await insert(3)).to.be.oneOf(LOST)
      expect(await insert(4)).to.equal('answered')
      expect(await numbers()).to.deep.equal([1, 2, 3, 4])
      const { answersDropped, cuts } = bench.proxy.counts()
      expect({ answersDropped, cuts }).to.deep.equal({ answersDropped: 2, cuts: 2 })
    })
  }

  it('loses the answer of a COMMIT, and of nothing that is not yet committed', async () => {
    const sql = bench.client()
    bench.proxy.dropAnswers({ statement: /^(?:commit|insert)/i, times: 1 })
    const transaction = sql.begin((inside) => inside`insert into t values (1)`)
    expect(await transaction.catch(codeOf)).to.be.oneOf(LOST)
    expect(await numbers()).to.deep.equal([1])
    expect(bench.proxy.counts().answersDropped).to.equal(1)
  })

  it('ends all it holds when it closes', async () => {
    const sql = bench.client()
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    bench.proxy.freeze()
    await bench.proxy.close()
    await eventually({ words: 'the end of its server process' }, async () => {
      const pid = row?.pid ?? 0
      const found = await bench.direct`select from pg_stat_activity where pid = ${pid}`
      return found.length === 0
    })
  })
})

describe('the fault proxy before other servers', () => {
  const tls = useTlsServer()
  const embedded = useEmbeddedGuest()

  async function ask(url: string): Promise<unknown> {
    const proxy = await startFaultProxy({ url })
    const sql = postgres(proxy.url, { max: 1, onnotice: () => {} })
    try {
      const rows = await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
      return rows[0]
    } finally {
      await sql.end({ timeout: 0 })
      await proxy.close()
    }
  }

  it('speaks TLS to a server whose URL asks for it, in plain to the client', async () => {
    expect(await ask(tls.urlWith('require'))).to.deep.equal({ ssl: true })
    expect(await ask(tls.urlWith('disable'))).to.deep.equal({ ssl: false })
  })

  it('connects nobody when the certificate must be good and is not', async () => {
    expect(await ask(tls.urlWith('verify-full')).catch(codeOf)).to.be.oneOf(LOST)
  })

  it('reaches the embedded database by its Unix socket', async () => {
    expect(new URL(embedded.url).hostname).to.not.match(/^(?:localhost|127)/)
    expect(await ask(embedded.url)).to.deep.equal({ ssl: false })
  })
})
