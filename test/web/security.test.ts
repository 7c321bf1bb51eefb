// What an attacker tries at the web server that no other test has: comparisons that take their time,
// requests that never end, and text that would be more than text in headers, paths and the log.

import crypto from 'node:crypto'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { createEventBus } from '../../src/telemetry/events.js'
import { createLogger, createLogSubscriber } from '../../src/telemetry/log.js'
import type { Carried, SteeringDesk } from '../../supervisor/steering-desk.js'
import { accessOf } from '../../supervisor/web/access.js'
import { STARTED, WORKER } from './support/events.js'
import { upgradeStatus } from './support/live-socket.js'
import { openYard, TOKEN, type Yard } from './support/yard.js'

const OPERATOR = 'an-operator-token-of-its-own'
const HEADERS_MS = 200

/** A desk that counts what it is told. */
function createDesk() {
  const told: string[] = []
  const take = async (name: string): Promise<Carried> => {
    told.push(name)
    throw new Error('nothing is carried out here')
  }
  const desk: SteeringDesk = {
    ...{ setRollout: take, setConcurrency: take, setPace: take, pause: take, resume: take },
    rollouts: async () => [],
    why: async () => [],
  }
  return { told, desk }
}

describe('web/security', () => {
  let yard: Yard
  let told: readonly string[] = []
  beforeEach(async () => {
    const made = createDesk()
    told = made.told
    yard = await openYard({
      ...{ operatorToken: OPERATOR, desk: made.desk, headersTimeoutMs: HEADERS_MS },
    })
    yard.bus.emit('supervisor.started', STARTED)
  })
  afterEach(() => yard.close())

  async function open(): Promise<Socket> {
    const socket = connect(yard.web.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }

  /** Sends bytes as they are, and reads until the server closes. */
  async function raw(payload: string): Promise<string> {
    const socket = await open()
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.write(payload, 'latin1')
    await once(socket, 'close')
    return Buffer.concat(chunks).toString('latin1')
  }
  const lines = (...own: readonly string[]) => `${own.join('\r\n')}\r\n\r\n`
  const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

  describe('tokens', () => {
    it('are compared in the same steps, whatever is given', () => {
      const real = crypto.timingSafeEqual
      const lengths: (readonly number[])[] = []
      crypto.timingSafeEqual = (a, b) => {
        lengths.push([a.byteLength, b.byteLength])
        return real(a, b)
      }
      syncBuiltinESMExports()
      const tokens = { token: TOKEN, operatorToken: OPERATOR }
      const given = ['', 'x', TOKEN.slice(0, -1), `${TOKEN}x`, TOKEN, OPERATOR, 'y'.repeat(9_999)]
      const answers = given.map((own) => {
        lengths.length = 0
        const access = accessOf(own, tokens)
        expect(lengths, own.slice(0, 40)).to.deep.equal([
          [32, 32],
          [32, 32],
        ])
        return access
      })
      crypto.timingSafeEqual = real
      syncBuiltinESMExports()
      expect(answers).to.deep.equal([null, null, null, null, 'read', 'operate', null])
    })

    it('open what they are for, and nothing else', async () => {
      const bearers: readonly (readonly [token: string | null, reads: number, orders: number])[] = [
        [null, 401, 401],
        ['wrong-token-of-some-length', 401, 401],
        [TOKEN, 200, 403],
        // The desk of this test fails, after it was asked.
        [OPERATOR, 200, 500],
      ]
      for (const [token, reads, orders] of bearers) {
        const authorization = token === null ? {} : { authorization: `Bearer ${token}` }
        for (const path of ['/api/stats', '/api/events', '/api/why', '/api/rollout', '/metrics']) {
          const { status } = await fetch(`${yard.base}${path}`, { headers: { ...authorization } })
          expect(status, `${token} ${path}`).to.equal(reads)
        }
        const order = await fetch(`${yard.base}/api/workflows/contacts/pause`, {
          ...{ method: 'POST', body: '{}' },
          headers: { ...authorization, 'content-type': 'application/json' },
        })
        expect(order.status, `${token} order`).to.equal(orders)
        const live = await upgradeStatus(yard.web.port, { headers: { ...authorization } })
        expect(live, `${token} live`).to.equal(reads === 200 ? 101 : 401)
      }
      expect(told).to.have.lengthOf(1)
    })

    it('are told by no answer', async () => {
      const headers = { authorization: `Bearer ${OPERATOR}` }
      for (const path of ['/', '/app.js', '/api/stats', '/api/events', '/metrics', '/nothing']) {
        const answer = await fetch(`${yard.base}${path}`, { headers })
        const text = `${JSON.stringify([...answer.headers])}${await answer.text()}`
        expect(text).to.not.contain(OPERATOR).and.not.contain(TOKEN)
      }
    })
  })

  describe('requests', () => {
    it('that send their headers a byte at a time are ended', async () => {
      const socket = await open()
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n')
      const drip = setInterval(() => socket.write('X-A: 1\r\n'), HEADERS_MS / 10)
      const chunks: Buffer[] = []
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      await once(socket, 'close')
      clearInterval(drip)
      expect(statusOf(Buffer.concat(chunks).toString())).to.equal(408)
    })

    it('that say nothing at all do not keep others out', async () => {
      const silent = await Promise.all(Array.from({ length: 50 }, open))
      expect((await fetch(`${yard.base}/healthz`)).status).to.equal(200)
      await Promise.all(silent.map((socket) => once(socket.resume(), 'close')))
    })

    const auth = `Authorization: Bearer ${OPERATOR}`
    const order = ['POST /api/workflows/contacts/pause HTTP/1.1', 'Host: localhost', auth]
    const smuggled: readonly (readonly [what: string, payload: string])[] = [
      [
        'two lengths',
        `${lines(...order, 'Content-Type: application/json', 'Content-Length: 2', 'Content-Length: 40')}{}`,
      ],
      [
        'a length and chunks',
        `${lines(...order, 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      ],
      ['a header folded over two lines', lines(...order, 'X-A: b\r\n c: d')],
      ['a bare line feed in a header', lines(...order, 'X-A: b\nX-Evil: 1')],
      ['a name with a space before its colon', lines(...order, 'Content-Length : 2')],
      ['a null byte', lines('GET /\0 HTTP/1.1', 'Host: localhost')],
      ['another protocol', lines('PRI * HTTP/2.0')],
    ]
    for (const [what, payload] of smuggled) {
      it(`with ${what} are refused, and nothing is carried out`, async () => {
        const answer = await raw(payload)
        expect(statusOf(answer)).to.be.oneOf([400, 401, 403, 408, 505])
        expect(answer.match(/HTTP\/1\.1 \d/g)).to.have.lengthOf(1)
        expect(told).to.deep.equal([])
      })
    }

    it('with an endless path or endless headers are refused', async () => {
      expect(statusOf(await raw(lines(`GET /${'a'.repeat(20_000)} HTTP/1.1`, 'Host: a')))).to.equal(
        431,
      )
      const many = Array.from({ length: 3_000 }, (_, n) => `X-${n}: 1`)
      expect(statusOf(await raw(lines('GET / HTTP/1.1', 'Host: a', ...many)))).to.equal(431)
    })
  })

  describe('answers', () => {
    it('forbid frames and foreign scripts, whatever their status', async () => {
      const reader = { authorization: `Bearer ${TOKEN}` }
      const asked: readonly (readonly [path: string, init: RequestInit, status: number])[] = [
        ['/', {}, 200],
        ['/api/stats', { headers: reader }, 200],
        ['/api/stats', {}, 401],
        ['/nothing', { headers: reader }, 404],
        ['/api/stats', { method: 'DELETE', headers: reader }, 405],
        ['/api/workflows/contacts/pause', { method: 'POST', headers: reader }, 403],
      ]
      for (const [path, init, status] of asked) {
        const answer = await fetch(`${yard.base}${path}`, init)
        expect(answer.status, path).to.equal(status)
        const policy = answer.headers.get('content-security-policy') ?? ''
        expect(policy, path).to.contain("frame-ancestors 'none'").and.contain("default-src 'none'")
        expect(answer.headers.get('x-frame-options'), path).to.equal('DENY')
        expect(answer.headers.get('x-content-type-options'), path).to.equal('nosniff')
      }
    })

    it('have no header that a request made up', async () => {
      const evil = '%0d%0aSet-Cookie:%20evil=1'
      const host = 'Host: localhost'
      const asked = [
        lines(`GET /${evil} HTTP/1.1`, host, 'Connection: close'),
        lines(
          `GET /api/${evil} HTTP/1.1`,
          host,
          `Authorization: Bearer ${TOKEN}`,
          'Connection: close',
        ),
        lines(
          'GET /app.js HTTP/1.1',
          host,
          'If-None-Match: "x\x0bSet-Cookie: evil=1"',
          'Connection: close',
        ),
        lines(
          'GET /api/stats HTTP/1.1',
          host,
          `Authorization: Bearer ${evil}`,
          'Connection: close',
        ),
        lines('GET / HTTP/1.1', host, `Origin: http://${evil}`, 'Connection: close'),
        lines('GET / HTTP/1.1', `Host: ${evil}`, 'Connection: close'),
        lines(
          `POST /api/workflows/${evil}/pause HTTP/1.1`,
          host,
          `Authorization: Bearer ${OPERATOR}`,
          'Content-Type: application/json',
          'Connection: close',
        ),
      ]
      for (const payload of asked) {
        const answer = await raw(payload)
        expect(statusOf(answer), payload).to.be.within(200, 499)
        const head = answer.slice(0, answer.indexOf('\r\n\r\n'))
        expect(head.toLowerCase(), payload).to.not.contain('set-cookie').and.not.contain('evil')
      }
    })
  })

  describe('the log', () => {
    for (const format of ['json', 'pretty'] as const) {
      it(`keeps one event on one line, whatever stands in it (${format})`, () => {
        const written: string[] = []
        const bus = createEventBus()
        const stream = { write: (line: string) => void written.push(line) }
        const logger = createLogger({ level: 'debug', format, stream, color: false })
        bus.subscribe(createLogSubscriber(logger))
        const evil = 'x"}\n{"level":"error","msg":"forged"}\r\n\u001b[2J\u2028\u202e{"a":"'
        bus.emit('worker.log', {
          ...WORKER,
          level: 'info',
          message: evil,
          fields: { [evil]: evil },
        })
        bus.emit('workflow.paused', { workflow: evil, reason: evil })
        bus.emit('workflow.steered', { workflow: 'contacts', by: evil, message: evil })
        const alert = { alert: evil, subject: evil, severity: 'error', message: evil } as const
        bus.emit('alert.raised', alert)
        bus.emit('lease.failed', { workflow: 'contacts', message: evil })
        expect(written).to.have.lengthOf(5)
        for (const line of written) {
          expect(line.trimEnd().split(/[\n\r\u2028]/), line).to.have.lengthOf(1)
          expect(line).to.not.contain('\u001b').and.not.contain('\u202e')
        }
      })
    }
  })
})
