import { expect } from 'chai'
import { type Clock, systemClock } from '../../../../src/core/clock.js'
import { createTally, toFacts } from '../../../../src/fetch/facts.js'
import type { Fetcher } from '../../../../src/fetch/fetcher.js'
import { moved, type Site, startSite, status, text } from '../../../support/site.js'
import { codeOf, failureOf, makeFetcher } from '../support.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const FORBIDS = 'User-agent: *\nDisallow: /secret'

describe('fetch/robots: the gate', () => {
  let site: Site
  let other: Site
  let fetcher: Fetcher
  let shiftMs = 0
  /** Real timers, and a reading that tests push forward. */
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + shiftMs }

  beforeEach(async () => {
    site = await startSite('127.0.0.1')
    other = await startSite('127.0.0.2')
    fetcher = makeFetcher({ robots: 'obey' }, { clock })
    shiftMs = 0
  })
  afterEach(async () => {
    await fetcher.close()
    await Promise.all([site.close(), other.close()])
  })

  const get = (path: string) => fetcher.fetchPage(`${site.origin}${path}`)
  const robots = (answer: Parameters<Site['serve']>[1]) => site.serve('/robots.txt', answer)
  const timesRead = () => site.timesAsked('/robots.txt')

  it('fetches what is allowed, and never asks for what is not', async () => {
    robots(text(FORBIDS))
    expect((await get('/open')).text).to.equal('page /open')
    expect((await failureOf(get('/secret/x'))).code).to.equal('robots')
    expect(site.asked).to.deep.equal(['/robots.txt', '/open'])
  })

  it('streams what is allowed, and never asks for what is not', async () => {
    robots(text(FORBIDS))
    const stream = (path: string) => fetcher.streamPage(`${site.origin}${path}`, () => true)
    expect(await stream('/open')).to.include({ status: 200, isWhole: true })
    expect(await codeOf(stream('/secret/x'))).to.equal('robots')
    expect(site.asked).to.deep.equal(['/robots.txt', '/open'])
  })

  it('asks nobody when it is told to ignore robots.txt', async () => {
    await fetcher.close()
    fetcher = makeFetcher({ robots: 'ignore' })
    robots(text(FORBIDS))
    await get('/secret/x')
    expect(site.asked).to.deep.equal(['/secret/x'])
  })

  it('finds the group of our own product', async () => {
    await fetcher.close()
    const userAgent = 'Mozilla/5.0 (compatible; FooBot/2.0)'
    fetcher = makeFetcher({ robots: 'obey', userAgent })
    robots(text('User-agent: foobot\nDisallow: /mine\nUser-agent: *\nDisallow: /'))
    expect((await get('/open')).status).to.equal(200)
    expect(await codeOf(get('/mine'))).to.equal('robots')
  })

  it('goes by another name when it is given one', async () => {
    await fetcher.close()
    fetcher = makeFetcher({ robots: 'obey', robotsName: 'OurShop', userAgent: 'FooBot/2.0' })
    robots(text('User-agent: ourshop\nDisallow: /shop\nUser-agent: foobot\nDisallow: /foo'))
    expect((await get('/foo')).status).to.equal(200)
    expect(await codeOf(get('/shop'))).to.equal('robots')
  })

  it('asks once for all who wait, and not again while the file holds', async () => {
    site.setLatency(30)
    robots(text(FORBIDS))
    await Promise.all(['/a', '/b', '/c', '/d'].map(get))
    shiftMs = 5 * HOUR_MS
    await get('/e')
    expect(timesRead()).to.equal(1)
    shiftMs = 7 * HOUR_MS
    await get('/f')
    expect(timesRead()).to.equal(2)
  })

  const LIFETIMES: readonly (readonly [header: string, holdsMs: number])[] = [
    ['max-age=0', 5 * MINUTE_MS],
    ['no-store', 5 * MINUTE_MS],
    ['public, max-age=3600', HOUR_MS],
    ['max-age=31536000', 24 * HOUR_MS],
  ]
  for (const [header, holdsMs] of LIFETIMES) {
    it(`lets a file with "${header}" hold for ${holdsMs / MINUTE_MS} minutes`, async () => {
      robots(text(FORBIDS, { 'cache-control': header }))
      await get('/a')
      shiftMs = holdsMs - 10_000
      await get('/b')
      expect(timesRead()).to.equal(1)
      shiftMs = holdsMs + 10_000
      await get('/c')
      expect(timesRead()).to.equal(2)
    })
  }

  for (const code of [400, 401, 403, 404, 410]) {
    it(`takes ${code} as a site without wishes`, async () => {
      robots(status(code))
      expect((await get('/secret')).status).to.equal(200)
      expect((await get('/x')).status).to.equal(200)
      expect(timesRead()).to.equal(1)
    })
  }

  for (const code of [429, 500, 503]) {
    it(`fetches nothing after ${code}, and asks again after a minute`, async () => {
      robots(status(code))
      const failure = await failureOf(get('/x'))
      expect(failure.code).to.equal(code === 429 ? 'rate_limited' : 'http_5xx')
      expect(failure.retryAfterMs).to.be.within(50_000, 60_000)
      expect(await codeOf(get('/y'))).to.equal(failure.code)
      expect(site.asked).to.deep.equal(['/robots.txt'])
      robots(status(404))
      shiftMs = MINUTE_MS + 1_000
      await get('/x')
      expect(timesRead()).to.equal(2)
    })
  }

  it('waits as long as the server asks', async () => {
    robots(status(503, { 'retry-after': '600' }))
    const failure = await failureOf(get('/x'))
    expect(failure.code).to.equal('rate_limited')
    expect(failure.retryAfterMs).to.be.within(590_000, 600_000)
  })

  it('goes by the file it had while the site cannot give a newer one', async () => {
    robots(text(FORBIDS))
    await get('/a')
    robots(status(500))
    shiftMs = 7 * HOUR_MS
    expect((await get('/b')).status).to.equal(200)
    expect(await codeOf(get('/secret'))).to.equal('robots')
    expect(timesRead()).to.equal(2)
  })

  it('takes a file that could not be had for thirty days as absent', async () => {
    robots(status(500))
    expect(await codeOf(get('/x'))).to.equal('http_5xx')
    shiftMs = 31 * 24 * HOUR_MS
    expect((await get('/x')).status).to.equal(200)
  })

  it('ends an item of a host that is away by the reason', async () => {
    await site.close()
    const failure = await failureOf(get('/x'))
    expect(failure.code).to.equal('connect')
    expect(failure.message).to.match(/^robots.txt cannot be had: /)
  })

  it('refuses a private address as itself, not as a robots.txt that is away', async () => {
    expect(await codeOf(fetcher.fetchPage('http://10.0.0.1/x'))).to.equal('ssrf')
  })

  it('follows redirects to the file, also to another host', async () => {
    robots(moved('/r1'))
    for (const n of [1, 2, 3]) site.serve(`/r${n}`, moved(`/r${n + 1}`))
    site.serve('/r4', moved(`${other.origin}/the-robots`))
    other.serve('/the-robots', text(FORBIDS))
    expect(await codeOf(get('/secret'))).to.equal('robots')
  })

  it('takes a file that six redirects hide, or a private address, as absent', async () => {
    robots(moved('/r1'))
    for (const n of [1, 2, 3, 4, 5]) site.serve(`/r${n}`, moved(`/r${n + 1}`))
    site.serve('/r6', text(FORBIDS))
    expect((await get('/secret')).status).to.equal(200)
    other.serve('/robots.txt', moved('http://10.0.0.1/robots.txt'))
    expect((await fetcher.fetchPage(`${other.origin}/secret`)).status).to.equal(200)
  })

  it('asks the host to which a page redirects', async () => {
    site.serve('/go', moved(`${other.origin}/secret`))
    other.serve('/robots.txt', text(FORBIDS))
    expect(await codeOf(get('/go'))).to.equal('robots')
    expect(other.asked).to.deep.equal(['/robots.txt'])
  })

  it('reads the first 500 KiB of a file, to the end of a whole line', async () => {
    const head = 'User-agent: *\nDisallow: /first\n#'
    // The cut falls behind the slash, where half a line would forbid everything.
    const filler = 'x'.repeat(500 * 1_024 - head.length - '\nDisallow: /'.length)
    robots(text(`${head}${filler}\nDisallow: /cut-here\nDisallow: /last`))
    expect(await codeOf(get('/first'))).to.equal('robots')
    expect((await get('/open')).status).to.equal(200)
    expect((await get('/last')).status).to.equal(200)
  })

  it('leaves the shared fetch alone when one who waits gives up', async () => {
    site.setLatency(50)
    const controller = new AbortController()
    const gone = new Error('gone')
    const tired = fetcher.fetchPage(`${site.origin}/a`, { abortSignal: controller.signal })
    const patient = get('/b')
    controller.abort(gone)
    expect(await tired.catch((error: unknown) => error)).to.equal(gone)
    expect((await patient).status).to.equal(200)
    expect(timesRead()).to.equal(1)
  })

  it('tells the delay that a site asks for, and keeps its own request out of the account', async () => {
    robots(text('User-agent: *\nCrawl-delay: 2\nDisallow: /secret'))
    const tally = createTally()
    await fetcher.fetchPage(`${site.origin}/a`, { tally })
    expect(toFacts(tally)).to.include({ requests: 1, crawlDelayMs: 2_000, httpStatus: 200 })
  })
})
