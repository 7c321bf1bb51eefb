import { expect } from 'chai'
import { holdSettlement } from '../../src/core/settlement.js'
import { keys, useYard } from '../support/factory.js'
import { heldOf, nextTry, settlement } from '../support/values.js'

describe('settleItems', () => {
  const yard = useYard()

  it('settles a whole pack: receipts, tally, and the pack is gone', async () => {
    const { workflow, nodeId, held } = await yard.leased(3)
    const applied = await yard.complete(workflow, nodeId, held)
    expect(applied).to.deep.equal(held.map(({ itemId }) => itemId))
    expect(await yard.packs(workflow)).to.deep.equal([])
    expect(await yard.tally(workflow)).to.deep.equal({ enqueue: 3, complete: 3 })
    const [receipt] = await yard.receipts(workflow)
    expect(receipt).to.include({
      status: 'success',
      outcome_code: 'ok',
      attempt: 1,
      http_status: 200,
      duration_ms: 12,
      lease_id: held[0]?.leaseId,
      node_id: nodeId,
    })
  })

  it('settles part of a pack and leaves the rest of it leased, in order', async () => {
    const { workflow, nodeId, held } = await yard.leased(5)
    const part = held.filter((_, index) => index % 2 === 1)
    expect(await yard.complete(workflow, nodeId, part)).to.have.length(2)
    const [pack] = await yard.packs(workflow)
    const rest = held.filter((_, index) => index % 2 === 0)
    expect(pack?.item_ids).to.deep.equal(rest.map(({ itemId }) => itemId))
    expect(pack?.lease_id).to.equal(held[0]?.leaseId)
    expect(await yard.complete(workflow, nodeId, rest)).to.have.length(3)
    expect(await yard.packs(workflow)).to.deep.equal([])
  })

  it('settles items of several packs by one statement', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    for (const key of keys(5)) await yard.enqueue(workflow, [key])
    const held = await yard.hold(workflow, nodeId)
    expect(new Set(held.map(({ packId }) => packId))).to.have.property('size', 5)
    expect(await yard.complete(workflow, nodeId, held)).to.have.length(5)
  })

  it('accepts nothing a second time', async () => {
    const { workflow, nodeId, held } = await yard.leased(3)
    await yard.complete(workflow, nodeId, held.slice(0, 2))
    expect(await yard.complete(workflow, nodeId, held)).to.deep.equal([held[2]?.itemId])
    expect(await yard.complete(workflow, nodeId, held)).to.deep.equal([])
    expect(await yard.receipts(workflow)).to.have.length(3)
  })

  it('counts an item once that is named twice in one statement', async () => {
    const { workflow, nodeId, first } = await yard.leased(1)
    expect(await yard.complete(workflow, nodeId, [first, first])).to.have.length(1)
    expect(await yard.tally(workflow)).to.include({ complete: 1 })
  })

  it('refuses another lease, another node, another pack, and items of another pack', async () => {
    const { workflow, nodeId, first } = await yard.leased(1)
    const other = await yard.leased(1)
    const strangers = [
      { ...first, leaseId: `${Number(first.leaseId) + 1_000}` },
      { ...first, packId: other.first.packId },
      { ...first, itemId: other.first.itemId },
      { ...first, itemId: '999999999' },
    ]
    for (const stranger of strangers) {
      expect(await yard.complete(workflow, nodeId, [stranger])).to.deep.equal([])
    }
    expect(await yard.complete(workflow, other.nodeId, [first])).to.deep.equal([])
    expect(await yard.receipts(workflow)).to.deep.equal([])
    expect(await yard.receipts(other.workflow)).to.deep.equal([])
  })

  it('refuses a zombie: its pack was reclaimed and is leased again', async () => {
    const { workflow, nodeId, held } = await yard.leased(2)
    await yard.store.fenceNode({ nodeId, reason: 'test' })
    await yard.store.reclaimPacks(workflow, 50)
    expect(await yard.complete(workflow, nodeId, held), 'reclaimed').to.deep.equal([])
    const heir = await yard.node()
    const again = await yard.hold(workflow, heir)
    expect(await yard.complete(workflow, nodeId, held), 'leased again').to.deep.equal([])
    expect(await yard.complete(workflow, nodeId, again), 'with the heir’s lease').to.deep.equal([])
    expect(await yard.complete(workflow, heir, again)).to.have.length(2)
  })

  it('refuses a fenced node although its packs are not reclaimed yet', async () => {
    const { workflow, nodeId, held } = await yard.leased(2)
    await yard.store.fenceNode({ nodeId, reason: 'test' })
    expect(await yard.complete(workflow, nodeId, held)).to.deep.equal([])
    expect(await yard.receipts(workflow)).to.deep.equal([])
  })

  it('refuses an old lease of the same node', async () => {
    const { workflow, nodeId, first } = await yard.leased(1)
    const release = settlement(first, { event: 'release', code: 'cancelled', next: nextTry() })
    await yard.settle(workflow, nodeId, [release])
    const [again] = await yard.hold(workflow, nodeId)
    expect(again?.itemId).to.equal(first.itemId)
    expect(await yard.complete(workflow, nodeId, [first])).to.deep.equal([])
  })
})

