import { expect } from 'chai'
import type { Steering } from '../../../src/store/steering.js'
import { batchItems, RolloutPace } from '../../../supervisor/rollout-pace.js'

const STEERING: Steering = {
  mode: 'concurrent',
  ...{ rollout: 50, step: 1, concurrency: null, ratePerMinute: null },
  ...{ successPauseMs: null, creditsLeft: null, workers: [], sharers: [] },
}
const SITUATION = {
  ...{ freeSlots: 10, slots: 10, buffered: 40, held: 40, unsentCharacters: 0 },
  settledPerSecond: 0,
}

describe('supervisor/rollout-pace', () => {
  const slotsAt = (pace: RolloutPace, heldBack: number, most: number) =>
    pace.pace(SITUATION, STEERING, { heldBack, most }).slots

  it('leases until a batch waits, and again when it is worked off', () => {
    const pace = new RolloutPace()
    const batch = batchItems(10, 50)
    expect(slotsAt(pace, batch - 1, 1_000)).to.equal(10)
    expect(slotsAt(pace, batch, 1_000)).to.equal(0)
    expect(slotsAt(pace, 1, 1_000)).to.equal(0)
    expect(slotsAt(pace, 0, 1_000)).to.equal(10)
  })

  it('is content with as many as may wait by their size', () => {
    const pace = new RolloutPace()
    expect(slotsAt(pace, 3, 4)).to.equal(10)
    expect(slotsAt(pace, 4, 4)).to.equal(0)
    expect(slotsAt(pace, 3, 4)).to.equal(0)
    expect(slotsAt(pace, 0, 4)).to.equal(10)
  })

  it('leaves everything as it is without a partial rollout', () => {
    const pace = new RolloutPace()
    for (const steering of [null, { ...STEERING, rollout: 100 }, { ...STEERING, rollout: 0 }]) {
      expect(pace.pace(SITUATION, steering, { heldBack: 400, most: 4 })).to.deep.equal(SITUATION)
    }
  })
})
