import type { LookupAddress } from 'node:dns'
import { expect } from 'chai'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { hasCode } from '../../../src/core/errors.js'
import { createAddressGuard } from '../../../src/fetch/address-guard.js'
import { type HostileServer, startHostileServer } from '../../support/hostile-server.js'
import { codeOf, makeFetcher } from './support.js'

/** Hosts as somebody writes them who wants to reach what is behind us. */
const HOSTILE_HOSTS = [
  ...['127.0.0.1', '127.1', '127.0.1', '127.255.255.254', '0', '0.0.0.0', '0.1.2.3'],
  ...['2130706433', '0x7f000001', '0x7f.0.0.1', '0177.0.0.1', '017700000001', '0x7f.1'],
  ...['127。0。0。1', '１２７.０.０.１', '%31%32%37.0.0.1', '127.0.0.1.'],
  ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.254', '192.168.0.1'],
  ...['167772161', '0xc0a80001', '0300.0250.0.1'],
  ...['169.254.0.1', '169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376'],
  ...['168.63.129.16', '100.64.0.1', '100.100.100.200', '100.127.255.255'],
  ...['192.0.0.1', '192.0.0.192', '192.0.2.1', '198.51.100.7', '203.0.113.9', '198.18.0.1'],
  ...['192.88.99.1', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255'],
  ...['[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[::127.0.0.1]', '[::7f00:1]'],
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:a9fe:a9fe]', '[::ffff:0:10.0.0.1]'],
  ...['[64:ff9b::127.0.0.1]', '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::1]', '[2002:7f00:1::]'],
  ...['[2002:a00:1::1]', '[2001::1]', '[2001:db8::1]', '[3fff::1]', '[100::1]', '[5f00::1]'],
  ...['[fe80::1]', '[fec0::1]', '[fc00::1]', '[fd00:ec2::254]', '[fd12:3456::1]', '[ff02::1]'],
  ...[
    '[4000::1]',
    '[1::1]',
    '[::2]',
    '[2600::5efe:10.0.0.1]',
    '[fd00::5efe:8.8.8.8]',
    '[fe80::5efe:8.8.8.8]',
    '[2600::200:5efe:7f00:1]',
  ],
  ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'a.b.localhost.'],
]

