import { expect } from 'chai'
import type { OutcomeCode } from '../../../src/core/outcome.js'
import type { Fetcher } from '../../../src/fetch/fetcher.js'
import { PAGE } from '../../support/hostile-behaviours.js'
import { type HostileServer, startHostileServer } from '../../support/hostile-server.js'
import { codeOf, failureOf, makeFetcher } from './support.js'

describe('fetch/fetcher', () => {
  let server: HostileServer
  let fetcher: Fetcher

  before(async () => {
    server = await startHostileServer()
  })
  after(() => server.close())
  afterEach(() => fetcher.close())

  const fetchPath = (path: string) => fetcher.fetchPage(`${server.origin}${path}`)

  describe('what is read in spite of everything', () => {
    for (const path of [
      ...['/ok', '/ok-close', '/hints', '/http-1-0', '/some-headers', '/unknown-charset'],
      ...['/gzip', '/x-gzip', '/deflate', '/deflate-raw', '/br', '/twice'],
    ]) {
      it(`reads ${path}`, async () => {
        fetcher = makeFetcher()
        const page = await fetchPath(path)
        expect(page).to.include({ status: 200, text: PAGE, url: `${server.origin}${path}` })
        expect(page).to.include({ charset: 'utf-8' })
      })
    }

    for (const path of ['/empty', '/no-content']) {
      it(`reads ${path} as an empty page`, async () => {
        fetcher = makeFetcher()
        expect((await fetchPath(path)).text).to.equal('')
      })
    }

    it('decodes by the charset that the page declares', async () => {
      fetcher = makeFetcher()
      const page = await fetchPath('/meta-charset')
      expect(page).to.include({ charset: 'windows-1251', contentType: 'text/html' })
      expect(page.text).to.contain('Привет')
    })

    it('joins chunks', async () => {
      fetcher = makeFetcher()
      expect((await fetchPath('/chunked')).text).to.equal('onetwo')
    })
  })

  describe('how it fails', () => {
    const quick = { headersTimeoutMs: 150, bodyTimeoutMs: 150 }
    const failures: readonly (readonly [string, OutcomeCode])[] = [
      ['/hang', 'timeout_headers'],
      ['/slow-headers', 'timeout_headers'],
      ['/stalled-body', 'timeout_body'],
      ['/stalled-refusal', 'http_5xx'],
      ['/endless', 'too_large'],
      ['/endless-refusal', 'http_4xx'],
      ['/announced', 'too_large'],
      ['/many-headers', 'too_large'],
      ['/long-header', 'too_large'],
      ['/gzip-bomb', 'too_large'],
      ['/br-bomb', 'too_large'],
      ['/deflate-bomb', 'too_large'],
      ['/nested-bomb', 'too_large'],
      ['/endless-trailers', 'too_large'],
      ['/gzip-truncated', 'truncated'],
      ['/br-truncated', 'truncated'],
      ['/gzip-broken', 'decode'],
      ['/zstd', 'decode'],
      ['/short', 'truncated'],
      ['/chunked-cut', 'truncated'],
      ['/reset-body', 'truncated'],
      ['/reset', 'reset'],
      ['/closed', 'reset'],
      ['/half-headers', 'reset'],
      ['/ssh-banner', 'reset'],
      ['/loop', 'redirect'],
      ['/loop-of-two', 'redirect'],
      ['/chain/6', 'redirect'],
      ['/nowhere-redirect', 'redirect'],
      ['/status/304', 'redirect'],
      ['/status/404', 'http_4xx'],
      ['/status/403', 'blocked'],
      ['/status/500', 'http_5xx'],
      ['/status/429', 'rate_limited'],
    ]
    for (const [path, code] of failures) {
      it(`${path}: ${code}`, async () => {
        fetcher = makeFetcher(quick)
        expect(await codeOf(fetchPath(path))).to.equal(code)
      })
    }

    it('/slow-body: timeout_total, for it never stands still', async () => {
      fetcher = makeFetcher({ totalTimeoutMs: 300, bodyTimeoutMs: 200 })
      expect(await codeOf(fetchPath('/slow-body'))).to.equal('timeout_total')
    })

    it('carries status and Retry-After', async () => {
      fetcher = makeFetcher()
      expect(await failureOf(fetchPath('/status/503?retry-after=7'))).to.include({
        code: 'rate_limited',
        httpStatus: 503,
        retryAfterMs: 7_000,
      })
      expect(await failureOf(fetchPath('/status/429?retry-after=soon'))).to.include({
        code: 'rate_limited',
        httpStatus: 429,
        retryAfterMs: undefined,
      })
    })

    it('tells a refused connection', async () => {
      fetcher = makeFetcher()
      const gone = await startHostileServer()
      await gone.close()
      expect(await codeOf(fetcher.fetchPage(gone.origin))).to.equal('connect')
    })

    it('tells a server that does not speak TLS', async () => {
      fetcher = makeFetcher()
      expect(await codeOf(fetcher.fetchPage(`https://127.0.0.1:${server.port}/`))).to.equal('tls')
    })

    it('tells a name without an address', async () => {
      const error = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
      fetcher = makeFetcher({}, { resolve: () => Promise.reject(error) })
      expect(await codeOf(fetcher.fetchPage('http://nowhere.example/'))).to.equal('dns')
      fetcher = makeFetcher({}, { resolve: async () => [] })
      expect(await codeOf(fetcher.fetchPage('http://nowhere.example/'))).to.equal('dns')
    })

    it('tells a connection that does not come about in time', async () => {
      fetcher = makeFetcher({ connectTimeoutMs: 100 }, { resolve: () => new Promise(() => {}) })
      const fetch = fetcher.fetchPage('http://slow-resolver.example/')
      expect(await codeOf(fetch)).to.equal('timeout_connect')
    })

    for (const url of ['', 'no url', 'ftp://a.example/', 'http://u:p@a.example/', '//a.example']) {
      it(`refuses ${JSON.stringify(url)} as a URL`, async () => {
        fetcher = makeFetcher()
        expect(await codeOf(fetcher.fetchPage(url))).to.equal('url')
      })
    }
  })
})
