import { expect } from 'chai'
import { readSpent, setBudgets } from '../../src/store/money.js'
import { cancelItems } from '../../src/store/operate.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { keys, useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'
import { untilBlocked } from './support/locks.js'

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

  const queued = async (workflow: WorkflowHandle) => (await yard.packs(workflow)).length

  /** A reclaim has some of its locks, and waits for none of them, when a cancel comes. */
  const meetMidway = async (workflow: WorkflowHandle, of: readonly string[]) => {
    const { workflowId } = workflow
    // Its receipts wait for a gate that is shut.
    await yard.sql.unsafe(`
      create function public.wait_at_the_gate() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock_shared(77); return new; end $$;
      create trigger slow before insert on fetchyard.processing_log
        for each row when (new.status = 'reclaimed') execute function public.wait_at_the_gate()`)
    const started: { reclaim?: Promise<unknown>; cancel?: Promise<number> } = {}
    await yard.sql.begin(async (transaction) => {
      await transaction`select pg_advisory_xact_lock(77)`
      started.reclaim = yard.store.reclaimPacks(workflow, 2)
      started.reclaim.catch(() => {})
      await untilBlocked(yard.sql)
      const choice = { workflowId, binding: null, keys: of, reason: 'a test' }
      started.cancel = cancelItems(yard.sql, choice)
      started.cancel.catch(() => {})
      await untilBlocked(yard.sql, 2)
    })
    await started.reclaim
    const cancelled = await started.cancel
    await yard.sql`drop function public.wait_at_the_gate cascade`
    return cancelled
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

  // The node has not heard of it, and begins that item as well when it dies.
  it('books an item that was cancelled before the node had reserved anything', async () => {
    const { workflow, nodeId } = await yard.leased(3)
    const choice = { workflowId: workflow.workflowId, binding: null, keys: ['key-1'] }
    await cancelItems(yard.sql, { ...choice, reason: 'a test' })
    expect(await reserve(workflow, nodeId, { wanted: 3 })).to.equal(3)
    await yard.store.fenceNode({ nodeId, reason: 'a test' })
    await yard.store.reclaimPacks(workflow, 50)
    expect(await crashed(workflow)).to.deep.include({ calls: 3, credits: 3 })
    expect(await rows(workflow)).to.deep.equal([])
  })

  it('leaves no trace of a cancel whose node never made a call that costs something', async () => {
    const { workflow, nodeId } = await yard.leased(2)
    const choice = { workflowId: workflow.workflowId, binding: null, keys: ['key-1'] }
    await cancelItems(yard.sql, { ...choice, reason: 'a test' })
    await yard.store.fenceNode({ nodeId, reason: 'a test' })
    await yard.store.reclaimPacks(workflow, 50)
    expect(await crashed(workflow)).to.equal(null)
    expect(await rows(workflow)).to.deep.equal([])
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
    const bill = { nodeId, workflowId, booking: 1, items: 1, calls: 1, credits: 7, unsure: 0 }
    await yard.store.bookRefused(bill)
    await yard.store.bookRefused(bill)
    expect((await rows(workflow))[0]?.taken, 'it is in no doubt any more').to.equal(0)
    expect(await readSpent(yard.sql, { workflowId, since: 'ever' })).to.deep.equal([
      { kind: 'failed', calls: 1, credits: 7, unsure: 0 },
    ])
    await yard.store.fenceNode({ nodeId, reason: 'a test' })
    await yard.store.bookRefused({ ...bill, booking: 2 })
    expect(await readSpent(yard.sql, { workflowId, since: 'ever' })).to.have.length(1)
  })

  it('does not book an item that was taken, and whose answer has come since', async () => {
    const { workflow, nodeId, held } = await yard.leased(3)
    const { workflowId } = workflow
    await reserve(workflow, nodeId, { open: 3, wanted: 0 })
    const choice = { workflowId, binding: null, keys: ['key-1'], reason: 'a test' }
    await cancelItems(yard.sql, choice)
    const free = { nodeId, workflowId, booking: 1, items: 1, calls: 0, credits: 0, unsure: 0 }
    await yard.store.bookRefused(free)
    await yard.settle(
      workflow,
      nodeId,
      held.slice(1, 2).map((item) => settlement(item, { credits: 1 })),
    )
    await yard.store.fenceNode({ nodeId, reason: 'a test' })
    await yard.store.reclaimPacks(workflow, 50)
    expect(await crashed(workflow), 'the one that it still held').to.deep.include({ calls: 1 })
  })

  it('never waits for a reserve while it holds another, so that cancels wait and do not fail', async () => {
    const workflow = await yard.workflow()
    const { workflowId } = workflow
    // The living node's reserve comes first in the order in which a cancel takes them.
    const [living = '', dead = ''] = [await yard.node(), await yard.node()].sort()
    for (const nodeId of [dead, living, living, dead]) {
      await yard.enqueue(workflow, [`key-${await queued(workflow)}`])
      await yard.hold(workflow, nodeId)
    }
    for (const nodeId of [dead, living]) await reserve(workflow, nodeId, { open: 2, wanted: 0 })
    await yard.store.fenceNode({ nodeId: dead, reason: 'a test' })
    const [, overdue] = await yard.packs(workflow)
    await yard.sql`
      update fetchyard.work_queue set deadline = now() - interval '1 second'
       where pack_id = ${overdue?.pack_id ?? ''}`
    const cancelled = await meetMidway(workflow, ['key-2', 'key-3'])
    expect(cancelled).to.equal(2)
    await yard.store.reclaimPacks(workflow, 50)
    await yard.store.reclaimPacks(workflow, 50)
    expect((await crashed(workflow))?.calls, 'two of the dead node').to.equal(2)
    expect(await rows(workflow)).to.deep.equal([{ calls: 2, taken: 2 }])
    await yard.store.closeReserve({ nodeId: living, workflowId })
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
