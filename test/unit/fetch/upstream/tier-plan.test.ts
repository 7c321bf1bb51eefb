import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import {
  chooseTier,
  type HostTier,
  NEW_HOST,
  onTierEnd,
  type TierEnd,
  tierEndOf,
} from '../../../../src/fetch/upstream/tier-plan.js'

const TIERS = 3

/** A host after calls that ended like this, one after the other. */
function hostAfter(ends: readonly TierEnd[], from: HostTier = NEW_HOST): HostTier {
  let host = from
  for (const end of ends) {
    const choice = chooseTier(host)
    const begun = choice.isProbe ? { ...host, isProbed: true } : host
    host = onTierEnd(begun, choice, { end, tiers: TIERS })
  }
  return host
}
const times = (count: number, end: TierEnd) => Array.from({ length: count }, () => end)

describe('fetch/upstream/tier-plan', () => {
  const rows: readonly (readonly [string, readonly TierEnd[], number])[] = [
    ['starts at the cheapest', [], 0],
    ['stays where pages come', times(500, 'good'), 0],
    ['goes up at the first refusal', ['refused'], 1],
    ['goes up after two failures in a row', ['failed', 'failed'], 1],
    ['stays after failures with a page in between', ['failed', 'good', 'failed'], 0],
    ['learns nothing from what says nothing', ['failed', 'neutral', 'neutral', 'neutral'], 0],
    ['goes no higher than there are tiers', times(10, 'refused'), 2],
    ['keeps what it learned', ['refused', ...times(49, 'good')], 1],
    ['comes back down when a probe finds pages', ['refused', ...times(51, 'good')], 0],
    ['stays up when the probe is refused', ['refused', ...times(50, 'good'), 'refused'], 1],
  ]
  for (const [title, ends, tier] of rows) {
    it(title, () => expect(hostAfter(ends).tier).to.equal(tier))
  }

  it('probes the tier below with one call, after 50 pages, then after twice as many', () => {
    const ready = hostAfter(['refused', ...times(50, 'good')])
    expect(chooseTier(ready)).to.deep.equal({ tier: 0, isProbe: true })
    expect(chooseTier({ ...ready, isProbed: true })).to.deep.equal({ tier: 1, isProbe: false })
    const refused = hostAfter(['refused'], ready)
    expect(chooseTier(hostAfter(times(99, 'good'), refused))).to.include({ isProbe: false })
    expect(chooseTier(hostAfter(times(100, 'good'), refused))).to.include({ isProbe: true })
  })

  it('does not blame a tier for a call that began at another', () => {
    const late = onTierEnd(
      hostAfter(['refused']),
      { tier: 0, isProbe: false },
      { end: 'refused', tiers: 3 },
    )
    expect(late.tier).to.equal(1)
  })

  it('always names a tier that there is', () => {
    const ends = fc.array(fc.constantFrom<TierEnd>('good', 'refused', 'failed', 'neutral'), {
      maxLength: 300,
    })
    fc.assert(
      fc.property(ends, (history) => {
        const host = hostAfter(history)
        for (const { tier } of [host, chooseTier(host)]) expect(tier).to.be.within(0, TIERS - 1)
      }),
    )
  })

  it('holds a failure of the API itself against no host', () => {
    expect(tierEndOf('timeout_headers', true)).to.equal('failed')
    expect(tierEndOf('timeout_headers', false)).to.equal('neutral')
    expect(tierEndOf('http_5xx', false)).to.equal('failed')
    expect(tierEndOf('blocked', true)).to.equal('refused')
    expect(tierEndOf('http_4xx', true)).to.equal('good')
    for (const code of ['rate_limited', 'budget', 'key_refused', 'ssrf', 'dns'] as const) {
      expect(tierEndOf(code, true), code).to.equal('neutral')
    }
  })
})
