import { expect } from 'chai'
import type { WorkflowHandle } from '../../src/store/store.js'
import { useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'
import { countItems, countWords, createPages, insertPages, PAGES } from './support/pages.js'

describe('a bound table', () => {
  const yard = useYard()
  let workflow: WorkflowHandle

  beforeEach(async () => {
    await createPages(yard)
    workflow = await yard.workflow({ source: PAGES })
  })

  it('enqueues inserted rows that are queued and match the filter, and no others', async () => {
    await yard.sql`
      insert into public.pages (url, curation, status)
      values ('https://User:pw@Host.Example:8080/a?b', 'Selected', 'Queued'),
             ('https://host/b', 'New', 'Queued'),
             ('https://host/c', 'Selected', null),
             ('https://host/d', 'Selected', 'Complete')`
    const [pack, ...others] = await yard.lease(workflow, await yard.node())
    expect(others).to.deep.equal([])
    expect(pack?.items).to.have.length(1)
    expect(pack?.items[0]).to.deep.include({
      payload: { url: 'https://User:pw@Host.Example:8080/a?b' },
      lane: 'host.example',
    })
  })

  it('enqueues rows that an update makes wanted: by status, by filter, or by both', async () => {
    await yard.sql`
      insert into public.pages (url, curation, status)
      values ('a', 'Selected', null), ('b', 'New', 'Queued'), ('c', 'New', null), ('d', 'New', null)`
    await yard.sql`update public.pages set status = 'Queued' where url = 'a'`
    await yard.sql`update public.pages set curation = 'Selected' where url = 'b'`
    await yard.sql`update public.pages set curation = 'Selected', status = 'Queued' where url = 'c'`
    await yard.sql`update public.pages set url = 'e' where url = 'd'`
    await yard.sql`update public.pages set url = url || '?' where status = 'Queued'`
    expect(await countItems(yard, workflow)).to.equal(3)
  })

  it('takes a bulk update of 10,000 rows as one enqueue', async () => {
    await insertPages(yard, 10_000)
    expect(await countItems(yard, workflow)).to.equal(10_000)
    await yard.sql`update public.pages set status = null`
    await yard.sql`update public.pages set status = 'Queued'`
    expect(await countItems(yard, workflow), 'they were queued already').to.equal(10_000)
    const packs = await yard.packs(workflow)
    // Each of the seven hosts has so many that its packs are its own.
    expect(packs).to.have.length(7 * Math.ceil(10_000 / 7 / 256))
  })

  it('plans a bulk update anew, after small ones on the same connection', async () => {
    await yard.sql.begin(async (transaction) => {
      await transaction`
        insert into public.pages (url, curation, status) values ('x', 'Selected', 'Queued')`
      await transaction`update public.pages set status = null`
      await transaction`update public.pages set status = 'Queued'`
      await transaction`
        insert into public.pages (url, curation) select n, 'Selected' from generate_series(1, 10000) as n`
      // A plan for one row compares every row with every other: minutes, and the timeout of the test.
      await transaction`set local statement_timeout = '5s'`
      await transaction`update public.pages set status = 'Queued'`
    })
    expect(await countItems(yard, workflow)).to.equal(10_001)
  })

  it('enqueues in the same transaction: what is rolled back was never queued', async () => {
    const rolledBack = yard.sql.begin(async (transaction) => {
      await transaction`
        insert into public.pages (url, curation, status) values ('x', 'Selected', 'Queued')`
      throw new Error('rolled back')
    })
    expect(await rolledBack.catch((error: Error) => error.message)).to.equal('rolled back')
    expect(await countItems(yard, workflow)).to.equal(0)
  })

  it('carries the state of each item, and the time of its change', async () => {
    await insertPages(yard, 4)
    const nodeId = await yard.node()
    const held = await yard.hold(workflow, nodeId)
    expect(await countWords(yard)).to.deep.equal({ Processing: 4 })
    const [one, two, three, four] = held
    if (!one || !two || !three || !four) throw new Error('four items were expected')
    await yard.settle(workflow, nodeId, [
      settlement(one),
      settlement(two, { event: 'discard', code: 'http_4xx' }),
      settlement(three, { event: 'cancel', code: 'cancelled' }),
      settlement(four, { event: 'retry', code: 'dns', next: nextTry({ delayMs: 60_000 }) }),
    ])
    expect(await countWords(yard)).to.deep.equal({ Complete: 1, Error: 1, Cancelled: 1, Queued: 1 })
    const stale = await yard.sql`
      select from public.pages where updated_at < now() - interval '1 minute'`
    expect(stale).to.have.length(0)
  })

  it('is back to Queued after a release, a reclaim and a released node, and enqueues nothing', async () => {
    await insertPages(yard, 3)
    const nodeId = await yard.node()
    const held = await yard.hold(workflow, nodeId)
    const release = (index: number) => {
      const item = held[index]
      if (item === undefined) throw new Error('an item was expected')
      return settlement(item, { event: 'release', code: 'cancelled', next: nextTry() })
    }
    await yard.settle(workflow, nodeId, [release(0)])
    expect(await countWords(yard)).to.deep.equal({ Processing: 2, Queued: 1 })
    await yard.store.releaseNode(workflow, nodeId)
    expect(await countWords(yard)).to.deep.equal({ Queued: 3 })
    await yard.hold(workflow, nodeId)
    expect(await countWords(yard)).to.deep.equal({ Processing: 3 })
    await yard.store.fenceNode({ nodeId, reason: 'test' })
    const row = await yard.store.findWorkflow(workflow.name)
    if (row === null) throw new Error('the workflow is registered')
    await yard.store.reclaimPacks(row, 50)
    expect(await countWords(yard)).to.deep.equal({ Queued: 3 })
    expect(await countItems(yard, workflow)).to.equal(3)
  })

  for (const [word, event] of [
    ['Complete', 'complete'],
    ['Error', 'discard'],
    ['Cancelled', 'cancel'],
  ] as const) {
    it(`works a row again that is set back to Queued from ${word}`, async () => {
      await insertPages(yard, 2)
      const nodeId = await yard.node()
      const held = await yard.hold(workflow, nodeId)
      await yard.settle(
        workflow,
        nodeId,
        held.map((item) => settlement(item, { event })),
      )
      await yard.sql`update public.pages set status = 'Queued'`
      expect(await countItems(yard, workflow)).to.equal(4)
      await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
      expect(await countWords(yard)).to.deep.equal({ Complete: 2 })
    })
  }

  it('works a row once more that its owner sets back to Queued while it is in flight', async () => {
    await insertPages(yard, 1)
    const nodeId = await yard.node()
    const first = await yard.hold(workflow, nodeId)
    await yard.sql`update public.pages set status = 'Queued'`
    await yard.complete(workflow, nodeId, first)
    expect(await countWords(yard), 'the wish is kept').to.deep.equal({ Queued: 1 })
    const second = await yard.hold(workflow, nodeId)
    expect(second).to.have.length(1)
    expect(await countWords(yard)).to.deep.equal({ Processing: 1 })
    await yard.complete(workflow, nodeId, second)
    expect(await countWords(yard)).to.deep.equal({ Complete: 1 })
    expect(await countItems(yard, workflow)).to.equal(2)
  })

  it('lets the newer round rule the word when the older one ends late', async () => {
    await insertPages(yard, 1)
    const nodeId = await yard.node()
    const first = await yard.hold(workflow, nodeId)
    await yard.sql`update public.pages set status = 'Queued'`
    const second = await yard.hold(workflow, nodeId)
    await yard.complete(workflow, nodeId, first)
    expect(await countWords(yard)).to.deep.equal({ Processing: 1 })
    await yard.complete(workflow, nodeId, second)
    expect(await countWords(yard)).to.deep.equal({ Complete: 1 })
  })

  it('works a row once more whose owner set it back by way of another word', async () => {
    await insertPages(yard, 2)
    const nodeId = await yard.node()
    const first = await yard.hold(workflow, nodeId)
    await yard.sql`update public.pages set status = 'Cancelled' where page_id = 1`
    await yard.sql`update public.pages set status = null where page_id = 2`
    await yard.sql`update public.pages set status = 'Queued'`
    await yard.complete(workflow, nodeId, first)
    expect(await countWords(yard)).to.deep.equal({ Queued: 2 })
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    expect(await countWords(yard)).to.deep.equal({ Complete: 2 })
    expect(await countItems(yard, workflow)).to.equal(4)
  })

  for (const word of ['Archived', 'Cancelled']) {
    it(`keeps ${word}, which its owner wrote while the item was queued or in flight`, async () => {
      await insertPages(yard, 2)
      const nodeId = await yard.node()
      await yard.sql`update public.pages set status = ${word} where page_id = 1`
      const held = await yard.hold(workflow, nodeId)
      await yard.sql`update public.pages set status = ${word} where page_id = 2`
      await yard.complete(workflow, nodeId, held)
      expect(await countWords(yard)).to.deep.equal({ [word]: 2 })
    })
  }

  it('goes on when rows were deleted whose items are queued or in flight', async () => {
    await insertPages(yard, 2)
    const nodeId = await yard.node()
    await yard.sql`delete from public.pages where page_id = 1`
    const held = await yard.hold(workflow, nodeId)
    await yard.sql`delete from public.pages where page_id = 2`
    expect(await yard.complete(workflow, nodeId, held)).to.have.length(2)
  })

  it('sees rows that come by copy, upsert and merge of both kinds', async () => {
    const writing = await yard.sql`
      copy public.pages (url, curation, status) from stdin`.writable()
    await new Promise<void>((resolve, reject) => {
      writing.on('finish', resolve).on('error', reject)
      writing.end('copied\tSelected\tQueued\n')
    })
    await yard.sql`insert into public.pages (url) values ('known')`
    await yard.sql`
      insert into public.pages (url, curation, status)
      values ('known', 'Selected', 'Queued'), ('new', 'Selected', 'Queued')
          on conflict (url) do update set curation = excluded.curation, status = excluded.status`
    expect(await countItems(yard, workflow)).to.equal(3)
  })

  it('asks no right on our schema of the application that writes to it', async () => {
    await yard.sql`drop role if exists fetchyard_test_application`
    await yard.sql`create role fetchyard_test_application`
    try {
      await yard.sql.begin(async (transaction) => {
        await transaction`grant insert, update, select on public.pages to fetchyard_test_application`
        await transaction`set local role fetchyard_test_application`
        await transaction`
          insert into public.pages (url, curation, status) values ('mine', 'Selected', 'Queued')`
        await transaction`update public.pages set status = 'Queued'`
      })
      expect(await countItems(yard, workflow)).to.equal(1)
    } finally {
      await yard.sql`drop owned by fetchyard_test_application`
      await yard.sql`drop role fetchyard_test_application`
    }
  })
})
