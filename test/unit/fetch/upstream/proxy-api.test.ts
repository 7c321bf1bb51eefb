import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { LIMITS } from '../../../../src/core/limits.js'
import type { ProxyApiOptions } from '../../../../src/core/upstream-options.js'
import type { FetchOptions } from '../../../../src/core/worker-options.js'
import { createTally } from '../../../../src/fetch/facts.js'
import type { Fetcher } from '../../../../src/fetch/fetcher.js'
import type { EndpointChange } from '../../../../src/fetch/upstream/endpoints.js'
import {
  type ProxyApi,
  type ProxyApiOptions as SimulatorOptions,
  startProxyApi,
} from '../../../../supervisor/demo/proxy-api/proxy-api.js'
import { createFakeClock } from '../../../support/fake-clock.js'
import { eventually } from '../../../support/poll.js'
import { failureOf, makeFetcher } from '../support.js'
import { PROXY_API } from './support.js'

const QUICK: SimulatorOptions = {
  key: PROXY_API.key,
  timeScale: 0.001,
  latency: { spread: 0, tailPerMille: 0 },
}

describe('fetch through a proxy API', () => {
  let api: ProxyApi | null = null
  let fetcher: Fetcher | null = null
  let changes: EndpointChange[] = []

  async function opened(
    simulator: SimulatorOptions = {},
    options: Partial<ProxyApiOptions> = {},
    fetch: Partial<FetchOptions> = {},
  ) {
    const started = await startProxyApi({ ...QUICK, ...simulator })
    api = started
    changes = []
    const upstream = { ...PROXY_API, endpoints: started.endpoints, ...options }
    fetcher = makeFetcher({ upstream, ...fetch }, { onEndpoint: (change) => changes.push(change) })
    return { api: started, fetcher }
  }
  afterEach(async () => {
    await fetcher?.close()
    await api?.close()
    api = null
    fetcher = null
  })

  it('returns the page under its own URL, and says what it cost', async () => {
    const { api, fetcher } = await opened({}, { isRendered: true })
    const page = await fetcher.fetchPage('https://shop.example/contact#team')

    expect(page).to.include({
      url: 'https://shop.example/contact',
      status: 200,
      contentType: 'text/html',
      charset: 'utf-8',
    })
    expect(page.text).to.contain('hello@shop.example').and.to.contain('crème brûlée')
    expect(page.facts).to.include({ requests: 1, credits: 10, httpStatus: 200 })
    expect(api.counts()).to.include({ calls: 1, billed: 1, credits: 10 })
    expect(api.records()[0]?.target).to.equal('https://shop.example/contact')
  })

  it('asks the table when the API does not name the cost', async () => {
    const { api, fetcher } = await opened({ namesCost: false }, { premium: 'ultra' })
    const { facts } = await fetcher.fetchPage('https://shop.example/')
    expect(facts.credits).to.equal(30).and.to.equal(api.counts().credits)
  })

  it('pins all calls of a session to one exit', async () => {
    const { fetcher } = await opened({}, { session: 42 })
    const first = await fetcher.fetchPage('https://a.example/')
    const second = await fetcher.fetchPage('https://b.example/')
    expect(first.headers['x-simulated-exit']).to.equal(second.headers['x-simulated-exit'])
  })

  const FAILURES = [
    ['a page that is not there', {}, {}, 'http_4xx', { credits: 1, httpStatus: 404 }],
    ['a wrong key', { key: 'another' }, {}, 'key_refused', { credits: 0, httpStatus: 401 }],
    ['a call above max_cost', {}, { maxCost: 5, isRendered: true }, 'too_costly', { credits: 0 }],
    ['credits that are used up', { requestLimit: 0 }, {}, 'budget', { credits: 0 }],
    ['a plan without room', { limit: 0 }, {}, 'rate_limited', { credits: 0, httpStatus: 429 }],
    ['a call that failed', { faults: { failPerMille: 1_000 } }, {}, 'http_5xx', { credits: 0 }],
    ['a body that breaks off', { faults: { cutPerMille: 1_000 } }, {}, 'truncated', { credits: 1 }],
  ] as const
  for (const [what, simulator, options, code, facts] of FAILURES) {
    it(`calls ${what} ${code}, with ${facts.credits} credits as the API has it`, async () => {
      const { api, fetcher } = await opened(simulator, options)
      const tally = createTally()
      const path = code === 'http_4xx' ? 'missing' : ''
      const failure = await failureOf(fetcher.fetchPage(`https://shop.example/${path}`, { tally }))

      expect(failure.code).to.equal(code)
      expect(tally).to.include(facts)
      expect(tally).to.include({ requests: 1, credits: api.counts().credits })
    })
  }

  it('hands no private target to the API', async () => {
    const { api, fetcher } = await opened()
    for (const url of ['http://169.254.169.254/', 'http://0xa000001/', 'http://db.internal/']) {
      expect(await failureOf(fetcher.fetchPage(url))).to.include({ code: 'ssrf' })
    }
    expect(api.counts()).to.include({ calls: 0 })
  })

  it('connects to no private endpoint unless its range is allowed', async () => {
    const { api, fetcher } = await opened({}, {}, { allowedRanges: [] })
    const failure = await failureOf(fetcher.fetchPage('https://shop.example/'))

    expect(failure.code).to.equal('upstream_down')
    expect(failure.message).to.match(/127\.0\.0\.1 may not be fetched \(loopback\)/)
    expect(api.connections()).to.deep.equal([0])
  })

  // The bound of 20 sockets to a host would hold back the one host that there is.
  it('uses all its sockets for the one host', async () => {
    const { api, fetcher } = await opened(
      { limit: 100, timeScale: 0.1 },
      {},
      { socketsMax: 30, socketsPerHostMax: 2 },
    )
    const urls = Array.from({ length: 60 }, (_, index) => `https://s${index}.example/`)
    const pages = await Promise.all(urls.map((url) => fetcher.fetchPage(url)))

    expect(pages.map(({ url }) => url)).to.deep.equal(urls)
    expect(api.counts()).to.include({ calls: 60, inFlightMax: 30 })
    expect(api.connections()).to.deep.equal([30])
  })

  it('goes to the next region when the first refuses, and back when it answers again', async () => {
    const { api, fetcher } = await opened({ regions: 2 })
    await api.setOutage(0, 'refuse')
    for (let page = 0; page < 5; page += 1) await fetcher.fetchPage(`https://s${page}.example/`)

    expect(changes.map(({ state, endpoint }) => [state, endpoint])).to.deep.equal([
      ['down', api.endpoints[0]?.replace(/\/$/, '')],
    ])
    expect(api.records().every(({ region }) => region === 1)).to.equal(true)
    expect(api.counts()).to.include({ calls: 5, billed: 5 })
  })

  it('leaves a region whose gateway fails, after some calls that failed there', async () => {
    const { api, fetcher } = await opened({ regions: 2 })
    await api.setOutage(0, 'bad-gateway')
    const codes: string[] = []
    for (let page = 0; page < LIMITS.endpointFailuresMax; page += 1) {
      codes.push((await failureOf(fetcher.fetchPage(`https://s${page}.example/`))).code)
    }
    await fetcher.fetchPage('https://after.example/')

    expect(new Set(codes)).to.deep.equal(new Set(['http_5xx']))
    expect(changes).to.have.length(1)
    expect(changes[0]).to.include({ state: 'down', reason: 'HTTP 502' })
    expect(api.records().map(({ region }) => region)).to.deep.equal([1])
  })

  it('waits in the slot for a region to come back, then goes on there', async () => {
    const clock = createFakeClock()
    api = await startProxyApi(QUICK)
    const upstream = { ...PROXY_API, endpoints: api.endpoints }
    changes = []
    const onEndpoint = (change: EndpointChange) => changes.push(change)
    fetcher = makeFetcher({ upstream }, { clock, onEndpoint })
    await api.setOutage(0, 'refuse')
    for (let page = 0; page < LIMITS.endpointFailuresMax; page += 1) {
      const failure = await failureOf(fetcher.fetchPage('https://shop.example/'))
      expect(failure.code).to.equal('upstream_down')
    }
    let isOver = false
    const waiting = fetcher.fetchPage('https://shop.example/').finally(() => {
      isOver = true
    })
    await clock.advance(LIMITS.endpointCoolDownMs.min - 1)
    expect(isOver).to.equal(false)
    await api.setOutage(0, null)
    await clock.advance(1)

    expect((await waiting).status).to.equal(200)
    expect(changes.map(({ state }) => state)).to.deep.equal(['down', 'up'])
    expect(api.counts()).to.include({ calls: 1, billed: 1 })
  })

  it('snoozes a page when no region comes back in time', async () => {
    const clock = createFakeClock()
    api = await startProxyApi(QUICK)
    fetcher = makeFetcher({ upstream: { ...PROXY_API, endpoints: api.endpoints } }, { clock })
    await api.setOutage(0, 'refuse')
    for (let page = 0; page < LIMITS.endpointFailuresMax; page += 1) {
      await failureOf(fetcher.fetchPage('https://shop.example/'))
    }
    // The probe fails as well; the next cool-down is longer than a fetch waits.
    const probe = failureOf(fetcher.fetchPage('https://shop.example/'))
    await clock.advance(LIMITS.endpointCoolDownMs.min)
    expect((await probe).code).to.equal('upstream_down')
    const patient = failureOf(fetcher.fetchPage('https://shop.example/'))
    await clock.advance(LIMITS.endpointWaitMs)
    const failure = await patient

    expect(failure).to.include({ code: 'upstream_down', retryAfterMs: 5_000 })
    expect(api.counts()).to.include({ calls: 0 })
  })

  it('ends a call of an aborted page; the API goes on with it', async () => {
    const { api, fetcher } = await opened({ timeScale: 1, latency: { medianMs: 60_000 } })
    const abort = new AbortController()
    const reason = new Error('no longer wanted')
    const page = fetcher.fetchPage('https://shop.example/', { abortSignal: abort.signal })
    await eventually({ words: 'a call in flight' }, () => api.counts().inFlight === 1)
    abort.abort(reason)

    expect(await page.catch((error: unknown) => error)).to.equal(reason)
    expect(api.counts()).to.include({ inFlight: 1 })
    expect(changes).to.deep.equal([])
  })

  it('says nothing that holds the key, in any spelling, whatever happens', async () => {
    const told: unknown[] = []
    for (const [, simulator, options] of FAILURES) {
      const { api, fetcher } = await opened({ regions: 2, ...simulator }, options)
      const page = (path: string) =>
        fetcher.fetchPage(`https://shop.example/${path}`).catch((error: unknown) => error)
      told.push(await page('missing'), await page(''))
      await api.setOutage(0, 'refuse')
      await api.setOutage(1, 'bad-gateway')
      for (let call = 0; call < 3; call += 1) told.push(await page('x'))
      told.push(...changes)
      await fetcher.close()
      await api.close()
    }
    const text = told.map((one) => (one instanceof Error ? deepText(one) : JSON.stringify(one)))
    for (const spelling of [PROXY_API.key, encodeURIComponent(PROXY_API.key)]) {
      expect(text.join('\n')).to.not.contain(spelling)
    }
  })
})

