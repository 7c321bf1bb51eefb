import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import {
  type ProxyApi,
  type ProxyApiOptions,
  startProxyApi,
} from '../../../supervisor/demo/proxy-api/proxy-api.js'
import { parseAccount } from '../../../supervisor/upstream/account.js'
import {
  ACCOUNT_READ_MS,
  type AccountReader,
  createAccountReader,
  FULL_ACCOUNT_READ_MS,
} from '../../../supervisor/upstream/account-reader.js'
import { createAccounts } from '../../../supervisor/upstream/accounts.js'
import { CLUSTER_SETTINGS } from '../../support/cluster-settings.js'
import { createFakeClock } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { eventually } from '../../support/poll.js'
import { FETCH_OPTIONS } from '../fetch/support.js'
import { PROXY_API } from '../fetch/upstream/support.js'

const FULL = {
  concurrencyLimit: 50,
  concurrentRequests: 7,
  requestLimit: 1_000,
  requestCount: 400,
  failedRequestCount: 3,
}
const NONE = { limit: null, inUse: null, credits: null, creditsLeft: null }

describe('supervisor/upstream/account', () => {
  const rows: readonly (readonly [string, unknown, object | null])[] = [
    ['all figures', FULL, { limit: 50, inUse: 7, credits: 1_000, creditsLeft: 600 }],
    ['figures sent as text', { concurrencyLimit: '50' }, { ...NONE, limit: 50 }],
    ['more used than there were', { ...FULL, requestCount: 1_001 }, { creditsLeft: 0 }],
    ['a limit of nothing as unknown', { ...FULL, concurrencyLimit: 0 }, { limit: null, inUse: 7 }],
    ['nonsense as unknown', { ...FULL, concurrencyLimit: -1, requestLimit: 1.5 }, { limit: null }],
    ['words', { error: 'no' }, null],
    ['a list', [1], null],
    ['nothing', null, null],
  ]
  for (const [what, answer, figures] of rows) {
    it(`reads ${what}`, () => {
      const read = parseAccount(JSON.stringify(answer))
      if (figures === null) expect(read).to.equal(null)
      else expect(read).to.include(figures)
    })
  }

  it('reads no page', () => expect(parseAccount('<html>')).to.equal(null))
})

