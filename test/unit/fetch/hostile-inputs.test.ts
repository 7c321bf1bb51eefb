// What somebody writes who wants the fetcher to reach what it must not, and what looks like it and
// is honest. Every input goes through the whole fetcher with the options of production; a spy at
// the sockets tells what would have been connected to.

import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import type { OutcomeCode } from '../../../src/core/outcome.js'
import { FetchFailure } from '../../../src/fetch/failure.js'
import type { Fetcher } from '../../../src/fetch/fetcher.js'
import { type ConnectSpy, spyOnConnections } from '../../support/connect-spy.js'
import { type HostileServer, startHostileServer } from '../../support/hostile-server.js'
import { isPublicAddress } from '../../support/public-address.js'
import { codeOf, makeFetcher } from './support.js'
import { PROXY_API } from './upstream/support.js'

const PUBLIC = '93.184.215.14'

/** What names stand for here; all others are public. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'loopback.example': ['127.0.0.1'],
  'loopback6.example': ['::1'],
  'private.example': ['10.0.0.1', 'fd00::1'],
  'metadata.example': ['169.254.169.254'],
  'mapped.example': ['::ffff:10.0.0.1'],
  'nat64.example': ['64:ff9b::a00:1'],
  'compatible.example': ['::8.8.8.8'],
  'zone.example': ['fe80::1%eth0'],
  'localhost.localdomain': ['127.0.0.1'],
  'ip6-localhost': ['::1'],
  '127.0.0.1.nip.example': ['127.0.0.1'],
  'mixed.example': ['10.0.0.1', PUBLIC, '::1'],
}

const toAddress = (address: string): LookupAddress => ({
  address,
  family: isIP(address) === 6 ? 6 : 4,
})

const resolve = async (name: string) =>
  (NAMES[name.toLowerCase().replace(/\.$/, '')] ?? [PUBLIC]).map(toAddress)

/** Refused without a connection. Literal private addresses have a table of their own. */
const HOSTILE: readonly (readonly [string, OutcomeCode])[] = [
  // The host is what follows the last @ before the path.
  ...both('url', 'http://good.example@127.0.0.1/', 'http://127.0.0.1@good.example/'),
  ...both('url', 'http://good.example:80@10.0.0.1/', 'http://:p@10.0.0.1/', 'http://u:@10.0.0.1/'),
  ...both('url', 'http://a@b@127.0.0.1/', 'http://good.example%40127.0.0.1/'),
  ...both('url', 'http://good.example%00@127.0.0.1/', 'http://%61:b@127.0.0.1/'),
  ...both('ssrf', 'http://127.0.0.1#@good.example/', 'http://127.0.0.1?@good.example/'),
  ...both('ssrf', 'http://127.0.0.1/@good.example/', 'http://127.0.0.1\\@good.example/'),
  ...both(
    'ssrf',
    'http:\\\\127.0.0.1\\',
    'http:/127.0.0.1/',
    'http:127.0.0.1',
    'http:///10.0.0.1/',
  ),
  ...both('ssrf', 'http:/\\/\\127.0.0.1', 'HTTP://127.0.0.1/', 'hTtPs://[::1]/'),
  // White space that the URL parser takes out.
  ...both('ssrf', ' http://127.0.0.1/ ', '\thttp://127.0.0.1/', 'ht\ntp://127.0.0.1/'),
  ...both('ssrf', 'http://127.0\t.0.1/', 'http://12\r\n7.0.0.1/', 'http://10.0.0.1:8\n0/'),
  ...both('ssrf', '\u0000http://127.0.0.1/', 'http://local\u00adhost/', 'http://127.0.0.1\u200b/'),
  ...both('url', 'http://127.0.0.1 /', 'http://127.0.0.1%20/', 'http://127.0.0.1%00/'),
  ...both('url', 'http://127.0.0.1%0d%0aHost:x/', 'http://127.0.0.1%2f/', 'http://[::1%25lo]/'),
  ...both('url', 'http://[::1%lo]/', 'http://[fe80::1%eth0]/', 'http://[::1/', 'http://::1/'),
  ...both('url', 'http://[127.0.0.1]/', 'http://[::ffff:127.0.0.1.]/', 'http://[::]x/'),
  // Numbers that are addresses, and those that are none.
  ...both(
    'ssrf',
    'http://0x7f000001/',
    'http://0x7F.1/',
    'http://00000177.0.0.01/',
    'http://127.1./',
  ),
  ...both('ssrf', 'http://0x/', 'http://0/', 'http://127.0x0.0x0.1/', 'http://0300.0250.257/'),
  ...both(
    'url',
    'http://256.0.0.1/',
    'http://127.0.0.1.1/',
    'http://4294967296/',
    'http://127.0.0.08/',
  ),
  ...both('url', 'http://1.2.3.4.5/', 'http://x.0x7f/', 'http://127.0.0..1/', 'http://0xg.0x1/'),
  // Letters and dots of other scripts.
  ...both(
    'ssrf',
    'http://１２７.０.０.１/',
    'http://127。0。0。1/',
    'http://①②⑦.0.0.1/',
    'http://0ｘ7f.1/',
  ),
  ...both(
    'ssrf',
    'http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/',
    'http://LOCALHOST。/',
    'http://ｌｏｃａｌｈｏｓｔ/',
    'http://lo%63alhost/',
  ),
  // Names.
  ...both('ssrf', 'http://localhost/', 'http://localhost./', 'http://a.b.LocalHost:8080/'),
  ...both(
    'ssrf',
    ...Object.keys(NAMES).flatMap((n) => (n === 'mixed.example' ? [] : `http://${n}/`)),
  ),
  ...both('ssrf', 'https://loopback.example./', 'http://LOOPBACK.example:8443/'),
  // IPv6.
  ...both(
    'ssrf',
    'http://[::ffff:7f00:1]/',
    'http://[0:0:0:0:0:ffff:127.0.0.1]/',
    'http://[::127.1.1.1]/',
  ),
  ...both(
    'ssrf',
    'http://[64:ff9b::10.0.0.1]/',
    'http://[64:ff9b:1::8.8.8.8]/',
    'http://[2002:808:808::]/',
  ),
  ...both(
    'ssrf',
    'http://[2001:0:808:808::1]/',
    'http://[fe80::5efe:808:808]/',
    'http://[::8.8.8.8]/',
  ),
  // Ports of other protocols, in every spelling.
  ...both(
    'ssrf',
    'http://good.example:22/',
    'http://good.example:025/',
    'https://good.example:6667/',
  ),
  ...both(
    'ssrf',
    `http://${PUBLIC}:0/`,
    'http://good.example:0000000110/',
    'http://good.example:10080',
  ),
  ...both(
    'url',
    'http://good.example:65536/',
    'http://good.example:-80/',
    'http://good.example:8o/',
  ),
  ...both('url', 'http://good.example:80:22/', 'http://good.example:８０/'),
  // Schemes, and what is no URL.
  ...both(
    'url',
    'file:///etc/passwd',
    'file://127.0.0.1/x',
    'gopher://127.0.0.1:6379/_x',
    'ftp://10.0.0.1/',
  ),
  ...both(
    'url',
    'data:text/html,x',
    'javascript:alert(1)',
    'ws://127.0.0.1/',
    'unix:/run/docker.sock',
  ),
  ...both(
    'url',
    'view-source:http://127.0.0.1/',
    'http+unix://%2frun%2fx/',
    'blob:http://127.0.0.1/',
  ),
  ...both(
    'url',
    '',
    ' ',
    '/',
    '//127.0.0.1/',
    '127.0.0.1',
    'http://',
    'http:',
    'http://?',
    'http:///',
  ),
  ...both('url', `http://good.example/${'x'.repeat(3_000)}`, 'http://.\u0000/', 'http://a b/'),
]

