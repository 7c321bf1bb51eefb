import { expect } from 'chai'
import type { OutcomeCode } from '../../../src/core/outcome.js'
import type { Fetcher } from '../../../src/fetch/fetcher.js'
import { PAGE } from '../../support/hostile-behaviours.js'
import { type HostileServer, startHostileServer } from '../../support/hostile-server.js'
import { codeOf, makeFetcher } from './support.js'

describe('fetch/fetcher: redirects', () => {
  let server: HostileServer
  let fetcher: Fetcher

  before(async () => {
    server = await startHostileServer()
  })
  after(() => server.close())
  afterEach(() => fetcher.close())

  const fetchPath = (path: string) => fetcher.fetchPage(`${server.origin}${path}`)

  const to = (url: string, status = 302) => `/to?status=${status}&url=${encodeURIComponent(url)}`

  for (const status of [301, 302, 303, 307, 308]) {
    it(`follows ${status}`, async () => {
      fetcher = makeFetcher()
      expect((await fetchPath(to('/ok', status))).url).to.equal(`${server.origin}/ok`)
    })
  }

  it('follows as many as allowed', async () => {
    fetcher = makeFetcher()
    const page = await fetchPath('/chain/5')
    expect(page).to.include({ text: PAGE, url: `${server.origin}/ok` })
    expect(page.facts).to.include({ requests: 6, reused: false, httpStatus: 200 })
  })

  it('follows another host name, a fragment and a redirect with an endless body', async () => {
    fetcher = makeFetcher()
    const other = `http://shop.localhost:${server.port}/ok`
    expect((await fetchPath(to(`${other}#part`))).url).to.equal(other)
    expect((await fetchPath('/endless-redirect')).text).to.equal(PAGE)
  })

  it('reads a Location in UTF-8', async () => {
    fetcher = makeFetcher()
    const page = await fetchPath(to('/ok?q=grün'))
    expect(page.url).to.equal(`${server.origin}/ok?q=gr%C3%BCn`)
  })

  const refused: readonly (readonly [string, OutcomeCode])[] = [
    ['http://10.0.0.1/', 'ssrf'],
    ['http://169.254.169.254/latest/meta-data/', 'ssrf'],
    ['http://[::ffff:10.0.0.1]/', 'ssrf'],
    ['http://0x0a.1/', 'ssrf'],
    ['http://127.0.0.1:22/', 'ssrf'],
    ['ftp://127.0.0.1/', 'redirect'],
    ['file:///etc/passwd', 'redirect'],
    ['javascript:alert(1)', 'redirect'],
    ['http://user:secret@127.0.0.1/', 'redirect'],
    ['http://', 'redirect'],
  ]
  for (const [url, code] of refused) {
    it(`does not follow ${url}: ${code}`, async () => {
      fetcher = makeFetcher()
      const seen = server.requests.length
      expect(await codeOf(fetchPath(to(url)))).to.equal(code)
      expect(server.requests.length).to.equal(seen + 1)
    })
  }
})
