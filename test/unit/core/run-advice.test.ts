import { expect } from 'chai'
import { adviseOn } from '../../../src/core/run-advice.js'
import type { RunStretch } from '../../../src/core/run-details.js'
import { runDetails } from '../../support/run-details.js'

const stretch = (slotShare: number): RunStretch => ({
  ...{ node: 'a', startedAt: '', durationMs: 1_000, slotShare, fetches: 1, reusedFetches: 0 },
})

describe('core/run-advice', () => {
  it('has nothing to say of a run that went well', () => {
    expect(adviseOn(runDetails({ stretches: [stretch(0.8)] }))).to.deep.equal([])
  })

  it('says first that a run is not at its end', () => {
    const outcomes = [{ status: 'error', code: 'dns', items: 3 }]
    const advice = adviseOn(runDetails({ open: 12, outcomes }))
    expect(advice[0]).to.match(/^12 items are still open: the same command continues/)
    expect(advice[1]).to.match(/^3 × dns: /)
    expect(adviseOn(runDetails({ open: 1 }))[0]).to.match(/^1 item is /)
  })

  it('advises on failures by code, and not on what needs nothing', () => {
    const outcomes = [
      { status: 'success', code: 'ok', items: 90 },
      { status: 'error', code: 'timeout_total', items: 7 },
      { status: 'error', code: 'http_4xx', items: 3 },
      { status: 'error', code: 'of_tomorrow', items: 1 },
      { status: 'cancelled', code: 'cancelled', items: 5 },
    ]
    expect(adviseOn(runDetails({ outcomes }))).to.deep.equal([
      '7 × timeout_total: raise --total-timeout and --item-timeout.',
    ])
  })

  it('points at the host that has most of the failures, unless it is the only one', () => {
    const outcomes = [{ status: 'error', code: 'http_4xx', items: 20 }]
    const host = (name: string, failed: number) => ({
      ...{ host: name, items: 50, failed, p50Ms: null, p95Ms: null },
    })
    const told = (worst: readonly ReturnType<typeof host>[]) =>
      adviseOn(runDetails({ outcomes, worst }))
    expect(told([host('bad.example', 12), host('b', 8)])).to.deep.equal([
      '12 of 20 failures are of bad.example: look at that host first.',
    ])
    expect(told([host('a', 9), host('b', 8)])).to.deep.equal([])
    expect(told([host('a', 20)])).to.deep.equal([])
  })

  it('tells of workers that died with many items, and not of one', () => {
    expect(adviseOn(runDetails({ reclaimed: 9 }))).to.deep.equal([])
    expect(adviseOn(runDetails({ reclaimed: 10 }))[0]).to.match(/died with 10 items in hand/)
  })

  for (const [share, words] of [
    [0.49, /more --concurrency would change nothing/],
    [0.95, /more --concurrency would make it faster/],
  ] as const) {
    it(`reads slots that were ${100 * share} % busy`, () => {
      expect(adviseOn(runDetails({ stretches: [stretch(share)] }))[0]).to.match(words)
    })
  }

  it('weighs commands by how long they worked', () => {
    const long = { ...stretch(0.2), durationMs: 99_000 }
    expect(adviseOn(runDetails({ stretches: [stretch(1), long] }))[0]).to.match(/busy 21 %/)
  })
})
