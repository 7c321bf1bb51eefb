import { expect } from 'chai'
import fc from 'fast-check'
import { fencingRule, planHeartbeat, trustedUntilMs } from '../../../src/core/heartbeat-plan.js'
import { followCharacters, type LeaseSituation, planLease } from '../../../src/core/lease-plan.js'
import { LIMITS } from '../../../src/core/limits.js'
import { planRestart, shareSlots } from '../../../src/core/worker-plan.js'

describe('fencingRule', () => {
  it('wants a node to be heard for long enough that any living one was heard, too', () => {
    const timing = { intervalMs: 5_000, leaseMs: 30_000, safetyMarginMs: 5_000 }
    expect(fencingRule(timing)).to.deep.equal({ leaseMs: 30_000, gapMs: 10_000, steadyMs: 15_000 })
  })

  it('waits no longer than a lease, however slow heartbeats are', () => {
    const timing = { intervalMs: 9_000, leaseMs: 12_000, safetyMarginMs: 2_000 }
    expect(fencingRule(timing)).to.deep.equal({ leaseMs: 12_000, gapMs: 12_000, steadyMs: 12_000 })
  })
})

describe('planLease', () => {
  const situation: fc.Arbitrary<LeaseSituation> = fc
    .record({
      slots: fc.integer({ min: 0, max: 8_192 }),
      freeShare: fc.double({ min: 0, max: 1, noNaN: true }),
      buffered: fc.integer({ min: 0, max: LIMITS.bufferedItemsMax }),
      settledPerSecond: fc.integer({ min: 0, max: 100_000 }),
      heldBack: fc.integer({ min: 0, max: 100 }),
      meanPackItems: fc.double({ min: 0, max: LIMITS.packItemsMax, noNaN: true }),
      itemCharacters: fc.option(fc.integer({ min: 1, max: 8_192 })),
    })
    .map(({ freeShare, heldBack, ...rest }) => ({
      ...rest,
      held: rest.buffered + heldBack,
      unsentCharacters: 0,
      freeSlots: Math.floor(rest.slots * freeShare),
    }))

  it('asks for something within every bound, or waits', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const plan = planLease(given)
        if (plan.action === 'wait') return
        expect(Number.isInteger(plan.itemsMax)).to.equal(true)
        expect(plan.itemsMax).to.be.within(1, LIMITS.leaseItemsMax)
        expect(given.buffered + plan.itemsMax).to.be.at.most(LIMITS.bufferedItemsMax)
        expect(Number.isInteger(plan.packsMax)).to.equal(true)
        expect(plan.packsMax).to.be.within(1, LIMITS.leasePacksMax)
      }),
    )
  })

  it('never leaves a free slot without an item while the buffer is empty', () => {
    fc.assert(
      fc.property(situation, (given) => {
        fc.pre(given.freeSlots > 0)
        const plan = planLease({ ...given, itemCharacters: 100, buffered: 0, held: 0 })
        expect(plan.action).to.equal('lease')
        if (plan.action === 'wait') return
        expect(plan.itemsMax).to.be.at.least(Math.min(given.freeSlots, LIMITS.leaseItemsMax))
      }),
    )
  })

  it('waits without slots, and while the look-ahead is more than half full', () => {
    const none = {
      slots: 0,
      freeSlots: 0,
      buffered: 0,
      held: 0,
      unsentCharacters: 0,
      settledPerSecond: 0,
    }
    const idle = { ...none, meanPackItems: 1, itemCharacters: 100 }
    expect(planLease(idle)).to.deep.equal({ action: 'wait' })
    const busy = { ...idle, slots: 10, meanPackItems: 256 }
    expect(planLease({ ...busy, buffered: 3 })).to.deep.equal({ action: 'wait' })
    expect(planLease({ ...busy, buffered: 2 })).to.deep.include({ action: 'lease', itemsMax: 3 })
  })

  it('looks at more packs when they are small', () => {
    const slots = {
      slots: 40,
      freeSlots: 40,
      buffered: 0,
      held: 0,
      unsentCharacters: 0,
      settledPerSecond: 0,
    }
    const given = { ...slots, itemCharacters: 100 }
    const small = planLease({ ...given, meanPackItems: 1 })
    const large = planLease({ ...given, meanPackItems: 256 })
    expect(small).to.include({ itemsMax: 60, packsMax: 61 })
    expect(large).to.include({ itemsMax: 60, packsMax: 2 })
  })

  it('leases large items a few at a time, and one that is larger than every bound', () => {
    const given = {
      ...{
        slots: 400,
        freeSlots: 400,
        buffered: 0,
        held: 0,
        unsentCharacters: 0,
        settledPerSecond: 0,
      },
      meanPackItems: 256,
    }
    const itemsFor = (itemCharacters: number | null, held = 0, more = {}) => {
      const plan = planLease({ ...given, held, buffered: held, itemCharacters, ...more })
      return plan.action === 'wait' ? 0 : plan.itemsMax
    }
    const { leaseCharactersMax, bufferedCharactersMax } = LIMITS
    expect(itemsFor(100)).to.equal(600)
    expect(itemsFor(null)).to.equal(16)
    const large = 1_048_576
    const most = bufferedCharactersMax / large
    expect(itemsFor(large)).to.equal(leaseCharactersMax / large)
    expect(itemsFor(large, most - 4)).to.equal(4)
    expect(itemsFor(large, most)).to.equal(0)
    expect(itemsFor(large, most - 4, { unsentCharacters: 3 * large })).to.equal(1)
    expect(itemsFor(2 * bufferedCharactersMax)).to.equal(1)
    expect(itemsFor(2 * bufferedCharactersMax, 1)).to.equal(0)
    const sending = { unsentCharacters: leaseCharactersMax }
    expect(itemsFor(2 * bufferedCharactersMax, 0, sending)).to.equal(0)
    expect(itemsFor(large, most, { buffered: 0 }), 'all wait for their hosts').to.equal(1)
  })

  it('reaches a state in which it waits, and waits no longer once the work is eaten', () => {
    fc.assert(
      fc.property(situation, (given) => {
        fc.pre(given.slots > 0)
        let buffered = given.buffered
        for (let turn = 0; turn < 10; turn += 1) {
          const itemCharacters = turn === 0 ? given.itemCharacters : 100
          const plan = planLease({ ...given, itemCharacters, buffered, held: buffered })
          if (plan.action === 'wait') return
          buffered += plan.itemsMax
        }
        expect.fail('ten leases did not fill the buffer')
      }),
    )
  })
})

