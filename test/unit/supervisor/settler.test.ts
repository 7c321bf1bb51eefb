import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import type { Ending } from '../../../supervisor/settle-batch.js'
import { createSettler, type Settler } from '../../../supervisor/settler.js'
import { createFakeClock, settled } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { ANSWER_LOST, CONNECTION_LOST, databaseError, FakeStore } from '../../support/fake-store.js'
import { facts, heldOf, settlement } from '../../support/values.js'

async function setup(count: number) {
  const fake = new FakeStore()
  const clock = createFakeClock()
  const events = recordEvents()
  const workflow = fake.handle('flow')
  fake.nodes.set('node', { isFenced: false, reason: null })
  fake.enqueue(workflow, count)
  const request = { nodeId: 'node', packsMax: 64, itemsMax: count, deadlineMs: 1 }
  const held = heldOf(await fake.store.leasePacks(workflow, request))
  const blocked: string[] = []
  let progress = 0
  const settler = createSettler({
    ...{ store: fake.store, workflow, nodeId: 'node', clock, events },
    onProgress: () => {
      progress += 1
    },
    onBlocked: (message) => blocked.push(message),
  })
  const endings: readonly Ending[] = held.map((item) => ({
    held: item,
    settlement: settlement(item),
    facts: facts(),
  }))
  const states = () => events.of('item.settled').map((event) => event.state)
  return { fake, clock, events, settler, endings, blocked, states, progress: () => progress }
}

const offerAll = (settler: Settler, endings: readonly Ending[]) => {
  for (const ending of endings) settler.offer(ending)
}
const sizes = (fake: FakeStore) =>
  fake.calls.filter(({ method }) => method === 'settleItems').map(({ items }) => items)

