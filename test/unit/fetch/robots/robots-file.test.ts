import { expect } from 'chai'
import fc from 'fast-check'
import { parseRobots, productTokenOf } from '../../../../src/fetch/robots/robots-file.js'

const allows = (text: string, path: string, product = 'foobot') =>
  parseRobots(text, product).allows(path)

/** What must hold: the file, a path, whether `foobot` may fetch it. */
const CASES: readonly (readonly [title: string, file: string, path: string, allowed: boolean])[] = [
  ['an empty file', '', '/x', true],
  ['a page of no robots.txt', '<!doctype html>\n<p>Disallow: not here', '/x', true],
  ['no group for us and none for all', 'User-agent: bar\nDisallow: /', '/x', true],
  ['the group for all', 'User-agent: *\nDisallow: /a', '/a/b', false],
  [
    'our group, not that for all',
    'User-agent: *\nDisallow: /\nUser-agent: foobot\nDisallow: /a',
    '/b',
    true,
  ],
  ['our empty group', 'User-agent: foobot\nDisallow:\n\nUser-agent: *\nDisallow: /', '/x', true],
  ['our name in capitals', 'User-agent: FOOBOT\nDisallow: /', '/x', false],
  ['our name with a version', 'User-agent: foobot/2.1\nDisallow: /', '/x', false],
  ['a name that ours begins with', 'User-agent: foo\nDisallow: /', '/x', true],
  ['a name that begins with ours', 'User-agent: foobot-news\nDisallow: /', '/x', true],
  ['field names in any case', 'USER-AGENT: *\ndisALLOW: /a', '/a', false],
  ['spaces around the colon', '  User-agent : *\n\tDisallow\t:\t/a  ', '/a', false],
  [
    'groups of one name, first',
    'User-agent: foobot\nDisallow: /1\nUser-agent: b\nDisallow: /3\nUser-agent: foobot\nDisallow: /2',
    '/1',
    false,
  ],
  [
    'groups of one name, second',
    'User-agent: foobot\nDisallow: /1\nUser-agent: b\nDisallow: /3\nUser-agent: foobot\nDisallow: /2',
    '/2',
    false,
  ],
  [
    'the group of another',
    'User-agent: foobot\nDisallow: /1\nUser-agent: b\nDisallow: /3',
    '/3',
    true,
  ],
  ['several names of one group', 'User-agent: foobot\nUser-agent: b\nDisallow: /1', '/1', false],
  [
    'a sitemap inside a group',
    'User-agent: foobot\nSitemap: https://x.test/s\nUser-agent: b\nDisallow: /',
    '/x',
    false,
  ],
  [
    'a crawl delay inside a group',
    'User-agent: foobot\nCrawl-delay: 1\nUser-agent: b\nDisallow: /',
    '/x',
    false,
  ],
  ['an unknown line inside a group', 'User-agent: foobot\nNoindex: /y\nDisallow: /x', '/x', false],
  ['rules before any group', 'Disallow: /\nUser-agent: b\nDisallow: /x', '/x', true],
  ['comments', 'User-agent: * # all\nDisallow: /a#b', '/a', false],
  ['the longest rule', 'User-agent: *\nDisallow: /a\nAllow: /a/b', '/a/b/c', true],
  ['the longest rule, in other order', 'User-agent: *\nAllow: /a\nDisallow: /a/b', '/a/b/c', false],
  ['a tie', 'User-agent: *\nDisallow: /a\nAllow: /a', '/a', true],
  ['case of paths', 'User-agent: *\nDisallow: /A', '/a', true],
  ['a star', 'User-agent: *\nDisallow: /*.gif', '/x/y.gif?z', false],
  ['a star for nothing', 'User-agent: *\nDisallow: /a*b', '/ab', false],
  ['an end', 'User-agent: *\nDisallow: /*.gif$', '/x.gif', false],
  ['an end that is not there', 'User-agent: *\nDisallow: /*.gif$', '/x.gif?y', true],
  ['the front page alone', 'User-agent: *\nDisallow: /\nAllow: /$', '/', true],
  ['an end that may not overlap', 'User-agent: *\nDisallow: /ab*ba$', '/aba', true],
  ['a dollar in the middle', 'User-agent: *\nDisallow: /a$b', '/a$b', false],
  ['a query', 'User-agent: *\nDisallow: /*?s=', '/find?s=1', false],
  ['bare UTF-8 in the rule', 'User-agent: *\nDisallow: /é', '/%C3%A9', false],
  ['encoded UTF-8 in the rule', 'User-agent: *\nDisallow: /%c3%a9', '/%C3%A9', false],
  ['an encoded letter', 'User-agent: *\nDisallow: /%61', '/a', false],
  ['an encoded tilde', 'User-agent: *\nDisallow: /%7Ejoe', '/~joe', false],
  ['an encoded slash is no slash', 'User-agent: *\nDisallow: /a%2Fb', '/a/b', true],
  ['an encoded slash is itself', 'User-agent: *\nDisallow: /a%2fb', '/a%2Fb', false],
  ['an encoded star is a star', 'User-agent: *\nDisallow: /a%2Ab', '/a*b', false],
  ['an encoded star is no wildcard', 'User-agent: *\nDisallow: /a%2Ab', '/axb', true],
  ['a rule without its slash', 'User-agent: *\nDisallow: a', '/a', false],
  ['a byte order mark', '\ufeffUser-agent: *\nDisallow: /a', '/a', false],
  ['lines ended by a carriage return', 'User-agent: *\rDisallow: /a\r', '/a', false],
  ['lines ended by both', 'User-agent: *\r\nDisallow: /a\r\n', '/a', false],
  ['robots.txt itself', 'User-agent: *\nDisallow: /', '/robots.txt', true],
]