function both(code: OutcomeCode, ...urls: readonly string[]) {
  return urls.map((url) => [url, code] as const)
}

/** What looks alike and is honest, with the address and port that it leads to. */
const BENIGN: readonly (readonly [string, string])[] = [
  ['http://good.example/', `${PUBLIC}:80`],
  ['http://good.example./', `${PUBLIC}:80`],
  ['http://good.example:8080/', `${PUBLIC}:8080`],
  ['http://good.example:081/', `${PUBLIC}:81`],
  ['http://good.example/@127.0.0.1/', `${PUBLIC}:80`],
  ['http://good.example?x=http://127.0.0.1/', `${PUBLIC}:80`],
  ['http://good.example#@127.0.0.1', `${PUBLIC}:80`],
  ['http://good.example\\@127.0.0.1/', `${PUBLIC}:80`],
  [' http://good.\texample/\n', `${PUBLIC}:80`],
  ['http://bücher.example/', `${PUBLIC}:80`],
  ['http://ｇｏｏｄ。example/', `${PUBLIC}:80`],
  ['http://localhost.example/', `${PUBLIC}:80`],
  ['http://notlocalhost/', `${PUBLIC}:80`],
  ['http://127.0.0.1.example/', `${PUBLIC}:80`],
  ['http://8.8.8.8/', '8.8.8.8:80'],
  ['http://134744072/', '8.8.8.8:80'],
  ['http://0x8080808/', '8.8.8.8:80'],
  ['http://128.0.0.1/', '128.0.0.1:80'],
  ['http://172.32.0.1/', '172.32.0.1:80'],
  ['http://[2606:4700::1111]/', '[2606:4700::1111]:80'],
  ['http://[::ffff:8.8.8.8]/', '[::ffff:808:808]:80'],
  ['http://[64:ff9b::808:808]:9000/', '[64:ff9b::808:808]:9000'],
]

