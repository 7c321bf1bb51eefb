import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { ChainOptions } from '../../../src/core/chain-options.js'
import { LIMITS } from '../../../src/core/limits.js'
import type { OutcomeCode, ResultRow, ResultRows } from '../../../src/core/outcome.js'
import { FetchFailure } from '../../../src/fetch/failure.js'
import type { HandlerContext } from '../../../src/workflow/define.js'
import sitemap from '../../../src/workflows/sitemap.js'
import sitemapFile, { type SitemapFilePayload } from '../../../src/workflows/sitemap-file.js'
import { CHAIN, handlerContext } from '../../support/chain.js'

type Answer = string | Buffer | OutcomeCode | { readonly url: string; readonly body: string }
type Web = { readonly [url: string]: Answer }

/** Fetches of a web of these answers; what it does not have is not there. */
function webContext(web: Web, chain: Partial<ChainOptions> = {}) {
  const asked: string[] = []
  const answer = (url: string) => {
    asked.push(url)
    const found = web[url] ?? 'http_4xx'
    if (typeof found === 'string' && /^[a-z_0-9]+$/.test(found) && found.length < 20) {
      throw new FetchFailure(found as OutcomeCode, `no ${url}`, { httpStatus: 404 })
    }
    const moved = typeof found === 'object' && 'url' in found ? found : { url, body: found }
    const page = { url: moved.url, status: 200, headers: {}, contentType: 'text/plain' }
    return { page, body: Buffer.from(moved.body) }
  }
  const context: HandlerContext = handlerContext({
    leaseId: '77',
    chain: { ...CHAIN, ...chain },
    fetchPage: async (url) => {
      const { page, body } = answer(url)
      return { ...page, text: body.toString(), charset: 'utf-8' }
    },
    streamPage: async (url, take) => {
      const { page, body } = answer(url)
      let isWhole = true
      for (let at = 0; at < body.length && isWhole; at += 1_000) {
        isWhole = await take(body.subarray(at, at + 1_000), {
          contentType: '',
          charset: null,
          headers: {},
        })
      }
      return { ...page, isWhole }
    },
  })
  return { context, asked }
}

const urlsOf = (rows: readonly ResultRow[] = []) => rows.map(({ url }) => url)

async function codeOf(work: Promise<unknown> | unknown): Promise<unknown> {
  const error = await Promise.resolve(work).then(
    () => null,
    (one: unknown) => one,
  )
  return error instanceof FetchFailure ? error.code : error
}

describe('workflows/sitemap', () => {
  const work = async (web: Web, chain: Partial<ChainOptions> = {}) => {
    const { context, asked } = webContext(web, chain)
    const item = { key: '1', payload: { domain: 'example.com' } }
    const rows: ResultRows = await sitemap.work(item, context)
    return { rows, asked }
  }

  it('takes the sitemaps that robots.txt names, and the home page', async () => {
    const robots = 'Sitemap: /a.xml\nSitemap: https://cdn.example.net/b.xml\nSitemap: /a.xml'
    const { rows } = await work({ 'https://example.com/robots.txt': robots })
    expect(rows.pages).to.deep.equal([
      {
        url: 'https://example.com/',
        domain: 'example.com',
        page_curation_status: 'Selected',
        page_processing_status: 'Queued',
      },
    ])
    const [first] = rows.sitemaps ?? []
    expect(urlsOf(rows.sitemaps)).to.deep.equal([
      'https://example.com/a.xml',
      'https://cdn.example.net/b.xml',
    ])
    expect(first).to.include({
      run: '77',
      found_in: 'robots',
      skip: 0,
      depth: 0,
      files_left: 249,
      file_status: 'Queued',
    })
  })

  for (const answer of ['http_4xx', 'blocked', 'no sitemap here'] as const) {
    it(`guesses when robots.txt answers ${answer}`, async () => {
      const { rows } = await work({ 'https://example.com/robots.txt': answer })
      expect(urlsOf(rows.sitemaps)).to.deep.equal([
        'https://example.com/sitemap.xml',
        'https://example.com/sitemap_index.xml',
      ])
      expect(rows.sitemaps?.[0]).to.include({ found_in: 'guess' })
    })
  }

  it('asks the next host of a domain that cannot be reached, and then believes it', async () => {
    const { rows, asked } = await work({
      'https://example.com/robots.txt': 'dns',
      'https://www.example.com/robots.txt': 'tls',
      'http://example.com/robots.txt': { url: 'http://www.example.com/robots.txt', body: 'x' },
    })
    expect(asked).to.have.lengthOf(3)
    expect(urlsOf(rows.pages)).to.deep.equal(['http://www.example.com/'])
  })

  it('does not follow a site to another domain', async () => {
    const { rows } = await work({
      'https://example.com/robots.txt': {
        url: 'https://parking.net/robots.txt',
        body: 'Sitemap: https://parking.net/all.xml',
      },
    })
    expect(urlsOf(rows.pages)).to.deep.equal(['https://example.com/'])
    expect(urlsOf(rows.sitemaps)).to.not.include('https://parking.net/all.xml')
  })

  for (const code of ['http_5xx', 'rate_limited', 'timeout_headers'] as const) {
    it(`tries again later when robots.txt ends by ${code}`, async () => {
      const { context } = webContext({ 'https://example.com/robots.txt': code })
      const item = { key: '1', payload: { domain: 'example.com' } }
      expect(await codeOf(sitemap.work(item, context))).to.equal(code)
    })
  }

  it('fails by the first reason when no host can be reached', async () => {
    const { context, asked } = webContext({
      'https://example.com/robots.txt': 'connect',
      'https://www.example.com/robots.txt': 'dns',
      'http://example.com/robots.txt': 'connect',
      'http://www.example.com/robots.txt': 'dns',
    })
    const item = { key: '1', payload: { domain: 'example.com' } }
    expect(await codeOf(sitemap.work(item, context))).to.equal('connect')
    expect(asked).to.have.lengthOf(4)
  })

  it('waits for nobody with files, and with pages when it is told to', async () => {
    const { rows } = await work({}, { selectsResults: false })
    expect(rows.pages?.[0]).to.include({
      page_curation_status: 'New',
      page_processing_status: null,
    })
    expect(rows.sitemaps?.[0]).to.include({ file_status: 'Queued' })
  })
})

