import { createServer, request as startRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect } from 'chai'
import { type GuardProxy, startGuardProxy } from '../../../src/documents/guard-proxy.js'

describe('documents/guard-proxy', () => {
  let asked = 0
  const server = createServer((_, response) => {
    asked += 1
    response.end('hello')
  })
  let port = 0
  let proxy: GuardProxy

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  after(() => server.close())
  beforeEach(() => {
    asked = 0
  })
  afterEach(() => proxy.close())

  const open = async (
    allowedRanges: readonly string[],
    ports: readonly [number, number][] = [],
  ) => {
    proxy = await startGuardProxy({ allowedRanges, ports })
  }

  /** Status and body of a URL through the proxy; rejects when it hangs up. */
  function get(url: string): Promise<readonly [number | undefined, string]> {
    const { hostname, port: proxyPort } = new URL(proxy.url)
    return new Promise((resolve, reject) => {
      const request = startRequest({ host: hostname, port: proxyPort, path: url, agent: false })
      request.on('error', reject)
      request.on('response', (response) => {
        let text = ''
        response.on('data', (chunk) => {
          text += String(chunk)
        })
        response.on('end', () => resolve([response.statusCode, text]))
      })
      request.end()
    })
  }

  /** Not one byte comes: an answer would be taken for a page of the site. */
  const hangsUp = (url: string) =>
    get(url).then(
      () => false,
      () => true,
    )

  /** What the proxy answers to CONNECT; '' when it hangs up. */
  function tunnel(target: string): Promise<string> {
    const { hostname, port: proxyPort } = new URL(proxy.url)
    return new Promise((resolve) => {
      const socket = connect({ host: hostname, port: Number(proxyPort) })
      let text = ''
      socket.on('data', (chunk) => {
        text += String(chunk)
        if (text.includes('\r\n\r\n')) socket.destroy()
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(text.split('\r\n')[0] ?? ''))
      socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
    })
  }

  it('lets through what the guard lets through', async () => {
    await open(['127.0.0.0/8'])
    expect(await get(`http://127.0.0.1:${port}/`)).to.deep.equal([200, 'hello'])
    expect(await get(`http://localhost:${port}/`)).to.deep.equal([200, 'hello'])
    expect(await tunnel(`127.0.0.1:${port}`)).to.match(/ 200 /)
    expect(await tunnel(`localhost:${port}`)).to.match(/ 200 /)
  })

  it('connects to no address that the guard refuses, by number or by name', async () => {
    await open([])
    const urls = [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`, `http://[::1]:${port}/`]
    for (const url of [...urls, 'http://169.254.169.254/latest/meta-data']) {
      expect(await hangsUp(url), url).to.equal(true)
    }
    expect(await tunnel(`127.0.0.1:${port}`)).to.match(/ 403 /)
    expect(await tunnel(`localhost:${port}`)).to.equal('')
    expect(asked).to.equal(0)
    expect(proxy.refusalOf('127.0.0.1')).to.contain('loopback')
    expect(proxy.refusalOf('localhost')).to.contain('loopback')
    expect(proxy.refusalOf('example.com')).to.equal(null)
  })

  it('connects to no port that is not listed', async () => {
    await open(['127.0.0.0/8'], [[443, 443]])
    expect(await hangsUp(`http://127.0.0.1:${port}/`)).to.equal(true)
    expect(await tunnel(`127.0.0.1:${port}`)).to.match(/ 403 /)
    expect(asked).to.equal(0)
  })
})
