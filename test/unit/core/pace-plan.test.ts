import { expect } from 'chai'
import fc from 'fast-check'
import {
  depthOf,
  emptyBucket,
  filled,
  startable,
  taken,
  untilTokenMs,
} from '../../../src/core/pace-plan.js'

const MINUTE_MS = 60_000

describe('the pace plan', () => {
  it('starts with nothing, and gives one each interval', () => {
    const bucket = emptyBucket(0)
    expect(startable(bucket)).to.equal(0)
    expect(untilTokenMs(bucket, 120)).to.equal(500)
    const later = filled(bucket, 120, 500)
    expect(startable(later)).to.equal(1)
    expect(untilTokenMs(taken(later, 1), 120)).to.equal(500)
  })

  it('saves up no more than its depth, however long nothing is started', () => {
    expect(startable(filled(emptyBucket(0), 60, 3_600_000))).to.equal(1)
    expect(startable(filled(emptyBucket(0), 60_000, 3_600_000))).to.equal(100)
  })

  it('never gives a token at a rate of none', () => {
    expect(untilTokenMs(emptyBucket(0), 0)).to.equal(Number.POSITIVE_INFINITY)
    expect(startable(filled(emptyBucket(0), 0, MINUTE_MS))).to.equal(0)
  })

  it('starts, in any stretch of time, at most what the rate gives and the depth holds', () => {
    const waits = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 200 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6_000 }), waits, (perMinute, delays) => {
        let bucket = emptyBucket(0)
        const starts: { readonly atMs: number; readonly items: number }[] = []
        for (const delayMs of delays) {
          bucket = filled(bucket, perMinute, bucket.atMs + delayMs)
          const items = startable(bucket)
          bucket = taken(bucket, items)
          starts.push({ atMs: bucket.atMs, items })
        }
        for (const [from, first] of starts.entries()) {
          let items = 0
          for (const start of starts.slice(from)) {
            items += start.items
            const allowed = ((start.atMs - first.atMs) * perMinute) / MINUTE_MS + depthOf(perMinute)
            expect(items).to.be.at.most(Math.floor(allowed + 1e-6))
          }
        }
      }),
    )
  })

  it('loses nothing of the rate to readings that come often', () => {
    let bucket = emptyBucket(0)
    let started = 0
    for (let atMs = 0; atMs <= MINUTE_MS; atMs += 7) {
      bucket = filled(bucket, 90, atMs)
      started += startable(bucket)
      bucket = taken(bucket, startable(bucket))
    }
    expect(started).to.be.within(89, 90)
  })
})
