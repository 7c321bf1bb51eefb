import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createAddressGuard } from '../../../../src/fetch/address-guard.js'
import { FetchFailure } from '../../../../src/fetch/failure.js'
import { parseTarget } from '../../../../src/fetch/target.js'
import { checkRemoteTarget } from '../../../../src/fetch/upstream/remote-target.js'

const REFUSED = [
  'http://127.0.0.1/',
  'http://127.0.0.1./',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.0.0.1/',
  'http://0177.0.0.1/',
  'http://017700000001/',
  'http://１２７.0.0.1/',
  'http://127.0.0.1%2e/',
  'http://0/',
  'http://10.0.0.1/',
  'http://192.168.1.1:8080/x',
  'http://169.254.169.254/latest/meta-data/',
  'http://168.63.129.16/',
  'http://[::1]/',
  'http://[::]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[fe80::1]/',
  'http://[fc00::1]/',
  'http://localhost/',
  'http://LOCALHOST:8080/',
  'http://localhost./',
  'http://a.b.localhost/',
  'http://metadata/',
  'http://metadata.google.internal/computeMetadata/v1/',
  'http://metadata.google.internal./',
  'http://instance-data/',
  'http://printer.local/',
  'http://db.corp/',
  'http://router.home.arpa/',
  'http://wiki.lan/',
  'http://intranet/',
]

const PUBLIC = [
  'https://example.com/',
  'http://93.184.216.34/',
  'http://[2606:2800:220:1::1]/',
  'https://localhost.example.com/',
  'https://internal.example.com/',
  'https://local.example/',
  'https://müller.example/',
]

describe('fetch/upstream/remote-target', () => {
  const refusal = (url: string, allowed: readonly string[] = []) => {
    try {
      checkRemoteTarget(parseTarget(url), createAddressGuard(allowed))
      return null
    } catch (error) {
      return error instanceof FetchFailure ? error.code : error
    }
  }

  for (const url of REFUSED) {
    it(`hands no ${url} to the provider`, () => expect(refusal(url)).to.equal('ssrf'))
  }
  for (const url of PUBLIC) {
    it(`hands ${url} to the provider`, () => expect(refusal(url)).to.equal(null))
  }

  it('lets through what is allowed, by address and by the name of this machine', () => {
    const loopback = ['127.0.0.0/8']
    expect(refusal('http://127.0.0.1:8080/', loopback)).to.equal(null)
    expect(refusal('http://localhost:8080/', loopback)).to.equal(null)
    expect(refusal('http://10.0.0.1/', loopback)).to.equal('ssrf')
  })

  it('refuses user names, other schemes and ports of other protocols before', () => {
    expect(refusal('http://user:word@example.com/')).to.equal('url')
    expect(refusal('ftp://example.com/')).to.equal('url')
    expect(refusal('http://example.com:25/')).to.equal('ssrf')
  })
})