describe('fetch: hostile inputs', () => {
  let server: HostileServer
  let spy: ConnectSpy
  let fetcher: Fetcher

  before(async () => {
    server = await startHostileServer()
  })
  after(() => server.close())
  beforeEach(() => {
    // Whatever may be reached is played by our server.
    spy = spyOnConnections(() => server.port)
    fetcher = makeFetcher({ allowedRanges: [] }, { resolve })
  })
  afterEach(async () => {
    spy.restore()
    await fetcher.close()
  })

  const at = (path: string) => `http://good.example${path}`
  const to = (url: string) => at(`/to?url=${encodeURIComponent(url)}`)

  it('are at least 60, each once', () => {
    expect(new Set(HOSTILE.map(([url]) => url)).size).to.equal(HOSTILE.length)
    expect(HOSTILE.length).to.be.at.least(60)
  })

  for (const [url, code] of HOSTILE) {
    it(`${JSON.stringify(url.slice(0, 60))}: ${code}, and no connection`, async () => {
      expect(await codeOf(fetcher.fetchPage(url))).to.equal(code)
      expect(spy.attempts).to.deep.equal([])
    })
  }

  for (const [url, address] of BENIGN) {
    it(`${JSON.stringify(url)} connects to ${address}`, async () => {
      // The paths are unknown to the server: that it says so shows that it was asked.
      expect(await codeOf(fetcher.fetchPage(url))).to.equal('http_4xx')
      expect(spy.attempts).to.deep.equal([address])
    })
  }

  it('of redirects get no further than the honest first hop', async () => {
    // An input that means something relative to a page is the page's own business.
    const absolute = HOSTILE.filter(([url]) => URL.canParse(url) && url.length < 1_000)
    for (const [url, code] of absolute) {
      // `http:name` is relative to a page that came over http; no header can hold a line break.
      const isRelative = /^\s*http:(?![/\\]{2})/i.test(url.replaceAll('\t', ''))
      if (isRelative || /[\r\n\0]/.test(url)) continue
      const expected = code === 'url' ? 'redirect' : code
      expect(await codeOf(fetcher.fetchPage(to(url))), url).to.equal(expected)
    }
    expect(new Set(spy.attempts)).to.deep.equal(new Set([`${PUBLIC}:80`]))
  })

  it('as the targets of a proxy API are not handed on', async () => {
    const upstream = { ...PROXY_API, endpoints: ['http://api.example/'] }
    const remote = makeFetcher({ allowedRanges: [], upstream }, { resolve })
    // What a name stands for over there, nobody here can know.
    const isPlainName = (url: string) => /\/\/[\w.]*(example|localdomain)/i.test(url)
    for (const [url, code] of HOSTILE) {
      if (isPlainName(url) && code === 'ssrf' && !/:\d/.test(url)) continue
      if (/LOOPBACK/.test(url)) continue
      expect(await codeOf(remote.fetchPage(url)), url).to.equal(code)
    }
    expect(spy.attempts).to.deep.equal([])
    await remote.close()
  })

  it('use of several addresses only those that are allowed', async () => {
    expect((await fetcher.fetchPage('http://mixed.example/ok')).status).to.equal(200)
    expect(spy.attempts).to.deep.equal([`${PUBLIC}:80`])
  })

  it('keep to the ports that the options list, on every hop and through a proxy API', async () => {
    const ports = [
      [80, 80],
      [8_000, 8_999],
    ] as const
    const narrow = makeFetcher({ allowedRanges: [], ports }, { resolve })
    for (const port of ['', ':80', ':8000', ':8999']) {
      expect((await narrow.fetchPage(`http://good.example${port}/ok`)).status).to.equal(200)
    }
    for (const url of [
      'https://good.example/',
      'http://good.example:7999/',
      'http://8.8.8.8:9000/',
    ]) {
      expect(await codeOf(narrow.fetchPage(url)), url).to.equal('ssrf')
      expect(await codeOf(narrow.fetchPage(to(url))), url).to.equal('ssrf')
    }
    await narrow.close()
    const attempts = new Set(spy.attempts.map((attempt) => attempt.split(':')[1]))
    expect(attempts).to.deep.equal(new Set(['80', '8000', '8999']))
    const upstream = { ...PROXY_API, endpoints: ['http://api.example:9999/ok'] }
    const remote = makeFetcher({ allowedRanges: [], ports, upstream }, { resolve })
    expect(await codeOf(remote.fetchPage('https://good.example/'))).to.equal('ssrf')
    expect((await remote.fetchPage('http://good.example/')).status).to.equal(200)
    await remote.close()
  })

  it('gain nothing from a name that is public first and private next', async () => {
    const answers = [[PUBLIC], ['127.0.0.1']]
    const rebinding = async () => (answers.shift() ?? ['10.0.0.1']).map(toAddress)
    const rebound = makeFetcher({ allowedRanges: [] }, { resolve: rebinding })
    const codes = [
      (await rebound.fetchPage(at('/ok-close'))).status,
      await codeOf(rebound.fetchPage(at('/ok'))),
      await codeOf(rebound.fetchPage(at('/ok'))),
    ]
    expect(codes).to.deep.equal([200, 'ssrf', 'ssrf'])
    expect(spy.attempts).to.deep.equal([`${PUBLIC}:80`])
    await rebound.close()
  })

  it('gain nothing from a name that is rebound between two hops', async () => {
    const answers = [[PUBLIC], ['169.254.169.254']]
    const rebinding = async () => (answers.shift() ?? []).map(toAddress)
    const rebound = makeFetcher({ allowedRanges: [] }, { resolve: rebinding })
    expect(await codeOf(rebound.fetchPage(to('http://good.example:81/')))).to.equal('ssrf')
    expect(spy.attempts).to.deep.equal([`${PUBLIC}:80`])
    await rebound.close()
  })

  describe('made up at random', () => {
    const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
    const dotted = octets.map((four) => four.join('.'))
    const anyIpv6 = fc.ipV6()
    const dressed = fc
      .tuple(fc.constantFrom('::ffff:', '64:ff9b::', '::', '2600::5efe:', '64:ff9b:1::'), dotted)
      .map(([prefix, inner]) => `${prefix}${inner}`)
    const address = fc.oneof(dotted, anyIpv6, dressed)
    const spelt = octets.map(([a, b, c, d]) => {
      const number = ((a * 256 + b) * 256 + c) * 256 + d
      return [`${number}`, `0x${number.toString(16)}`, `0${a.toString(8)}.${b}.${c * 256 + d}`]
    })
    const literal = fc.oneof(
      dotted,
      fc.oneof(anyIpv6, dressed).map((six) => `[${six}]`),
    )
    const host = fc.oneof(
      literal,
      spelt.chain((forms) => fc.constantFrom(...forms)),
      fc.domain(),
      fc.constantFrom('localhost', '127。1', 'a.localhost.', 'ip6-localhost'),
    )
    const junk = fc.constantFrom(
      '',
      '',
      '',
      '@',
      '\\',
      '\t',
      '\n',
      '%00',
      '#',
      '?',
      ':80',
      'u:p@',
      '.',
    )
    const built = fc
      .tuple(
        fc.constantFrom('http://', 'https://', 'http:', 'HTTP:/\\', '//', ''),
        junk,
        host,
        junk,
        host,
      )
      .map((parts) => parts.join(''))
    const input = fc.oneof(
      { weight: 4, arbitrary: built },
      fc.webUrl(),
      fc.string({ unit: 'binary' }),
    )

    /** Fetches; a failure is as good as a page, anything else is a defect. */
    const tolerate = async (fetch: Promise<unknown>) => {
      const end = await fetch.catch((error: unknown) => error)
      if (end instanceof Error && !(end instanceof FetchFailure)) throw end
    }
    const hostOf = (attempt: string) => /^\[?(.*?)\]?:\d+$/.exec(attempt)?.[1] ?? attempt
    const expectPublic = () => {
      for (const attempt of spy.attempts) {
        expect(isPublicAddress(hostOf(attempt)), attempt).to.equal(true)
      }
    }

    for (const [words, wrap] of [
      ['never connect to an address that is not public', (url: string) => url],
      ['never do so as redirects', to],
    ] as const) {
      it(words, async () => {
        let seen = 0
        await fc.assert(
          fc.asyncProperty(input, fc.array(address, { maxLength: 4 }), async (url, answers) => {
            spy.attempts.length = 0
            const isFirst = (name: string) => name === 'good.example'
            const fuzzed = makeFetcher(
              { allowedRanges: [] },
              { resolve: async (name) => (isFirst(name) ? [PUBLIC] : answers).map(toAddress) },
            )
            await tolerate(fuzzed.fetchPage(wrap(url)))
            await fuzzed.close()
            expectPublic()
            seen += spy.attempts.filter((attempt) => !attempt.startsWith(PUBLIC)).length
          }),
          { numRuns: 400 },
        )
        // Otherwise nothing would have been shown.
        expect(seen).to.be.above(20)
      })
    }
  })
})
