import { expect } from 'chai'
import { AssertionError, assert, assertNever } from '../../../src/core/assert.js'
import {
  ERROR_CODES,
  EXIT_CODES,
  FetchyardError,
  hasCode,
  messageOf,
} from '../../../src/core/errors.js'
import { OUTCOME_CODES, OUTCOMES } from '../../../src/core/outcome.js'

describe('errors', () => {
  it('have an exit code each, never that of success', () => {
    const known = new Set<number>(Object.values(EXIT_CODES))
    for (const code of ERROR_CODES) {
      const { exitCode } = new FetchyardError(code, 'words')
      expect(known.has(exitCode) && exitCode !== 0, code).to.equal(true)
    }
  })

  it('are compared by code, whatever class they are of', () => {
    expect(hasCode(new FetchyardError('FENCED', 'words'), 'FENCED')).to.equal(true)
    expect(hasCode(Object.assign(new Error('words'), { code: 'FENCED' }), 'FENCED')).to.equal(true)
    for (const other of [null, undefined, 'FENCED', { code: 'FENCED' }, new Error('FENCED')]) {
      expect(hasCode(other, 'FENCED')).to.equal(false)
    }
  })

  it('give words to anything that was thrown', () => {
    const thrown = [new Error('words'), 'words', null, 5]
    expect(thrown.map(messageOf)).to.deep.equal(['words', 'words', 'null', '5'])
  })
})

describe('assertions', () => {
  it('hold the program to its claim', () => {
    expect(() => assert(true, 'claim')).to.not.throw()
    expect(() => assert(false, 'claim')).to.throw(AssertionError, 'broken promise: claim')
    expect(() => assertNever('odd' as never)).to.throw(AssertionError, 'odd')
  })
})

describe('outcome codes', () => {
  it('have a rule and a meaning each, and no code is named twice', () => {
    expect(Object.keys(OUTCOMES)).to.have.members([...OUTCOME_CODES])
    expect(new Set(OUTCOME_CODES)).to.have.property('size', OUTCOME_CODES.length)
    for (const code of OUTCOME_CODES) expect(OUTCOMES[code].meaning, code).to.match(/^[A-Z].*\.$/)
  })
})
