import { expect } from 'chai'
import { connect } from '../../src/store/client.js'
import { ensureReceiptPartitions, foldTallies } from '../../src/store/housekeeping.js'
import { useYard } from '../support/factory.js'

describe('foldTallies', () => {
  const yard = useYard()
  const rows = async () => {
    const found = await yard.sql<{ count: number }[]>`
      select count(*)::int as count from fetchyard.tally`
    return found[0]?.count ?? 0
  }

  it('folds many rows into one a workflow and event, and keeps the totals', async () => {
    const workflow = await yard.workflow()
    for (let n = 0; n < 80; n += 1) await yard.enqueue(workflow, [`key-${n}`])
    expect(await rows()).to.equal(80)
    expect(await foldTallies(yard.sql, 1_000)).to.equal(80)
    expect(await rows()).to.equal(1)
    expect(await yard.tally(workflow)).to.deep.equal({ enqueue: 80 })
  })

  it('leaves a few rows as they are', async () => {
    expect(await rows()).to.be.lessThan(64)
    expect(await foldTallies(yard.sql, 1_000)).to.equal(0)
  })

  it('keeps every total at every moment while many fold and others settle', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    for (let n = 0; n < 100; n += 1) await yard.enqueue(workflow, [`key-${n}`])
    const totals: number[] = []
    const work = async () => {
      for (let turn = 0; turn < 25; turn += 1) {
        await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId, { itemsMax: 2 }))
      }
    }
    const fold = async () => {
      for (let turn = 0; turn < 20; turn += 1) {
        await foldTallies(yard.sql, 70)
        totals.push((await yard.tally(workflow)).enqueue ?? 0)
      }
    }
    await Promise.all([work(), work(), fold(), fold(), fold()])
    expect(new Set(totals)).to.deep.equal(new Set([100]))
    const words = Object.values(await yard.words(workflow))
    const complete = words.filter((word) => word === 'Complete').length
    expect((await yard.tally(workflow)).complete).to.equal(complete)
  })
})

describe('ensureReceiptPartitions', () => {
  const yard = useYard()
  const partitions = async () => {
    const found = await yard.sql<{ name: string }[]>`
      select child.relname as name
        from pg_inherits join pg_class as child on child.oid = inhrelid
       where inhparent = 'fetchyard.processing_log'::regclass order by 1`
    return found.map(({ name }) => name)
  }

  it('leaves a day whose receipts began in the rest partition there, and makes the others', async () => {
    const { workflow, nodeId, held } = await yard.leased(1)
    await yard.complete(workflow, nodeId, held)
    expect(await yard.store.ensureReceiptPartitions()).to.equal(7)
    expect(await partitions()).to.have.length(8)
    expect(await yard.store.ensureReceiptPartitions(), 'again').to.equal(0)
    expect(await yard.receipts(workflow)).to.have.length(1)
  })

  it('makes today’s when nothing has begun, and receipts go there', async () => {
    await yard.sql`truncate fetchyard.processing_log_rest, fetchyard.item, fetchyard.tally`
    expect(await yard.store.ensureReceiptPartitions()).to.equal(1)
    const { workflow, nodeId, held } = await yard.leased(1)
    await yard.complete(workflow, nodeId, held)
    const [row] = await yard.sql<{ place: string }[]>`
      select tableoid::regclass::text as place from fetchyard.processing_log`
    expect(row?.place).to.match(/^(?:fetchyard\.)?processing_log_\d{8}$/)
    const settings = await yard.sql`
      select distinct reloptions from pg_class join pg_inherits on inhrelid = pg_class.oid
       where inhparent = 'fetchyard.processing_log'::regclass`
    expect(settings, 'vacuum as closely as migration 2 sets it').to.have.length(1)
  })

  it('is done by many at once as if by one', async () => {
    for (const name of await partitions()) {
      if (name !== 'processing_log_rest') await yard.sql`drop table fetchyard.${yard.sql(name)}`
    }
    await yard.sql`truncate fetchyard.item, fetchyard.tally`
    const made = await Promise.all(
      Array.from({ length: 4 }, () => yard.store.ensureReceiptPartitions()),
    )
    expect(made.reduce((sum, count) => sum + count, 0)).to.equal(8)
  })

  // Leases and settles keep the pool busy. A BEGIN that is sent behind one of them stays open, and
  // takes what comes after it on that connection with it when the connection ends.
  it('leaves no transaction open when every connection of the pool is busy', async () => {
    for (const name of await partitions()) {
      if (name !== 'processing_log_rest') await yard.sql`drop table fetchyard.${yard.sql(name)}`
    }
    const database = await connect({ url: yard.url, poolMax: 2, pooling: 'direct' })
    const { sql } = database
    let isDone = false
    const keepBusy = async () => {
      while (!isDone) await sql`select pg_sleep(0.002)`
    }
    const load = Promise.all(Array.from({ length: 7 }, keepBusy))
    const made = await ensureReceiptPartitions(sql).finally(() => {
      isDone = true
    })
    await load
    const open = await yard.sql`
      select pid from pg_stat_activity
       where datname = current_database() and state like 'idle in transaction%'`
    await database.close()
    expect(made).to.be.at.least(7)
    expect(open).to.deep.equal([])
  })
})
