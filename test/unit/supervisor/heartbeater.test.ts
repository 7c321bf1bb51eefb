import { expect } from 'chai'
import { createHeartbeater } from '../../../supervisor/heartbeater.js'
import { createReclaimer } from '../../../supervisor/reclaimer.js'
import { createFakeClock, settled } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { CONNECTION_LOST, FakeStore } from '../../support/fake-store.js'

const timing = { intervalMs: 5_000, leaseMs: 30_000, safetyMarginMs: 5_000 }
const TRUST_MS = timing.leaseMs - timing.safetyMarginMs

function setup() {
  const fake = new FakeStore()
  const clock = createFakeClock()
  const events = recordEvents()
  fake.nodes.set('node', { isFenced: false, reason: null })
  let fenced = 0
  let regained = 0
  const heartbeater = createHeartbeater({
    ...{ store: fake.store, nodeId: 'node', clock, events, timing },
    stats: () => ({ state: 'running' }),
    onFenced: () => {
      fenced += 1
    },
    onTrustRegained: () => {
      regained += 1
    },
  })
  return { fake, clock, events, heartbeater, fenced: () => fenced, regained: () => regained }
}

describe('the heartbeater', () => {
  it('beats once an interval, counted from the registration', async () => {
    const { fake, clock, heartbeater, events } = setup()
    heartbeater.start(clock.nowMs())
    await clock.advance(timing.intervalMs - 1)
    expect(fake.callsOf('sendHeartbeat')).to.equal(0)
    await clock.advance(1)
    expect(fake.callsOf('sendHeartbeat')).to.equal(1)
    await clock.advance(10 * timing.intervalMs)
    expect(fake.callsOf('sendHeartbeat')).to.equal(11)
    expect(events.of('heartbeat.sent')).to.have.length(11)
    expect(heartbeater.isTrusted()).to.equal(true)
    await heartbeater.stop()
  })

  it('loses trust when no beat is answered for its window, and says so once', async () => {
    const { fake, clock, heartbeater, events } = setup()
    fake.failNext('sendHeartbeat', ...Array.from({ length: 200 }, () => CONNECTION_LOST))
    heartbeater.start(clock.nowMs())
    await clock.advance(TRUST_MS - 1)
    expect(heartbeater.isTrusted()).to.equal(true)
    expect(events.of('node.trust_lost')).to.deep.equal([])
    await clock.advance(1)
    expect(heartbeater.isTrusted()).to.equal(false)
    await clock.advance(5_000)
    expect(events.of('node.trust_lost')).to.have.length(1)
    expect(events.of('heartbeat.failed')).to.not.have.length(0)
    await heartbeater.stop()
  })

  it('regains trust with the first beat that is answered', async () => {
    const { fake, clock, heartbeater, events, regained } = setup()
    fake.failNext('sendHeartbeat', ...Array.from({ length: 60 }, () => CONNECTION_LOST))
    heartbeater.start(clock.nowMs())
    await clock.advance(60_000)
    expect(heartbeater.isTrusted()).to.equal(true)
    expect(events.of('node.trust_regained')).to.have.length(1)
    expect(events.of('node.trust_regained')[0]?.awayMs).to.be.greaterThan(0)
    expect(regained()).to.equal(1)
    await heartbeater.stop()
  })

  it('leaves no timer behind when it is stopped while a beat hangs', async () => {
    const { fake, clock, heartbeater } = setup()
    const open = fake.hold('sendHeartbeat')
    heartbeater.start(clock.nowMs())
    await clock.advance(timing.intervalMs)
    void heartbeater.stop()
    await clock.advance(0)
    expect(clock.waiting()).to.deep.equal([])
    open()
    await clock.advance(0)
    expect(clock.waiting(), 'when its answer comes after all').to.deep.equal([])
  })

  it('says that trust is lost also while a beat hangs without an answer', async () => {
    const { fake, clock, heartbeater, events } = setup()
    const open = fake.hold('sendHeartbeat')
    heartbeater.start(clock.nowMs())
    await clock.advance(TRUST_MS + 1_000)
    expect(heartbeater.isTrusted()).to.equal(false)
    expect(events.of('node.trust_lost')).to.have.length(1)
    open()
    await settled()
    expect(heartbeater.isTrusted(), 'the beat was sent 21 seconds ago').to.equal(true)
    await clock.advance(timing.intervalMs)
    expect(events.of('node.trust_regained')).to.have.length(1)
    await heartbeater.stop()
    expect(clock.waiting()).to.deep.equal([])
  })

  it('counts trust from when a beat was sent, not from its answer', async () => {
    const { fake, clock, heartbeater } = setup()
    heartbeater.start(clock.nowMs())
    const open = fake.hold('sendHeartbeat')
    await clock.advance(timing.intervalMs)
    await clock.advance(10_000)
    open()
    await settled()
    const again = fake.hold('sendHeartbeat')
    await clock.advance(TRUST_MS - 10_000 - 1)
    expect(heartbeater.isTrusted()).to.equal(true)
    await clock.advance(1)
    expect(heartbeater.isTrusted()).to.equal(false)
    again()
    await heartbeater.stop()
  })

  it('tells its supervisor that the node is fenced', async () => {
    const { fake, clock, heartbeater, fenced } = setup()
    fake.nodes.set('node', { isFenced: true, reason: 'test' })
    heartbeater.start(clock.nowMs())
    await clock.advance(timing.intervalMs)
    expect(fenced()).to.equal(1)
    await heartbeater.stop()
  })

  it('does not believe its leases after the machine slept', async () => {
    const { clock, heartbeater } = setup()
    heartbeater.start(clock.nowMs())
    await settled()
    clock.jump(3_600_000)
    expect(heartbeater.isTrusted()).to.equal(false)
    await clock.advance(0)
    expect(heartbeater.isTrusted()).to.equal(true)
    await heartbeater.stop()
  })
})

