import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import type { OutcomeCode } from '../../../src/core/outcome.js'
import { FailureStreak } from '../../../supervisor/failure-streak.js'
import { SwollenCount } from '../../../supervisor/swollen-count.js'
import { heldItem, settlement } from '../../support/values.js'

const MAX = LIMITS.failuresInARowMax

describe('the failures in a row', () => {
  const fail = (streak: FailureStreak, code: OutcomeCode, lane = '') =>
    streak.note({ ...heldItem(), lane }, settlement(heldItem(), { event: 'retry', code }))
  const failing = (streak: FailureStreak, times: number, code: OutcomeCode, lane = '') =>
    Array.from({ length: times }, () => fail(streak, code, lane)).at(-1) ?? null

  it('are counted where the workflow is to blame, until one succeeds', () => {
    const streak = new FailureStreak(false)
    expect(failing(streak, MAX - 1, 'handler')).to.equal(null)
    streak.note(heldItem(), settlement(heldItem()))
    expect(failing(streak, MAX - 1, 'sink')).to.equal(null)
    expect(fail(streak, 'sink')?.reason).to.equal('results_refused')
    expect(fail(streak, 'handler')).to.include({ reason: 'failing' })
    streak.reset()
    expect(fail(streak, 'handler')).to.equal(null)
  })

  it('are none where pages are to blame, and where a breaker watches', () => {
    expect(failing(new FailureStreak(false), 2 * MAX, 'http_4xx')).to.equal(null)
    expect(failing(new FailureStreak(false), 2 * MAX, 'timeout_total', 'a.example')).to.equal(null)
    expect(failing(new FailureStreak(true), 2 * MAX, 'timeout_total')).to.equal(null)
    expect(failing(new FailureStreak(false), MAX, 'timeout_total')?.message).to.match(
      /^50 attempts in a row failed and none succeeded; the last: timeout_total: /,
    )
  })
})

describe('the count of workers that outgrew their memory', () => {
  it('tells of too many within the period, by the seats there are', () => {
    const count = new SwollenCount(2)
    const max = 2 * LIMITS.restartIntensity
    for (let n = 0; n < max; n += 1) expect(count.note(n)).to.equal(null)
    expect(count.note(max)).to.equal(max + 1)
    expect(count.note(max + 1), 'it counts anew').to.equal(null)
    const slow = new SwollenCount(1)
    for (let n = 0; n < 20; n += 1) expect(slow.note(n * 15_000)).to.equal(null)
  })
})
