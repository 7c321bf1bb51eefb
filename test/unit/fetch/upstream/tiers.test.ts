import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Tier } from '../../../../src/core/upstream-options.js'
import type { Fetcher } from '../../../../src/fetch/fetcher.js'
import { type ProxyApi, startProxyApi } from '../../../../supervisor/demo/proxy-api/proxy-api.js'
import { codeOf, makeFetcher } from '../support.js'
import { PROXY_API } from './support.js'

describe('fetch by tiers', () => {
  let site: Server | null = null
  let port = 0
  let isClosedToUs = true
  let visits = 0
  let api: ProxyApi | null = null
  let fetcher: Fetcher | null = null

  before(async () => {
    site = createServer((request, response) => {
      visits += 1
      const isOurs = request.headers['user-agent'] === 'fetchyard-test'
      response.statusCode = isOurs && isClosedToUs ? 403 : 200
      response.end('a page')
    })
    const started = site
    await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
    const address = started.address()
    port = typeof address === 'object' ? (address?.port ?? 0) : 0
  })
  after(() => site?.close())
  beforeEach(() => {
    isClosedToUs = true
    visits = 0
  })
  afterEach(async () => {
    await fetcher?.close()
    await api?.close()
  })

  async function opened(...tiers: readonly Tier[]) {
    const latency = { spread: 0, tailPerMille: 0 }
    const started = await startProxyApi({ key: PROXY_API.key, timeScale: 0.001, latency })
    api = started
    const upstream = { ...PROXY_API, endpoints: started.endpoints, tiers }
    const created = makeFetcher({ upstream })
    fetcher = created
    const creditsOf = async (url: string) => (await created.fetchPage(url)).facts.credits ?? 0
    return { api: started, fetcher: created, creditsOf }
  }
  const closed = () => `http://127.0.0.1:${port}/`

  it('pays for a host that refuses us, from the next call on, and for no other', async () => {
    const { api, fetcher, creditsOf } = await opened('direct', 'flat')
    expect(await codeOf(fetcher.fetchPage(closed()))).to.equal('blocked')
    expect(await creditsOf(closed())).to.equal(1)
    expect(await creditsOf(closed())).to.equal(1)
    isClosedToUs = false
    expect(await creditsOf(`http://localhost:${port}/`)).to.equal(0)

    expect(visits).to.equal(4)
    expect(api.counts()).to.include({ calls: 2, credits: 2 })
  })

  it('tries the free way again after 50 pages, and keeps to it when it works', async () => {
    const { api, fetcher, creditsOf } = await opened('direct', 'flat')
    expect(await codeOf(fetcher.fetchPage(closed()))).to.equal('blocked')
    for (let page = 0; page < 50; page += 1) await creditsOf(closed())
    isClosedToUs = false
    expect([await creditsOf(closed()), await creditsOf(closed())]).to.deep.equal([0, 0])
    expect(api.counts()).to.include({ calls: 50 })
  })

  it('asks for more when the API cannot have the page for less', async () => {
    const { api, fetcher, creditsOf } = await opened('flat', 'render', 'premium', 'ultra')
    const shop = 'https://shop.example/'
    for (const credits of [1, 10, 25, 75]) {
      expect(await creditsOf(shop)).to.equal(credits)
      api.setFaults({ failPerMille: 1_000 })
      for (let call = 0; call < 2; call += 1) {
        expect(await codeOf(fetcher.fetchPage(shop))).to.equal('http_5xx')
      }
      api.setFaults({ failPerMille: 0 })
    }
    expect(await creditsOf('https://other.example/')).to.equal(1)
  })

  it('does not pay more because a gateway is sick, a plan is full or a key is refused', async () => {
    const { api, fetcher, creditsOf } = await opened('flat', 'render')
    const shop = 'https://shop.example/'
    await api.setOutage(0, 'bad-gateway')
    expect(await codeOf(fetcher.fetchPage(shop))).to.equal('http_5xx')
    expect(await codeOf(fetcher.fetchPage(shop))).to.equal('http_5xx')
    await api.setOutage(0, null)
    api.setLimit(0)
    for (let call = 0; call < 3; call += 1) {
      expect(await codeOf(fetcher.fetchPage(shop))).to.equal('rate_limited')
    }
    api.setLimit(10)
    expect(await creditsOf(shop)).to.equal(1)
  })

  it('hands what may not go to the API to no tier', async () => {
    const { fetcher } = await opened('direct', 'flat')
    expect(await codeOf(fetcher.fetchPage('http://db.internal/'))).to.equal('ssrf')
  })
})
