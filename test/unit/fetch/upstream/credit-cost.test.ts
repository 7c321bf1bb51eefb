import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { PremiumLevel } from '../../../../src/core/upstream-options.js'
import { creditsOfAnswer, estimateCost } from '../../../../src/fetch/upstream/credit-cost.js'

type Row = readonly [url: string, premium: PremiumLevel, isRendered: boolean, credits: number]

const ROWS: readonly Row[] = [
  ['https://shop.example/', 'off', false, 1],
  ['https://shop.example/', 'off', true, 10],
  ['https://shop.example/', 'on', false, 10],
  ['https://shop.example/', 'on', true, 25],
  ['https://shop.example/', 'ultra', false, 30],
  ['https://shop.example/', 'ultra', true, 75],
  ['https://www.amazon.com/dp/1', 'off', false, 5],
  ['https://amazon.co.uk/', 'off', false, 5],
  ['https://www.amazon.de/', 'off', true, 10],
  ['https://maps.google.com/', 'off', false, 25],
  ['https://www.google.co.jp/', 'off', false, 25],
  ['https://www.bing.com/', 'off', false, 25],
  ['https://de.linkedin.com/in/x', 'off', false, 30],
  ['https://de.linkedin.com/in/x', 'ultra', true, 75],
  ['https://amazon.example.com/', 'off', false, 1],
  ['https://notgoogle.com/', 'off', false, 1],
  ['https://google.blogspot.com/', 'off', false, 1],
  ['http://192.0.2.1/', 'off', false, 1],
]

describe('fetch/upstream/credit-cost', () => {
  for (const [url, premium, isRendered, credits] of ROWS) {
    it(`${url}, premium ${premium}${isRendered ? ', rendered' : ''}: ${credits}`, () => {
      expect(estimateCost(new URL(url), { premium, isRendered })).to.equal(credits)
    })
  }

  const ANSWERS = [
    [200, undefined, 10],
    [404, undefined, 10],
    [500, undefined, 0],
    [429, undefined, 0],
    [200, '25', 25],
    [200, ' 0 ', 0],
    [500, '1', 1],
    [200, 'many', 10],
    [200, '-3', 10],
    [200, '1.5', 10],
    [200, '', 10],
  ] as const
  for (const [status, costHeader, credits] of ANSWERS) {
    it(`${status} with sa-credit-cost ${JSON.stringify(costHeader)}: ${credits}`, () => {
      const target = new URL('https://shop.example/')
      const priced = { premium: 'off', isRendered: true } as const
      expect(creditsOfAnswer({ status, costHeader }, target, priced)).to.equal(credits)
    })
  }
})