describe('fetch/address-guard', () => {
  it('has a table of at least 60 hostile hosts', () => {
    expect(new Set(HOSTILE_HOSTS).size).to.be.at.least(60)
  })

  describe('by default', () => {
    const fetcher = makeFetcher({ allowedRanges: [] })
    after(() => fetcher.close())
    for (const host of HOSTILE_HOSTS) {
      it(`refuses http://${host}/`, async () => {
        expect(await codeOf(fetcher.fetchPage(`http://${host}/`))).to.equal('ssrf')
        expect(await codeOf(fetcher.fetchPage(`https://${host}:8443/`))).to.equal('ssrf')
      })
    }
  })

  describe('ports of other protocols', () => {
    const fetcher = makeFetcher()
    after(() => fetcher.close())
    for (const port of [0, 22, 25, 110, 143, 389, 587, 2049, 6000, 6667, 10080]) {
      it(`refuses port ${port}`, async () => {
        expect(await codeOf(fetcher.fetchPage(`http://127.0.0.1:${port}/`))).to.equal('ssrf')
      })
    }
  })

  for (const address of [
    ...['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.1', '11.0.0.1', '100.128.0.1'],
    ...['169.253.255.255', '169.255.0.0', '2606:4700::1111', '2a00:1450:4001::200e'],
    ...['64:ff9b::808:808', '::ffff:8.8.8.8', '2600::5efe:8.8.8.8'],
  ]) {
    it(`lets ${address} through`, () => {
      expect(createAddressGuard([]).refusalOf(address)).to.equal(null)
    })
  }

  describe('allowed ranges', () => {
    it('open what they cover and nothing else', () => {
      const guard = createAddressGuard(['10.1.0.0/16', 'fd00::/8'])
      expect(guard.refusalOf('10.1.2.3')).to.equal(null)
      expect(guard.refusalOf('::ffff:10.1.2.3')).to.equal(null)
      expect(guard.refusalOf('fd12::1')).to.equal(null)
      expect(guard.refusalOf('10.2.0.1')).to.equal('private')
      expect(guard.refusalOf('fe80::1')).to.equal('linkLocal')
    })

    for (const range of ['10.0.0.0', '10.0.0.0/33', 'example.org/8', '']) {
      it(`must be CIDR: ${JSON.stringify(range)} is a configuration error`, () => {
        const create = () => createAddressGuard([range])
        expect(create)
          .to.throw()
          .that.satisfies((e: unknown) => hasCode(e, 'CONFIG_INVALID'))
      })
    }

    it('hold for every address inside and outside of them', () => {
      const octet = fc.integer({ min: 0, max: 255 })
      fc.assert(
        fc.property(octet, octet, octet, fc.integer({ min: 8, max: 32 }), (a, b, c, bits) => {
          const range = ipaddr.IPv4.networkAddressFromCIDR(`10.${a}.${b}.${c}/${bits}`)
          const last = ipaddr.IPv4.broadcastAddressFromCIDR(`10.${a}.${b}.${c}/${bits}`)
          const guard = createAddressGuard([`${range}/${bits}`])
          expect(guard.refusalOf(`${range}`)).to.equal(null)
          expect(guard.refusalOf(`${last}`)).to.equal(null)
          expect(guard.refusalOf(`11.${a}.${b}.${c}`)).to.equal(null)
          expect(guard.refusalOf(`192.168.${b}.${c}`)).to.equal('private')
        }),
      )
    })
  })

  it('refuses every private IPv4 address in every IPv6 dress', () => {
    const octet = fc.integer({ min: 0, max: 255 })
    const guard = createAddressGuard([])
    fc.assert(
      fc.property(octet, octet, octet, (b, c, d) => {
        const inner = `10.${b}.${c}.${d}`
        for (const prefix of ['::ffff:', '64:ff9b::', '::ffff:0:', '2600::5efe:']) {
          expect(guard.refusalOf(`${prefix}${inner}`), prefix).to.be.a('string')
        }
      }),
    )
  })

  // Rebinding: the name changes its address between one look and the next.
  describe('names', () => {
    let server: HostileServer
    before(async () => {
      server = await startHostileServer()
    })
    after(() => server.close())

    const resolver = (...answers: readonly (readonly string[])[]) => {
      let asked = 0
      const resolve = async (): Promise<LookupAddress[]> => {
        const answer = answers[Math.min(asked, answers.length - 1)] ?? []
        asked += 1
        return answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      }
      return { resolve, asked: () => asked }
    }

    it('are refused when they resolve to a private address', async () => {
      const fetcher = makeFetcher({}, { resolve: resolver(['10.0.0.1', 'fd00::1']).resolve })
      const seen = await codeOf(fetcher.fetchPage('http://innocent.example/'))
      await fetcher.close()
      expect(seen).to.equal('ssrf')
    })

    it('are connected to at the checked address, and asked once a connection', async () => {
      const names = resolver(['127.0.0.1'], ['10.0.0.1'])
      const fetcher = makeFetcher({}, { resolve: names.resolve })
      const url = `http://rebinding.example:${server.port}`
      expect((await fetcher.fetchPage(`${url}/ok`)).status).to.equal(200)
      expect((await fetcher.fetchPage(`${url}/ok-close`)).status).to.equal(200)
      expect(names.asked()).to.equal(1)
      expect(await codeOf(fetcher.fetchPage(`${url}/ok`))).to.equal('ssrf')
      expect(names.asked()).to.equal(2)
      await fetcher.close()
    })

    it('use only the allowed ones of several addresses', async () => {
      const names = resolver(['10.0.0.1', '127.0.0.1', '::1'])
      const fetcher = makeFetcher({}, { resolve: names.resolve })
      const page = await fetcher.fetchPage(`http://mixed.example:${server.port}/ok`)
      await fetcher.close()
      expect(page.status).to.equal(200)
    })

    it('under .localhost are loopback without asking anybody', async () => {
      const names = resolver([])
      const fetcher = makeFetcher({}, { resolve: names.resolve })
      const page = await fetcher.fetchPage(`http://shop.localhost:${server.port}/ok`)
      await fetcher.close()
      expect(page.status).to.equal(200)
      expect(names.asked()).to.equal(0)
    })
  })
})
