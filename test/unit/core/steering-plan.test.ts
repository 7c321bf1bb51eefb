import { expect } from 'chai'
import fc from 'fast-check'
import type { CohortRecord } from '../../../src/core/steering-plan.js'
import { cohortOf, shouldRollBack } from '../../../src/core/steering-plan.js'

describe('cohortOf', () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `https://host/${index}`)
  const concurrent = (rollout: number) =>
    keys.filter((key) => cohortOf(key, rollout) === 'concurrent')

  for (const rollout of [0, 1, 10, 50, 99, 100]) {
    it(`takes about ${rollout} of 100 keys at ${rollout} %`, () => {
      expect(concurrent(rollout).length / keys.length).to.be.closeTo(rollout / 100, 0.01)
    })
  }

  it('keeps an item in when the rollout grows', () => {
    const percent = fc.integer({ min: 0, max: 100 })
    fc.assert(
      fc.property(fc.string(), percent, percent, (key, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        if (cohortOf(key, low) === 'concurrent') expect(cohortOf(key, high)).to.equal('concurrent')
      }),
    )
  })

  it('is the same in every version', () => {
    const words = ['', 'a', 'key-1', 'https://example.com/', 'ü'].map((key) =>
      [10, 30, 50, 70, 90].map((rollout) => cohortOf(key, rollout)[0]).join(''),
    )
    expect(words).to.deep.equal(['ccccc', 'ssssc', 'ssccc', 'ssccc', 'ccccc'])
  })
})

describe('shouldRollBack', () => {
  const rule = { errorRateMax: 0.2, itemsMin: 50 }
  const none: CohortRecord = { finished: 0, failed: 0 }
  const rows: readonly [string, CohortRecord, CohortRecord, boolean][] = [
    ['too few items', { finished: 49, failed: 49 }, none, false],
    ['a rate at the limit', { finished: 100, failed: 20 }, none, false],
    ['a rate above the limit', { finished: 100, failed: 21 }, none, true],
    [
      'a sequential cohort that fails as often',
      { finished: 100, failed: 40 },
      { finished: 100, failed: 35 },
      false,
    ],
    [
      'a sequential cohort that fails much less',
      { finished: 100, failed: 40 },
      { finished: 100, failed: 5 },
      true,
    ],
    [
      'a sequential cohort of too few items',
      { finished: 100, failed: 40 },
      { finished: 10, failed: 10 },
      true,
    ],
  ]
  for (const [words, concurrent, sequential, expected] of rows) {
    it(`${expected ? 'takes back' : 'stays'} with ${words}`, () => {
      expect(shouldRollBack({ concurrent, sequential }, rule)).to.equal(expected)
    })
  }
})
