import { expect } from 'chai'
import { readSpent, setBudgets } from '../../src/store/money.js'
import { cancelItems } from '../../src/store/operate.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { keys, useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'

describe('store/reserve', () => {
  const yard = useYard()
  let serial = 0

  const reserve = (
    workflow: WorkflowHandle,
    nodeId: string,
    fields: { open?: number; kept?: number; wanted?: number; creditsEach?: number } = {},
  ) => {
    serial += 1
    const defaults = { open: 0, kept: 0, wanted: 10, creditsEach: 1 }
    const { workflowId } = workflow
    return yard.store.reserveCalls({ nodeId, workflowId, serial, ...defaults, ...fields })
  }
  /** A node that works the workflow. */
  const worker = async (workflow: WorkflowHandle) => {
    const nodeId = await yard.node()
    const plans = JSON.stringify({ [workflow.name]: 'plan' })
    await yard.sql`update fetchyard.node set plans = ${plans}::text::jsonb where node_id = ${nodeId}`
    return nodeId
  }
  const rows = (workflow: WorkflowHandle) => yard.sql<{ calls: number; taken: number }[]>`
    select calls, taken from fetchyard.reserve where workflow_id = ${workflow.workflowId}`
  const crashed = async ({ workflowId }: WorkflowHandle) => {
    const spent = await readSpent(yard.sql, { workflowId, since: 'ever' })
    return spent.find(({ kind }) => kind === 'crashed') ?? null
  }
  const atMost = async (workflow: WorkflowHandle) => {
    const found = await yard.sql<{ credits_at_most: number | null }[]>`
      select credits_at_most from fetchyard.processing_log
       where workflow_id = ${workflow.workflowId} and status = 'reclaimed' order by item_id`
    return found.map((row) => row.credits_at_most)
  }

  it('grants what is wanted where there is no budget, and keeps what was granted', async () => {
    const workflow = await yard.workflow()
    const nodeId = await worker(workflow)
    expect(await reserve(workflow, nodeId, { open: 3, wanted: 4 })).to.equal(4)
    expect(await rows(workflow)).to.deep.equal([{ calls: 7, taken: 0 }])
    await setBudgets(yard.sql, { workflowId: workflow.workflowId, perDay: 2 })
    expect(await reserve(workflow, nodeId, { open: 3, kept: 4, wanted: 9 })).to.equal(4)
    expect(await reserve(workflow, nodeId, { open: 3, wanted: 9 })).to.equal(0)
  })

  it('never grants more than the budget leaves, to however many nodes that ask at once', async () => {
    const workflow = await yard.workflow()
    const { workflowId } = workflow
    await setBudgets(yard.sql, { workflowId, total: { credits: 65 } })
    const nodes = await Promise.all(Array.from({ length: 8 }, () => worker(workflow)))
    // Each believes that it is alone, as nodes do that have only just come.
    await yard.sql`
      update fetchyard.node set alive_until = now() - interval '1 second'
       where node_id = any (${nodes}::uuid[])`
    const ask = () =>
      Promise.all(nodes.map((nodeId) => reserve(workflow, nodeId, { wanted: 6, creditsEach: 5 })))
    const granted = (await ask()).reduce<number>((sum, calls) => sum + (calls ?? 0), 0)
    expect(granted, '13 calls of 5 credits').to.equal(13)
    expect((await rows(workflow)).reduce((sum, { calls }) => sum + calls, 0)).to.equal(13)
  })

  it('shares the last calls out among the nodes that work', async () => {
    const workflow = await yard.workflow()
    const [one, two] = [await worker(workflow), await worker(workflow)]
    await setBudgets(yard.sql, { workflowId: workflow.workflowId, total: { credits: 9 } })
    expect(await reserve(workflow, one)).to.equal(5)
    expect(await reserve(workflow, two), 'half of the other four').to.equal(2)
  })

  it('grants nothing to a fenced node, nor to a request that comes late', async () => {
    const workflow = await yard.workflow()
    const nodeId = await worker(workflow)
    expect(await reserve(workflow, nodeId, { wanted: 3 })).to.equal(3)
    const late = { open: 0, kept: 0, wanted: 1, creditsEach: 1, serial: serial - 1 }
    const { workflowId } = workflow
    expect(await yard.store.reserveCalls({ nodeId, workflowId, ...late })).to.equal(null)
    expect((await rows(workflow))[0]?.calls, 'the newer one holds').to.equal(3)
    await yard.store.fenceNode({ nodeId, reason: 'a test' })
    expect(await reserve(workflow, nodeId)).to.equal(null)
  })

  it('books what a dead node had reserved, on the items that it had leased first', async () => {
    const { workflow, nodeId } = await yard.leased(6)
    await reserve(workflow, nodeId, { open: 3, wanted: 1, creditsEach: 10 })
    await yard.store.fenceNode({ nodeId, reason: 'a test' })
    await yard.store.reclaimPacks(workflow, 50)
    expect(await crashed(workflow)).to.deep.include({ calls: 4, credits: 40, unsure: 40 })
    expect(await atMost(workflow)).to.deep.equal([10, 10, 10, 10, null, null])
    expect(await rows(workflow)).to.deep.equal([])
    await yard.store.reclaimPacks(workflow, 50)
    expect((await crashed(workflow))?.credits, 'once').to.equal(40)
  })

  it('books no more than what the node still held, but for what was taken from it', async () => {
    const { workflow, nodeId, held } = await yard.leased(6)
    await reserve(workflow, nodeId, { open: 6, wanted: 0 })
    await yard.settle(
      workflow,
      nodeId,
      held.slice(0, 2).map((item) => settlement(item, { credits: 1 })),
    )
    const choice = { workflowId: workflow.workflowId, binding: null }
    await cancelItems(yard.sql, { ...choice, keys: ['key-3'], reason: 'a test' })
    expect((await rows(workflow))[0]?.taken).to.equal(1)
    await yard.store.fenceNode({ nodeId, reason: 'a test' })
    await yard.store.reclaimPacks(workflow, 50)
    // Three that it held, and one that it may have been working when it was cancelled.
    expect(await crashed(workflow)).to.deep.include({ calls: 4, credits: 4 })
  })

  it('leaves the rest of a reserve for the packs that another statement holds', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    for (const key of keys(2)) await yard.enqueue(workflow, [key])
    const held = await yard.hold(workflow, nodeId)
    await reserve(workflow, nodeId, { open: 2, wanted: 0 })
    await yard.store.fenceNode({ nodeId, reason: 'a test' })
    await yard.sql.begin(async (transaction) => {
      await transaction`
        select from fetchyard.work_queue where pack_id = ${held[0]?.packId ?? ''} for update`
      expect(await yard.store.reclaimPacks(workflow, 50)).to.deep.equal({ packs: 1, items: 1 })
      expect(await rows(workflow)).to.deep.equal([{ calls: 1, taken: 0 }])
    })
    await yard.store.reclaimPacks(workflow, 50)
    expect(await rows(workflow)).to.deep.equal([])
    expect(await atMost(workflow)).to.deep.equal([1, 1])
    expect(await crashed(workflow)).to.deep.include({ calls: 2, credits: 2 })
  })

  it('notes items that a deadline takes from a living node, and books its refused answers', async () => {
    const { workflow, nodeId, first } = await yard.leased(1)
    const { workflowId } = workflow
    await reserve(workflow, nodeId, { open: 1, wanted: 0 })
    await yard.sql`
      update fetchyard.work_queue set deadline = now() - interval '1 second'
       where workflow_id = ${workflowId}`
    await yard.store.reclaimPacks(workflow, 50)
    expect(await rows(workflow)).to.deep.equal([{ calls: 1, taken: 1 }])
    expect(await crashed(workflow), 'nothing is lost yet').to.equal(null)
    expect(await yard.settle(workflow, nodeId, [settlement(first, { credits: 7 })])).to.have.length(
      0,
    )
    const bill = { nodeId, workflowId, calls: 1, credits: 7, unsure: 0 }
    await yard.store.bookRefused(bill)
    expect(await readSpent(yard.sql, { workflowId, since: 'ever' })).to.deep.equal([
      { kind: 'failed', calls: 1, credits: 7, unsure: 0 },
    ])
    await yard.store.fenceNode({ nodeId, reason: 'a test' })
    await yard.store.bookRefused(bill)
    expect(await readSpent(yard.sql, { workflowId, since: 'ever' })).to.have.length(1)
  })

  it('is closed without a trace by a node that ends in order', async () => {
    const { workflow, nodeId } = await yard.leased(1)
    const { workflowId } = workflow
    await reserve(workflow, nodeId)
    await yard.store.closeReserve({ nodeId, workflowId })
    await yard.store.fenceNode({ nodeId, reason: 'it stopped in order' })
    await yard.store.reclaimPacks(workflow, 50)
    expect(await crashed(workflow)).to.equal(null)
  })
})