describe('the reclaimer', () => {
  const FENCING = { leaseMs: 30_000, gapMs: 10_000, steadyMs: 15_000 }
  const build = () => {
    const fake = new FakeStore()
    const clock = createFakeClock()
    const events = recordEvents()
    let woken = 0
    const reclaimer = createReclaimer({
      ...{ store: fake.store, nodeId: 'node', clock, events, sweepMs: 10_000 },
      fencing: FENCING,
      onReclaimed: () => {
        woken += 1
      },
    })
    return { fake, clock, events, reclaimer, woken: () => woken }
  }

  it('sweeps at once, then once an interval', async () => {
    const { fake, clock, reclaimer } = build()
    reclaimer.start()
    await clock.advance(25_000)
    expect(fake.callsOf('fenceExpired')).to.equal(3)
    await reclaimer.stop()
    expect(clock.waiting()).to.deep.equal([])
  })

  it('frees every pack of the dead, of every workflow, by as many statements as it takes', async () => {
    const { fake, events, reclaimer, woken } = build()
    const flows = ['one', 'two'].map((name) => fake.handle(name))
    for (const flow of flows) {
      for (let n = 0; n < 120; n += 1) {
        fake.enqueue(flow, 1, { leaseId: 'old', nodeId: 'dead' })
      }
    }
    await reclaimer.sweep()
    expect(fake.packs.every((pack) => pack.leaseId === null && pack.crashes === 1)).to.equal(true)
    expect(
      events.of('items.reclaimed').map(({ workflow, items }) => [workflow, items]),
    ).to.deep.equal([
      ['one', 120],
      ['two', 120],
    ])
    expect(woken()).to.equal(2)
    expect(fake.callsOf('reclaimPacks')).to.equal(6)
  })

  it('goes on to the next workflow when one cannot be swept', async () => {
    const { fake, reclaimer, events } = build()
    for (const name of ['broken', 'whole']) {
      fake.enqueue(fake.handle(name), 1, { leaseId: 'old', nodeId: 'dead' })
    }
    fake.failNext('reclaimPacks', CONNECTION_LOST)
    await reclaimer.sweep()
    expect(events.of('reclaim.failed')[0]?.message).to.match(/^broken: /)
    expect(fake.packs.map((pack) => pack.leaseId)).to.deep.equal(['old', null])
  })

  it('says that a sweep failed, and sweeps again', async () => {
    const { fake, clock, events, reclaimer } = build()
    fake.failNext('fenceExpired', CONNECTION_LOST)
    reclaimer.start()
    await clock.advance(10_000)
    expect(events.of('reclaim.failed')).to.have.length(1)
    expect(fake.callsOf('fenceExpired')).to.equal(2)
    await reclaimer.stop()
  })
})
