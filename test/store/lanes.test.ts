import { expect } from 'chai'
import { holdSettlement, releaseSettlement } from '../../src/core/settlement.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { keys, useYard } from '../support/factory.js'

describe('store/lanes', () => {
  const yard = useYard()

  /** Items of hosts in turn, so many of each, in one enqueue. */
  async function enqueueByTurns(
    workflow: WorkflowHandle,
    counts: Readonly<Record<string, number>>,
  ): Promise<void> {
    const items = Object.entries(counts).flatMap(([lane, count]) =>
      keys(count).map((key, n) => ({ key: `${lane}/${key}`, payload: null, lane, n })),
    )
    items.sort((a, b) => a.n - b.n)
    const { workflowId } = workflow
    await enqueueItems(yard.sql, { workflowId, items, again: 'never' })
  }

  const packsOf = (workflow: WorkflowHandle) => yard.sql<{ lane: string; items: number }[]>`
    select lane, cardinality(item_ids) as items from fetchyard.work_queue
     where workflow_id = ${workflow.workflowId} order by lane, pack_id`

  /** Every pack that names a lane holds nothing else. */
  async function expectTruth(workflow: WorkflowHandle): Promise<void> {
    const liars = await yard.sql`
      select from fetchyard.work_queue as pack
       cross join lateral unnest(pack.item_ids) as member (item_id)
        join fetchyard.item on item.item_id = member.item_id
       where pack.workflow_id = ${workflow.workflowId}
         and pack.lane not in ('', item.lane)`
    expect(liars).to.deep.equal([])
  }

  it('gives a host with many items packs of its own, and lets the others share', async () => {
    const workflow = await yard.workflow()
    await enqueueByTurns(workflow, { many: 300, few: 20, fewer: 3 })
    expect([...(await packsOf(workflow))]).to.deep.equal([
      { lane: '', items: 23 },
      { lane: 'many', items: 256 },
      { lane: 'many', items: 44 },
    ])
    await expectTruth(workflow)
  })

  it('names the lane of a pack that happens to be of one', async () => {
    const workflow = await yard.workflow()
    await enqueueByTurns(workflow, { only: 2 })
    expect([...(await packsOf(workflow))]).to.deep.equal([{ lane: 'only', items: 2 }])
  })

  it('passes by the packs of lanes that a lease skips, and takes them when it does not', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await enqueueByTurns(workflow, { slow: 1_000 })
    await enqueueByTurns(workflow, { quick: 3 })
    const held = await yard.hold(workflow, nodeId, { lanesToSkip: ['slow', 'unheard of'] })
    expect(held.map(({ lane }) => lane)).to.deep.equal(['quick', 'quick', 'quick'])
    expect(await yard.hold(workflow, nodeId, { lanesToSkip: ['slow'] })).to.deep.equal([])
    // What is split off a pack of one lane is still of that lane.
    expect(await yard.hold(workflow, nodeId, { itemsMax: 10 })).to.have.length(10)
    expect((await packsOf(workflow)).every(({ lane }) => lane !== '')).to.equal(true)
  })

  it('sorts what is held back by its lane, uncharged, and keeps it waiting', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await enqueueByTurns(workflow, { slow: 40, slower: 30, other: 20 })
    const held = await yard.hold(workflow, nodeId)
    const given = held.map((item) =>
      item.lane === 'other' ? releaseSettlement(item) : holdSettlement(item, 60_000),
    )
    expect(await yard.settle(workflow, nodeId, given)).to.have.length(90)

    expect([...(await packsOf(workflow))]).to.deep.equal([
      { lane: 'other', items: 20 },
      { lane: 'slow', items: 40 },
      { lane: 'slower', items: 30 },
    ])
    await expectTruth(workflow)
    const again = await yard.hold(workflow, nodeId)
    expect(new Set(again.map(({ lane, attempt }) => `${lane} ${attempt}`))).to.deep.equal(
      new Set(['other 0']),
    )
  })
})
