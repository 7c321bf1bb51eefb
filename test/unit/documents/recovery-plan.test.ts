import { expect } from 'chai'
import fc from 'fast-check'
import {
  DEATHS_MAX,
  type Dead,
  FIRST_TRY,
  LEVELS,
  type NextTry,
  planRecovery,
} from '../../../src/documents/recovery-plan.js'

const PLAIN = { dead: 'nothing', stoodStill: false, isOfDocument: false } as const

function climb(failure: Parameters<typeof planRecovery>[1]): string[] {
  const actions: string[] = []
  for (let next: NextTry | null = FIRST_TRY; next !== null; next = planRecovery(next, failure)) {
    actions.push(next.action)
    if (actions.length > 20) break
  }
  return actions
}

describe('documents/recovery-plan', () => {
  it('climbs level by level, and ends', () => {
    expect(climb(PLAIN)).to.deep.equal([...LEVELS])
  })

  it('needs a new tab at least after a step that stood still', () => {
    expect(climb({ ...PLAIN, stoodStill: true })).to.deep.equal([
      'first',
      'tab',
      'context',
      'browser',
    ])
  })

  it('changes no browser for what came out of it', () => {
    expect(climb({ ...PLAIN, isOfDocument: true })).to.deep.equal([
      'first',
      'retry',
      'recover',
      'tab',
    ])
  })

  it('replaces what died without a step, so many times', () => {
    const next = planRecovery(FIRST_TRY, { ...PLAIN, dead: 'browser' })
    expect(next).to.deep.equal({ level: 'first', deaths: 1, action: 'browser' })
    const actions = climb({ ...PLAIN, dead: 'browser' })
    expect(actions).to.deep.equal([
      'first',
      ...Array.from({ length: DEATHS_MAX }, () => 'browser'),
      ...LEVELS.slice(1),
    ])
  })

  it('ends whatever happens', () => {
    const failure = fc.record({
      dead: fc.constantFrom<Dead>('nothing', 'tab', 'context', 'browser'),
      stoodStill: fc.boolean(),
      isOfDocument: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(failure, { minLength: 20, maxLength: 20 }), (failures) => {
        let next: NextTry | null = FIRST_TRY
        let tries = 0
        for (const one of failures) {
          if (next === null) break
          tries += 1
          next = planRecovery(next, one)
        }
        expect(next).to.equal(null)
        expect(tries).to.be.at.most(LEVELS.length + DEATHS_MAX)
      }),
    )
  })
})
