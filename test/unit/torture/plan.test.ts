import { expect } from 'chai'
import { describe, it } from 'mocha'
import { FAULT_KINDS, FAULT_NAMES, TORTURE_FAULTS } from '../../../supervisor/torture/faults.js'
import { createPlan, strengthOf, targetOf } from '../../../supervisor/torture/plan.js'

const CALM = { min: 10, max: 20 }

function draw(
  count: number,
  request: { readonly seed: number; readonly kinds?: typeof FAULT_NAMES },
) {
  const plan = createPlan({ kinds: FAULT_NAMES, calmMs: CALM, ...request })
  return Array.from({ length: count }, () => plan.next())
}

describe('torture/plan', () => {
  it('makes the same choices for the same seed, and others for another', () => {
    expect(draw(200, { seed: 7 })).to.deep.equal(draw(200, { seed: 7 }))
    expect(draw(200, { seed: 7 })).to.not.deep.equal(draw(200, { seed: 8 }))
  })

  it('draws every kind once before any comes again', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const kinds = draw(FAULT_NAMES.length, { seed }).map(({ kind }) => kind)
      expect(kinds, `seed ${seed}`).to.have.members([...FAULT_NAMES])
    }
  })

  it('draws each kind as often as its weight says from then on', () => {
    const deck = FAULT_NAMES.flatMap((kind) => Array(FAULT_KINDS[kind].weight).fill(kind))
    const drawn = draw(FAULT_NAMES.length + deck.length, { seed: 3 }).slice(FAULT_NAMES.length)
    expect(drawn.map(({ kind }) => kind)).to.have.members(deck)
  })

  it('draws none that was not chosen', () => {
    const kinds = ['cut', 'kill-worker'] as const
    const drawn = new Set(draw(100, { seed: 1, kinds }).map(({ kind }) => kind))
    expect([...drawn]).to.have.members([...kinds])
  })

  it('keeps pauses, targets and strengths within their bounds', () => {
    for (const fault of draw(1_000, { seed: 5 })) {
      expect(fault.pauseMs).to.be.within(CALM.min, CALM.max)
      expect(['a', 'b', 'c']).to.include(targetOf(['a', 'b', 'c'], fault))
      expect(strengthOf(fault, { min: 5, max: 9 })).to.be.within(5, 9)
    }
    expect(targetOf([], draw(1, { seed: 5 })[0] ?? expect.fail('no fault'))).to.equal(undefined)
  })

  it('leaves to the command what needs no server of its own', () => {
    expect(TORTURE_FAULTS).to.include.members(['kill-worker', 'freeze', 'cut', 'heap'])
    for (const kind of ['crash', 'terminate', 'disk-full'] as const) {
      expect(TORTURE_FAULTS).to.not.include(kind)
    }
  })
})