describe('fetch through an API that repeats what it was asked', () => {
  let server: Server | null = null
  afterEach(() => server?.close())

  for (const status of [200, 403, 500]) {
    it(`takes the key out of the headers and words of a ${status}`, async () => {
      server = createServer((request, response) => {
        const asked = request.url ?? ''
        const itself = `http://${request.headers.host}${asked}`
        const head = { 'x-asked': asked, 'content-type': 'text/plain', 'sa-final-url': itself }
        response.writeHead(status, head).end(`${asked} ${PROXY_API.key}`)
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : 0
      const upstream = { ...PROXY_API, endpoints: [`http://127.0.0.1:${port}/`] }
      const fetcher = makeFetcher({ upstream })
      const page = await fetcher.fetchPage('https://shop.example/').catch((error: unknown) => error)
      await fetcher.close()

      const said =
        page instanceof Error ? page.message : JSON.stringify({ ...Object(page), text: '' })
      expect(said).to.contain('api_key=[key]')
      expect(said).to.not.contain(PROXY_API.key)
      expect(said).to.not.contain(encodeURIComponent(PROXY_API.key))
    })
  }
})

/** Everything an error says, its cause included. */
function deepText(error: Error): string {
  const cause = error.cause instanceof Error ? deepText(error.cause) : String(error.cause)
  return [error.stack, JSON.stringify({ ...error }), cause].join('\n')
}