describe('supervisor/upstream/account-reader', () => {
  let api: ProxyApi | null = null
  let reader: AccountReader | null = null

  async function setUp(options: ProxyApiOptions = {}, key = PROXY_API.key) {
    const started = await startProxyApi({ key: PROXY_API.key, ...options })
    api = started
    const clock = createFakeClock()
    const events = recordEvents()
    const upstream = { ...PROXY_API, key, endpoints: started.endpoints }
    // Ports are for pages: the endpoint has none of these.
    const fetch = { ...FETCH_OPTIONS, ports: [[1, 1] as const] }
    const created = createAccountReader({ upstream, fetch, clock, events })
    reader = created
    return { api: started, clock, events, reader: created }
  }
  afterEach(async () => {
    await reader?.stop()
    await api?.close()
    reader = null
    api = null
  })

  it('reads again when it is told of a refusal, once for all of a second', async () => {
    const { api, clock, events, reader } = await setUp({ limit: 50 })
    const readings = () => events.of('upstream.account').length
    reader.start()
    await eventually({ words: 'the first reading' }, () => readings() === 1)
    await clock.advance(1_000)
    api.setLimit(10)
    for (let n = 0; n < 5; n += 1) reader.refresh()
    await eventually({ words: 'the plan of now' }, () => reader.plan().limit === 10)
    await clock.advance(999)
    reader.refresh()
    expect(readings()).to.equal(2)
    await clock.advance(1)
    reader.refresh()
    await eventually({ words: 'a third reading' }, () => readings() === 3)
  })

  it('reads more often while the plan is used up but for a slot that is being refilled', async () => {
    const { api, clock, events, reader } = await setUp({ limit: 10, latency: { medianMs: 60_000 } })
    const call = () =>
      fetch(
        `${api.endpoints[0]}?api_key=${encodeURIComponent(PROXY_API.key)}&url=http://a.example/`,
      )
    const calls = Array.from({ length: 9 }, () => call().catch(() => null))
    await eventually({ words: 'nine calls' }, () => api.counts().inFlight === 9)
    reader.start()
    const readings = () => events.of('upstream.account')
    await eventually({ words: 'the first reading' }, () => readings().length === 1)
    expect(readings()[0]).to.include({ inUse: 9, limit: 10 })
    await clock.advance(FULL_ACCOUNT_READ_MS)
    await eventually({ words: 'the second reading' }, () => readings().length === 2)
    await api.close()
    await Promise.all(calls)
  })

  it('is worth waiting for until it has answered, and for no longer than one question', async () => {
    const { api, clock, reader } = await setUp({ regions: 2, limit: 7 })
    expect(reader.plan()).to.deep.equal({ limit: null, inUse: null, isAwaited: true })
    await api.setOutage(0, 'hang')
    await api.setOutage(1, 'hang')
    reader.start()
    await clock.advance(9_999)
    expect(reader.plan().isAwaited).to.equal(true)
    await clock.advance(1)
    expect(reader.plan().isAwaited).to.equal(false)
  })

  it('knows the plan from the start on, and sees each change within 15 s', async () => {
    const { api, clock, events, reader } = await setUp({ limit: 10, requestLimit: 500 })
    expect([reader.plan().limit, reader.account()]).to.deep.equal([null, null])
    reader.start()
    await eventually({ words: 'the first reading' }, () => reader.plan().limit)
    expect(reader.plan()).to.deep.equal({ limit: 10, inUse: 0, isAwaited: false })
    expect(reader.account()).to.deep.equal({
      ...{ limit: 10, inUse: 0, credits: 500, creditsLeft: 500, ageMs: 0 },
    })
    api.setLimit(50)
    await clock.advance(ACCOUNT_READ_MS - 1)
    expect(reader.account()).to.include({ limit: 10, ageMs: ACCOUNT_READ_MS - 1 })
    await clock.advance(1)
    await eventually({ words: 'the second reading' }, () => reader.plan().limit === 50)

    const told = events.of('upstream.account').map(({ limitBefore, limit }) => [limitBefore, limit])
    expect(told).to.deep.equal([
      [null, 10],
      [10, 50],
    ])
  })

  it('keeps old figures with their age while nobody answers, and says why, without the key', async () => {
    const { api, clock, events, reader } = await setUp()
    reader.start()
    await eventually({ words: 'the first reading' }, () => reader.plan().limit)
    await api.setOutage(0, 'refuse')
    await clock.advance(ACCOUNT_READ_MS)
    const failed = () => events.of('upstream.account_failed')
    await eventually({ words: 'a reading that fails' }, () => failed().length === 1)

    expect(reader.account()).to.include({ limit: 10, ageMs: ACCOUNT_READ_MS })
    expect(failed()[0]).to.include({ ageMs: ACCOUNT_READ_MS })
    expect(failed()[0]?.message).to.match(/ECONNREFUSED|closed/)
    expect(JSON.stringify(failed())).to.not.contain(encodeURIComponent(PROXY_API.key))
  })

  it('asks the next region when the first does not answer', async () => {
    const { api, reader } = await setUp({ regions: 2, limit: 33 })
    await api.setOutage(0, 'bad-gateway')
    reader.start()
    await eventually({ words: 'a reading' }, () => reader.plan().limit === 33)
  })

  it('gives a region up that says nothing', async () => {
    const { api, clock, reader } = await setUp({ regions: 2, limit: 33 })
    await api.setOutage(0, 'hang')
    reader.start()
    await eventually({ words: 'a question to the first' }, () => api.connections()[0] === 1)
    await eventually({ words: 'its timeout' }, () => clock.waiting().some((ms) => ms > 5_000))
    await clock.advance(10_000)
    await eventually({ words: 'a reading' }, () => reader.plan().limit === 33)
  })

  it('says that a key is refused, and goes on asking', async () => {
    const { clock, events, reader } = await setUp({}, 'somebody-else')
    const failed = () => events.of('upstream.account_failed')
    reader.start()
    await eventually({ words: 'a refusal' }, () => failed().length === 1)
    await clock.advance(ACCOUNT_READ_MS)
    await eventually({ words: 'another' }, () => failed().length === 2)

    expect(failed()[0]).to.deep.include({ message: 'HTTP 401', ageMs: null })
    expect(reader.plan().limit).to.equal(null)
  })

  it('shows no key that a redirect repeats', async () => {
    const server = createServer((request, response) => {
      response.writeHead(302, { location: request.url ?? '/' }).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const events = recordEvents()
    const upstream = { ...PROXY_API, endpoints: [`http://127.0.0.1:${port}/`] }
    const parts = { clock: createFakeClock(), events, fetch: FETCH_OPTIONS }
    reader = createAccountReader({ upstream, ...parts })
    reader.start()
    const failed = () => events.of('upstream.account_failed')
    await eventually({ words: 'a failure' }, () => failed().length === 1)
    server.close()

    expect(failed()[0]?.message).to.contain('redirects')
    const said = JSON.stringify(failed())
    expect(said).to.not.contain(PROXY_API.key).and.to.not.contain('se%26cret')
  })

  it('reads once for all workflows of a node that share an account', async () => {
    const started = await startProxyApi({ key: 'shared-key', limit: 20 })
    api = started
    const events = recordEvents()
    const own = { upstream: 'proxy-api', upstreamKey: 'shared-key' } as const
    const settings = { ...CLUSTER_SETTINGS, ...own, upstreamEndpoints: started.endpoints }
    const users = [
      { workflow: 'one', settings },
      { workflow: 'two', settings: { ...settings, render: true } },
      { workflow: 'plain', settings: CLUSTER_SETTINGS },
    ]
    const accounts = createAccounts(users, { clock: createFakeClock(), events })
    accounts.start()
    await eventually({ words: 'a reading' }, () => accounts.planOf('one').limit)
    await accounts.stop()

    expect(['one', 'two', 'plain'].map((name) => accounts.planOf(name).limit)).to.deep.equal([
      20,
      20,
      null,
    ])
    expect(events.of('upstream.account')).to.have.length(1)
  })
})
