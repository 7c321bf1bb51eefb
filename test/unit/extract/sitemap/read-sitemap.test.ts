import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { LIMITS } from '../../../../src/core/limits.js'
import {
  readSitemap,
  type SitemapReading,
  type SitemapRequest,
} from '../../../../src/extract/sitemap/read-sitemap.js'

const REQUEST: SitemapRequest = { charset: null, skip: 0, entriesMax: 50_000 }
const NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
const XML = '<?xml version="1.0" encoding="UTF-8"?>\n'

async function* pieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const read = (
  file: string | Buffer,
  request: Partial<SitemapRequest> = {},
  size = 64 * 1_024,
): Promise<SitemapReading> =>
  readSitemap(pieces(Buffer.from(file), size), { ...REQUEST, ...request })

const urlsOf = ({ entries }: SitemapReading) => entries.map(({ url }) => url)

const urlset = (urls: readonly string[]) =>
  `${XML}<urlset ${NAMESPACE}>${urls.map((url) => `<url><loc>${url}</loc></url>`).join('\n')}</urlset>`

const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => `https://example.com/${index}`)

const PLAIN = urlset(['https://example.com/a', 'https://example.com/b'])
const BOTH = ['https://example.com/a', 'https://example.com/b']

describe('extract/sitemap/read-sitemap', () => {
  it('reads pages with the time of their last change', async () => {
    const file =
      `${XML}<urlset ${NAMESPACE}><url><loc> https://example.com/a?x=1&amp;y=2 </loc>` +
      '<lastmod>2024-05-06</lastmod><priority>0.5</priority></url>' +
      '<url><lastmod>2023</lastmod><loc><![CDATA[https://example.com/b?x=1&y=2]]></loc></url></urlset>'
    expect(await read(file)).to.deep.equal({
      kind: 'urlset',
      entries: [
        { url: 'https://example.com/a?x=1&y=2', lastmod: '2024-05-06' },
        { url: 'https://example.com/b?x=1&y=2', lastmod: '2023' },
      ],
      seen: 2,
      bytes: Buffer.byteLength(file),
      hasMore: false,
      isCut: false,
      problem: null,
    })
  })

  for (const size of [1, 2, 3, 7, 64]) {
    it(`reads the same in pieces of ${size} bytes`, async () => {
      const file = urlset(['https://example.com/ü', 'https://example.com/?a=1&amp;b=2'])
      const whole = ['https://example.com/ü', 'https://example.com/?a=1&b=2']
      expect(urlsOf(await read(file, {}, size))).to.deep.equal(whole)
      expect(urlsOf(await read(gzipSync(file), {}, size))).to.deep.equal(whole)
    })
  }

  const KINDS = [
    [
      'an index',
      'index',
      `<sitemapindex ${NAMESPACE}><sitemap><loc>https://example.com/a</loc></sitemap>` +
        '<sitemap><loc>https://example.com/b</loc></sitemap></sitemapindex>',
    ],
    [
      'RSS, with a link of Atom in between',
      'rss',
      '<rss version="2.0"><channel><link>https://example.com/</link><item><title>A</title>' +
        '<atom:link href="https://example.com/self" rel="self"/><link>https://example.com/a</link>' +
        '<guid isPermaLink="false">77</guid></item>' +
        '<item><guid>https://example.com/b</guid></item></channel></rss>',
    ],
    [
      'RSS 1.0',
      'rss',
      '<rdf:RDF><channel/><item rdf:about="https://example.com/a"><dc:date>2024</dc:date></item>' +
        '<item><link>https://example.com/b</link></item></rdf:RDF>',
    ],
    [
      'Atom',
      'atom',
      '<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://example.com/"/><entry>' +
        '<link rel="edit" href="https://example.com/edit"/><link href="https://example.com/a"/>' +
        '<content><url><loc>https://example.com/no</loc></url></content></entry>' +
        '<entry><link rel="alternate" href="https://example.com/b"/></entry></feed>',
    ],
    ['text', 'text', '\n  https://example.com/a\r\nsome words\rhttps://example.com/b'],
    [
      'elements with a prefix, and images beside them',
      'urlset',
      '<sm:urlset><sm:url><sm:loc>https://example.com/a</sm:loc><image:image>' +
        '<image:loc>https://example.com/i.jpg</image:loc></image:image></sm:url>' +
        '<sm:url><image:loc>https://example.com/j.jpg</image:loc>' +
        '<sm:loc>https://example.com/b</sm:loc></sm:url></sm:urlset>',
    ],
    ['capital letters', 'urlset', PLAIN.replaceAll('url', 'URL').replaceAll('loc', 'LOC')],
    ['no declaration and a doctype', 'urlset', `<!DOCTYPE urlset>${PLAIN.slice(XML.length)}`],
    ['blank lines in front', 'urlset', `\n \t\r\n${PLAIN}`],
    ['a comment without words of its own', 'urlset', PLAIN.replace('<url>', '<!-- <url> --><url>')],
  ] as const
  for (const [what, kind, file] of KINDS) {
    it(`reads ${what}`, async () => {
      const reading = await read(file)
      expect(urlsOf(reading)).to.deep.equal(BOTH)
      expect(reading).to.include({ kind, problem: null })
    })
  }

  const ENCODINGS = [
    ['UTF-8 with a mark', Buffer.from(`\uFEFF${PLAIN}`)],
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${PLAIN}`, 'utf16le')],
    ['UTF-16 without a mark', Buffer.from(PLAIN, 'utf16le')],
    ['UTF-16, big end first', Buffer.from(`\uFEFF${PLAIN}`, 'utf16le').swap16()],
    ['gzip', gzipSync(PLAIN)],
    ['gzip in gzip', gzipSync(gzipSync(PLAIN))],
    [
      'gzip in two members',
      Buffer.concat([gzipSync(PLAIN.slice(0, 90)), gzipSync(PLAIN.slice(90))]),
    ],
  ] as const
  for (const [what, file] of ENCODINGS) {
    it(`reads ${what}`, async () => {
      expect(urlsOf(await read(file))).to.deep.equal(BOTH)
      expect(urlsOf(await read(file, {}, 3))).to.deep.equal(BOTH)
    })
  }

  it('reads by the charset that is declared, or that the server names', async () => {
    const declared = `<?xml version="1.0" encoding="iso-8859-1"?>${urlset(['https://example.com/ü'])}`
    const latin = Buffer.from(declared.replace(XML, ''), 'latin1')
    expect(urlsOf(await read(latin))).to.deep.equal(['https://example.com/ü'])
    const bare = Buffer.from(urlset(['https://example.com/ü']).replace(XML, ''), 'latin1')
    expect(urlsOf(await read(bare, { charset: 'latin1' }))).to.deep.equal(['https://example.com/ü'])
  })

  const BROKEN = [
    [
      'a bare ampersand',
      PLAIN.replace('/a', '/?x=1&y=2'),
      ['https://example.com/?x=1&y=2', BOTH[1]],
      null,
    ],
    [
      'a file that breaks off',
      PLAIN.slice(0, PLAIN.indexOf('/b') + 2),
      [BOTH[0]],
      'it breaks off before its end',
    ],
    ['a gzip that breaks off', gzipSync(PLAIN).subarray(0, -10), BOTH, 'the gzip breaks off'],
    ['an element that is not closed', PLAIN.replace('</url>', '</loc></url>'), BOTH, null],
    [
      'an entity nobody knows',
      PLAIN.replace('/a', '/a&nbsp;'),
      ['https://example.com/a&nbsp;', BOTH[1]],
      null,
    ],
  ] as const
  for (const [what, file, urls, problem] of BROKEN) {
    it(`makes the best of ${what}`, async () => {
      const reading = await read(file)
      expect(urlsOf(reading)).to.deep.equal(urls)
      expect(reading.problem).to.equal(problem)
    })
  }

  const NONE = [
    ['an HTML page', 'html', '<!DOCTYPE html><html><a href="https://example.com/a">A</a></html>'],
    ['an HTML page without a doctype', 'html', '<html><body>Not found</body></html>'],
    ['other XML', 'unknown', '<error><loc>https://example.com/</loc></error>'],
    ['words', 'unknown', 'Not found'],
    ['JSON', 'unknown', '{"urls":["https://example.com/"]}'],
    ['nothing', 'unknown', ''],
    ['blanks', 'unknown', '  \n '],
  ] as const
  for (const [what, kind, file] of NONE) {
    it(`takes no page from ${what}`, async () => {
      const reading = await read(file)
      expect(reading).to.include({ kind, seen: 0 })
    })
  }

  it('gives up a gzip that is none inside', async () => {
    const broken = gzipSync(PLAIN)
    broken.fill(0x55, 12)
    const reading = await read(broken)
    expect(reading.entries).to.deep.equal([])
    expect(reading.problem).to.match(/^the gzip is broken: /)
  })

  it('takes a part of a long file, and goes on where it was', async () => {
    const urls = numbered(LIMITS.sitemapPartMax + 5)
    const first = await read(urlset(urls))
    expect(first).to.include({ seen: LIMITS.sitemapPartMax, hasMore: true, isCut: false })
    const rest = await read(urlset(urls), { skip: first.seen })
    expect(rest).to.include({ seen: urls.length, hasMore: false, isCut: false, problem: null })
    expect([...urlsOf(first), ...urlsOf(rest)]).to.deep.equal(urls)
  })

  it('says nothing of a rest when a part ends with the file', async () => {
    const reading = await read(urlset(numbered(LIMITS.sitemapPartMax)))
    expect(reading).to.include({ seen: LIMITS.sitemapPartMax, hasMore: false })
  })

  it('makes parts smaller when URLs are long', async () => {
    const long = 'a'.repeat(2_000)
    const reading = await read(urlset(numbered(1_500).map((url) => `${url}/${long}`)))
    expect(reading.hasMore).to.equal(true)
    expect(urlsOf(reading).join('').length).to.be.at.most(LIMITS.sitemapPartCharactersMax)
  })

  it('takes no more than it may of a file', async () => {
    const reading = await read(urlset(numbered(20)), { entriesMax: 7 })
    expect(reading).to.include({ seen: 7, hasMore: false, isCut: true })
  })

  it('reads nothing beyond the bound of the protocol', async () => {
    let sent = 0
    async function* endless() {
      yield Buffer.from('<urlset>')
      while (sent < 3 * LIMITS.sitemapBytesMax) {
        sent += 65_536
        yield Buffer.alloc(65_536, '<a/>')
      }
    }
    const reading = await readSitemap(endless(), REQUEST)
    expect(reading).to.include({ isCut: true, seen: 0 })
    expect(sent).to.be.within(LIMITS.sitemapBytesMax - 65_536, LIMITS.sitemapBytesMax + 131_072)
  })

  it('stops a bomb at the bound, and not after it', async () => {
    const bomb = gzipSync(Buffer.alloc(120 * 1_048_576, '<a/>'))
    const reading = await read(Buffer.concat([gzipSync('<urlset>'), bomb]))
    expect(reading.isCut).to.equal(true)
    expect(reading.bytes).to.be.below(LIMITS.sitemapBytesMax + 1_048_576)
  })

  for (const [what, start] of [
    ['a comment', '<!-- '],
    ['an attribute', '<url a="'],
    ['the name of an element', '<'],
    ['a CDATA section', '<url><loc><![CDATA['],
  ]) {
    it(`holds no ${what} without an end`, async () => {
      let sent = 0
      async function* endless() {
        yield Buffer.from(`<urlset>${start}`)
        for (; sent < 40 * 1_048_576; sent += 65_536) yield Buffer.alloc(65_536, 'a')
      }
      const reading = await readSitemap(endless(), REQUEST)
      expect(reading.problem).to.match(/without a tag that ends/)
      expect(sent).to.be.below(3 * 1_048_576)
    })
  }

  it('holds no text of an element without an end either', async () => {
    async function* endless() {
      yield Buffer.from('<urlset><url><loc>')
      for (let sent = 0; sent < 20; sent += 1) yield Buffer.alloc(1_048_576, 'a')
      yield Buffer.from('</loc></url><url><loc>https://example.com/a</loc></url></urlset>')
    }
    const [first, second] = (await readSitemap(endless(), REQUEST)).entries
    expect(first?.url.length).to.be.below(2 * 1_048_576)
    expect(second?.url).to.equal('https://example.com/a')
  })

  it('hands on what goes wrong on the way to it', async () => {
    async function* broken() {
      yield gzipSync(PLAIN).subarray(0, 30)
      throw new Error('the line went dead')
    }
    const error = await readSitemap(broken(), REQUEST).catch((one: unknown) => one)
    expect(error).to.have.property('message', 'the line went dead')
  })
})
