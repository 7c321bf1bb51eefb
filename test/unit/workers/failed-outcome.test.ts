import { expect } from 'chai'
import fc from 'fast-check'
import { LIMITS } from '../../../src/core/limits.js'
import { OUTCOME_CODES, OUTCOMES } from '../../../src/core/outcome.js'
import { FetchFailure } from '../../../src/fetch/failure.js'
import { failedOutcome } from '../../../workers/failed-outcome.js'

const facts = { durationMs: 3 }
const codeOf = (error: unknown) => failedOutcome(error, facts).code

describe('workers/failed-outcome', () => {
  const engineOnly = ['ok', 'sink', 'poison', 'worker_lost', 'node_lost', 'cancelled']
  for (const code of OUTCOME_CODES) {
    const expected = engineOnly.includes(code) ? 'handler' : code
    it(`${code} of a handler (${OUTCOMES[code].rule}): ${expected}`, () => {
      expect(codeOf(new FetchFailure(code, 'x'))).to.equal(expected)
      expect(codeOf(Object.assign(new Error('x'), { code }))).to.equal(expected)
      expect(codeOf({ code })).to.equal(expected)
    })
  }

  for (const code of ['ECONNRESET', 'toString', '', 7, null]) {
    it(`a code that is no outcome code, ${JSON.stringify(code)}: handler`, () => {
      expect(codeOf(Object.assign(new Error('x'), { code }))).to.equal('handler')
    })
  }

  it('reads a code only from the error itself', () => {
    expect(codeOf(Object.create({ code: 'dns' }))).to.equal('handler')
  })

  it('bears errors that throw when they are read', () => {
    const trap = new Proxy({}, { get: () => assertFails(), getOwnPropertyDescriptor: assertFails })
    expect(failedOutcome(trap, facts)).to.include({ code: 'handler' })
    expect(failedOutcome(Object.create(null), facts)).to.include({ code: 'handler' })
  })

  it('keeps a wait and a status only when they are numbers', () => {
    const wrong = Object.assign(new Error('x'), { code: 'dns', retryAfterMs: '5', httpStatus: NaN })
    expect(failedOutcome(wrong, facts)).to.deep.equal({
      result: 'failed',
      code: 'dns',
      message: 'x',
      facts,
    })
  })

  it('prefers the status that was seen on the wire', () => {
    const failure = new FetchFailure('http_4xx', 'x', { httpStatus: 404 })
    expect(failedOutcome(failure, facts).facts.httpStatus).to.equal(404)
    expect(failedOutcome(failure, { ...facts, httpStatus: 410 }).facts.httpStatus).to.equal(410)
  })

  it('has a clean message within the bound, for anything thrown', () => {
    fc.assert(
      fc.property(fc.anything({ withObjectString: true }), (thrown) => {
        const { message } = failedOutcome(thrown, facts)
        expect(message.length).to.be.at.most(LIMITS.errorTextMax)
        expect(message).to.not.include('\0')
      }),
    )
    expect(failedOutcome(new Error('long'.repeat(1_000)), facts).message).to.have.length(
      LIMITS.errorTextMax,
    )
  })
})

function assertFails(): never {
  throw new Error('read')
}
