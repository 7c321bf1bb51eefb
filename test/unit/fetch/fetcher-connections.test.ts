import { expect } from 'chai'
import { createTally, toFacts } from '../../../src/fetch/facts.js'
import type { Fetcher } from '../../../src/fetch/fetcher.js'
import { PAGE } from '../../support/hostile-behaviours.js'
import { type HostileServer, startHostileServer } from '../../support/hostile-server.js'
import { codeOf, failureOf, makeFetcher } from './support.js'

describe('fetch/fetcher: connections', () => {
  let server: HostileServer
  let fetcher: Fetcher

  before(async () => {
    server = await startHostileServer()
  })
  after(() => server.close())
  afterEach(() => fetcher.close())

  const fetchPath = (path: string) => fetcher.fetchPage(`${server.origin}${path}`)

  describe('connections', () => {
    it('reuses them and says so', async () => {
      fetcher = makeFetcher()
      expect((await fetchPath('/ok')).facts.reused).to.equal(false)
      expect((await fetchPath('/gzip')).facts.reused).to.equal(true)
      expect((await fetchPath('/ok-close')).facts.reused).to.equal(true)
      expect((await fetchPath('/ok')).facts.reused).to.equal(false)
    })

    it('keeps them over a refusal with a short body', async () => {
      fetcher = makeFetcher()
      const tally = createTally()
      for (const path of ['/status/404', '/status/500', '/status/429']) {
        await failureOf(fetcher.fetchPage(`${server.origin}${path}`, { tally }))
      }
      expect(tally).to.deep.include({ requests: 3, reusedRequests: 2, httpStatus: 429 })
    })

    for (const path of ['/keep-alive-lie', '/keep-alive-reset']) {
      // The race that every client with keep-alive loses now and then.
      it(`repeats a request whose reused connection died before any answer (${path})`, async () => {
        fetcher = makeFetcher()
        await fetchPath(path)
        const page = await fetchPath(path)
        expect(page.text).to.equal(PAGE)
        expect(page.facts).to.include({ requests: 2, reused: false })
      })
    }

    it('does not repeat a request on a new connection', async () => {
      fetcher = makeFetcher()
      const seen = server.requests.length
      await failureOf(fetchPath('/closed'))
      expect(server.requests.length).to.equal(seen + 1)
    })

    it('tells the cost of a failure', async () => {
      fetcher = makeFetcher()
      const tally = createTally()
      await failureOf(fetcher.fetchPage(`${server.origin}/short`, { tally }))
      expect(toFacts(tally)).to.deep.equal({
        requests: 1,
        bytes: 4,
        reused: false,
        httpStatus: 200,
      })
      expect(toFacts(createTally())).to.deep.equal({})
    })

    it('keeps to the limits of sockets, per host and in all', async () => {
      fetcher = makeFetcher({ socketsMax: 3, socketsPerHostMax: 2 })
      const before = server.connections()
      let most = 0
      const hosts = ['a', 'b', 'c', 'd'].map((name) => `http://${name}.localhost:${server.port}/ok`)
      const urls = Array.from({ length: 40 }, (_, n) => hosts[n % 4] ?? '')
      await Promise.all(
        urls.map(async (url) => {
          await fetcher.fetchPage(url)
          most = Math.max(most, server.connections().open - before.open)
        }),
      )
      // The server may learn of an evicted socket's end a moment after its successor's begin.
      expect(most).to.be.within(1, 5)
    })
  })

  describe('abort', () => {
    it('ends a hanging request with the reason of the signal, and its connection', async () => {
      fetcher = makeFetcher()
      const controller = new AbortController()
      const reason = new Error('enough')
      const next = server.requests.length + 1
      const fetch = fetcher.fetchPage(`${server.origin}/hang`, { abortSignal: controller.signal })
      await server.requestArrived(next)
      controller.abort(reason)
      expect(await fetch.catch((error: unknown) => error)).to.equal(reason)
      expect((await fetchPath('/ok')).facts.reused).to.equal(false)
    })

    it('does not start at all with an aborted signal', async () => {
      fetcher = makeFetcher()
      const seen = server.requests.length
      const abortSignal = AbortSignal.abort(new Error('before'))
      const fetch = fetcher.fetchPage(`${server.origin}/ok`, { abortSignal })
      expect(await fetch.catch((error: Error) => error.message)).to.equal('before')
      expect(server.requests.length).to.equal(seen)
    })

    it('leaves the queue for a socket when it is aborted there', async () => {
      fetcher = makeFetcher({ socketsMax: 1 })
      const next = server.requests.length + 1
      const first = new AbortController()
      const hanging = fetcher.fetchPage(`${server.origin}/hang`, { abortSignal: first.signal })
      await server.requestArrived(next)
      const second = new AbortController()
      const waiting = fetcher.fetchPage(`${server.origin}/ok`, { abortSignal: second.signal })
      const third = fetcher.fetchPage(`${server.origin}/ok`)
      second.abort(new Error('second'))
      expect(await waiting.catch((error: Error) => error.message)).to.equal('second')
      first.abort(new Error('first'))
      expect(await hanging.catch((error: Error) => error.message)).to.equal('first')
      expect((await third).text).to.equal(PAGE)
    })

    it('fails what is under way when the fetcher is closed', async () => {
      fetcher = makeFetcher({ socketsMax: 1 })
      const next = server.requests.length + 1
      const fetches = [fetchPath('/hang'), fetchPath('/ok')]
      await server.requestArrived(next)
      const codes = Promise.all(fetches.map(codeOf))
      await fetcher.close()
      expect(await codes).to.deep.equal(['reset', 'reset'])
      expect(await codeOf(fetchPath('/ok'))).to.equal('reset')
    })
  })

  // Each reader is paused again and again; the pauses must not look like silence of the server.
  it('reads many large bodies through a narrow gate', async () => {
    fetcher = makeFetcher({ bodyTimeoutMs: 500 }, { bytesInFlightMax: 100_000 })
    const pages = await Promise.all(Array.from({ length: 30 }, () => fetchPath('/large')))
    expect(pages.every((page) => page.text.length === 400_000)).to.equal(true)
  })

  it('lets the others go on when a held-back reader is aborted', async () => {
    fetcher = makeFetcher({}, { bytesInFlightMax: 1 })
    const controllers = Array.from({ length: 6 }, () => new AbortController())
    const fetches = controllers.map(({ signal: abortSignal }) =>
      fetcher.fetchPage(`${server.origin}/large`, { abortSignal }).catch(() => null),
    )
    const next = server.requests.length + 6
    await server.requestArrived(next)
    for (const controller of controllers.slice(0, 3)) controller.abort()
    const pages = await Promise.all(fetches)
    // The first three may have been through before their abort; the others must be.
    const lengths = pages.slice(3).map((page) => page?.text.length)
    expect(lengths).to.deep.equal([400_000, 400_000, 400_000])
  })

  // The signal of an item outlives many fetches.
  it('leaves no listener on the abort signal', async () => {
    fetcher = makeFetcher()
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    const { signal: abortSignal } = new AbortController()
    for (let n = 0; n < 50; n += 1) {
      await fetcher.fetchPage(`${server.origin}/ok`, { abortSignal })
    }
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(warnings).to.deep.equal([])
  })
})
