import { expect } from 'chai'
import type { SlotSituation } from '../../../src/core/lease-plan.js'
import { LIMITS } from '../../../src/core/limits.js'
import type { LeasedPack } from '../../../src/store/leased-packs.js'
import type { Store } from '../../../src/store/store.js'
import { createLeaser } from '../../../supervisor/leaser.js'
import { createFakeClock, settled } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { ANSWER_LOST, CONNECTION_LOST, FakeStore } from '../../support/fake-store.js'

const { min, max } = LIMITS.pollDelayMs

function setup(slots = 10, storeOf: (store: Store) => Store = (store) => store) {
  const fake = new FakeStore()
  const clock = createFakeClock()
  const events = recordEvents()
  const workflow = fake.handle('flow')
  fake.nodes.set('node', { isFenced: false, reason: null })
  const packs: LeasedPack[] = []
  const items = () => packs.reduce((sum, pack) => sum + pack.items.length, 0)
  const state = { mayLease: true, eaten: 0 }
  const situation = (): SlotSituation => ({
    ...{ slots, freeSlots: slots, settledPerSecond: 0 },
    buffered: items() - state.eaten,
    held: items() - state.eaten,
    unsentCharacters: 0,
  })
  const leaser = createLeaser({
    ...{ store: storeOf(fake.store), workflow, nodeId: 'node', clock, events, situation },
    deadlineMs: 600_000,
    mayLease: () => state.mayLease,
    lanesToSkip: () => [],
    knownLeases: () => packs.map((pack) => pack.leaseId),
    onPacks: (more) => packs.push(...more),
  })
  const eat = () => {
    state.eaten = items()
    leaser.wake()
  }
  return { fake, clock, events, workflow, leaser, state, items, eat }
}

