import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { LIMITS } from '../../src/core/limits.js'
import { refuseRequest } from '../../supervisor/web/gate.js'
import { STARTED } from './support/events.js'
import { type LiveSocket, openSocket, upgradeStatus } from './support/live-socket.js'
import { openYard, TOKEN, type Yard } from './support/yard.js'

const BEARER = { authorization: `Bearer ${TOKEN}` }
const DATA = ['/api/stats', '/api/workflows', '/api/nodes', '/api/events', '/metrics']
const PAGE = ['/', '/app.js', '/style.css', '/overview.js', '/uPlot.js', '/uPlot.css', '/icon.svg']

function base64Url(text: string): string {
  return Buffer.from(text).toString('base64url')
}

/** A request whose Host header is told, which fetch does not allow. */
function statusFor(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('web/http', () => {
  let yard: Yard
  beforeEach(async () => {
    yard = await openYard({ allowedHosts: ['yard.example'] })
  })
  afterEach(() => yard.close())
  const get = (path: string, init: RequestInit = {}) => fetch(`${yard.base}${path}`, init)

  describe('token', () => {
    for (const path of DATA) {
      it(`is needed for ${path}`, async () => {
        const refused = await get(path)
        expect(refused.status).to.equal(401)
        expect(refused.headers.get('www-authenticate')).to.equal('Bearer')
        const wrong = { authorization: `Bearer ${TOKEN}x` }
        expect((await get(path, { headers: wrong })).status).to.equal(401)
        expect((await get(path, { headers: BEARER })).status).to.equal(200)
      })
    }

    it('is not taken from a query, where logs would keep it', async () => {
      expect((await get(`/api/stats?token=${TOKEN}`)).status).to.equal(401)
    })

    for (const path of [...PAGE, '/healthz']) {
      it(`is not needed for ${path}`, async () => {
        expect((await get(path)).status).to.equal(200)
      })
    }

    it('is made up when none is given, and differs from start to start', async () => {
      const [one, other] = [await openYard({ token: '' }), await openYard({ token: '' })]
      expect(one.web.token)
        .to.match(/^[\w-]{43}$/)
        .and.not.equal(other.web.token)
      expect(one.web.url).to.equal(`http://127.0.0.1:${one.web.port}/#token=${one.web.token}`)
      await Promise.all([one.close(), other.close()])
    })
  })

  describe('site', () => {
    const hosts: readonly [host: string, status: number][] = [
      ['127.0.0.1:8080', 200],
      ['localhost', 200],
      ['LOCALHOST:1', 200],
      ['[::1]:9', 200],
      ['10.1.2.3', 200],
      ['yard.example:443', 200],
      ['evil.example', 403],
      ['localhost.evil.example', 403],
      ['127.0.0.1.evil.example', 403],
      ['evil.example:80@localhost', 403],
    ]
    for (const [host, status] of hosts) {
      it(`answers ${status} to the host '${host}'`, async () => {
        const { port } = yard.web
        expect(await statusFor(port, '/api/stats', { ...BEARER, host })).to.equal(status)
        expect(await statusFor(port, '/', { host })).to.equal(status)
        const upgrade = { ...BEARER, host }
        const expected = status === 200 ? 101 : status
        expect(await upgradeStatus(port, { headers: upgrade })).to.equal(expected)
      })
    }

    it('refuses a request that names no host', () => {
      const gate = { token: TOKEN, operatorToken: null, allowedHosts: [] }
      for (const headers of [{}, { host: '' }]) {
        const refusal = refuseRequest(headers, gate, { token: false })
        expect(refusal).to.have.property('status', 403)
      }
    })

    const origins: readonly [origin: string, status: number][] = [
      ['http://yard.example', 101],
      ['https://yard.example', 101],
      ['http://yard.example:8080', 403],
      ['http://evil.example', 403],
      ['null', 403],
      ['file://yard.example', 403],
    ]
    for (const [origin, status] of origins) {
      it(`answers ${status} to an upgrade from ${origin}`, async () => {
        const headers = { ...BEARER, host: 'yard.example', origin }
        expect(await upgradeStatus(yard.web.port, { headers })).to.equal(status)
      })
    }
  })

  describe('upgrade', () => {
    const good = 'fetchyard.v1.json'
    const table: readonly [title: string, protocols: string[], headers: object, status: number][] =
      [
        ['a token in the header', [good], BEARER, 101],
        ['a token as a subprotocol', [good, `fetchyard.bearer.${base64Url(TOKEN)}`], {}, 101],
        ['no token', [good], {}, 401],
        ['a wrong token', [good], { authorization: 'Bearer nonsense' }, 401],
        ['a wrong subprotocol token', [good, `fetchyard.bearer.${base64Url('x')}`], {}, 401],
        ['another scheme', [good], { authorization: `Basic ${TOKEN}` }, 401],
        ['another version', ['fetchyard.v9.json'], BEARER, 400],
      ]
    for (const [title, protocols, headers, status] of table) {
      it(`answers ${status} to ${title}`, async () => {
        expect(await upgradeStatus(yard.web.port, { protocols, headers })).to.equal(status)
      })
    }

    it('never echoes the token', async () => {
      const client = await openSocket(yard.web.port)
      expect(client.socket.protocol).to.equal(good)
      client.socket.terminate()
    })

    it('is at /live only', async () => {
      expect(await upgradeStatus(yard.web.port, { path: '/other', headers: BEARER })).to.equal(404)
    })

    it('is refused with 429 at the bound that was set', async () => {
      const small = await openYard({ liveClientsMax: 2 })
      const { port } = small.web
      const clients = [await openSocket(port), await openSocket(port)]
      expect(await upgradeStatus(port, { headers: BEARER })).to.equal(429)
      for (const client of clients) client.socket.terminate()
      await small.close()
    })

    it('is refused with 429 at the bound of clients, and possible again below it', async () => {
      const { port } = yard.web
      const clients: LiveSocket[] = []
      while (clients.length < LIMITS.liveClientsMax) clients.push(await openSocket(port))
      expect(await upgradeStatus(port, { headers: BEARER })).to.equal(429)
      const left = new Promise<void>((resolve) => {
        yard.bus.subscribe((event) => event.name === 'live.client_closed' && resolve())
      })
      clients.pop()?.socket.terminate()
      await left
      expect(await upgradeStatus(port, { headers: BEARER })).to.equal(101)
      for (const client of clients) client.socket.terminate()
    })
  })

  describe('answers', () => {
    it('carry headers that keep other sites out', async () => {
      for (const path of ['/', '/healthz', '/api/stats']) {
        const { headers } = await get(path, { headers: BEARER })
        const policy = headers.get('content-security-policy') ?? ''
        expect(policy).to.contain("default-src 'none'").and.contain("frame-ancestors 'none'")
        expect(policy).to.not.contain('unsafe')
        expect(headers.get('x-content-type-options')).to.equal('nosniff')
        expect(headers.get('access-control-allow-origin')).to.equal(null)
      }
    })

    it('tell the state of a topic with boot and time', async () => {
      yard.bus.emit('supervisor.started', STARTED)
      const answer = await get('/api/stats', { headers: BEARER })
      expect(answer.headers.get('cache-control')).to.equal('no-store')
      const body: Record<string, unknown> = JSON.parse(await answer.text())
      expect(body).to.include({ v: 1, epoch: 'boot-1', topic: 'stats' })
      expect(body.d).to.include({ state: 'idle', nodeId: 'node-a' })
    })

    it('let a page be kept while it is the same', async () => {
      const etag = (await get('/app.js')).headers.get('etag') ?? ''
      const again = await get('/app.js', { headers: { 'if-none-match': etag } })
      expect(again.status).to.equal(304)
    })

    it('have no body for HEAD', async () => {
      const answer = await get('/api/stats', { method: 'HEAD', headers: BEARER })
      expect(answer.status).to.equal(200)
      expect(await answer.text()).to.equal('')
    })

    it('refuse what is neither GET nor HEAD, and bodies', async () => {
      const posted = await get('/api/stats', { method: 'POST', headers: BEARER })
      expect(posted.status).to.equal(405)
      expect(posted.headers.get('allow')).to.equal('GET, HEAD')
      expect(await statusFor(yard.web.port, '/', { 'content-length': '5' })).to.equal(413)
    })

    it('never leave the list of files', async () => {
      for (const path of [
        '/../web.js',
        '/%2e%2e/web.js',
        '/..%2fweb.js',
        '//etc/passwd',
        '/index',
      ]) {
        expect(await statusFor(yard.web.port, path, { ...BEARER })).to.equal(404)
      }
    })

    it('refuse headers larger than 16 KiB', async () => {
      const large = { ...BEARER, 'x-large': 'x'.repeat(17_000) }
      expect(await statusFor(yard.web.port, '/', large)).to.equal(431)
    })

    it('survive clients that break off or speak nonsense', async () => {
      const socket = connect(yard.web.port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write('GET /live HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n')
      socket.resetAndDestroy()
      const other = connect(yard.web.port, '127.0.0.1')
      other.end('nonsense\r\n\r\n')
      other.resume()
      await once(other, 'close')
      expect((await get('/healthz')).status).to.equal(200)
    })
  })

  describe('readiness', () => {
    const ready = async () => {
      const answer = await get('/readyz')
      const body: { reason?: string } = JSON.parse(await answer.text())
      return [answer.status, body.reason]
    }

    it('is given from the start until the supervisor drains; health all the time', async () => {
      expect(await ready()).to.deep.equal([503, 'starting'])
      yard.bus.emit('supervisor.started', STARTED)
      expect(await ready()).to.deep.equal([200, undefined])
      yard.bus.emit('supervisor.stopping', { stage: 'drain', reason: 'SIGTERM', inFlight: 2 })
      expect(await ready()).to.deep.equal([503, 'draining (drain)'])
      expect((await get('/healthz')).status).to.equal(200)
    })

    it('is taken away by a fence', async () => {
      yard.bus.emit('supervisor.started', STARTED)
      yard.bus.emit('supervisor.fenced', { nodeId: 'node-a', reason: 'silent' })
      expect(await ready()).to.deep.equal([503, 'fenced by another node'])
    })

    it('needs neither token nor a known host', async () => {
      expect(await statusFor(yard.web.port, '/healthz', { host: 'probe.cluster.local' })).to.equal(
        200,
      )
    })
  })
})