describe('the settler', () => {
  it('waits a moment for company, then writes what came', async () => {
    const { fake, clock, settler, endings } = await setup(3)
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs - 1)
    expect(sizes(fake)).to.deep.equal([])
    expect(settler.pending()).to.equal(3)
    await clock.advance(1)
    expect(sizes(fake)).to.deep.equal([3])
    expect(settler.pending()).to.equal(0)
    expect(clock.waiting()).to.deep.equal([])
  })

  it('writes at once when a batch is full, two statements at a time', async () => {
    const full = LIMITS.settleItemsMax
    const { fake, clock, settler, endings } = await setup(3 * full + 50)
    const open = fake.hold('settleItems')
    offerAll(settler, endings)
    await settled()
    expect(sizes(fake)).to.deep.equal([full, full])
    open()
    await settled()
    expect(sizes(fake), 'the rest waits for company').to.deep.equal([full, full, full])
    await clock.advance(LIMITS.settleDelayMs)
    expect(sizes(fake)).to.deep.equal([full, full, full, 50])
    expect(fake.ended('complete')).to.have.length(3 * full + 50)
    expect(settler.pending()).to.equal(0)
  })

  it('says what became of each item, and that there is room again', async () => {
    const { clock, events, settler, endings, progress } = await setup(2)
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs)
    expect(events.of('item.settled')).to.have.length(2)
    expect(events.of('item.settled')[0]).to.include({
      ...{ state: 'complete', code: 'ok', attempt: 1, httpStatus: 200, durationMs: 12 },
    })
    expect(events.of('settle.applied')).to.have.length(1)
    expect(events.of('settle.applied')[0]).to.include({ items: 2, rejected: 0 })
    expect(progress()).to.equal(1)
  })

  it('says of an item whose lease is lost that it was rejected', async () => {
    const { fake, clock, events, settler, endings, states } = await setup(2)
    for (const pack of fake.packs) pack.leaseId = 'another'
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs)
    expect(states()).to.deep.equal(['rejected', 'rejected'])
    expect(events.of('settle.applied')[0]).to.include({ items: 0, rejected: 2 })
  })

  it('books a refused answer once, also when the answer to its booking is lost', async () => {
    const { fake, clock, events, settler, endings, states } = await setup(2)
    for (const pack of fake.packs) pack.leaseId = 'another'
    fake.failNext('bookRefused', ANSWER_LOST, CONNECTION_LOST)
    const paid = endings.map((ending) => {
      return { ...ending, settlement: { ...ending.settlement, credits: 7 } }
    })
    offerAll(settler, paid)
    await clock.advance(LIMITS.settleDelayMs)
    expect(settler.unbooked(), 'its reserve still answers for it').to.equal(2)
    expect(states()).to.deep.equal([])
    await clock.advance(10 * LIMITS.settleRetryDelayMs.min)
    expect(fake.refusedCredits).to.equal(14)
    expect(fake.callsOf('bookRefused')).to.equal(3)
    expect(sizes(fake), 'nothing is settled again').to.deep.equal([2])
    expect(events.of('settle.failed')).to.have.length(2)
    expect(states()).to.deep.equal(['rejected', 'rejected'])
    expect(settler.pending()).to.equal(0)
  })

  it('sends a batch again until the database answers, with growing pauses', async () => {
    const { fake, clock, events, settler, endings } = await setup(2)
    fake.failNext('settleItems', ...Array.from({ length: 9 }, () => CONNECTION_LOST))
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs)
    const pauses: number[] = []
    for (let failure = 0; failure < 9; failure += 1) {
      const [pause = 0] = clock.waiting()
      pauses.push(pause)
      await clock.advance(pause)
    }
    expect(pauses).to.deep.equal([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
    expect(fake.ended('complete')).to.have.length(2)
    expect(events.of('settle.failed')).to.have.length(9)
    expect(settler.pending()).to.equal(0)
  })

  it('learns from the receipts that a try took effect whose answer was lost', async () => {
    const { fake, clock, settler, endings, states } = await setup(3)
    fake.failNext('settleItems', ANSWER_LOST)
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs + LIMITS.settleRetryDelayMs.min)
    expect(states()).to.deep.equal(['complete', 'complete', 'complete'])
    expect(fake.receipts).to.have.length(3)
    expect(fake.callsOf('findReceipts')).to.equal(1)
  })

  it('asks again when the answer about the receipts is lost as well', async () => {
    const { fake, clock, settler, endings, states } = await setup(1)
    fake.failNext('settleItems', ANSWER_LOST)
    fake.failNext('findReceipts', CONNECTION_LOST)
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs + 3 * LIMITS.settleRetryDelayMs.min)
    expect(states()).to.deep.equal(['complete'])
    expect(settler.pending()).to.equal(0)
  })

  it('does not ask the receipts about a batch that never failed', async () => {
    const { fake, clock, settler, endings } = await setup(1)
    for (const pack of fake.packs) pack.leaseId = 'another'
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs)
    expect(fake.callsOf('findReceipts')).to.equal(0)
  })

  it('finds rows that the database refuses by halving; their items alone fail', async () => {
    const { fake, clock, events, settler, endings } = await setup(20)
    const bad = [3, 4, 17].map((index) => endings[index]?.held.itemId ?? '')
    for (const itemId of bad) fake.refused.add(itemId)
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs)
    expect([...fake.ended('discard')].sort()).to.deep.equal(bad.toSorted())
    expect(fake.ended('complete')).to.have.length(17)
    expect(settler.pending()).to.equal(0)
    const failures = events.of('item.settled').filter((event) => event.code === 'sink')
    expect(failures.map((event) => event.state)).to.deep.equal(['discard', 'discard', 'discard'])
    expect(failures[0]?.message).to.include('refused')
    expect(events.of('settle.split')).to.not.have.length(0)
    expect(sizes(fake).length).to.be.at.most(32)
  })

  it('writes the receipt alone when even the failure is refused', async () => {
    const { fake, clock, settler, endings, states } = await setup(1)
    const refusal = { error: databaseError('23514', 'no such word') }
    fake.failNext('settleItems', refusal, refusal)
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs)
    expect(states()).to.deep.equal(['discard'])
    expect(fake.bareSettles).to.equal(1)
    expect(settler.pending()).to.equal(0)
  })

  it('gives an item up about which nothing can be written, and goes on', async () => {
    const { fake, clock, settler, endings, states } = await setup(1)
    const refusal = { error: databaseError('22P05', 'no') }
    fake.failNext('settleItems', refusal, refusal, refusal)
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs)
    expect(states()).to.deep.equal(['rejected'])
    expect(settler.pending()).to.equal(0)
    expect(settler.leases()).to.have.property('size', 0)
    expect(sizes(fake)).to.deep.equal([1, 1, 1])
  })

  it('knows the leases it still has to write about', async () => {
    const { clock, settler, endings } = await setup(3)
    offerAll(settler, endings)
    const [ending] = endings
    expect([...settler.leases()]).to.deep.equal([ending?.held.leaseId])
    await clock.advance(LIMITS.settleDelayMs)
    expect([...settler.leases()]).to.deep.equal([])
  })

  it('is full when too many outcomes wait, or too many bytes', async () => {
    const many = await setup(LIMITS.settleBacklogMax)
    many.fake.hold('settleItems')
    offerAll(many.settler, many.endings.slice(1))
    expect(many.settler.isFull()).to.equal(false)
    offerAll(many.settler, many.endings.slice(0, 1))
    expect(many.settler.isFull()).to.equal(true)
    const heavy = await setup(64)
    const open = heavy.fake.hold('settleItems')
    const value = 'x'.repeat(LIMITS.settleBacklogBytesMax / 64)
    for (const ending of heavy.endings) {
      const rows = { results: [{ value }] }
      heavy.settler.offer({ ...ending, settlement: { ...ending.settlement, rows } })
    }
    expect(heavy.settler.isFull()).to.equal(true)
    open()
    await heavy.clock.advance(LIMITS.settleDelayMs)
    expect(heavy.settler.isFull()).to.equal(false)
    expect(heavy.fake.ended('complete')).to.have.length(64)
  })

  it('asks for help when the statement itself is wrong, and keeps what it has', async () => {
    const { fake, clock, settler, endings, blocked } = await setup(1)
    fake.failNext('settleItems', { error: databaseError('42703', 'column is missing') })
    offerAll(settler, endings)
    await clock.advance(LIMITS.settleDelayMs)
    expect(blocked).to.deep.equal(['column is missing'])
    expect(settler.pending()).to.equal(1)
    await clock.advance(LIMITS.settleRetryDelayMs.min)
    expect(fake.ended('complete')).to.have.length(1)
  })

  it('flushes at once, and resolves when everything is written', async () => {
    const full = LIMITS.settleItemsMax
    const { fake, settler, endings } = await setup(full + 50)
    const open = fake.hold('settleItems')
    offerAll(settler, endings)
    let isFlushed = false
    const flushing = settler.flush().then(() => {
      isFlushed = true
    })
    await settled()
    expect(sizes(fake)).to.deep.equal([full, 50])
    expect(isFlushed).to.equal(false)
    open()
    await flushing
    expect(fake.ended('complete')).to.have.length(full + 50)
    await settler.flush()
  })

  it('drops everything when it is abandoned: what waits, what fails, what comes later', async () => {
    const { fake, clock, events, settler, endings } = await setup(3)
    fake.failNext('settleItems', CONNECTION_LOST)
    offerAll(settler, endings.slice(0, 1))
    await clock.advance(LIMITS.settleDelayMs)
    offerAll(settler, endings.slice(1, 2))
    const flushing = settler.flush()
    settler.abandon()
    await flushing
    offerAll(settler, endings.slice(2))
    await clock.advance(60_000)
    expect(sizes(fake)).to.have.length.at.most(2)
    expect(settler.pending()).to.equal(0)
    expect(events.of('item.settled').length).to.be.at.most(1)
    expect(clock.waiting()).to.deep.equal([])
  })

  // A timer that outlives the settler keeps the process from ending for up to five seconds.
  it('leaves no timer of a batch that waits for another try when it is abandoned', async () => {
    const { fake, clock, settler, endings } = await setup(2)
    fake.failNext('settleItems', ...Array.from({ length: 9 }, () => CONNECTION_LOST))
    offerAll(settler, endings)
    await clock.advance(5_000)
    expect(settler.pending()).to.equal(2)
    settler.abandon()
    expect(clock.waiting()).to.deep.equal([])
  })

  it('loses and doubles nothing through any sequence of faults', async () => {
    const { fake, clock, settler, endings, states } = await setup(400)
    const faults = Array.from({ length: 40 }, (_, n) =>
      n % 3 === 0 ? ANSWER_LOST : CONNECTION_LOST,
    )
    fake.failNext('settleItems', ...faults)
    for (const [index, ending] of endings.entries()) {
      settler.offer(ending)
      if (index % 30 === 0) await clock.advance(20)
    }
    const flushing = settler.flush()
    await clock.advance(300_000)
    await flushing
    expect(new Set(fake.ended('complete'))).to.have.property('size', 400)
    expect(fake.receipts).to.have.length(400)
    expect(states()).to.have.length(400)
    expect(states().every((state) => state === 'complete')).to.equal(true)
  })
})
