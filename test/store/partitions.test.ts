import { expect } from 'chai'
import { storePartitions } from '../../src/store/workflows.js'
import { keys, useYard } from '../support/factory.js'
import { heldOf, settlement } from '../support/values.js'

describe('partitions', () => {
  const yard = useYard()

  async function spread() {
    const workflow = await yard.store.openWorkflow({ name: 'spread', sinks: {}, partitions: 8 })
    await yard.enqueue(workflow, keys(400))
    const rows = await yard.sql<{ item_key: string; partition: number }[]>`
      select item_key, partition from fetchyard.item where workflow_id = ${workflow.workflowId}`
    return { workflow, partitionOf: new Map(rows.map((row) => [row.item_key, row.partition])) }
  }

  it('spread items without a lane by their key, and are leased from by choice', async () => {
    const { workflow, partitionOf } = await spread()
    expect(new Set(partitionOf.values()).size).to.equal(8)
    const nodeId = await yard.node()
    const lease = (partitions: readonly number[] | undefined) =>
      yard.store.leasePacks(workflow, {
        nodeId,
        packsMax: 64,
        itemsMax: 1_000,
        deadlineMs: 600_000,
        partitions,
      })
    const mine = heldOf(await lease([1, 6]))
    const expected = [...partitionOf.values()].filter((partition) => [1, 6].includes(partition))
    expect(mine).to.have.length(expected.length)
    for (const { itemKey } of mine) expect([1, 6]).to.include(partitionOf.get(itemKey))
    expect(heldOf(await lease([1, 6]))).to.have.length(0)
    expect(heldOf(await lease(undefined))).to.have.length(400 - mine.length)
  })

  it('are leased from by choice within an instance of a schedule too, and are charged to it', async () => {
    const schedule = { every: '1h', batch: 60 }
    const definition = { name: 'timed', sinks: {}, partitions: 8, schedule }
    const workflow = await yard.store.openWorkflow(definition)
    const { workflowId } = workflow
    const { schedules } = yard.store
    await schedules.putSchedule({ workflowId, definition: schedule, firstAt: null })
    await yard.enqueue(workflow, keys(400, 'timed'))
    const row = await schedules.readSchedule(workflowId)
    if (row === null) throw new Error('there is no schedule')
    const { nextAt, now } = row
    const following = new Date(now.getTime() + 3_600_000)
    await schedules.takeTick({ workflowId, nextAt, following })
    const nodeId = await yard.node()
    const lease = (itemsMax: number, partitions: readonly number[]) =>
      yard.store
        .leasePacks(workflow, { nodeId, packsMax: 64, itemsMax, deadlineMs: 600_000, partitions })
        .then(heldOf)
    const mine = await lease(20, [1, 6])
    const ids = mine.map(({ itemId }) => itemId)
    const found = await yard.sql<{ partition: number }[]>`
      select partition from fetchyard.item where item_id = any (${ids}::bigint[])`
    expect(found).to.have.length(20)
    for (const { partition } of found) expect([1, 6]).to.include(partition)
    expect(await lease(400, [0, 2, 3, 4, 5, 7]), 'the rest of the batch').to.have.length(40)
    expect(await lease(400, [1, 6]), 'the batch is over').to.have.length(0)
  })

  it('keep the number they were given, and hold for what is enqueued from then on', async () => {
    const workflow = await yard.workflow()
    await yard.enqueue(workflow, keys(50, 'early'))
    const row = await yard.store.findWorkflow(workflow.name)
    if (row === null) throw new Error('the workflow has no row')
    await storePartitions(yard.sql, row, 4)
    await yard.enqueue(workflow, keys(50, 'late'))
    const early = (await yard.packs(workflow)).filter(({ item_ids }) => item_ids.length === 50)
    expect(early).to.have.length(1)
    const nodeId = await yard.node()
    expect(await yard.hold(workflow, nodeId)).to.have.length(100)
  })
})

describe('a sink that refuses known keys', () => {
  const yard = useYard()
  const SINK = {
    table: 'public.strict',
    columns: { id: 'bigint', word: 'text' },
    key: ['id'],
    onConflict: 'fail',
  } as const

  before(() => yard.sql`create table public.strict (id bigint primary key, word text)`)

  it('fails the statement for a key that is there or comes twice, and writes none of it', async () => {
    const { workflow, nodeId, held } = await yard.leased(3, { sinks: { strict: SINK } })
    const settle = (items: readonly number[], id: string) => {
      const settlements = items.map((index) => {
        const item = held[index]
        if (item === undefined) throw new Error('not held')
        return settlement(item, { rows: { strict: [{ id, word: `w${index}` }] } })
      })
      return yard.settle(workflow, nodeId, settlements).catch((error: unknown) => error)
    }
    expect(await settle([0, 1], '7')).to.have.property('code', '23505')
    expect(await yard.sql`select from public.strict`).to.have.length(0)
    expect(await settle([0], '7')).to.have.length(1)
    // Sent again after a lost answer it takes nothing, and meets no row of its own.
    expect(await settle([0], '7')).to.deep.equal([])
    expect(await settle([1], '7')).to.have.property('code', '23505')
    expect(await settle([1], '8')).to.have.length(1)
    expect(await yard.sql`select id, word from public.strict order by id`).to.deep.equal([
      { id: '7', word: 'w0' },
      { id: '8', word: 'w1' },
    ])
  })
})
