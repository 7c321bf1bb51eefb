// Places through the API, over real sockets, against the simulator that keeps count.

import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { OUTCOMES } from '../../../../src/core/outcome.js'
import type { PlacesApiOptions } from '../../../../src/core/upstream-options.js'
import { createTally } from '../../../../src/fetch/facts.js'
import type { Fetcher } from '../../../../src/fetch/fetcher.js'
import { refusalOf } from '../../../../src/fetch/upstream/places-answer.js'
import { placeUrl } from '../../../../src/fetch/upstream/places-api.js'
import {
  type PlacesApi,
  type PlacesApiOptions as SimulatorOptions,
  startPlacesApi,
} from '../../../../supervisor/demo/places-api/places-api.js'
import { codeOf, failureOf, makeFetcher } from '../support.js'

const KEY = 'AIza-k3y+of/a=project'
const PLACE = 'ChIJplace_0001'

describe('fetch through a places API', () => {
  let api: PlacesApi | null = null
  let fetcher: Fetcher | null = null

  async function opened(simulator: SimulatorOptions = {}, options: Partial<PlacesApiOptions> = {}) {
    const started = await startPlacesApi({ key: KEY, latencyMs: 0, ...simulator })
    api = started
    fetcher = makeFetcher({
      upstream: {
        kind: 'places-api',
        key: KEY,
        endpoint: started.endpoint,
        fields: ['id', 'displayName', 'websiteUri'],
        language: null,
        region: null,
        ...options,
      },
    })
    return { api: started, fetcher }
  }
  afterEach(async () => {
    await fetcher?.close()
    await api?.close()
    api = null
    fetcher = null
  })

  it('asks for the fields that are wanted, and for no other', async () => {
    const { api, fetcher } = await opened({}, { language: 'de', region: 'DE' })
    const tally = createTally()
    const page = await fetcher.fetchPage(placeUrl(PLACE), { tally })

    expect(Object.keys(JSON.parse(page.text))).to.deep.equal(['id', 'displayName', 'websiteUri'])
    expect(page).to.include({ url: placeUrl(PLACE), contentType: 'application/json' })
    expect(api.asked()).to.deep.equal(['id,displayName,websiteUri de DE'])
    expect(tally).to.include({ requests: 1, credits: 1 })
    expect(api.counts()).to.deep.equal({ calls: 1, told: 1, refused: {} })
  })

  const REFUSALS = [
    ['a key that is not valid', { key: 'another-key' }, {}, 'key_refused', /API_KEY_INVALID/],
    ['an API that is switched off', { outage: 'disabled' }, {}, 'key_refused', /SERVICE_DISABLED/],
    ['a key that may not ask', { outage: 'blocked' }, {}, 'key_refused', /PERMISSION_DENIED/],
    ['a field that nobody knows', {}, { fields: ['id', 'colour'] }, 'request_refused', /colour/],
    ['no field', {}, { fields: [] }, 'request_refused', /FieldMask/],
    ['the quota of the minute', { perMinute: 0 }, {}, 'rate_limited', /RESOURCE_EXHAUSTED/],
    ['the quota of the day', { perDay: 0 }, {}, 'budget', /per day/],
    ['a place that is gone', { websiteOf: () => undefined }, {}, 'http_4xx', /NOT_FOUND/],
    ['a failure of its own', { failPerMille: 1_000 }, {}, 'http_5xx', /INTERNAL|UNAVAILABLE/],
  ] as const
  for (const [what, simulator, options, code, words] of REFUSALS) {
    it(`ends by ${code} for ${what}, and pays nothing`, async () => {
      const { api, fetcher } = await opened(simulator, options)
      const tally = createTally()
      const failure = await failureOf(fetcher.fetchPage(placeUrl(PLACE), { tally }))

      expect(failure.code).to.equal(code)
      expect(failure.message).to.match(words)
      expect(tally).to.include({ requests: 1, credits: 0 })
      expect(api.counts()).to.include({ calls: 1, told: 0 })
    })
  }

  it('ends by http_4xx for what is no identifier of a place', async () => {
    const { fetcher } = await opened()
    const failure = await failureOf(fetcher.fetchPage(placeUrl('short')))
    expect(failure).to.include({ code: 'http_4xx', httpStatus: 400 })
    expect(failure.message).to.contain('Not a valid Place ID')
  })

  it('pauses the workflow when every further place would end the same way', () => {
    for (const code of ['key_refused', 'request_refused', 'budget'] as const) {
      expect(OUTCOMES[code], code).to.include({ rule: 'snooze', pauses: true })
    }
  })

  it('asks nobody without a key', async () => {
    const { api, fetcher } = await opened({}, { key: null })
    const failure = await failureOf(fetcher.fetchPage(placeUrl(PLACE)))
    expect(failure.code).to.equal('key_refused')
    expect(failure.message).to.contain('FETCHYARD_PLACES_KEY')
    expect(api.counts().calls).to.equal(0)
  })

  it('asks for places alone, so that the key goes nowhere else', async () => {
    const { api, fetcher } = await opened()
    expect(await codeOf(fetcher.fetchPage('https://example.com/v1/places/x'))).to.equal('url')
    expect(api.counts().calls).to.equal(0)
  })
})

describe('fetch/upstream/places-answer', () => {
  const body = (error: object) => JSON.stringify({ error })

  it('waits as long as the details say', () => {
    const details = [
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.074824224s' },
    ]
    const refusal = refusalOf(429, body({ status: 'RESOURCE_EXHAUSTED', message: 'x', details }))
    expect(refusal).to.include({ code: 'rate_limited', retryAfterMs: 34_075 })
  })

  it('tells the day from the minute by a QuotaFailure as well', () => {
    const details = [
      {
        '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
        violations: [{ subject: 'GetPlaceRequestPerDay', description: 'x' }],
      },
    ]
    expect(refusalOf(429, body({ status: 'RESOURCE_EXHAUSTED', details })).code).to.equal('budget')
  })

  const ODD = [
    [429, 'slow down', 'rate_limited'],
    [403, '<html>Forbidden</html>', 'key_refused'],
    [401, '', 'key_refused'],
    [400, '', 'http_4xx'],
    [404, '[]', 'http_4xx'],
    [500, '{"error":5}', 'http_5xx'],
    [503, '{"error":{"details":"none","status":7}}', 'http_5xx'],
    [302, '', 'redirect'],
  ] as const
  for (const [status, text, code] of ODD) {
    it(`makes ${code} of HTTP ${status} with ${JSON.stringify(text)}`, () => {
      expect(refusalOf(status, text).code).to.equal(code)
    })
  }
})
