import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { OutcomeCode } from '../../../../src/core/outcome.js'
import { OUTCOMES } from '../../../../src/core/outcome.js'
import { isGatewayFailure, outcomeOfAnswer } from '../../../../src/fetch/upstream/answer.js'
import { isBilled } from '../../../../src/fetch/upstream/credit-cost.js'

type Row = readonly [status: number, words: string, code: OutcomeCode, billed: boolean]

const TOO_COSTLY = 'This request would cost more than your max_cost. Cost: 25, max_cost: 10'
const EXHAUSTED = 'You have used up all your API credits. Upgrade your plan.'
const UNAUTHORIZED = 'Unauthorized request, please make sure your API key is valid.'

const ROWS: readonly Row[] = [
  [200, '', 'ok', true],
  [201, '', 'ok', true],
  [302, '', 'redirect', false],
  [400, 'Bad request', 'http_4xx', false],
  [401, UNAUTHORIZED, 'key_refused', false],
  [401, '', 'key_refused', false],
  [402, '', 'budget', false],
  [403, TOO_COSTLY, 'too_costly', false],
  [403, EXHAUSTED, 'budget', false],
  [403, UNAUTHORIZED, 'key_refused', false],
  [403, '', 'budget', false],
  [403, '<html>Forbidden</html>', 'budget', false],
  [404, '', 'http_4xx', true],
  [407, '', 'key_refused', false],
  [408, '', 'timeout_headers', false],
  [410, '', 'http_4xx', false],
  [429, 'You are sending requests too fast', 'rate_limited', false],
  [451, '', 'http_4xx', false],
  [500, 'Request failed.', 'http_5xx', false],
  [502, '', 'http_5xx', false],
  [503, '', 'http_5xx', false],
  [504, '', 'http_5xx', false],
  [999, '', 'http_4xx', false],
]

describe('fetch/upstream/answer', () => {
  for (const [status, words, code, billed] of ROWS) {
    it(`${status} "${words.slice(0, 40)}": ${code}, ${billed ? 'billed' : 'free'}`, () => {
      expect(outcomeOfAnswer(status, words)).to.equal(code)
      expect(isBilled(status)).to.equal(billed)
    })
  }

  it('pauses the workflow for what every further call would meet, and for nothing else', () => {
    const pausing = ROWS.map(([, , code]) => code).filter((code) => OUTCOMES[code].pauses)
    expect(new Set(pausing)).to.deep.equal(new Set(['key_refused', 'budget']))
  })

  it("tells a gateway's failure from the API's own", () => {
    const sick = [500, 501, 502, 503, 504, 520, 524, 429, 404, 200].filter(isGatewayFailure)
    expect(sick).to.deep.equal([502, 503, 504, 520, 524])
  })
})
