import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  behaviourOf,
  MISDEED_PREFIX,
  pageOf,
  startReferee,
} from '../../../supervisor/torture/origin.js'

const keys = Array.from({ length: 2_000 }, (_, index) => `page-${index}`)

describe('torture/origin', () => {
  it('behaves by seed, key and visit', () => {
    const lots = (seed: number) => keys.map((key) => behaviourOf(seed, key, 1))
    expect(lots(1)).to.deep.equal(lots(1))
    expect(lots(1)).to.not.deep.equal(lots(2))
    const counts = new Map<string, number>()
    for (const { do: deed } of lots(1)) counts.set(deed, (counts.get(deed) ?? 0) + 1)
    expect([...counts.keys()]).to.have.members(['answer', 'status', 'reset'])
    expect(counts.get('answer')).to.be.above(keys.length * 0.8)
  })

  it('answers on the second visit, but for pages that fail for good', () => {
    const failing = keys.filter((key) => behaviourOf(1, key, 2).do !== 'answer')
    expect(failing.length / keys.length).to.be.within(0.01, 0.06)
    for (const key of failing) expect(behaviourOf(1, key, 3).do).to.not.equal('answer')
    expect(behaviourOf(1, `${MISDEED_PREFIX}heap-1`, 1).do).to.equal('answer')
  })

  it('writes down who asked for what, and how it ended', async () => {
    const referee = await startReferee(1)
    try {
      const good = keys.find((key) => behaviourOf(1, key, 1).do === 'answer') ?? ''
      const broken = keys.find((key) => behaviourOf(1, key, 1).do === 'reset') ?? ''
      const words = '&lease=5&attempt=2&call=c1&who=77.3'
      const response = await fetch(`${referee.urlOf(good)}${words}`)
      expect(await response.text()).to.equal(pageOf(good, 1))
      await fetch(referee.urlOf(broken)).then(
        () => expect.fail('the connection was not broken off'),
        () => {},
      )

      const [first, second] = referee.calls
      expect(first).to.deep.equal({
        key: good,
        leaseId: '5',
        attempt: 2,
        call: 'c1',
        who: '77.3',
        visit: 1,
        state: 'answered',
      })
      expect(second).to.include({ key: broken, state: 'failed' })
    } finally {
      await referee.close()
    }
  })
})
