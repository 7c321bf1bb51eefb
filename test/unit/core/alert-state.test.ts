import { expect } from 'chai'
import fc from 'fast-check'
import {
  ALERT_STATES,
  ALERT_VERDICTS,
  type AlertState,
  type AlertVerdict,
  nextAlertState,
  toldChange,
} from '../../../src/core/alert-state.js'

const TIMES = { raiseAfterMs: 60_000, clearAfterMs: 120_000 }
const EARLY_MS = 59_999

/** State, verdict, then the next state before and after the time of the state is over. */
type Row = readonly [
  from: AlertState,
  verdict: AlertVerdict,
  early: AlertState,
  due: AlertState,
  told: 'raised' | 'cleared' | null,
]
const TABLE: readonly Row[] = [
  ['quiet', 'beyond', 'pending', 'pending', null],
  ['quiet', 'between', 'quiet', 'quiet', null],
  ['quiet', 'within', 'quiet', 'quiet', null],
  ['quiet', 'unknown', 'quiet', 'quiet', null],
  ['pending', 'beyond', 'pending', 'raised', 'raised'],
  ['pending', 'between', 'quiet', 'quiet', null],
  ['pending', 'within', 'quiet', 'quiet', null],
  ['pending', 'unknown', 'pending', 'pending', null],
  ['raised', 'beyond', 'raised', 'raised', null],
  ['raised', 'between', 'raised', 'raised', null],
  ['raised', 'within', 'clearing', 'clearing', null],
  ['raised', 'unknown', 'raised', 'raised', null],
  ['clearing', 'beyond', 'raised', 'raised', null],
  ['clearing', 'between', 'raised', 'raised', null],
  ['clearing', 'within', 'clearing', 'quiet', 'cleared'],
  ['clearing', 'unknown', 'clearing', 'clearing', null],
]

describe('core/alert-state', () => {
  for (const [from, verdict, early, due, told] of TABLE) {
    it(`${from} and ${verdict}: ${early}, in time ${due}`, () => {
      expect(nextAlertState(from, verdict, { ...TIMES, waitedMs: EARLY_MS })).to.equal(early)
      const overMs = from === 'pending' ? TIMES.raiseAfterMs : TIMES.clearAfterMs
      expect(nextAlertState(from, verdict, { ...TIMES, waitedMs: overMs })).to.equal(due)
      expect(toldChange(from, due)).to.equal(told)
    })
  }

  it('has a row for every state and verdict', () => {
    const cells = ALERT_STATES.flatMap((state) => ALERT_VERDICTS.map((own) => `${state} ${own}`))
    expect(TABLE.map(([state, verdict]) => `${state} ${verdict}`)).to.have.members(cells)
  })

  it('tells of a raise and a clear in turn, each after its time, whatever the verdicts', () => {
    const step = fc.record({
      verdict: fc.constantFrom(...ALERT_VERDICTS),
      passedMs: fc.integer({ min: 1_000, max: 50_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const told: string[] = []
        let state: AlertState = 'quiet'
        let waitedMs = 0
        let beyondMs = 0
        for (const { verdict, passedMs } of steps) {
          waitedMs += passedMs
          const next = nextAlertState(state, verdict, { ...TIMES, waitedMs })
          beyondMs = state === 'quiet' ? 0 : beyondMs + passedMs
          const said = toldChange(state, next)
          if (said === 'raised') expect(beyondMs).to.be.at.least(TIMES.raiseAfterMs)
          if (said !== null) told.push(said)
          if (next !== state) waitedMs = 0
          state = next
        }
        const turns = told.map((_, index) => (index % 2 === 0 ? 'raised' : 'cleared'))
        expect(told).to.deep.equal(turns)
      }),
    )
  })
})
