import { expect } from 'chai'
import fc from 'fast-check'
import { backoffDelayMs } from '../../../src/core/backoff.js'
import { LIMITS } from '../../../src/core/limits.js'
import { randomInteger, seededRandom } from '../../../src/core/random.js'
import { constantRandom } from '../../support/values.js'

const OPTIONS = fc.record({
  baseMs: fc.integer({ min: 1, max: 60_000 }),
  factor: fc.double({ min: 1, max: 10, noNaN: true }),
  maxMs: fc.integer({ min: 1, max: 3_600_000 }),
})
const SHARE = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const ATTEMPT = fc.integer({ min: 1, max: 1_000 })

describe('backoffDelayMs', () => {
  it('is any whole time between nothing and the bound of the attempt', () => {
    fc.assert(
      fc.property(OPTIONS, ATTEMPT, SHARE, (options, attempt, share) => {
        const delayMs = backoffDelayMs(options, { attempt }, constantRandom(share))
        expect(Number.isInteger(delayMs)).to.equal(true)
        const bound = Math.min(options.maxMs, options.baseMs * options.factor ** (attempt - 1))
        expect(delayMs).to.be.within(0, Math.ceil(bound))
      }),
    )
  })

  it('never shortens from one attempt to the next, for the same luck', () => {
    fc.assert(
      fc.property(OPTIONS, ATTEMPT, SHARE, (options, attempt, share) => {
        const delay = (n: number) => backoffDelayMs(options, { attempt: n }, constantRandom(share))
        expect(delay(attempt + 1)).to.be.at.least(delay(attempt))
      }),
    )
  })

  it('waits at least as long as it was asked to, a tenth more at most, an hour at most', () => {
    const asked = fc.oneof(
      fc.integer({ min: 0, max: 2 * LIMITS.retryDelayMsMax }),
      fc.constantFrom(-5, Number.POSITIVE_INFINITY),
    )
    fc.assert(
      fc.property(OPTIONS, ATTEMPT, SHARE, asked, (options, attempt, share, retryAfterMs) => {
        const failed = { attempt, retryAfterMs }
        const delayMs = backoffDelayMs(options, failed, constantRandom(share))
        const floor = Math.min(Math.max(0, retryAfterMs), LIMITS.retryDelayMsMax)
        expect(delayMs).to.be.within(Math.floor(floor), Math.ceil(floor * 1.1))
      }),
    )
  })

  it('spreads what failed together over the whole bound', () => {
    const random = seededRandom(7)
    const options = { baseMs: 1_000, factor: 2, maxMs: 60_000 }
    const delays = Array.from({ length: 1_000 }, () =>
      backoffDelayMs(options, { attempt: 3 }, random),
    )
    const quarters = [0, 1, 2, 3].map(
      (quarter) => delays.filter((delay) => Math.floor(delay / 1_000.001) === quarter).length,
    )
    for (const count of quarters) expect(count).to.be.within(180, 320)
  })

  it('has no attempt number 0', () => {
    const options = { baseMs: 1, factor: 2, maxMs: 9 }
    expect(() => backoffDelayMs(options, { attempt: 0 }, constantRandom())).to.throw('number 1')
  })
})

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, in [0, 1), and others for another', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const [one, two, other] = [seededRandom(seed), seededRandom(seed), seededRandom(seed + 1)]
        const draw = (random: typeof one) => Array.from({ length: 8 }, () => random.next())
        const numbers = draw(one)
        expect(draw(two)).to.deep.equal(numbers)
        expect(draw(other)).to.not.deep.equal(numbers)
        for (const number of numbers) expect(number >= 0 && number < 1).to.equal(true)
      }),
    )
  })

  it('gives whole numbers in a range, both ends included', () => {
    const random = seededRandom(1)
    const drawn = new Set(
      Array.from({ length: 500 }, () => randomInteger(random, { min: -1, max: 3 })),
    )
    expect([...drawn].sort((a, b) => a - b)).to.deep.equal([-1, 0, 1, 2, 3])
  })
})
