import { expect } from 'chai'
import { audit } from '../../src/store/audit.js'
import { keys, useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'
import { createPages, insertPages, PAGES } from './support/pages.js'

describe('audit', () => {
  const yard = useYard()

  beforeEach(() => {
    yard.isDamaged = true
  })

  afterEach(async () => {
    await yard.sql`
      truncate fetchyard.item, fetchyard.work_queue, fetchyard.processing_log, fetchyard.tally`
    await yard.sql`update fetchyard.workflow set binding = null`
  })

  /** The promises that are broken, with how often. */
  const faults = async () => {
    const report = await audit(yard.sql)
    const broken = report.checks.filter((check) => check.violations > 0)
    expect(report.isClean).to.equal(broken.length === 0)
    for (const check of broken) expect(check.examples, check.promise).to.not.have.length(0)
    return broken.map((check) => `${check.invariant} ${check.promise}: ${check.violations}`)
  }

  it('is clean on an empty database', async () => {
    expect(await faults()).to.deep.equal([])
  })

  it('is clean, and its equation holds, on items in every state', async () => {
    const { workflow, nodeId, held } = await yard.leased(6)
    const [a, b, c, d] = held
    if (!a || !b || !c || !d) throw new Error('four items were expected')
    await yard.enqueue(workflow, ['queued'])
    await yard.settle(workflow, nodeId, [
      settlement(a),
      settlement(b, { event: 'discard', code: 'parse' }),
      settlement(c, { event: 'retry', code: 'dns', next: nextTry({ delayMs: 60_000 }) }),
      settlement(d, { event: 'reclaim', code: 'worker_lost', next: nextTry({ crashes: 1 }) }),
    ])
    expect(await faults()).to.deep.equal([])
    expect(await audit(yard.sql)).to.include({
      ...{ enqueued: 7, queued: 2, processing: 2, delayed: 1, finished: 2, lost: 0 },
      ...{ appliedTwice: 0, fetchedAgain: 1 },
    })
  })

  it('finds an item that is in no pack and not finished', async () => {
    const { workflow } = await yard.leased(3)
    await yard.sql`
      update fetchyard.work_queue set item_ids = item_ids[2:]
       where workflow_id = ${workflow.workflowId}`
    expect(await faults()).to.deep.equal(['I1 every item is queued or finished: 1'])
    expect((await audit(yard.sql)).lost).to.equal(1)
  })

  it('finds an item that is in two packs, or twice in one', async () => {
    const { workflow, first } = await yard.leased(3)
    await yard.sql`
      insert into fetchyard.work_queue (workflow_id, item_ids)
      values (${workflow.workflowId}, array[${first.itemId}::bigint])`
    expect(await faults()).to.deep.equal(['I1 no item is in two packs: 1'])
    await yard.sql`delete from fetchyard.work_queue where lease_id is null`
    await yard.sql`update fetchyard.work_queue set item_ids = item_ids || item_ids[1]`
    expect(await faults()).to.deep.equal(['I1 no item is in two packs: 1'])
  })

  it('finds a pack that holds an item nobody enqueued', async () => {
    await yard.leased(2)
    await yard.sql`update fetchyard.work_queue set item_ids = item_ids || 999999999::bigint`
    expect(await faults()).to.deep.equal(['I1 every item of a pack was enqueued: 1'])
  })

  it('finds a finished item that is queued again', async () => {
    const { workflow, nodeId, first } = await yard.leased(2)
    await yard.complete(workflow, nodeId, [first])
    await yard.sql`update fetchyard.work_queue set item_ids = item_ids || ${first.itemId}::bigint`
    expect(await faults()).to.deep.equal(['I1 no finished item is queued, none finished twice: 1'])
  })

  it('finds an item that was applied twice', async () => {
    const { workflow, nodeId, held } = await yard.leased(2)
    await yard.complete(workflow, nodeId, held)
    await yard.sql`insert into fetchyard.processing_log select * from fetchyard.processing_log limit 1`
    expect(await faults()).to.deep.equal([
      'I1 no finished item is queued, none finished twice: 1',
      'I3 at most one success an item: 1',
    ])
    expect((await audit(yard.sql)).appliedTwice).to.equal(1)
  })

  it('finds an item that ended in two ways', async () => {
    const { workflow, nodeId, held } = await yard.leased(1)
    await yard.complete(workflow, nodeId, held)
    await yard.sql`
      insert into fetchyard.processing_log
             (item_id, lease_id, workflow_id, attempt, status, outcome_code, item_key)
      select item_id, lease_id, workflow_id, attempt, 'error', 'parse', item_key
        from fetchyard.processing_log`
    expect(await faults()).to.deep.equal(['I1 no finished item is queued, none finished twice: 1'])
  })

  it('finds a tally that lost count', async () => {
    const workflow = await yard.workflow()
    await yard.enqueue(workflow, keys(5))
    await yard.sql`update fetchyard.tally set items = items - 2 where event = 'enqueue'`
    expect(await faults()).to.deep.equal([
      'I1 the tally of enqueued items is the number of items: 2',
    ])
  })

  it('finds a leased pack whose node is unknown', async () => {
    const { nodeId } = await yard.leased(2)
    await yard.sql`delete from fetchyard.node where node_id = ${nodeId}`
    expect(await faults()).to.deep.equal(['I2 every leased pack belongs to a known node: 1'])
  })

  describe('of a bound table', () => {
    const I5 = 'I5 status words of public.pages are the states of bound'
    let nodeId: string

    beforeEach(async () => {
      await createPages(yard)
      const workflow = await yard.workflow({ name: 'bound', source: PAGES })
      await insertPages(yard, 3)
      nodeId = await yard.node()
      const [done] = await yard.hold(workflow, nodeId, { itemsMax: 1 })
      if (done === undefined) throw new Error('nothing was leased')
      await yard.complete(workflow, nodeId, [done])
      await yard.hold(workflow, nodeId, { itemsMax: 1 })
    })

    const damage = (from: string, to: string) =>
      yard.sql.begin(async (transaction) => {
        await transaction`alter table public.pages disable trigger user`
        await transaction`update public.pages set status = ${to} where status = ${from}`
        await transaction`alter table public.pages enable trigger user`
      })

    it('is clean while one row is queued, one under way, one done', async () => {
      expect(await faults()).to.deep.equal([])
    })

    for (const [from, to] of [
      ['Complete', 'Processing'],
      ['Complete', 'Queued'],
      ['Complete', 'Error'],
      ['Processing', 'Queued'],
      ['Processing', 'Complete'],
      ['Queued', 'Processing'],
    ] as const) {
      it(`finds ${to} on a row whose item is ${from}`, async () => {
        await damage(from, to)
        const found = await faults()
        expect(found).to.deep.equal([`${I5}: 1`])
      })
    }

    it('finds a row that is queued and was never enqueued', async () => {
      await yard.sql.begin(async (transaction) => {
        await transaction`alter table public.pages disable trigger user`
        await transaction`
          insert into public.pages (url, curation, status) values ('missed', 'Selected', 'Queued')`
        await transaction`alter table public.pages enable trigger user`
      })
      expect(await faults()).to.deep.equal([`${I5}: 1`])
    })

    it('leaves the owner’s own words alone', async () => {
      await yard.sql`
        insert into public.pages (url, curation, status)
        values ('a', 'New', 'Queued'), ('b', 'Selected', 'Archived'), ('c', 'Selected', null)`
      await yard.sql`update public.pages set status = 'Cancelled' where status = 'Complete'`
      expect(await faults()).to.deep.equal([])
    })
  })
})