describe('followCharacters', () => {
  it('begins with what it sees, goes up at once and comes down by and by', () => {
    expect(followCharacters(null, 100)).to.equal(100)
    expect(followCharacters(100, 5_000)).to.equal(5_000)
    expect(followCharacters(5_000, 1_000)).to.be.closeTo(3_800, 1e-6)
  })
})

describe('planHeartbeat', () => {
  const timing = { intervalMs: 5_000, leaseMs: 30_000, safetyMarginMs: 5_000 }

  it('beats when the interval is over, counted from when the last was sent', () => {
    expect(planHeartbeat(timing, 1_000, 1_000)).to.deep.equal({ action: 'wait', delayMs: 5_000 })
    expect(planHeartbeat(timing, 1_000, 5_999)).to.deep.equal({ action: 'wait', delayMs: 1 })
    expect(planHeartbeat(timing, 1_000, 6_000)).to.deep.equal({ action: 'beat' })
    expect(planHeartbeat(timing, 1_000, 90_000)).to.deep.equal({ action: 'beat' })
  })

  it('ends trust before the database’s expiry, however slow the answer was', () => {
    const rtt = fc.integer({ min: 0, max: 60_000 })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), rtt, (sentMs, rttMs) => {
        // The database read its clock somewhere between sending and answer.
        const earliestExpiryMs = sentMs + timing.leaseMs
        expect(trustedUntilMs(timing, sentMs)).to.be.lessThan(earliestExpiryMs)
        expect(trustedUntilMs(timing, sentMs)).to.be.at.most(sentMs + rttMs + timing.leaseMs)
      }),
    )
  })

  it('leaves room for a beat within the trust window', () => {
    expect(timing.intervalMs).to.be.lessThan(trustedUntilMs(timing, 0))
  })

  it('refuses a timing in which no heartbeat fits, and a clock that runs backwards', () => {
    expect(() => planHeartbeat({ ...timing, intervalMs: 25_000 }, 0, 0)).to.throw('fits')
    expect(() => planHeartbeat(timing, 10, 9)).to.throw('backwards')
  })
})

describe('planRestart', () => {
  const deaths = (count: number, atMs = 0) => Array.from({ length: count }, () => ({ atMs }))

  it('restarts at once who did not die in vain', () => {
    expect(planRestart([], 1_000)).to.deep.equal({ action: 'restart', delayMs: 0 })
  })

  it('waits longer from one fruitless death to the next, then gives up', () => {
    const delays: (number | string)[] = []
    for (let count = 1; count <= LIMITS.restartIntensity + 1; count += 1) {
      const plan = planRestart(deaths(count), 1_000)
      delays.push(plan.action === 'restart' ? plan.delayMs : plan.action)
    }
    expect(delays).to.deep.equal([50, 100, 200, 400, 800, 'give-up'])
  })

  it('forgets deaths that are older than the period', () => {
    const many = deaths(100)
    expect(planRestart(many, LIMITS.restartPeriodMs - 1)).to.include({ action: 'give-up' })
    expect(planRestart(many, LIMITS.restartPeriodMs)).to.deep.equal({
      ...{ action: 'restart', delayMs: 0 },
    })
  })
})

describe('shareSlots', () => {
  it('shares all slots out evenly', () => {
    const workers = fc.integer({ min: 1, max: 64 })
    fc.assert(
      fc.property(workers, fc.integer({ min: 0, max: 4_096 }), (count, more) => {
        const total = count + more
        const shares = shareSlots(total, count)
        expect(shares).to.have.length(count)
        expect(shares.reduce((sum, share) => sum + share, 0)).to.equal(total)
        expect(Math.max(...shares) - Math.min(...shares)).to.be.at.most(1)
      }),
    )
  })

  it('gives no worker less than one', () => {
    expect(shareSlots(2, 4)).to.deep.equal([1, 1, 1, 1])
  })
})
