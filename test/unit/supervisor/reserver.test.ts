import { expect } from 'chai'
import { createReserver } from '../../../supervisor/reserver.js'
import { createFakeClock } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { ANSWER_LOST, CONNECTION_LOST, FakeStore } from '../../support/fake-store.js'

const INTERVAL_MS = 1_000

function setup(creditsPerCall = 10) {
  const store = new FakeStore()
  const clock = createFakeClock()
  const events = recordEvents()
  const hand = { open: 0, startable: 0 }
  const asked: Parameters<FakeStore['reserve']>[0][] = []
  const purse = { most: Number.POSITIVE_INFINITY }
  store.reserve = (request) => {
    asked.push(request)
    return Math.max(request.kept, Math.min(request.wanted, purse.most))
  }
  let reserved = 0
  const reserver = createReserver({
    ...{ store: store.store, clock, events, workflow: store.handle('flow'), nodeId: 'node' },
    creditsPerCall,
    inHand: () => ({ ...hand }),
    onReserved: () => {
      reserved += 1
    },
  })
  return { store, clock, events, hand, asked, purse, reserver, reserved: () => reserved }
}

describe('the reserver', () => {
  it('lets nothing begin before it is written down, and no more than that', async () => {
    const { reserver, clock, hand, asked, reserved } = setup()
    Object.assign(hand, { open: 2, startable: 5 })
    expect(reserver.left()).to.equal(0)
    reserver.start()
    await clock.advance(0)
    expect(asked[0]).to.include({ open: 2, kept: 0, wanted: 5, creditsEach: 10, serial: 1 })
    expect(reserver.left()).to.equal(5)
    expect(reserved()).to.equal(1)
    reserver.noteStarts(3)
    expect(reserver.left()).to.equal(2)
    await reserver.stop()
    expect(clock.waiting()).to.deep.equal([])
  })

  it('asks for more when half is used, and otherwise once a second', async () => {
    const { reserver, clock, hand, asked } = setup()
    hand.startable = 4
    reserver.start()
    await clock.advance(0)
    reserver.noteStarts(1)
    reserver.ask()
    await clock.advance(0)
    expect(asked).to.have.length(1)
    reserver.noteStarts(1)
    reserver.ask()
    await clock.advance(0)
    expect(asked[1]).to.include({ kept: 2, wanted: 4 })
    await clock.advance(INTERVAL_MS)
    expect(asked).to.have.length(3)
    await reserver.stop()
  })

  it('begins nothing on the strength of an answer that has not come', async () => {
    const { reserver, clock, hand, store, asked } = setup()
    hand.startable = 6
    reserver.start()
    await clock.advance(0)
    reserver.noteStarts(4)
    const letGo = store.hold('reserveCalls')
    reserver.ask()
    await clock.advance(0)
    expect(reserver.left(), 'what every possible answer allows').to.equal(2)
    reserver.noteStarts(2)
    expect(reserver.left()).to.equal(0)
    letGo()
    await clock.advance(0)
    expect(asked[1]).to.include({ kept: 2, wanted: 6 })
    expect(reserver.left(), 'two of the six were begun meanwhile').to.equal(4)
    await reserver.stop()
  })

  it('counts on nothing of an answer that was lost', async () => {
    const { reserver, clock, hand, store, asked, events } = setup()
    hand.startable = 6
    reserver.start()
    await clock.advance(0)
    reserver.noteStarts(5)
    store.failNext('reserveCalls', ANSWER_LOST, CONNECTION_LOST)
    reserver.ask()
    await clock.advance(0)
    expect(reserver.left()).to.equal(1)
    reserver.ask()
    await clock.advance(0)
    expect(store.callsOf('reserveCalls'), 'no storm of requests').to.equal(2)
    await clock.advance(2 * INTERVAL_MS)
    expect(events.of('steering.failed')).to.have.length(2)
    expect(asked.at(-1)).to.include({ kept: 1, serial: 4 })
    expect(reserver.left()).to.equal(6)
    await reserver.stop()
  })

  it('is spent when it gets less than it could begin, and notices that the budget was raised', async () => {
    const { reserver, clock, hand, asked, purse } = setup()
    Object.assign(hand, { startable: 5 })
    purse.most = 2
    reserver.start()
    await clock.advance(0)
    expect([reserver.isSpent(), reserver.left()]).to.deep.equal([true, 2])
    reserver.noteStarts(2)
    reserver.ask()
    await clock.advance(0)
    expect(asked, 'asking more often does not make it more').to.have.length(1)
    Object.assign(hand, { startable: 0 })
    Object.assign(purse, { most: 0 })
    await clock.advance(INTERVAL_MS)
    expect([reserver.isSpent(), reserver.left()]).to.deep.equal([true, 0])
    Object.assign(purse, { most: 100 })
    await clock.advance(INTERVAL_MS)
    expect(asked.at(-1)).to.include({ wanted: 1 })
    expect(reserver.isSpent()).to.equal(false)
    await reserver.stop()
  })

  it('goes by the dearest attempt it has seen', async () => {
    const { reserver, clock, hand, asked } = setup(1)
    hand.startable = 1
    reserver.noteCredits(25)
    reserver.noteCredits(5)
    reserver.start()
    await clock.advance(0)
    expect(asked[0]).to.include({ creditsEach: 25 })
    await reserver.stop()
  })

  it('reserves anew what was reserved for a lower price, before anything more begins', async () => {
    const { reserver, clock, hand, asked, store } = setup(1)
    hand.startable = 6
    reserver.start()
    await clock.advance(0)
    expect(reserver.left()).to.equal(6)
    reserver.noteStarts(2)
    reserver.noteCredits(25)
    expect(reserver.left()).to.equal(0)
    await clock.advance(0)
    expect(asked[1]).to.include({ kept: 0, wanted: 6, creditsEach: 25 })
    expect(reserver.left()).to.equal(6)

    const letGo = store.hold('reserveCalls')
    reserver.noteStarts(6)
    reserver.ask()
    await clock.advance(0)
    reserver.noteCredits(75)
    letGo()
    await clock.advance(0)
    expect(asked.slice(2).map(({ creditsEach }) => creditsEach)).to.deep.equal([25, 75])
    expect(reserver.left()).to.equal(6)
    await reserver.stop()
  })

  it('leaves calls that cost nothing alone, until there is a budget for them', async () => {
    const { reserver, clock, hand, asked } = setup(0)
    hand.startable = 3
    reserver.start()
    await clock.advance(INTERVAL_MS)
    expect(reserver.left()).to.equal(Number.POSITIVE_INFINITY)
    expect(asked).to.deep.equal([])
    reserver.noteBudget(true)
    expect(reserver.left()).to.equal(0)
    await clock.advance(0)
    expect(asked[0]).to.include({ wanted: 3, creditsEach: 1 })
    expect(reserver.left()).to.equal(3)
    await reserver.stop()
  })

  it('may begin nothing once the node is fenced', async () => {
    const { reserver, clock, hand, store } = setup()
    hand.startable = 3
    store.reserve = () => null
    reserver.start()
    await clock.advance(0)
    expect([reserver.left(), reserver.isSpent()]).to.deep.equal([0, true])
    await reserver.stop()
  })
})
