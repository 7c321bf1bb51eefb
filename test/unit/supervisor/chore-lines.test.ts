import { expect } from 'chai'
import type { ChoreStatus } from '../../../src/store/chores.js'
import { choreLines } from '../../../supervisor/cli/commands/status.js'

const chore = (fields: Partial<ChoreStatus>): ChoreStatus => ({
  ...{ chore: 'events', pausedWhy: null, worker: null, passedAt: null, passedBy: null },
  ...{ passedRows: 0, removed: 0, failedAt: null, failure: null },
  ...fields,
})

describe('choreLines', () => {
  const EARLY = '2026-01-01 10:00:00+00'
  const LATE = '2026-01-01 11:00:00.25+00'

  it('says nothing before the first pass', () => {
    expect(choreLines([chore({})])).to.deep.equal([])
  })

  it('tells the last pass and what all removed', () => {
    const chores = [
      chore({ passedAt: EARLY, passedRows: 1_200 }),
      chore({ chore: 'nodes', passedAt: LATE, passedRows: 5 }),
    ]
    expect(choreLines(chores)[1]).to.equal(
      `Housekeeping passed last at ${LATE}; its last passes removed 1 205 rows.`,
    )
  })

  it('tells a failure of the last pass, and none of a pass before', () => {
    const failure = 'a lock was not to be had'
    const now = chore({ passedAt: LATE, failedAt: '2026-01-01 11:00:00.24+00', failure })
    expect(choreLines([now])).to.include(`Housekeeping of events failed: ${failure}`)
    const before = chore({ passedAt: LATE, failedAt: EARLY, failure })
    expect(choreLines([before])).to.have.length(2)
  })

  it('tells who paused it', () => {
    const paused = chore({ passedAt: LATE, pausedWhy: 'operator' })
    expect(choreLines([paused])).to.include('Housekeeping is paused by operator.')
  })
})
