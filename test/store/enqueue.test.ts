import { expect } from 'chai'
import { enqueueItems } from '../../src/store/enqueue.js'
import { keys, useYard } from '../support/factory.js'
import { heldOf, nextTry, settlement } from '../support/values.js'

describe('enqueueItems', () => {
  const yard = useYard()

  it('adds new keys once and says how many were new', async () => {
    const workflow = await yard.workflow()
    expect(await yard.enqueue(workflow, ['a', 'b', 'a'])).to.equal(2)
    expect(await yard.enqueue(workflow, ['b', 'c'])).to.equal(1)
    expect(await yard.words(workflow)).to.deep.equal({ a: 'Queued', b: 'Queued', c: 'Queued' })
    expect(await yard.tally(workflow)).to.deep.equal({ enqueue: 3 })
  })

  it('keeps the first payload and lane of a key that is given twice', async () => {
    const workflow = await yard.workflow()
    const items = [
      { key: 'a', payload: { n: 1 }, lane: 'one' },
      { key: 'a', payload: { n: 2 }, lane: 'two' },
    ]
    await enqueueItems(yard.sql, { workflowId: workflow.workflowId, items, again: 'never' })
    const [pack] = await yard.lease(workflow, await yard.node())
    expect(pack?.items[0]).to.include({ itemKey: 'a', lane: 'one' })
    expect(pack?.items[0]?.payload).to.deep.equal({ n: 1 })
  })

  it('writes nothing for an empty list', async () => {
    const workflow = await yard.workflow()
    expect(await yard.enqueue(workflow, [])).to.equal(0)
    expect(await yard.tally(workflow)).to.deep.equal({})
  })

  it('is a no-op for a key that is queued, leased, delayed or done', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, ['a'])
    for (const again of ['never', 'when-finished'] as const) {
      expect(await yard.enqueue(workflow, ['a'], { again }), `queued, ${again}`).to.equal(0)
    }
    const [held] = await yard.hold(workflow, nodeId)
    if (held === undefined) throw new Error('nothing was leased')
    expect(await yard.enqueue(workflow, ['a'], { again: 'when-finished' }), 'leased').to.equal(0)
    const later = settlement(held, {
      event: 'retry',
      code: 'connect',
      next: nextTry({ attempt: 1, delayMs: 60_000 }),
    })
    await yard.settle(workflow, nodeId, [later])
    expect(await yard.enqueue(workflow, ['a'], { again: 'when-finished' }), 'delayed').to.equal(0)
    await yard.makeDue(workflow)
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    expect(await yard.enqueue(workflow, ['a']), 'done').to.equal(0)
  })

  for (const event of ['complete', 'discard', 'cancel'] as const) {
    it(`opens the next round of a key whose last ended with ${event}, when asked again`, async () => {
      const { workflow, nodeId, first } = await yard.leased()
      await yard.settle(workflow, nodeId, [settlement(first, { event })])
      expect(await yard.enqueue(workflow, [first.itemKey], { again: 'when-finished' })).to.equal(1)
      expect(await yard.enqueue(workflow, [first.itemKey], { again: 'when-finished' })).to.equal(0)
      const rounds = await yard.sql<{ round: number }[]>`
        select round from fetchyard.item where workflow_id = ${workflow.workflowId} order by round`
      expect(rounds.map(({ round }) => round)).to.deep.equal([1, 2])
    })
  }

  it('packs by 256 in the order given', async () => {
    const workflow = await yard.workflow()
    const given = keys(600).toReversed()
    await yard.enqueue(workflow, given)
    const packs = await yard.packs(workflow)
    expect(packs.map((pack) => pack.item_ids.length)).to.deep.equal([256, 256, 88])
    const leased = await yard.lease(workflow, await yard.node())
    expect(heldOf(leased).map(({ itemKey }) => itemKey)).to.deep.equal(given)
  })

  it('spreads lanes over the partitions of a workflow, one lane to one partition', async () => {
    const workflow = await yard.workflow()
    await yard.sql`
      update fetchyard.workflow set partitions = 8 where workflow_id = ${workflow.workflowId}`
    const items = keys(200).map((key, n) => ({ key, payload: null, lane: `host-${n % 20}` }))
    await enqueueItems(yard.sql, { workflowId: workflow.workflowId, items, again: 'never' })
    const lanes = await yard.sql<{ lane: string; partitions: number }[]>`
      select lane, count(distinct partition)::int as partitions
        from fetchyard.item where workflow_id = ${workflow.workflowId} group by lane`
    expect(lanes).to.have.length(20)
    expect(lanes.every(({ partitions }) => partitions === 1)).to.equal(true)
    const used = await yard.sql`
      select distinct partition from fetchyard.work_queue
       where workflow_id = ${workflow.workflowId}`
    expect(used.length).to.be.within(2, 8)
  })

  it('adds every key once when many enqueue the same keys at once, in any order', async () => {
    const workflow = await yard.workflow()
    const given = keys(500)
    const added = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        yard.enqueue(workflow, n % 2 === 0 ? given : given.toReversed()),
      ),
    )
    expect(added.reduce((sum, count) => sum + count, 0)).to.equal(500)
    expect(await yard.tally(workflow)).to.deep.equal({ enqueue: 500 })
  })

  it('opens one next round when many ask again at once', async () => {
    const { workflow, nodeId, held } = await yard.leased(50)
    await yard.complete(workflow, nodeId, held)
    const again = { again: 'when-finished' } as const
    const added = await Promise.all(
      Array.from({ length: 6 }, () => yard.enqueue(workflow, keys(50), again)),
    )
    expect(added.reduce((sum, count) => sum + count, 0)).to.equal(50)
  })

  it('carries any JSON and any text that Postgres can hold', async () => {
    const workflow = await yard.workflow()
    const odd = `'"\\{},${'\u{1F600}'}\u200e\u2028 null`
    const payload = { [odd]: [odd, null, 1.5, true, { nested: [] }] }
    await yard.enqueue(workflow, [odd], { payload, lane: odd })
    const [pack] = await yard.lease(workflow, await yard.node())
    expect(pack?.items[0]).to.deep.include({ itemKey: odd, payload, lane: odd })
  })

  it('refuses a key that is empty or too long, and adds nothing of its statement', async () => {
    const workflow = await yard.workflow()
    for (const key of ['', 'x'.repeat(2_049)]) {
      const refusal = await yard.enqueue(workflow, ['good', key]).catch((error: Error) => error)
      expect(refusal).to.be.instanceOf(Error)
    }
    expect(await yard.words(workflow)).to.deep.equal({})
  })

  it('takes the longest key there may be', async () => {
    const workflow = await yard.workflow()
    expect(await yard.enqueue(workflow, ['x'.repeat(2_048)])).to.equal(1)
  })
})
