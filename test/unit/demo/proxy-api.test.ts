import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { drawLatencyMs, resolveLatency } from '../../../supervisor/demo/proxy-api/latency.js'
import {
  type ProxyApi,
  type ProxyApiOptions,
  startProxyApi,
} from '../../../supervisor/demo/proxy-api/proxy-api.js'
import { Sessions } from '../../../supervisor/demo/proxy-api/sessions.js'
import { createFakeClock } from '../../support/fake-clock.js'
import { eventually } from '../../support/poll.js'

const QUICK: ProxyApiOptions = { timeScale: 0.001, latency: { spread: 0, tailPerMille: 0 } }
/** Its 70 s are 3.5 s: what is fetched behind it takes real time on a busy machine. */
const ROOMY: ProxyApiOptions = { ...QUICK, timeScale: 0.05 }

describe('the simulated proxy API', () => {
  let api: ProxyApi | null = null
  const opened = async (options: ProxyApiOptions = {}): Promise<ProxyApi> => {
    api = await startProxyApi({ ...QUICK, ...options })
    return api
  }
  afterEach(async () => {
    await api?.close()
    api = null
  })

  const urlOf = (of: ProxyApi, query: string, region = 0) =>
    `${of.endpoints[region]}?api_key=${of.key}&${query}`
  const page = (name: string) => `url=${encodeURIComponent(`https://${name}.example/`)}`

  it('answers in chunks without a length, names the cost, and bills it', async () => {
    const api = await opened()
    const answer = await fetch(urlOf(api, `render=true&${page('shop')}`))
    const text = await answer.text()

    expect(answer.status).to.equal(200)
    expect(answer.headers.get('content-length')).to.equal(null)
    expect(answer.headers.get('transfer-encoding')).to.equal('chunked')
    expect(answer.headers.get('sa-credit-cost')).to.equal('10')
    expect(answer.headers.get('sa-final-url')).to.equal('https://shop.example/')
    expect(text).to.contain('hello@shop.example').and.to.contain('crème brûlée')
    expect(api.counts()).to.include({ calls: 1, billed: 1, credits: 10, failed: 0, inFlight: 0 })
  })

  const PRICES = [
    ['https://shop.example/', '', 1],
    ['https://www.amazon.co.uk/dp/1', '', 5],
    ['https://www.google.com/search?q=a', '', 25],
    ['https://bing.com/', '', 25],
    ['https://www.linkedin.com/in/x', '', 30],
    ['https://shop.example/', 'render=true&', 10],
    ['https://shop.example/', 'premium=true&', 10],
    ['https://shop.example/', 'premium=true&render=true&', 25],
    ['https://shop.example/', 'ultra_premium=true&', 30],
    ['https://shop.example/', 'ultra_premium=true&render=true&', 75],
    ['https://amazon.example/', '', 1],
  ] as const
  for (const [url, query, credits] of PRICES) {
    it(`asks ${credits} for ${query}${url}, before the call and after it`, async () => {
      const api = await opened()
      const rest = `${query}url=${encodeURIComponent(url)}`
      const preview = await fetch(`${api.endpoints[0]}account/urlcost?api_key=${api.key}&${rest}`)
      await (await fetch(urlOf(api, rest))).text()

      expect(await preview.json()).to.deep.equal({ credits })
      expect(api.counts()).to.include({ calls: 1, credits })
    })
  }

  it('adds what the bypass of a bot wall costs, and tells nobody before', async () => {
    const api = await opened()
    const walled = `url=${encodeURIComponent('https://walled7-shop.example/')}`
    const preview = await fetch(`${api.endpoints[0]}account/urlcost?api_key=${api.key}&${walled}`)
    expect(await preview.json()).to.deep.equal({ credits: 1 })
    const answer = await fetch(urlOf(api, walled))
    await answer.text()
    expect(answer.headers.get('sa-credit-cost')).to.equal('11')
    expect(api.counts()).to.include({ calls: 1, credits: 11 })
    const refused = await fetch(urlOf(api, `max_cost=10&${walled}`))
    expect(refused.status).to.equal(403)
  })

  it('bills a 404 and no 500', async () => {
    const api = await opened()
    const missing = encodeURIComponent('https://shop.example/missing')
    const found = await fetch(urlOf(api, `url=${missing}`))
    await found.text()
    api.setFaults({ failPerMille: 1_000 })
    const failed = await fetch(urlOf(api, page('shop')))

    expect([found.status, failed.status]).to.deep.equal([404, 500])
    expect(await failed.text()).to.contain('You will not be charged')
    expect(failed.headers.get('sa-credit-cost')).to.equal(null)
    expect(api.counts()).to.include({ calls: 2, billed: 1, credits: 1, failed: 1 })
  })

  const REFUSALS = [
    ['a wrong key', 'key', 401, 'api_key=nobody&', /api key is valid/i],
    ['no url', 'request', 400, 'api_key=demo-key&', /valid url/],
    ['a price above max_cost', 'cost', 403, 'api_key=demo-key&max_cost=9&render=true&', /max_cost/],
    ['more credits than are left', 'credits', 403, 'api_key=demo-key&render=true&', /used up/],
  ] as const
  for (const [what, refusal, status, query, words] of REFUSALS) {
    it(`refuses ${what} with ${status}, and bills nothing`, async () => {
      const api = await opened({ requestLimit: 9 })
      const rest = refusal === 'request' ? 'url=nowhere' : page('shop')
      const answer = await fetch(`${api.endpoints[0]}?${query}${rest}`)

      expect(answer.status).to.equal(status)
      expect(await answer.text()).to.match(words)
      const { refused, ...counts } = api.counts()
      expect(refused[refusal]).to.equal(1)
      expect(counts).to.include({ calls: 1, ended: 0, billed: 0, credits: 0, inFlightMax: 0 })
    })
  }

  it('answers 429 beyond the limit, which can be lowered and raised while calls run', async () => {
    const api = await opened({ limit: 3, timeScale: 1, latency: { medianMs: 60_000, spread: 0 } })
    const start = () => fetch(urlOf(api, page('slow')))
    const running = [start(), start(), start()].map((call) => call.catch(() => null))
    await eventually({ words: 'three calls in flight' }, () => api.counts().inFlight === 3)

    expect((await start()).status).to.equal(429)
    api.setLimit(2)
    expect((await start()).status).to.equal(429)
    api.setLimit(4)
    running.push(start().catch(() => null))
    await eventually({ words: 'a fourth call' }, () => api.counts().inFlight === 4)

    const account = await fetch(`${api.endpoints[0]}account?api_key=${api.key}`)
    expect(await account.json()).to.include({ concurrencyLimit: 4, concurrentRequests: 4 })
    const counts = api.counts()
    expect(counts).to.include({ calls: 6, inFlightMax: 4, limit: 4 })
    expect(counts.refused.limit).to.equal(2)
    await api.close()
    await Promise.all(running)
    expect(api.counts()).to.include({ inFlight: 0, billed: 0, credits: 0 })
  })

  it('integrates busy and offered slots over time', async () => {
    const clock = createFakeClock()
    const api = await opened({ clock, limit: 2, timeScale: 1, latency: { medianMs: 5_000 } })
    const call = fetch(urlOf(api, page('shop')))
    await eventually({ words: 'a call in flight' }, () => api.counts().inFlight === 1)
    await clock.advance(1_000)
    api.setLimit(10)
    await clock.advance(1_000)

    expect(api.counts()).to.include({ busySlotMs: 2_000, offeredSlotMs: 12_000 })
    await clock.advance(70_000)
    await (await call).text()
  })

  it('refreshes the counts of its account every 15 s, and the calls in flight at once', async () => {
    const clock = createFakeClock()
    const api = await opened({ clock, timeScale: 1 })
    const read = async () => (await fetch(`${api.endpoints[0]}account?api_key=${api.key}`)).json()
    const call = fetch(urlOf(api, page('shop')))
    await eventually({ words: 'a call in flight' }, () => api.counts().inFlight === 1)
    expect(await read()).to.include({ concurrentRequests: 1, requestCount: 0 })
    await clock.advance(3_000)
    await (await call).text()
    expect(await read()).to.include({ concurrentRequests: 0, requestCount: 0 })
    await clock.advance(12_001)
    expect(await read()).to.include({ requestCount: 1, requestLimit: 1_000_000 })
  })

  it('goes on with a call whose caller hangs up, and bills it', async () => {
    const clock = createFakeClock()
    const api = await opened({ clock, timeScale: 1 })
    const abort = new AbortController()
    const call = fetch(urlOf(api, page('shop')), { signal: abort.signal }).catch(() => null)
    await eventually({ words: 'a call in flight' }, () => api.counts().inFlight === 1)
    abort.abort()
    await call
    await eventually({ words: 'the hang-up' }, () => api.records()[0]?.hasHungUp)

    expect(api.counts()).to.include({ inFlight: 1, billed: 0 })
    await clock.advance(3_000)
    await api.settled()
    expect(api.counts()).to.include({ billed: 1, credits: 1, hungUp: 1, hungUpBilled: 1 })
  })

  it('breaks off a body that it bills', async () => {
    const api = await opened({ faults: { cutPerMille: 1_000 } })
    const answer = await fetch(urlOf(api, page('shop')))
    const failure: unknown = await answer.text().catch((error: unknown) => error)

    expect(answer.status).to.equal(200)
    expect(failure).to.be.instanceOf(Error)
    expect(api.counts()).to.include({ billed: 1, credits: 1 })
  })

  it('shares the plan among its regions, each with outages of its own', async () => {
    const api = await opened({ regions: 3 })
    const [first = '', second = '', third = ''] = api.endpoints
    await api.setOutage(0, 'refuse')
    await api.setOutage(1, 'bad-gateway')
    const rest = `?api_key=${api.key}&${page('shop')}`

    expect(await fetch(first + rest).catch(() => 'refused')).to.equal('refused')
    expect((await fetch(second + rest)).status).to.equal(502)
    expect((await fetch(third + rest)).status).to.equal(200)
    expect(api.counts()).to.include({ calls: 1, billed: 1 })
    await api.setOutage(0, null)
    expect((await fetch(first + rest)).status).to.equal(200)
    expect(api.counts()).to.include({ calls: 2, billed: 2 })
    expect(api.endpoints[0]).to.equal(first)
  })

  it('tells its counts to anybody', async () => {
    const api = await opened()
    const told = await fetch(`${api.endpoints[0]}referee`)
    expect(await told.json()).to.include({ calls: 0, limit: 10, busySlotMs: 0 })
  })

  it('pins a session to an exit for 15 minutes after its last use', async () => {
    const clock = createFakeClock()
    const sessions = new Sessions(clock, 1)
    const exit = sessions.exitOf(7)
    await clock.advance(14 * 60_000)
    expect(sessions.exitOf(7)).to.equal(exit)
    expect(sessions.exitOf(8)).to.not.equal(exit)
    expect(sessions.exitOf(null)).to.not.equal(sessions.exitOf(null))
    await clock.advance(14 * 60_000)
    expect(sessions.exitOf(7)).to.equal(exit)
    await clock.advance(15 * 60_000)
    expect(sessions.exitOf(7)).to.not.equal(exit)
  })

  it('draws the same latencies for the same seed, with a tail up to 70 s', () => {
    const latency = resolveLatency({ tailPerMille: 20 })
    const draw = (seed: number) =>
      Array.from({ length: 5_000 }, (_, index) => drawLatencyMs(latency, seed, `call ${index}`))
    const drawn = draw(1).sort((a, b) => a - b)

    expect(draw(1)).to.deep.equal(draw(1)).and.to.not.deep.equal(draw(2))
    expect(drawn[2_500]).to.be.within(2_700, 3_300)
    expect(drawn.filter((ms) => ms >= 40_000).length).to.be.within(60, 150)
    expect(drawn.at(-1)).to.be.within(60_000, 70_000)
  })

  describe('with a site behind it', () => {
    let site: Server | null = null
    let origin = ''
    const asked: { readonly path: string; readonly agent: string }[] = []
    before(async () => {
      site = createServer((request, response) => {
        const path = request.url ?? ''
        asked.push({ path, agent: String(request.headers['user-agent']) })
        if (path === '/old') response.writeHead(302, { location: '/new' }).end()
        else if (path === '/sick') response.writeHead(503).end()
        else if (path === '/gone') response.writeHead(404).end('gone')
        else response.end(`page ${path}`)
      })
      const started = site
      await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
      const address = started.address()
      origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    })
    after(() => site?.close())

    const ask = (of: ProxyApi, path: string, query = '') =>
      fetch(urlOf(of, `${query}url=${encodeURIComponent(`${origin}${path}`)}`))

    it('fetches it, follows redirects, tries failures again, passes a 404 on', async () => {
      const api = await opened(ROOMY)
      asked.length = 0
      const moved = await ask(api, '/old')
      const sick = await ask(api, '/sick')
      const gone = await ask(api, '/gone')

      expect(await moved.text()).to.equal('page /new')
      expect(moved.headers.get('sa-final-url')).to.equal(`${origin}/new`)
      expect([sick.status, gone.status]).to.deep.equal([500, 404])
      expect(await gone.text()).to.equal('gone')
      const paths = asked.map(({ path }) => path)
      expect(paths).to.deep.equal(['/old', '/new', '/sick', '/sick', '/sick', '/gone'])
      expect(api.counts()).to.include({ calls: 3, billed: 2, failed: 1 })
    })

    it('hands headers on when it is asked to', async () => {
      const api = await opened(ROOMY)
      asked.length = 0
      await ask(api, '/a')
      await ask(api, '/b', 'keep_headers=true&')

      expect(asked[0]?.agent).to.contain('simulated exit')
      expect(asked[1]?.agent).to.not.contain('simulated exit')
    })
  })
})
