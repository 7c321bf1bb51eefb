import { expect } from 'chai'
import { LeasePlace } from '../../../src/core/lease-place.js'

const HERE = { priority: 0, runAt: '2026-01-01 00:00:00+00', packId: '7' }

describe('the place of a leaser', () => {
  it('is the beginning at first, and then where the last lease ended, once', () => {
    const place = new LeasePlace()
    expect(place.from(0, true)).to.equal(null)
    place.reach(HERE)
    expect(place.from(10, true)).to.equal(HERE)
    expect(place.from(20, true), 'a lease that told no place').to.equal(null)
  })

  it('is the beginning again a second after all was looked at, however many leases there were', () => {
    const place = new LeasePlace()
    const beginnings: number[] = []
    for (let nowMs = 0; nowMs <= 3_000; nowMs += 100) {
      if (place.from(nowMs, true) === null) beginnings.push(nowMs)
      place.reach(HERE)
    }
    expect(beginnings).to.deep.equal([0, 1_000, 2_000, 3_000])
  })

  it('is the beginning when packs are passed by, and when something became ready before it', () => {
    const place = new LeasePlace()
    place.from(0, true)
    place.reach(HERE)
    expect(place.from(1, false)).to.equal(null)
    place.reach(HERE)
    place.lookBack()
    expect(place.from(2, true)).to.equal(null)
  })

  it('is the beginning when something became ready before it while a lease was under way', () => {
    const place = new LeasePlace()
    place.from(0, true)
    place.lookBack()
    place.reach(HERE)
    expect(place.from(1, true)).to.equal(null)
    place.reach(HERE)
    expect(place.from(2, true)).to.equal(HERE)
  })
})
