import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Certificate, createAuthority, selfSigned } from '../../support/certificates.js'
import { type HostileServer, startHostileServer } from '../../support/hostile-server.js'
import { runFetchChild } from '../../support/run-fetch-child.js'
import { FETCH_OPTIONS } from './support.js'

const NOW: readonly [number, number] = [2020, 2090]
const NAME = 'shop.localhost'

/** An honest HTTPS server with this certificate, on a free port of 127.0.0.1. */
async function startTlsServer(certificate: Certificate) {
  const server = createServer(certificate, (_request, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const close = () => new Promise((resolve) => server.close(resolve))
  return { port, close }
}

describe('fetch: hostile TLS and environment', () => {
  let directory = ''
  let plain: HostileServer
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fetchyard-tls-'))
    plain = await startHostileServer()
  })
  after(async () => {
    await plain.close()
    await rm(directory, { recursive: true })
  })

  it('trusts a good certificate, and says what is wrong with the others', async () => {
    const authority = createAuthority('Test Authority')
    const file = join(directory, 'authority.pem')
    await writeFile(file, authority.cert)
    const servers = await Promise.all(
      [
        authority.issue({ name: NAME, years: NOW }),
        authority.issue({ name: NAME, years: [2020, 2021] }),
        authority.issue({ name: NAME, years: [2080, 2090] }),
        authority.issue({ name: 'other.localhost', years: NOW }),
        selfSigned({ name: NAME, years: NOW }),
        createAuthority('Unknown').issue({ name: NAME, years: NOW }),
      ].map(startTlsServer),
    )
    const urls = servers.map(({ port }) => `https://${NAME}:${port}/`)
    const trusting = { NODE_EXTRA_CA_CERTS: file }
    const { ends } = await runFetchChild({ options: FETCH_OPTIONS, urls }, trusting)
    await Promise.all(servers.map(({ close }) => close()))

    expect(ends.map(({ code }) => code)).to.deep.equal(['ok', 'tls', 'tls', 'tls', 'tls', 'tls'])
    const reasons = [
      /CERT_HAS_EXPIRED/,
      /CERT_NOT_YET_VALID/,
      /ERR_TLS_CERT_ALTNAME_INVALID/,
      /DEPTH_ZERO_SELF_SIGNED_CERT/,
      /UNABLE_TO_VERIFY_LEAF_SIGNATURE/,
    ]
    for (const [n, reason] of reasons.entries()) expect(ends[n + 1]?.message).to.match(reason)
  })

  it('uses no proxy that the environment names', async () => {
    const proxy = await startHostileServer()
    const names = [
      'HTTP_PROXY',
      'http_proxy',
      'HTTPS_PROXY',
      'https_proxy',
      'ALL_PROXY',
      'all_proxy',
    ]
    const environment = Object.fromEntries(names.map((name) => [name, proxy.origin]))
    const { ends } = await runFetchChild(
      { options: FETCH_OPTIONS, urls: [`${plain.origin}/ok`] },
      { ...environment, NODE_USE_ENV_PROXY: '1', NO_PROXY: '', no_proxy: '' },
    )
    const { accepted } = proxy.connections()
    await proxy.close()
    expect(ends.map(({ code }) => code)).to.deep.equal(['ok'])
    expect(accepted).to.equal(0)
  })
})
