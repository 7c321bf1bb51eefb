import { expect } from 'chai'
import { seededRandom } from '../../src/core/random.js'
import { keys, useYard } from '../support/factory.js'
import { heldOf, nextTry, settlement } from '../support/values.js'

const sizes = (packs: readonly { readonly items: readonly unknown[] }[]) =>
  packs.map((pack) => pack.items.length)

describe('leasePacks', () => {
  const yard = useYard()

  it('takes whole packs as they are, each with a lease of its own that grows', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(600))
    const before = await yard.packs(workflow)
    const packs = await yard.lease(workflow, nodeId, { itemsMax: 1_000 })
    expect(sizes(packs)).to.deep.equal([256, 256, 88])
    expect(packs.map((pack) => pack.packId)).to.deep.equal(before.map((pack) => pack.pack_id))
    expect(new Set(packs.map((pack) => pack.leaseId))).to.have.property('size', 3)
    const rows = await yard.packs(workflow)
    expect(rows.every((row) => row.node_id === nodeId && row.lease_id !== null)).to.equal(true)
    expect(await yard.lease(workflow, nodeId)).to.deep.equal([])
  })

  it('splits the last pack, and leaves its rest in order for the next lease', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(300))
    const first = await yard.lease(workflow, nodeId, { itemsMax: 10 })
    const second = await yard.lease(workflow, nodeId, { itemsMax: 256 })
    const third = await yard.lease(workflow, nodeId, { itemsMax: 256 })
    expect([sizes(first), sizes(second), sizes(third)]).to.deep.equal([[10], [246, 10], [34]])
    const order = heldOf([first, second, third].flatMap(inPackOrder)).map((item) => item.itemKey)
    expect(new Set(order)).to.have.property('size', 300)
    expect(first.flatMap((pack) => pack.items.map((item) => item.itemKey))).to.deep.equal(keys(10))
  })

  for (const itemsMax of [1, 255, 256, 257, 511, 512, 513]) {
    it(`never leases more than ${itemsMax} items`, async () => {
      const workflow = await yard.workflow()
      await yard.enqueue(workflow, keys(520))
      const packs = await yard.lease(workflow, await yard.node(), { itemsMax })
      expect(heldOf(packs)).to.have.length(itemsMax)
    })
  }

  it('looks at no more packs than it was told', async () => {
    const workflow = await yard.workflow()
    for (const key of keys(5)) await yard.enqueue(workflow, [key])
    const packs = await yard.lease(workflow, await yard.node(), { packsMax: 2 })
    expect(sizes(packs)).to.deep.equal([1, 1])
  })

  it('looks from a place that it told, and at nothing before it', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(300))
    const [, cut] = await yard.lease(workflow, nodeId, { itemsMax: 260 })
    await yard.enqueue(workflow, ['urgent'], { priority: -5 })
    const from = cut?.position ?? null
    const rest = await yard.lease(workflow, nodeId, { from, itemsMax: 1_000 })
    expect(sizes(rest), 'the rest of the pack that was cut').to.deep.equal([40])
    const all = await yard.lease(workflow, nodeId)
    expect(heldOf(all).map(({ itemKey }) => itemKey)).to.deep.equal(['urgent'])
  })

  it('takes the most urgent first, then the one that waited longest', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, ['later'], { priority: 5 })
    await yard.enqueue(workflow, ['first'], { priority: 0 })
    await yard.enqueue(workflow, ['second'], { priority: 0 })
    await yard.enqueue(workflow, ['urgent'], { priority: -5 })
    const order: string[] = []
    for (let turn = 0; turn < 4; turn += 1) {
      for (const item of await yard.hold(workflow, nodeId, { itemsMax: 1 }))
        order.push(item.itemKey)
    }
    expect(order).to.deep.equal(['urgent', 'first', 'second', 'later'])
  })

  it('leaves what is not yet due', async () => {
    const { workflow, nodeId, first } = await yard.leased()
    const next = nextTry({ attempt: 1, delayMs: 60_000 })
    await yard.settle(workflow, nodeId, [settlement(first, { event: 'retry', code: 'dns', next })])
    expect(await yard.hold(workflow, nodeId)).to.deep.equal([])
    await yard.makeDue(workflow)
    expect(await yard.hold(workflow, nodeId)).to.have.length(1)
  })

  it('leaves a paused workflow alone from the pause on, by any reason, and no other', async () => {
    const nodeId = await yard.node()
    const paused = await yard.workflow()
    const other = await yard.workflow()
    for (const workflow of [paused, other]) await yard.enqueue(workflow, keys(1))
    const { workflowId } = paused
    await yard.store.pauseWorkflow({ workflowId, reason: 'one' })
    await yard.store.pauseWorkflow({ workflowId, reason: 'two' })
    expect(await yard.hold(paused, nodeId)).to.deep.equal([])
    await yard.store.resumeWorkflow({ workflowId, reason: 'one' })
    expect(await yard.hold(paused, nodeId)).to.deep.equal([])
    expect(await yard.hold(other, nodeId)).to.have.length(1)
    await yard.store.resumeWorkflow({ workflowId, reason: null })
    expect(await yard.hold(paused, nodeId)).to.have.length(1)
  })

  it('gives a fenced or unknown node nothing', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(1))
    await yard.store.fenceNode({ nodeId, reason: 'test' })
    expect(await yard.hold(workflow, nodeId)).to.deep.equal([])
    expect(await yard.hold(workflow, '00000000-0000-4000-8000-000000000000')).to.deep.equal([])
  })

  it('returns payload, lane, attempt and the counts of the pack', async () => {
    const { workflow, nodeId, first } = await yard.leased()
    const next = nextTry({ attempt: 2, snoozes: 3, crashes: 4, lonelyCrashes: 1 })
    await yard.settle(workflow, nodeId, [settlement(first, { event: 'retry', code: 'dns', next })])
    const [pack] = await yard.lease(workflow, nodeId)
    expect(pack).to.include({ attempt: 2, snoozes: 3, crashes: 4, lonelyCrashes: 1 })
    expect(Number(pack?.leaseId)).to.be.greaterThan(Number(first.leaseId))
  })

  it('tells how large the items of each pack are, as they came', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    // Nothing that is stored as less than it is.
    const random = seededRandom(1)
    const payload = { large: Array.from({ length: 3_000 }, () => random.next()).join('"') }
    const characters = JSON.stringify(payload).length
    await yard.enqueue(workflow, keys(256))
    await yard.enqueue(workflow, ['one', 'two'], { payload })
    const [small, large] = await yard.lease(workflow, nodeId)
    expect(large?.items.map((item) => item.payload)).to.deep.equal([payload, payload])
    expect(small?.characters).to.be.within(256 * 30, 256 * 100)
    expect(large?.characters).to.be.within(2 * characters, 2 * (characters + 100))
  })

  it('keeps the counts on both parts of a split pack', async () => {
    const { workflow, nodeId, held } = await yard.leased(10)
    const next = nextTry({ attempt: 1, snoozes: 2, crashes: 3, lonelyCrashes: 1 })
    const retries = held.map((item) => settlement(item, { event: 'retry', code: 'dns', next }))
    await yard.settle(workflow, nodeId, retries)
    await yard.lease(workflow, nodeId, { itemsMax: 4 })
    for (const row of await yard.packs(workflow)) {
      expect(row).to.include({ attempt: 1, snoozes: 2, crashes: 3, lonely_crashes: 1 })
    }
  })

  it('never leases an item to two of many leasers at once, and leases them all', async () => {
    const workflow = await yard.workflow()
    await yard.enqueue(workflow, keys(2_000))
    const nodes = await Promise.all(Array.from({ length: 6 }, () => yard.node()))
    const leaseAll = async (nodeId: string, itemsMax: number) => {
      const mine: string[] = []
      for (;;) {
        const held = await yard.hold(workflow, nodeId, { itemsMax })
        if (held.length === 0) return mine
        for (const { itemId } of held) mine.push(itemId)
      }
    }
    const all = await Promise.all(nodes.map((nodeId, n) => leaseAll(nodeId, 7 + 13 * n)))
    // A leaser that found every pack locked ended early; the queue has what it left.
    const rest = await leaseAll(nodes[0] ?? '', 1_000)
    const leased = [...all.flat(), ...rest]
    expect(leased).to.have.length(2_000)
    expect(new Set(leased)).to.have.property('size', 2_000)
  })

  it('passes a pack that somebody else has locked instead of waiting for it', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, ['locked'])
    await yard.enqueue(workflow, ['free'])
    const [locked] = await yard.packs(workflow)
    await yard.sql.begin(async (other) => {
      await other`
        select from fetchyard.work_queue where pack_id = ${locked?.pack_id ?? ''} for update`
      const held = await yard.hold(workflow, nodeId)
      expect(held.map(({ itemKey }) => itemKey)).to.deep.equal(['free'])
    })
  })
})

/** Packs in the order of their first item, which is the order of the queue. */
function inPackOrder<Pack extends { readonly items: readonly { readonly itemId: string }[] }>(
  packs: readonly Pack[],
): readonly Pack[] {
  return packs.toSorted((a, b) => Number(a.items[0]?.itemId) - Number(b.items[0]?.itemId))
}
