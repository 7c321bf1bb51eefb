import { expect } from 'chai'
import { describe, it } from 'mocha'
import { canonicalUrl, isBelow, isNoPage } from '../../../../src/extract/sitemap/canonical-url.js'
import { readLastmod } from '../../../../src/extract/sitemap/lastmod.js'
import { robotsSitemaps } from '../../../../src/extract/sitemap/robots-sitemaps.js'

describe('extract/sitemap/canonical-url', () => {
  const SPELLINGS = [
    ['HTTP://Example.COM:80/', 'http://example.com/'],
    ['https://example.com', 'https://example.com/'],
    ['https://example.com:443/a/../b/./c', 'https://example.com/b/c'],
    ['https://example.com/a#team', 'https://example.com/a'],
    ['https://example.com./a', 'https://example.com/a'],
    ['https://example.com/%7Ejoe/%c3%bc', 'https://example.com/~joe/%C3%BC'],
    ['https://example.com/ü', 'https://example.com/%C3%BC'],
    ['https://example.com/a%2fb', 'https://example.com/a%2Fb'],
    ['https://example.com/%2e%2e/a', 'https://example.com/a'],
    ['https://example.com/a?', 'https://example.com/a'],
    ['https://example.com/a?b=1&utm_source=x&gclid=2&c=3', 'https://example.com/a?b=1&c=3'],
    ['https://example.com/a?utm_source=x', 'https://example.com/a'],
    ['https://example.com/a?c=2&b=1', 'https://example.com/a?c=2&b=1'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
  ] as const
  for (const [text, url] of SPELLINGS) {
    it(`spells ${text} as ${url}, and that as itself`, () => {
      expect(canonicalUrl(text)).to.equal(url)
      expect(canonicalUrl(url)).to.equal(url)
    })
  }

  it('resolves against where it stands', () => {
    expect(canonicalUrl('/b?x=1', 'https://example.com/a/sitemap.xml')).to.equal(
      'https://example.com/b?x=1',
    )
  })

  for (const text of ['ftp://example.com/', 'mailto:a@b.c', '/a', '', 'https://u:p@example.com/']) {
    it(`takes ${JSON.stringify(text)} for no page`, () => {
      expect(canonicalUrl(text)).to.equal(null)
    })
  }

  it('takes no URL that is longer than any can be', () => {
    expect(canonicalUrl(`https://example.com/${'a'.repeat(2_100)}`)).to.equal(null)
  })

  it('tells files from pages, and hosts of a domain from others', () => {
    expect(isNoPage('https://example.com/menu.PDF?x=1')).to.equal(true)
    expect(isNoPage('https://example.com/menu.html')).to.equal(false)
    expect(isBelow('https://shop.example.com/', 'example.com')).to.equal(true)
    expect(isBelow('https://notexample.com/', 'example.com')).to.equal(false)
  })
})

describe('extract/sitemap/lastmod', () => {
  const DATES = [
    ['2024', '2024-01-01T00:00:00.000Z'],
    ['2024-02', '2024-02-01T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2024-05-06T07:08:09+02:00', '2024-05-06T05:08:09.000Z'],
    ['2024-05-06T07:08Z', '2024-05-06T07:08:00.000Z'],
    ['2024-05-06 07:08:09.123 -0330', '2024-05-06T10:38:09.000Z'],
    ['Mon, 06 May 2024 07:08:09 GMT', '2024-05-06T07:08:09.000Z'],
    ['6 May 24 07:08 +0100', '2024-05-06T06:08:00.000Z'],
    ['2024-02-30', null],
    ['2024-13-01', null],
    ['0001-01-01', null],
    ['yesterday', null],
    ['', null],
  ] as const
  for (const [text, date] of DATES) {
    it(`reads ${JSON.stringify(text)} as ${date}`, () => {
      expect(readLastmod(text)).to.equal(date)
    })
  }
})

describe('extract/sitemap/robots-sitemaps', () => {
  it('finds the lines wherever they stand, however they are written, each once', () => {
    const text =
      '\uFEFFSitemap: https://example.com/a.xml\r\nUser-agent: *\rDisallow: /x\n' +
      '  SITEMAP:https://example.com/b.xml # the other\nsitemap : /c.xml\n' +
      'Sitemap: https://example.com/a.xml\nSitemap:\nSitemap: ftp://example.com/d\n' +
      '# Sitemap: https://example.com/e.xml\nsite-map: https://cdn.example.net/f.xml'
    expect(robotsSitemaps(text, 'https://example.com/robots.txt')).to.deep.equal([
      'https://example.com/a.xml',
      'https://example.com/b.xml',
      'https://example.com/c.xml',
      'https://cdn.example.net/f.xml',
    ])
  })

  it('is not impressed by a file without an end', () => {
    const line = 'Sitemap: https://example.com/'
    const text = Array.from({ length: 100_000 }, (_, index) => `${line}${index}.xml`).join('\n')
    expect(robotsSitemaps(text, 'https://example.com/robots.txt')).to.have.lengthOf(500)
  })
})
