import { expect } from 'chai'
import { keys, useYard } from '../support/factory.js'
import { behind } from './support/locks.js'

describe('reclaimPacks', () => {
  const yard = useYard()

  it('frees the packs of a node whose lease ran out, once it is fenced', async () => {
    const { workflow, nodeId, held } = await yard.leased(3)
    await yard.expire(nodeId)
    expect(await yard.store.reclaimPacks(workflow, 50), 'not fenced').to.include({ packs: 0 })
    const fenced = await yard.fenceExpired()
    expect(fenced.map((node) => node.nodeId)).to.deep.equal([nodeId])
    expect(await yard.store.reclaimPacks(workflow, 50)).to.deep.equal({ packs: 1, items: 3 })
    const [pack] = await yard.packs(workflow)
    expect(pack).to.include({ lease_id: null, node_id: null, crashes: 1, attempt: 0 })
    expect(pack?.item_ids).to.deep.equal(held.map(({ itemId }) => itemId))
    expect(await yard.tally(workflow)).to.include({ reclaim: 3 })
  })

  it('writes a receipt that names who lost the item, under the lost lease', async () => {
    const { workflow, nodeId, first } = await yard.leased(1)
    await yard.store.fenceNode({ nodeId, reason: 'its process was found dead' })
    await yard.store.reclaimPacks(workflow, 50)
    const [receipt] = await yard.receipts(workflow)
    expect(receipt).to.include({
      status: 'reclaimed',
      outcome_code: 'node_lost',
      lease_id: first.leaseId,
      node_id: nodeId,
      attempt: 1,
    })
    expect(receipt?.error).to.include('its process was found dead').and.to.include('pid 42')
  })

  it('frees the packs of a node that is unknown', async () => {
    const { workflow, nodeId } = await yard.leased(2)
    await yard.sql`delete from fetchyard.node where node_id = ${nodeId}`
    expect(await yard.store.reclaimPacks(workflow, 50)).to.deep.equal({ packs: 1, items: 2 })
    expect((await yard.receipts(workflow))[0]?.error).to.include('unknown')
  })

  it('frees packs past their hard deadline although their node lives', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(2))
    const late = await yard.hold(workflow, nodeId, { itemsMax: 1, deadlineMs: -1 })
    const held = await yard.hold(workflow, nodeId)
    expect(await yard.store.reclaimPacks(workflow, 50)).to.deep.equal({ packs: 1, items: 1 })
    expect((await yard.receipts(workflow))[0]?.error).to.include('deadline')
    expect(await yard.complete(workflow, nodeId, late)).to.deep.equal([])
    expect(await yard.complete(workflow, nodeId, held)).to.have.length(1)
  })

  it('leaves living nodes, their packs, and other workflows alone', async () => {
    const { workflow, held, nodeId } = await yard.leased(2)
    const other = await yard.leased(2)
    await yard.store.fenceNode({ nodeId: other.nodeId, reason: 'test' })
    expect(await yard.store.reclaimPacks(workflow, 50)).to.deep.equal({ packs: 0, items: 0 })
    expect(await yard.complete(workflow, nodeId, held)).to.have.length(2)
    expect(await yard.store.reclaimPacks(other.workflow, 50)).to.include({ items: 2 })
  })

  it('brings a pack that crashed before back in halves, down to one, and counts one crash', async () => {
    const workflow = await yard.workflow()
    await yard.enqueue(workflow, keys(5))
    const shapes: number[][] = []
    for (let crash = 0; crash < 5; crash += 1) {
      const nodeId = await yard.node()
      await yard.lease(workflow, nodeId)
      await yard.store.fenceNode({ nodeId, reason: 'test' })
      await yard.store.reclaimPacks(workflow, 50)
      const packs = await yard.packs(workflow)
      expect(packs.every((pack) => pack.crashes === 1)).to.equal(true)
      shapes.push(packs.map((pack) => pack.item_ids.length).sort())
    }
    expect(shapes).to.deep.equal([[5], [2, 3], [1, 1, 1, 2], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]])
  })

  it('frees no more packs than it was told', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    for (const key of keys(5)) await yard.enqueue(workflow, [key])
    await yard.lease(workflow, nodeId)
    await yard.store.fenceNode({ nodeId, reason: 'test' })
    expect(await yard.store.reclaimPacks(workflow, 2)).to.deep.equal({ packs: 2, items: 2 })
    expect(await yard.store.reclaimPacks(workflow, 50)).to.deep.equal({ packs: 3, items: 3 })
  })

  it('frees each pack once when many reclaim at once', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    for (const key of keys(60)) await yard.enqueue(workflow, [key])
    await yard.lease(workflow, nodeId)
    await yard.store.fenceNode({ nodeId, reason: 'test' })
    const freed = await Promise.all(
      Array.from({ length: 6 }, () => yard.store.reclaimPacks(workflow, 50)),
    )
    const rest = await yard.store.reclaimPacks(workflow, 50)
    const packs = [...freed, rest].reduce((sum, one) => sum + one.packs, 0)
    expect(packs).to.equal(60)
    expect(await yard.tally(workflow)).to.include({ reclaim: 60 })
  })
})

