import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { ProxyApiOptions } from '../../../../src/core/upstream-options.js'
import { callUrl } from '../../../../src/fetch/upstream/request.js'
import { PROXY_API } from './support.js'

const ENDPOINT = 'https://api.scraperapi.com/'
const KEY = 'api_key=se%26cret%2Fkey%201'
const SHOP = 'url=https%3A%2F%2Fshop.example%2F'

describe('fetch/upstream/request', () => {
  const rows: readonly (readonly [Partial<ProxyApiOptions>, string])[] = [
    [{}, `${KEY}&${SHOP}`],
    [{ isRendered: true }, `${KEY}&render=true&${SHOP}`],
    [{ country: 'de' }, `${KEY}&country_code=de&${SHOP}`],
    [{ premium: 'on' }, `${KEY}&premium=true&${SHOP}`],
    [{ premium: 'ultra' }, `${KEY}&ultra_premium=true&${SHOP}`],
    [{ session: 0 }, `${KEY}&session_number=0&${SHOP}`],
    [{ maxCost: 10 }, `${KEY}&max_cost=10&${SHOP}`],
    [{ keepsHeaders: true }, `${KEY}&keep_headers=true&${SHOP}`],
    [
      { isRendered: true, premium: 'on', country: 'us', session: 7, maxCost: 25 },
      `${KEY}&render=true&country_code=us&premium=true&session_number=7&max_cost=25&${SHOP}`,
    ],
  ]
  for (const [options, query] of rows) {
    it(`asks by ${JSON.stringify(options)}: ${query.slice(KEY.length + 1)}`, () => {
      const url = callUrl(ENDPOINT, { ...PROXY_API, ...options }, new URL('https://shop.example/'))
      expect(url.href).to.equal(`${ENDPOINT}?${query}`)
    })
  }

  it('keeps the path of an endpoint, and neither its query nor its fragment', () => {
    const url = callUrl(
      'http://10.0.0.1:8080/v1?a=b#c',
      PROXY_API,
      new URL('https://shop.example/'),
    )
    expect(url.href).to.equal(`http://10.0.0.1:8080/v1?${KEY}&${SHOP}`)
  })

  it('puts the target last, and lets no parameter of it become one of the API', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
        const target = new URL(`${text.replace(/#.*$/, '')}&api_key=theirs&render=true`)
        const url = callUrl(ENDPOINT, PROXY_API, target)
        expect([...url.searchParams.keys()]).to.deep.equal(['api_key', 'url'])
        expect(url.searchParams.get('api_key')).to.equal(PROXY_API.key)
        expect(url.searchParams.get('url')).to.equal(target.href)
      }),
    )
  })
})