const FILE = 'https://example.com/sitemap.xml'
const PAYLOAD: SitemapFilePayload = {
  run: 7,
  domain: 'example.com',
  url: FILE,
  skip: 0,
  found_in: 'robots',
  depth: 0,
  files_left: 100,
}

const locs = (urls: readonly string[], tag: string) =>
  urls.map((url) => `<${tag}><loc>${url}</loc></${tag}>`).join('')
const urlset = (urls: readonly string[]) => `<urlset>${locs(urls, 'url')}</urlset>`
const index = (urls: readonly string[]) => `<sitemapindex>${locs(urls, 'sitemap')}</sitemapindex>`
const numbered = (count: number, ending = '') =>
  Array.from({ length: count }, (_, n) => `https://example.com/${n}${ending}`)

describe('workflows/sitemap-file', () => {
  const work = async (
    answer: Answer,
    payload: Partial<SitemapFilePayload> = {},
    chain: Partial<ChainOptions> = {},
  ) => {
    const { context } = webContext({ [FILE]: answer }, chain)
    const rows: ResultRows = await sitemapFile.work(
      { key: '1', payload: { ...PAYLOAD, ...payload } },
      context,
    )
    return { pages: rows.pages, sitemaps: rows.sitemaps, read: rows.reads?.[0] }
  }

  it('writes each page once, by its canonical URL, and counts what it leaves out', async () => {
    const { pages, sitemaps, read } = await work(
      urlset([
        'https://EXAMPLE.com/a#x',
        'https://example.com/a?utm_source=y',
        '/b',
        'https://shop.example.com/c',
        'https://example.net/d',
        'https://notexample.com/e',
        'https://example.com/f.pdf',
        'nonsense://x',
      ]),
    )
    expect(urlsOf(pages)).to.deep.equal([
      'https://example.com/a',
      'https://example.com/b',
      'https://shop.example.com/c',
    ])
    expect(sitemaps).to.deep.equal([])
    expect(read).to.include({
      kind: 'urlset',
      entries: 8,
      pages: 3,
      foreigners: 2,
      unusable: 2,
      is_cut: false,
      problem: null,
    })
  })

  it('makes items of the files of an index, and shares out what they may name', async () => {
    const { pages, sitemaps, read } = await work(
      index([...numbered(3, '.xml'), 'https://example.net/x.xml', 'https://example.com/0.xml']),
      { files_left: 33 },
    )
    expect(pages).to.deep.equal([])
    expect(urlsOf(sitemaps)).to.deep.equal(numbered(3, '.xml'))
    expect(sitemaps?.[0]).to.deep.equal({
      run: 7,
      domain: 'example.com',
      url: 'https://example.com/0.xml',
      skip: 0,
      found_in: 'index',
      depth: 1,
      files_left: 10,
      curation_status: 'Selected',
      file_status: 'Queued',
    })
    expect(read).to.include({ kind: 'index', sitemaps: 3, foreigners: 1, is_cut: false })
  })

  it('follows an index at the host that robots.txt named, and to no third one', async () => {
    const { context } = webContext({
      'https://cdn.net/i.xml': index(['https://cdn.net/a.xml', 'https://other.net/b.xml']),
    })
    const payload = { ...PAYLOAD, url: 'https://cdn.net/i.xml' }
    const rows = await sitemapFile.work({ key: '1', payload }, context)
    expect(urlsOf(rows.sitemaps)).to.deep.equal(['https://cdn.net/a.xml'])
  })

  it('says so when an index names more files than it may', async () => {
    const { sitemaps, read } = await work(index(numbered(20, '.xml')), { files_left: 8 })
    expect(sitemaps).to.have.lengthOf(8)
    expect(sitemaps?.[0]).to.include({ files_left: 0 })
    expect(read).to.include({ sitemaps: 8, is_cut: true })
  })

  it('goes no deeper than it may', async () => {
    const depth = LIMITS.sitemapDepthMax
    const { sitemaps, read } = await work(index(numbered(2, '.xml')), { depth })
    expect(sitemaps).to.deep.equal([])
    expect(read).to.include({ is_cut: true })
  })

  it('names no more files in all than the domain may have, however indexes nest', async () => {
    const queue: SitemapFilePayload[] = [{ ...PAYLOAD, files_left: 500 }]
    let named = 0
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const base = next.url.replace('.xml', '')
      const children = Array.from({ length: 7 }, (_, n) => `${base}/${n}.xml`)
      const { context } = webContext({ [next.url]: index(children) })
      const { sitemaps = [] } = await sitemapFile.work({ key: '1', payload: next }, context)
      named += sitemaps.length
      for (const row of sitemaps) {
        queue.push({
          ...PAYLOAD,
          url: String(row.url),
          depth: Number(row.depth),
          files_left: Number(row.files_left),
        })
      }
    }
    expect(named).to.be.within(300, 500)
  })

  it('leaves the rest of a long file to another item, until all is taken', async () => {
    const all = numbered(LIMITS.sitemapPartMax + 3)
    const first = await work(gzipSync(urlset(all)))
    expect(first.pages).to.have.lengthOf(LIMITS.sitemapPartMax)
    const [part] = first.sitemaps ?? []
    expect(part).to.include({ url: FILE, skip: LIMITS.sitemapPartMax, found_in: 'part', run: 7 })
    const rest = await work(urlset(all), { skip: LIMITS.sitemapPartMax, found_in: 'part' })
    expect(urlsOf(rest.pages)).to.deep.equal(all.slice(-3))
    expect(rest.sitemaps).to.deep.equal([])
    expect(rest.read).to.include({ entries: 3, is_cut: false })
  })

  it('takes as many pages of a file as it may, and says what it cut', async () => {
    const { pages, sitemaps, read } = await work(urlset(numbered(30)), {}, { sitemapPagesMax: 10 })
    expect(pages).to.have.lengthOf(10)
    expect(sitemaps).to.deep.equal([])
    expect(read).to.include({ is_cut: true, pages: 10 })
  })

  const HTML = '<!DOCTYPE html><html><p>Not here</p></html>'
  it('is an error of a file that was promised, and none of a guess', async () => {
    for (const foundIn of ['robots', 'index', 'part'] as const) {
      expect(await codeOf(work(HTML, { found_in: foundIn })), foundIn).to.equal('parse')
      expect(await codeOf(work('http_4xx', { found_in: foundIn })), foundIn).to.equal('http_4xx')
    }
    const page = await work(HTML, { found_in: 'guess' })
    expect(page.read).to.include({ kind: 'html', pages: 0 })
    const missing = await work('http_4xx', { found_in: 'guess' })
    expect(missing.read).to.include({ kind: 'unknown', problem: 'there is no such file' })
    expect(await codeOf(work('http_5xx', { found_in: 'guess' }))).to.equal('http_5xx')
  })

  it('keeps what it read of a broken file, and says what was wrong', async () => {
    const { pages, read } = await work(urlset(numbered(3)).slice(0, -20))
    expect(pages).to.have.lengthOf(2)
    expect(read).to.include({ problem: 'it breaks off before its end' })
  })
})