describe('releaseNode', () => {
  const yard = useYard()

  it('gives everything a node holds back, without a crash, an attempt or a receipt', async () => {
    const { workflow, nodeId, held } = await yard.leased(4)
    const other = await yard.node()
    await yard.enqueue(workflow, ['theirs'])
    await yard.hold(workflow, other)
    expect(await yard.store.releaseNode(workflow, nodeId)).to.deep.equal({ packs: 1, items: 4 })
    expect(await yard.complete(workflow, nodeId, held)).to.deep.equal([])
    const packs = await yard.packs(workflow)
    expect(packs.map((pack) => pack.node_id)).to.deep.equal([null, other])
    expect(packs[0]).to.include({ crashes: 0, attempt: 0 })
    expect(await yard.receipts(workflow)).to.deep.equal([])
    expect(await yard.tally(workflow)).to.deep.equal({ enqueue: 5, release: 4 })
  })

  it('gives back only the leases that its supervisor does not know of', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(6))
    const known = await yard.hold(workflow, nodeId, { itemsMax: 2 })
    await yard.hold(workflow, nodeId, { itemsMax: 4 })
    const leases = [...new Set(known.map(({ leaseId }) => leaseId))]
    const freed = await yard.store.releaseNode(workflow, nodeId, leases)
    expect(freed).to.deep.equal({ packs: 1, items: 4 })
    expect(await yard.complete(workflow, nodeId, known)).to.have.length(2)
    expect(await yard.hold(workflow, nodeId)).to.have.length(4)
  })

  // The answer to a release was lost, the node leased more, and the release takes effect only now.
  it('gives back nothing that was leased after the newest lease it names', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(6))
    expect(await yard.store.findNewestLease(workflow, nodeId)).to.equal(null)
    const [stranded] = await yard.hold(workflow, nodeId, { itemsMax: 2 })
    const newest = await yard.store.findNewestLease(workflow, nodeId)
    expect(newest).to.equal(stranded?.leaseId)
    const later = await yard.hold(workflow, nodeId, { itemsMax: 4 })
    const freed = await yard.store.releaseNode(workflow, nodeId, [], newest)
    expect(freed).to.deep.equal({ packs: 1, items: 2 })
    expect(await yard.complete(workflow, nodeId, later)).to.have.length(4)
  })

  it('gives back what a settle under way left', async () => {
    const { workflow, nodeId, held, first } = await yard.leased(3)
    const shrink = async (sql: typeof yard.sql) => {
      const rest = held.slice(1).map(({ itemId }) => itemId)
      await sql`
        update fetchyard.work_queue set item_ids = ${rest}::text[]::bigint[]
         where pack_id = ${first.packId}`
      await sql`
        insert into fetchyard.processing_log
               (item_id, lease_id, workflow_id, attempt, status, outcome_code, item_key)
        values (${first.itemId}, ${first.leaseId}, ${workflow.workflowId}, 1, 'success', 'ok', 'x')`
    }
    const freed = await behind(yard.sql, shrink, () => yard.store.releaseNode(workflow, nodeId))
    expect(freed).to.deep.equal({ packs: 1, items: 2 })
  })
})
