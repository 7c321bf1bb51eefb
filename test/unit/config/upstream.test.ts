import { expect } from 'chai'
import { describe, it } from 'mocha'
import { assemble } from '../../../config/load.js'
import type { Settings } from '../../../config/settings.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { upstreamOptionsOf } from '../../../supervisor/workflow-options.js'

const KEY = 'not-a-real-key-7f3a'

interface Given {
  readonly flags?: { readonly [flag: string]: unknown }
  readonly environment?: { readonly [name: string]: string }
  readonly file?: unknown
}

function load({ flags = {}, environment = {}, file }: Given): Settings {
  const content = file === undefined ? null : { path: '/etc/fetchyard.config.json', content: file }
  return assemble({ flags, environment, cwd: '/' }, content).settings
}

function refusal(given: Given): string {
  try {
    load(given)
  } catch (error) {
    if (error instanceof FetchyardError && error.code === 'CONFIG_INVALID') return error.message
    throw error
  }
  throw new Error('the options were accepted')
}

const PROXY = { upstream: 'proxy-api' }

describe('config: the upstream', () => {
  it('is direct unless it is asked for, whatever keys lie around', () => {
    const settings = load({ environment: { SCRAPER_API_KEY: KEY } })
    expect(upstreamOptionsOf(settings)).to.deep.equal({ kind: 'direct' })
  })

  it('says of a key that cannot be one what is wrong with it, once, and does not show it', () => {
    for (const key of ['abc', 'two words of a key', 'key\n']) {
      const words = refusal({ flags: PROXY, environment: { SCRAPER_API_KEY: key } })
      expect(words).to.match(/without spaces, got something else \(from SCRAPER_API_KEY\)\.$/)
      expect(words.match(/FETCHYARD_UPSTREAM_KEY/g)).to.have.length(1)
    }
  })

  for (const name of ['FETCHYARD_UPSTREAM_KEY', 'SCRAPER_API_KEY', 'SCRAPERAPI_KEY']) {
    it(`takes its key from ${name}`, () => {
      const settings = load({ flags: PROXY, environment: { [name]: KEY } })
      expect(upstreamOptionsOf(settings)).to.deep.equal({
        kind: 'proxy-api',
        key: KEY,
        endpoints: ['https://api.scraperapi.com/'],
        isRendered: false,
        country: null,
        premium: 'off',
        session: null,
        maxCost: null,
        keepsHeaders: false,
        tiers: [],
      })
    })
  }

  for (const name of ['FETCHYARD_PLACES_KEY', 'GOOGLE_PLACES_API_KEY', 'GOOGLE_MAPS_API_KEY']) {
    it(`takes the key of the places API from ${name}, and gives it to nobody else`, () => {
      const environment = { [name]: KEY, SCRAPER_API_KEY: 'the-other-key' }
      const settings = load({ flags: PROXY, environment })
      const places = upstreamOptionsOf({ ...settings, upstream: 'places-api' })
      expect(places).to.include({ kind: 'places-api', key: KEY, language: null, region: null })
      expect(JSON.stringify(upstreamOptionsOf(settings))).to.not.contain(KEY)
    })
  }

  it('reads what the places API is asked', () => {
    const flags = {
      'places-fields': 'id, displayName.text,websiteUri',
      'places-endpoint': 'http://127.0.0.1:8080/maps',
      'places-language': 'pt-BR',
      'places-region': 'br',
    }
    const settings = load({ flags })
    expect(upstreamOptionsOf({ ...settings, upstream: 'places-api' })).to.deep.equal({
      kind: 'places-api',
      key: null,
      endpoint: 'http://127.0.0.1:8080/maps',
      fields: ['id', 'displayName.text', 'websiteUri'],
      language: 'pt-BR',
      region: 'BR',
    })
  })

  const ODD_PLACES = [
    ['places-fields', 'id,display name'],
    ['places-fields', ''],
    ['places-endpoint', 'places.googleapis.com'],
    ['places-endpoint', 'https://user@places.example/'],
    ['places-language', 'german'],
    ['places-region', 'Germany'],
  ] as const
  for (const [flag, value] of ODD_PLACES) {
    it(`refuses ${JSON.stringify(value)} as ${flag}`, () => {
      expect(refusal({ flags: { [flag]: value } })).to.contain(flag)
    })
  }

  it('reads everything the API can be asked for', () => {
    const flags = {
      ...PROXY,
      'upstream-endpoints': ['https://eu.example/,https://us.example/v1', 'http://10.0.0.1:8080'],
      'allow-ranges': 'private',
      render: 'on',
      country: 'DE',
      premium: 'ultra',
      session: '7',
      'max-cost': '75',
      'keep-headers': 'true',
      tiers: 'direct,flat,premium',
    }
    const settings = load({ flags, environment: { SCRAPER_API_KEY: KEY } })
    expect(upstreamOptionsOf(settings)).to.deep.include({
      endpoints: ['https://eu.example/', 'https://us.example/v1', 'http://10.0.0.1:8080'],
      ...{ isRendered: true, country: 'de', premium: 'ultra', session: 7, maxCost: 75 },
      keepsHeaders: true,
      tiers: ['direct', 'flat', 'premium'],
    })
  })

  it('reads it from a file as well, for one workflow alone', () => {
    const file = {
      upstreamKey: KEY,
      workflows: { contacts: { upstream: 'proxy-api', render: true, maxCost: 10 } },
    }
    const content = { path: '/etc/fetchyard.config.json', content: file }
    const { settings, workflows } = assemble({ flags: {}, environment: {}, cwd: '/' }, content)
    const own = { ...settings, ...workflows.get('contacts') }
    expect(upstreamOptionsOf(settings)).to.deep.equal({ kind: 'direct' })
    expect(upstreamOptionsOf(own)).to.include({ kind: 'proxy-api', key: KEY, isRendered: true })
  })

  it('says what to set when the key is missing', () => {
    expect(refusal({ flags: PROXY })).to.equal(
      'Expected `FETCHYARD_UPSTREAM_KEY` to be the key of your account, since `upstream` is ' +
        'proxy-api (SCRAPER_API_KEY is read as well), got none (the default).',
    )
  })

  const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
    ['upstream', 'carrier', /one of direct, proxy-api, places-api, got "carrier"/],
    ['upstream-endpoints', ['nowhere'], /1 to 8 http or https URLs/],
    ['upstream-endpoints', ['https://me:word@eu.example/'], /without user, password and query/],
    ['upstream-endpoints', ['https://eu.example/?api_key=1'], /without user, password and query/],
    ['upstream-endpoints', Array(9).fill('https://eu.example/'), /1 to 8/],
    ['render', 'perhaps', /`render` to be on or off, got "perhaps"/],
    ['country', 'deu', /a country code of two letters/],
    ['premium', 'yes', /one of off, on, ultra/],
    ['tiers', 'flat,direct', /some of direct, flat, render, premium, ultra, in this order/],
    ['tiers', 'flat,flat', /in this order/],
    ['tiers', 'cheap', /in this order/],
    ['session', '-1', /a whole number from 0/],
    ['max-cost', '0', /a whole number from 1/],
  ]
  for (const [flag, value, words] of REFUSED) {
    it(`refuses --${flag} ${JSON.stringify(value).slice(0, 60)}`, () => {
      expect(refusal({ flags: { [flag]: value } })).to.match(words)
    })
  }

  for (const endpoint of ['http://127.0.0.1:1/', 'http://[::1]/', 'https://localhost/']) {
    it(`refuses the endpoint ${endpoint} until its range is allowed`, () => {
      const environment = { SCRAPER_API_KEY: KEY }
      const flags = { ...PROXY, 'upstream-endpoints': endpoint }
      expect(refusal({ flags, environment })).to.match(/within `allow-ranges` as .* is not, got/)
      const allowed = { ...flags, 'allow-ranges': 'loopback' }
      expect(load({ flags: allowed, environment }).upstreamEndpoints).to.deep.equal([endpoint])
    })
  }

  it('shows no key, good or bad', () => {
    for (const key of [`${KEY} `, KEY]) {
      const environment = { FETCHYARD_UPSTREAM_KEY: key, FETCHYARD_PREMIUM: 'x' }
      expect(refusal({ flags: PROXY, environment })).to.not.contain(KEY)
    }
  })
})