describe('the leaser', () => {
  it('leases for the free slots and a little ahead, then waits', async () => {
    const { fake, workflow, leaser, items, events } = setup(10)
    fake.enqueue(workflow, 1_000)
    leaser.start()
    await settled()
    expect(items()).to.equal(15)
    expect(fake.callsOf('leasePacks')).to.equal(1)
    expect(events.of('lease.granted')[0]).to.include({ packs: 1, items: 15 })
    await leaser.stop()
  })

  it('leases again at once when slots are free and the queue was not short', async () => {
    const { fake, workflow, leaser, items, eat } = setup(10)
    fake.enqueue(workflow, 1_000)
    leaser.start()
    await settled()
    for (let turn = 2; turn <= 5; turn += 1) {
      eat()
      await settled()
      expect(items()).to.equal(15 * turn)
    }
    await leaser.stop()
  })

  it('leases few at a time once it has seen how large items are', async () => {
    const large = LIMITS.leaseCharactersMax / 4
    const { fake, workflow, leaser, items, eat } = setup(100, (store) => ({
      ...store,
      leasePacks: async (...words) => {
        const packs = await store.leasePacks(...words)
        return packs.map((pack) => ({ ...pack, characters: pack.items.length * large }))
      },
    }))
    fake.enqueue(workflow, 1_000)
    leaser.start()
    await settled()
    // More than the buffer is to hold by their size, as it turned out: the next lease waits.
    expect(items()).to.equal(16)
    for (let turn = 1; turn <= 3; turn += 1) {
      eat()
      await settled()
      expect(items()).to.equal(16 + 4 * turn)
    }
    await leaser.stop()
  })

  it('leaves an empty queue alone for pauses that grow to a bound, wakes or no wakes', async () => {
    const { fake, clock, leaser, eat } = setup()
    leaser.start()
    await settled()
    const pauses: number[] = []
    for (let turn = 0; turn < 6; turn += 1) {
      const [pause = 0] = clock.waiting()
      pauses.push(pause)
      eat()
      await settled()
      expect(fake.callsOf('leasePacks')).to.equal(turn + 1)
      await clock.advance(pause)
    }
    expect(pauses).to.deep.equal([200, 400, 800, max, max, max])
    await leaser.stop()
  })

  it('is quick again as soon as the queue gives something', async () => {
    const { fake, clock, workflow, leaser, items } = setup()
    leaser.start()
    await clock.advance(10 * max)
    fake.enqueue(workflow, 1)
    await clock.advance(max)
    expect(items()).to.equal(1)
    expect(clock.waiting()[0]).to.be.at.most(min)
    await leaser.stop()
  })

  it('does not lease while it may not, and looks again within a second', async () => {
    const { fake, clock, workflow, leaser, state, items } = setup()
    fake.enqueue(workflow, 5)
    state.mayLease = false
    leaser.start()
    await clock.advance(5 * max)
    expect(fake.callsOf('leasePacks')).to.equal(0)
    state.mayLease = true
    await clock.advance(max)
    expect(items()).to.equal(5)
    await leaser.stop()
  })

  it('says that a lease failed, and tries again', async () => {
    const { fake, clock, workflow, leaser, items, events } = setup()
    fake.enqueue(workflow, 5)
    fake.failNext('leasePacks', CONNECTION_LOST, CONNECTION_LOST)
    leaser.start()
    await clock.advance(2 * max)
    expect(events.of('lease.failed')).to.have.length(2)
    expect(items()).to.equal(5)
    await leaser.stop()
  })

  it('looks from where the last lease ended, and at all of the queue before it rests', async () => {
    const asked: (string | null)[] = []
    const { fake, workflow, leaser, items, eat } = setup(10, (store) => ({
      ...store,
      leasePacks: (of, request) => {
        asked.push(request.from?.packId ?? null)
        return store.leasePacks(of, request)
      },
    }))
    fake.enqueue(workflow, 20)
    const early = fake.packs.splice(0)
    fake.enqueue(workflow, 25)
    leaser.start()
    await settled()
    // Ready before the place that was reached: such as what a dead worker gives back.
    fake.packs.unshift(...early)
    for (let turn = 0; turn < 4; turn += 1) {
      eat()
      await settled()
    }
    expect(items()).to.equal(45)
    expect(asked[0]).to.equal(null)
    expect(asked[1], 'the second lease').not.to.equal(null)
    expect(asked.slice(2), 'once the rest was short').to.include(null)
    await leaser.stop()
  })

  it('looks at all of the queue again when it is told to', async () => {
    const asked: boolean[] = []
    const { fake, workflow, leaser, eat } = setup(10, (store) => ({
      ...store,
      leasePacks: (of, request) => {
        asked.push(request.from !== null)
        return store.leasePacks(of, request)
      },
    }))
    fake.enqueue(workflow, 100)
    leaser.start()
    await settled()
    eat()
    await settled()
    leaser.lookBack()
    eat()
    await settled()
    expect(asked).to.deep.equal([false, true, false])
    await leaser.stop()
  })

  it('gives back what a lost answer left leased, and nothing it knows of', async () => {
    const { fake, clock, workflow, leaser, items, eat, events } = setup(10)
    fake.enqueue(workflow, 40)
    leaser.start()
    await settled()
    expect(items()).to.equal(15)
    fake.failNext('leasePacks', ANSWER_LOST)
    eat()
    await clock.advance(max)
    await clock.advance(10 * max)
    const stranded = events.of('items.released').map((event) => [event.reason, event.items])
    expect(stranded).to.deep.equal([['lost_answer', 15]])
    eat()
    await clock.advance(10 * max)
    expect(items(), 'all of them were leased to somebody who knows').to.equal(40)
    await leaser.stop()
  })

  // The release is sent, its client hears that it is lost and leases more; then it takes effect.
  it('gives nothing back that was leased after a release whose answer was lost', async () => {
    const late: (() => Promise<unknown>)[] = []
    const { fake, clock, workflow, leaser, eat, items } = setup(10, (store) => ({
      ...store,
      releaseNode: (...request) => {
        if (late.length > 0) return store.releaseNode(...request)
        late.push(() => store.releaseNode(...request))
        return Promise.reject(CONNECTION_LOST.error)
      },
    }))
    fake.enqueue(workflow, 60)
    leaser.start()
    await settled()
    fake.failNext('leasePacks', ANSWER_LOST)
    eat()
    await clock.advance(10 * max)
    expect(late).to.have.length(1)
    eat()
    await clock.advance(10 * max)
    const held = fake.packs.filter(({ nodeId }) => nodeId === 'node').map(({ packId }) => packId)
    await late[0]?.()
    const still = fake.packs.filter(({ nodeId }) => nodeId === 'node').map(({ packId }) => packId)
    expect(items()).to.be.greaterThan(15)
    expect(still).to.deep.equal(held)
    await leaser.stop()
  })

  // A disk that stands still commits a lease long after its client has given the connection up.
  it('finds a lease that took effect after the look that was to find it', async () => {
    const { fake, clock, workflow, leaser, events } = setup(10)
    fake.failNext('leasePacks', CONNECTION_LOST)
    leaser.start()
    await clock.advance(10 * max)
    expect(fake.callsOf('findNewestLease')).to.equal(1)
    fake.enqueue(workflow, 5, { nodeId: 'node', leaseId: 'l900' })
    await clock.advance(70_000)
    const released = events.of('items.released').map((event) => [event.reason, event.items])
    expect(released).to.deep.equal([['lost_answer', 5]])
    await leaser.stop()
  })

  it('looks again for leases whose answers were lost after the first', async () => {
    const { fake, clock, workflow, leaser, events } = setup(10)
    fake.failNext('leasePacks', CONNECTION_LOST)
    leaser.start()
    await clock.advance(4_500)
    fake.failNext('leasePacks', CONNECTION_LOST)
    await clock.advance(2_000)
    fake.enqueue(workflow, 5, { nodeId: 'node', leaseId: 'l900' })
    await clock.advance(6_000)
    expect(events.of('items.released').map(({ items }) => items)).to.deep.equal([5])
    await leaser.stop()
  })

  it('gives back what is stranded also while it may lease nothing itself', async () => {
    const { fake, clock, workflow, leaser, state, events, eat } = setup(10)
    fake.enqueue(workflow, 40)
    leaser.start()
    await settled()
    fake.failNext('leasePacks', ANSWER_LOST)
    eat()
    await clock.advance(max)
    state.mayLease = false
    await clock.advance(10 * max)
    expect(events.of('items.released').map(({ items }) => items)).to.deep.equal([15])
    await leaser.stop()
  })

  it('hands over a lease that was under way when it was stopped', async () => {
    const { fake, workflow, leaser, items, clock } = setup()
    fake.enqueue(workflow, 5)
    const open = fake.hold('leasePacks')
    leaser.start()
    await settled()
    const stopping = leaser.stop()
    open()
    await stopping
    expect(items()).to.equal(5)
    await clock.advance(10 * max)
    expect(fake.callsOf('leasePacks')).to.equal(1)
    expect(clock.waiting()).to.deep.equal([])
  })
})
