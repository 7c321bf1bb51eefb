import { expect } from 'chai'
import { Pacer } from '../../../supervisor/pacer.js'
import { createFakeClock } from '../../support/fake-clock.js'

function setup() {
  const clock = createFakeClock()
  /** When something was started. */
  const starts: number[] = []
  let waiting = 0
  const startAll = () => {
    const items = Math.min(waiting, pacer.room())
    waiting -= items
    pacer.noteStarts(items)
    for (let n = 0; n < items; n += 1) starts.push(clock.nowMs())
    // Who has work left asks again, as a dispatcher does, and so hears of the next token.
    if (waiting > 0) pacer.room()
  }
  const pacer = new Pacer(clock, () => startAll())
  const work = (items: number) => {
    waiting += items
    startAll()
  }
  return { clock, pacer, starts, work }
}

describe('the pacer', () => {
  it('holds nothing back without a rate and without a pause', () => {
    const { pacer, clock } = setup()
    expect(pacer.room()).to.equal(Number.POSITIVE_INFINITY)
    pacer.noteSuccess()
    expect(pacer.resting()).to.equal(0)
    expect(pacer.reason(10, 10)).to.equal(null)
    expect(clock.waiting()).to.deep.equal([])
  })

  it('spaces starts evenly, the first included', async () => {
    const { pacer, clock, starts, work } = setup()
    const fromMs = clock.nowMs()
    pacer.set({ perMinute: 60, successPauseMs: 0 })
    work(5)
    expect(starts, 'a new boot has no burst').to.deep.equal([])
    expect(pacer.reason(0, 10)).to.equal('rate')
    await clock.advance(10_000)
    expect(starts.map((atMs) => atMs - fromMs)).to.deep.equal([1_000, 2_000, 3_000, 4_000, 5_000])
    expect(clock.waiting(), 'nobody waits when there is no work').to.deep.equal([])
    work(3)
    expect(starts, 'one was saved up, and no more').to.have.length(6)
    pacer.stop()
  })

  it('goes at the new rate from the moment it is set', async () => {
    const { pacer, clock, starts, work } = setup()
    pacer.set({ perMinute: 1, successPauseMs: 0 })
    work(100)
    await clock.advance(30_000)
    expect(starts).to.deep.equal([])
    pacer.set({ perMinute: 600, successPauseMs: 0 })
    work(0)
    await clock.advance(1_000)
    expect(starts).to.have.length.within(10, 11)
    pacer.set({ perMinute: null, successPauseMs: 0 })
    work(0)
    expect(starts, 'without a rate all at once').to.have.length(100)
    pacer.stop()
  })

  it('starts nothing with a share of nothing', async () => {
    const { pacer, clock, starts, work } = setup()
    pacer.set({ perMinute: 0, successPauseMs: 0 })
    work(1)
    await clock.advance(600_000)
    expect(starts).to.deep.equal([])
    expect(pacer.reason(0, 10)).to.equal('rate')
  })

  it('lets a slot rest after a success, and tells when it has', async () => {
    const clock = createFakeClock()
    let calls = 0
    const pacer = new Pacer(clock, () => {
      calls += 1
    })
    pacer.set({ perMinute: null, successPauseMs: 2_000 })
    pacer.noteSuccess()
    await clock.advance(500)
    pacer.noteSuccess()
    expect(pacer.resting()).to.equal(2)
    expect(pacer.reason(8, 10)).to.equal('pause')
    expect(pacer.reason(5, 10), 'there are slots that do not rest').to.equal(null)
    await clock.advance(1_500)
    expect(calls).to.equal(1)
    expect(pacer.resting()).to.equal(1)
    pacer.set({ perMinute: null, successPauseMs: 0 })
    expect(pacer.resting(), 'a pause that is taken back ends at once').to.equal(0)
    pacer.stop()
  })
})