describe('settleItems, by event', () => {
  const yard = useYard()

  it('retries: a new pack due after the delay, the attempt counted, a receipt', async () => {
    const { workflow, nodeId, first } = await yard.leased(1)
    const next = nextTry({ attempt: 1, snoozes: 2, delayMs: 10_000 })
    await yard.settle(workflow, nodeId, [
      settlement(first, { event: 'retry', code: 'connect', error: 'refused', next }),
    ])
    const [pack] = await yard.packs(workflow)
    expect(pack).to.include({ lease_id: null, attempt: 1, snoozes: 2, crashes: 0 })
    expect(pack?.waits_ms).to.be.within(5_000, 10_500)
    const [receipt] = await yard.receipts(workflow)
    expect(receipt).to.include({ status: 'retry', outcome_code: 'connect', error: 'refused' })
    expect(await yard.tally(workflow)).to.deep.equal({ enqueue: 1, retry: 1 })
  })

  it('never brings a retry back before its delay is over', async () => {
    const { workflow, nodeId, held } = await yard.leased(40)
    const delayed = held.map((item, index) =>
      settlement(item, {
        event: 'retry',
        code: 'dns',
        next: nextTry({ attempt: 1, delayMs: 20_000 + 37 * index }),
      }),
    )
    await yard.settle(workflow, nodeId, delayed)
    const early = await yard.sql`
      select from unnest(${held.map(({ itemId }) => itemId)}::bigint[])
                  with ordinality as asked (item_id, n)
        join fetchyard.processing_log as receipt on receipt.item_id = asked.item_id
        join fetchyard.work_queue as pack on asked.item_id = any (pack.item_ids)
       where pack.run_at < receipt.ended_at + (20000 + 37 * (asked.n - 1)) * interval '1 millisecond'`
    expect(early).to.have.length(0)
    const packs = await yard.packs(workflow)
    expect(packs.length, 'retries are packed by the quarter second').to.be.at.most(8)
  })

  for (const [event, status, word] of [
    ['complete', 'success', 'Complete'],
    ['discard', 'error', 'Error'],
    ['cancel', 'cancelled', 'Cancelled'],
  ] as const) {
    it(`${event}: the item is ${word} and leaves the queue`, async () => {
      const { workflow, nodeId, first } = await yard.leased(1)
      await yard.settle(workflow, nodeId, [settlement(first, { event, code: 'parse' })])
      expect(await yard.packs(workflow)).to.deep.equal([])
      expect((await yard.receipts(workflow))[0]).to.include({ status })
      expect(await yard.words(workflow)).to.deep.equal({ [first.itemKey]: word })
      expect(await yard.tally(workflow)).to.deep.equal({ enqueue: 1, [event]: 1 })
    })
  }

  it('snooze: a receipt, and the attempt is given back', async () => {
    const { workflow, nodeId, first } = await yard.leased(1)
    const next = nextTry({ snoozes: 1, delayMs: 5_000 })
    await yard.settle(workflow, nodeId, [
      settlement(first, { event: 'snooze', code: 'rate_limited', next }),
    ])
    const [pack] = await yard.packs(workflow)
    expect(pack).to.include({ attempt: 0, snoozes: 1 })
    expect((await yard.receipts(workflow))[0]).to.include({ status: 'retry' })
  })

  it('release with a delay: back later, without a receipt and without a charge', async () => {
    const { workflow, nodeId, held } = await yard.leased(2)
    const releases = held.map((item) => holdSettlement(item, 30_000))
    expect(await yard.settle(workflow, nodeId, releases)).to.have.length(2)
    expect(await yard.hold(workflow, nodeId), 'not before its time').to.deep.equal([])
    const [pack] = await yard.packs(workflow)
    expect(pack).to.include({ attempt: 0, snoozes: 0, lease_id: null })
    expect(await yard.receipts(workflow)).to.deep.equal([])
    const [row] = await yard.sql<{ waits: boolean }[]>`
      select run_at between now() + interval '1 second' and now() + interval '31 seconds' as waits
        from fetchyard.work_queue`
    expect(row?.waits).to.equal(true)
  })

  it('release: back at once without a receipt', async () => {
    const { workflow, nodeId, held } = await yard.leased(3)
    const releases = held.map((item) =>
      settlement(item, { event: 'release', code: 'cancelled', next: nextTry() }),
    )
    expect(await yard.settle(workflow, nodeId, releases)).to.have.length(3)
    expect(await yard.receipts(workflow)).to.deep.equal([])
    expect(await yard.tally(workflow)).to.deep.equal({ enqueue: 3, release: 3 })
    const packs = await yard.packs(workflow)
    expect(packs.map((pack) => pack.item_ids.length)).to.deep.equal([3])
    expect(await yard.hold(workflow, nodeId)).to.have.length(3)
  })

  it('reclaim: slices become packs of their own, crashes counted, attempts not', async () => {
    const { workflow, nodeId, held } = await yard.leased(5)
    const crashes = held.map((item, index) =>
      settlement(item, {
        event: 'reclaim',
        code: 'worker_lost',
        error: 'worker died of SIGKILL',
        next: nextTry({ crashes: 2, slice: index < 3 ? 0 : 1 }),
      }),
    )
    await yard.settle(workflow, nodeId, crashes)
    const packs = await yard.packs(workflow)
    expect(packs.map((pack) => pack.item_ids.length)).to.have.members([3, 2])
    expect(packs.every((pack) => pack.crashes === 2 && pack.attempt === 0)).to.equal(true)
    const receipts = await yard.receipts(workflow)
    expect(receipts.every(({ status }) => status === 'reclaimed')).to.equal(true)
    expect(await yard.tally(workflow)).to.deep.equal({ enqueue: 5, reclaim: 5 })
  })

  it('keeps priority and partition on what goes back', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, ['a'], { priority: 7 })
    const [held] = await yard.hold(workflow, nodeId)
    if (held === undefined) throw new Error('nothing was leased')
    await yard.settle(workflow, nodeId, [
      settlement(held, { event: 'retry', code: 'dns', next: nextTry({ attempt: 1 }) }),
    ])
    expect((await yard.packs(workflow))[0]).to.include({ priority: 7 })
  })

  it('takes figures that fit no column as if they were unknown or at their bound', async () => {
    const { workflow, nodeId, held } = await yard.leased(2)
    const [one, two] = held
    if (one === undefined || two === undefined) throw new Error('two items were expected')
    const odd = { httpStatus: 1e9, durationMs: 1e12, credits: 2.5 }
    const worse = { httpStatus: 200.4, durationMs: Number.NaN, credits: Number.POSITIVE_INFINITY }
    expect(
      await yard.settle(workflow, nodeId, [settlement(one, odd), settlement(two, worse)]),
    ).to.have.length(2)
    const receipts = await yard.receipts(workflow)
    expect(receipts[0]).to.include({ http_status: null, credits: 3 })
    expect(receipts[0]).to.include({ duration_ms: 2_147_483_647 })
    expect(receipts[1]).to.include({ http_status: 200, duration_ms: null, credits: 2_147_483_647 })
  })

  it('tells by receipt, of item and lease, what an earlier settle did', async () => {
    const { workflow, nodeId, held } = await yard.leased(3)
    await yard.complete(workflow, nodeId, held.slice(0, 2))
    const found = await yard.store.findReceipts(held)
    expect([...found].sort()).to.deep.equal(held.slice(0, 2).map(({ itemId }) => itemId))
    const otherLease = held.map((item) => ({ ...item, leaseId: '999999999' }))
    expect([...(await yard.store.findReceipts(otherLease))]).to.deep.equal([])
    expect([...(await yard.store.findReceipts([]))]).to.deep.equal([])
  })

  it('keeps its promises through a random life of many items', async () => {
    const workflow = await yard.workflow()
    await yard.enqueue(workflow, keys(300))
    const events = ['complete', 'retry', 'snooze', 'discard', 'release', 'reclaim'] as const
    for (let turn = 0; turn < 60; turn += 1) {
      const nodeId = await yard.node()
      const held = heldOf(await yard.lease(workflow, nodeId, { itemsMax: 40 + turn }))
      if (held.length === 0) break
      const settlements = held.slice(0, 100).map((item, index) => {
        const event =
          turn > 20 ? 'complete' : (events[(index + turn) % events.length] ?? 'complete')
        const goesBack = event !== 'complete' && event !== 'discard'
        return settlement(item, { event, next: goesBack ? nextTry({ slice: index % 2 }) : null })
      })
      await yard.settle(workflow, nodeId, settlements)
      await yard.store.fenceNode({ nodeId, reason: 'test' })
      await yard.store.reclaimPacks(workflow, 50)
    }
    const words = Object.values(await yard.words(workflow))
    expect(words).to.have.length(300)
    expect(words.every((word) => word === 'Complete' || word === 'Error')).to.equal(true)
  })
})