describe('robots.txt', () => {
  for (const [title, file, path, allowed] of CASES) {
    it(`${allowed ? 'allows' : 'forbids'}: ${title}`, () => {
      expect(allows(file, path)).to.equal(allowed)
    })
  }

  it('reads the delay of our group', () => {
    const file =
      'User-agent: *\nCrawl-delay: 9\nDisallow: /y\nUser-agent: foobot\nCrawl-delay: 1.5\nAllow: /'
    expect(parseRobots(file, 'foobot').crawlDelayMs).to.equal(1_500)
    expect(parseRobots(file, 'other').crawlDelayMs).to.equal(9_000)
    expect(parseRobots('User-agent: *\nCrawl-delay: soon', 'foobot').crawlDelayMs).to.equal(null)
    expect(parseRobots('User-agent: *\nCrawl-delay: -3', 'foobot').crawlDelayMs).to.equal(null)
  })

  it('takes our name from the user agent', () => {
    expect(productTokenOf('Mozilla/5.0 (compatible; Fetchyard/0.1)')).to.equal('fetchyard')
    expect(productTokenOf('FooBot/1.0 (+https://foo.test)')).to.equal('foobot')
    expect(productTokenOf('news-bot')).to.equal('news-bot')
    expect(productTokenOf('')).to.equal('*')
  })

  it('matches like a regular expression made of the same pattern', () => {
    const letter = fc.constantFrom('a', 'b', '*')
    const pattern = fc.tuple(fc.array(letter, { maxLength: 8 }), fc.boolean())
    const path = fc.array(fc.constantFrom('a', 'b'), { maxLength: 10 })
    fc.assert(
      fc.property(pattern, path, ([letters, isAnchored], steps) => {
        const rule = `/${letters.join('')}${isAnchored ? '$' : ''}`
        const source = `^/${letters.join('').replaceAll('*', '.*')}${isAnchored ? '$' : ''}`
        const url = `/${steps.join('')}`
        expect(allows(`User-agent: *\nDisallow: ${rule}`, url)).to.equal(
          !new RegExp(source).test(url),
        )
      }),
    )
  })

  it('is not slowed down by a hostile pattern', () => {
    const rule = `/${'*a'.repeat(2_000)}*b`
    expect(allows(`User-agent: *\nDisallow: ${rule}`, `/${'a'.repeat(2_000)}`)).to.equal(true)
  })

  it('reads whatever a server sends without failing', () => {
    const octets = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(octets, octets, (file, path) => {
        const words = [file, path].map((part) => Buffer.from(part).toString('utf16le'))
        expect(allows(`User-agent: *\n${words[0]}`, `/${words[1]}`)).to.be.a('boolean')
      }),
    )
  })
})
