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
