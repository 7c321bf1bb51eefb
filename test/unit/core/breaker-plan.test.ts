import { expect } from 'chai'
import fc from 'fast-check'
import type { Breaker, BreakerEvent, BreakerState } from '../../../src/core/breaker-plan.js'
import {
  BREAKER_EVENTS,
  BREAKER_STATES,
  breakerEventOf,
  CLOSED,
  mayStart,
  nextBreaker,
  started,
} from '../../../src/core/breaker-plan.js'
import { LIMITS } from '../../../src/core/limits.js'
import { OUTCOME_CODES, OUTCOMES } from '../../../src/core/outcome.js'

const FAILURES_MAX = 3
const { min: COOL_MS, max: COOL_MAX_MS } = LIMITS.breakerCoolDownMs

/** What happens, and when it was looked. */
const played = (breaker: Breaker, events: readonly (readonly [BreakerEvent, number])[]) =>
  events.reduce<Breaker>((now, [event, nowMs]) => {
    return nextBreaker(now, { event, nowMs, failuresMax: FAILURES_MAX, code: 'connect' })
  }, breaker)

const failures = (count: number, atMs = 0) =>
  Array.from({ length: count }, () => ['failure', atMs] as const)

/** One breaker of each state, reached by what happens and not by hand. */
const REACHED = {
  closed: CLOSED,
  open: played(CLOSED, failures(FAILURES_MAX)),
  'half-open': played(CLOSED, [...failures(FAILURES_MAX), ['elapsed', COOL_MS]]),
}

/** What follows, by state and event. */
const NEXT: {
  readonly [state in BreakerState]: { readonly [event in BreakerEvent]: BreakerState }
} = {
  closed: { success: 'closed', failure: 'closed', elapsed: 'closed', forgot: 'closed' },
  open: { success: 'closed', failure: 'open', elapsed: 'half-open', forgot: 'open' },
  'half-open': { success: 'closed', failure: 'open', elapsed: 'half-open', forgot: 'half-open' },
}

describe('the breaker', () => {
  for (const state of BREAKER_STATES) {
    for (const event of BREAKER_EVENTS) {
      const next = NEXT[state][event]
      it(`${state} + ${event}: ${next}`, () => {
        expect(REACHED[state].state).to.equal(state)
        expect(played(REACHED[state], [[event, COOL_MS]]).state).to.equal(next)
      })
    }
  }

  it('opens at failures in a row, and at no fewer', () => {
    expect(played(CLOSED, failures(FAILURES_MAX - 1)).state).to.equal('closed')
    const broken = [...failures(2), ['success', 0] as const, ...failures(2)]
    expect(played(CLOSED, broken).state).to.equal('closed')
    expect(REACHED.open).to.include({ failures: FAILURES_MAX, code: 'connect' })
    expect(REACHED.open.openUntilMs).to.equal(COOL_MS)
  })

  it('cools down twice as long after each probe that fails, up to a bound', () => {
    let breaker: Breaker = REACHED.open
    const waits: number[] = []
    for (let turn = 0; turn < 6; turn += 1) {
      const nowMs = breaker.openUntilMs
      breaker = started(played(breaker, [['elapsed', nowMs]]), 'probe')
      breaker = played(breaker, [['failure', nowMs]])
      waits.push(breaker.openUntilMs - nowMs)
    }
    const expected = [2, 4, 8, 16, 32, 64].map((times) => Math.min(COOL_MAX_MS, times * COOL_MS))
    expect(waits).to.deep.equal(expected)
    expect(played(breaker, [['success', 0]])).to.equal(CLOSED)
  })

  it('lets one item through when it is half-open, and another when that told nothing', () => {
    const open = REACHED['half-open']
    expect([mayStart(CLOSED), mayStart(REACHED.open), mayStart(open)]).to.deep.equal([
      ...[true, false, true],
    ])
    const probed = started(open, 'a')
    expect(mayStart(probed)).to.equal(false)
    expect(started(probed, 'b').probe, 'there is one probe').to.equal('a')
    expect(mayStart(played(probed, [['forgot', COOL_MS]]))).to.equal(true)
    expect(started(CLOSED, 'a').probe).to.equal(null)
  })

  it('is always left by a success, and never open without an end', () => {
    const step = fc.tuple(fc.constantFrom(...BREAKER_EVENTS), fc.integer({ min: 0, max: 90_000 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let nowMs = 0
        let breaker = CLOSED
        for (const [event, passedMs] of steps) {
          nowMs += passedMs
          breaker = played(breaker, [[event, nowMs]])
          if (breaker.state !== 'open') continue
          expect(breaker.openUntilMs - nowMs).to.be.at.most(COOL_MAX_MS)
        }
        expect(played(breaker, [['success', nowMs]])).to.equal(CLOSED)
      }),
    )
  })

  it('blames the other side only for what an item could not have caused', () => {
    const blamed = OUTCOME_CODES.filter((code) => breakerEventOf(code) === 'failure')
    for (const code of blamed) {
      expect(OUTCOMES[code].rule, `${code} would be tried again`).to.be.oneOf(['retry', 'snooze'])
    }
    expect(blamed).to.include.members(['connect', 'timeout_headers', 'http_5xx', 'upstream_down'])
    // They are answers: the other side is there.
    for (const code of ['ok', 'http_4xx', 'blocked', 'rate_limited', 'parse'] as const) {
      expect(breakerEventOf(code), code).to.equal('success')
    }
    for (const code of ['handler', 'ssrf', 'cancelled', 'key_refused'] as const) {
      expect(breakerEventOf(code), code).to.equal(null)
    }
  })
})
