import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import type { Rollout } from '../../src/core/cohort-figures.js'
import { FetchyardError } from '../../src/core/errors.js'
import type { Carried, Orderer, SteeringDesk } from '../../supervisor/steering-desk.js'
import { WEB_LIMITS } from '../../supervisor/web/web-limits.js'
import { databaseError } from '../support/fake-store.js'
import { openSocket } from './support/live-socket.js'
import { createManualClock } from './support/manual-clock.js'
import { openYard, TOKEN, type Yard } from './support/yard.js'

const OPERATOR = 'an-operator-token-of-its-own'
const NOW: Rollout = {
  ...{ workflow: 'contacts', mode: 'concurrent', rollout: 10, concurrency: null, step: 1 },
  ...{ since: '2026-01-01T00:00:00.000Z', by: null, nodes: 2, pausedBy: [] },
  ...{ ratePerMinute: null, successPauseMs: null },
  cohorts: { concurrent: null, sequential: null },
}

interface Told {
  readonly verb: string
  readonly name: string
  readonly what: unknown
  readonly by: Orderer
}

/** A desk that writes down what it is told. */
function createDesk() {
  const told: Told[] = []
  const desk = { told, answer: async (): Promise<Carried> => carried }
  const carried = { isChanged: true, now: NOW, words: 'contacts is set.' }
  const note = (verb: string, name: string, what: unknown, by: Orderer) => {
    told.push({ verb, name, what, by })
    return desk.answer()
  }
  const made: SteeringDesk = {
    setRollout: (name, order, by) => note('rollout', name, order, by),
    setConcurrency: (name, items, by) => note('concurrency', name, items, by),
    setPace: (name, pace, by) => note('pace', name, pace, by),
    pause: (name, by) => note('pause', name, null, by),
    resume: (name, by) => note('resume', name, null, by),
    rollouts: async () => [NOW],
    why: async () => [
      { workflow: 'contacts', binding: 'queue_empty', words: 'The queue is empty.', advice: null },
    ],
  }
  return Object.assign(desk, { made })
}

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly message: string
  readonly body: Record<string, unknown>
}

/** A request whose headers are all told, which fetch does not allow. */
function send(
  port: number,
  path: string,
  parts: { method?: string; headers?: Record<string, string>; body?: string },
): Promise<Reply> {
  const { method = 'POST', headers = {}, body = '' } = parts
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const answered: Record<string, unknown> = text.startsWith('{') ? JSON.parse(text) : {}
        const { error = null } = answered as { error?: { message: string } | null }
        const { statusCode: status = 0 } = response
        resolve({
          status,
          headers: response.headers,
          body: answered,
          message: error?.message ?? '',
        })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('web/actions', () => {
  let yard: Yard
  let desk: ReturnType<typeof createDesk>
  const open = (options: Parameters<typeof openYard>[0] = {}) =>
    openYard({
      operatorToken: OPERATOR,
      allowedHosts: ['yard.example'],
      desk: desk.made,
      ...options,
    })
  beforeEach(async () => {
    desk = createDesk()
    yard = await open()
  })
  afterEach(() => yard.close())

  const JSON_TYPE = { 'content-type': 'application/json' }
  const GOOD = { ...JSON_TYPE, authorization: `Bearer ${OPERATOR}` }
  const ROLLOUT = '/api/workflows/contacts/rollout'
  const post = (path: string, body: string, headers: Record<string, string> = GOOD) =>
    send(yard.web.port, path, { headers, body })

  describe('orders', () => {
    const table: readonly (readonly [verb: string, body: string, what: unknown])[] = [
      ['rollout', '{"rollout": 10}', { mode: 'concurrent', rollout: 10 }],
      ['rollout', '{"rollout": "50%"}', { mode: 'concurrent', rollout: 50 }],
      ['rollout', '{"rollout": "sequential"}', { mode: 'sequential', rollout: 0 }],
      ['rollout', '{"rollout": 0}', { mode: 'sequential', rollout: 0 }],
      ['concurrency', '{"concurrency": 20}', 20],
      ['concurrency', '{"concurrency": "auto"}', null],
      ['rate', '{"rate": 120}', { ratePerMinute: 120 }],
      ['rate', '{"rate": "auto"}', { ratePerMinute: null }],
      ['pause', '', null],
      ['pause', '{}', null],
      ['resume', '{}', null],
    ]
    for (const [verb, body, what] of table) {
      it(`carries out ${verb} ${body}, and says what holds`, async () => {
        const answer = await post(`/api/workflows/contacts/${verb}`, body)
        expect(answer.status, answer.message).to.equal(200)
        expect(answer.body).to.deep.equal({
          v: 1,
          changed: true,
          words: 'contacts is set.',
          now: NOW,
        })
        const by = { name: 'an operator', via: 'over HTTP from 127.0.0.1' }
        // The desk has one order for all that is about pace.
        const told = verb === 'rate' ? 'pace' : verb
        expect(desk.told).to.deep.equal([{ verb: told, name: 'contacts', what, by }])
      })
    }

    it('names who gives them', async () => {
      await post(ROLLOUT, '{"rollout": 10, "by": "Zoë O. <no>"}')
      expect(desk.told).to.deep.equal([])
      await post(ROLLOUT, '{"rollout": 10, "by": "Zoë Ortega"}')
      expect(desk.told[0]?.by.name).to.equal('Zoë Ortega')
    })

    it('may be given with the only token when there is no other', async () => {
      const one = await open({ operatorToken: '' })
      const headers = { ...JSON_TYPE, authorization: `Bearer ${TOKEN}` }
      expect(
        (await send(one.web.port, ROLLOUT, { headers, body: '{"rollout":1}' })).status,
      ).to.equal(200)
      await one.close()
    })

    it('may come from our own page, and from a program that says nothing of a site', async () => {
      for (const site of ['same-origin', 'none']) {
        const headers = {
          ...GOOD,
          'sec-fetch-site': site,
          origin: `http://127.0.0.1:${yard.web.port}`,
        }
        expect((await post(ROLLOUT, '{"rollout":1}', headers)).status).to.equal(200)
      }
    })
  })

  describe('refuses', () => {
    const bearer = (token: string) => ({ ...JSON_TYPE, authorization: `Bearer ${token}` })
    const heads: readonly (readonly [string, Record<string, string>, number, RegExp])[] = [
      ['no token', JSON_TYPE, 401, /A token is needed/],
      ['a wrong token', bearer(`${OPERATOR}x`), 401, /The token is wrong/],
      ['the token that only reads', bearer(TOKEN), 403, /only reads; orders need the operator/],
      ['another host', { ...GOOD, host: 'evil.example' }, 403, /host name is not among/],
      ['another origin', { ...GOOD, origin: 'http://evil.example' }, 403, /another origin/],
      ['the origin null', { ...GOOD, origin: 'null' }, 403, /another origin/],
      ['a page of another site', { ...GOOD, 'sec-fetch-site': 'cross-site' }, 403, /is cross-site/],
      ['a page next door', { ...GOOD, 'sec-fetch-site': 'same-site' }, 403, /is same-site/],
      [
        'no content type',
        { authorization: GOOD.authorization },
        415,
        /application\/json, got none/,
      ],
      ['a form', { ...GOOD, 'content-type': 'text/plain' }, 415, /got "text\/plain"/],
    ]
    for (const [what, headers, status, words] of heads) {
      it(`${what}, before the body is read`, async () => {
        const answer = await post(ROLLOUT, '{"rollout": 10}', headers)
        expect(answer.status).to.equal(status)
        expect(answer.message).to.match(words)
        expect(answer.headers.connection).to.equal('close')
        expect(answer.headers['access-control-allow-origin']).to.equal(undefined)
        expect(desk.told).to.deep.equal([])
      })
    }

    const bodies: readonly (readonly [path: string, body: string, words: RegExp])[] = [
      [
        'rollout',
        'rollout=10',
        /to be a JSON object, got "rollout=10"\. For example: {"rollout": 10}/,
      ],
      ['rollout', '[10]', /to be a JSON object/],
      ['rollout', 'null', /to be a JSON object/],
      ['rollout', '{}', /`rollout` to be a whole percentage from 0 to 100.*got nothing/],
      ['rollout', '{"rollout": 101}', /the word sequential, got 101\. For example/],
      ['rollout', '{"rollout": -1}', /got -1/],
      ['rollout', '{"rollout": 1.5}', /got 1\.5/],
      ['rollout', '{"rollout": true}', /got true/],
      ['rollout', '{"rolout": 10}', /Unknown field "rolout"\. Did you mean `rollout`\?/],
      ['rollout', '{"rollout": 10, "by": ""}', /`by` to be 1 to 80 letters.*got ""/],
      ['rollout', '{"rollout": 10, "by": "a\\nb"}', /`by` to be 1 to 80 letters/],
      ['rollout', '{"rollout": 10, "by": {"$gt": ""}}', /`by` to be/],
      [
        'concurrency',
        '{"concurrency": 0}',
        /a whole number from 1 to 100000, or the word auto, got 0/,
      ],
      ['concurrency', '{"concurrency": null}', /got null/],
      ['rate', '{"rate": 0}', /a whole number from 1 to 1000000, or "auto", got 0/],
      ['rate', '{"rate": "fast"}', /got "fast"/],
      ['pause', '{"reason": "x"}', /Unknown field "reason"/],
      ['resume', '"x"', /to be a JSON object/],
    ]
    for (const [verb, body, words] of bodies) {
      it(`${verb} ${body}, by value, rule and example`, async () => {
        const answer = await post(`/api/workflows/contacts/${verb}`, body)
        expect(answer.status).to.equal(400)
        expect(answer.message).to.match(words)
        expect(desk.told).to.deep.equal([])
      })
    }

    it('a body above its bound, told or found out', async () => {
      const body = JSON.stringify({ by: 'x'.repeat(WEB_LIMITS.bodyBytesMax) })
      expect((await post(ROLLOUT, body)).status).to.equal(413)
      const chunked = { ...GOOD, 'transfer-encoding': 'chunked' }
      expect((await post(ROLLOUT, body, chunked)).status).to.equal(413)
      expect(desk.told).to.deep.equal([])
    })

    it('a body that does not come in time, and ends its connection', async () => {
      const manual = createManualClock()
      let onWait = () => {}
      const seen = new Promise<void>((resolve) => {
        onWait = resolve
      })
      const setTimer: typeof manual.setTimer = (delayMs, fire) => {
        if (delayMs === WEB_LIMITS.bodyTimeoutMs) onWait()
        return manual.setTimer(delayMs, fire)
      }
      const slow = await open({ clock: { ...manual, setTimer } })
      const socket = connect(slow.web.port, '127.0.0.1')
      const chunks: string[] = []
      socket.on('data', (chunk) => chunks.push(String(chunk)))
      const closed = once(socket, 'close')
      const lines = [
        `POST ${ROLLOUT} HTTP/1.1`,
        'Host: localhost',
        `Authorization: Bearer ${OPERATOR}`,
      ]
      const head = [...lines, 'Content-Type: application/json', 'Content-Length: 15', '', '{"rol']
      socket.write(head.join('\r\n'))
      await seen
      manual.advance(WEB_LIMITS.bodyTimeoutMs)
      await closed
      expect(chunks.join(''))
        .to.match(/^HTTP\/1\.1 408 /)
        .and.contain('whole body within 5 s')
      expect(desk.told).to.deep.equal([])
      await slow.close()
    })

    it('more than eight at once', async () => {
      let release = () => {}
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      const { answer } = desk
      desk.answer = () => held.then(answer)
      const eight = Array.from({ length: 8 }, () => post(ROLLOUT, '{"rollout": 1}'))
      while (desk.told.length < 8) await new Promise((resolve) => setImmediate(resolve))
      const ninth = await post(ROLLOUT, '{"rollout": 1}')
      expect([ninth.status, ninth.headers['retry-after']]).to.deep.equal([503, '1'])
      release()
      expect((await Promise.all(eight)).map(({ status }) => status)).to.deep.equal(
        Array(8).fill(200),
      )
      expect((await post(ROLLOUT, '{"rollout": 1}')).status).to.equal(200)
    })

    it('what is no order, another method, and names that no workflow has', async () => {
      expect((await post('/api/workflows/contacts/explode', '{}')).status).to.equal(405)
      expect((await post('/api/workflows/..%2f..%2fetc/pause', '{}')).status).to.equal(405)
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await send(yard.web.port, ROLLOUT, { method, headers: GOOD })
        expect([answer.status, answer.headers.allow], method).to.deep.equal([405, 'POST'])
      }
      desk.answer = async () => {
        throw new FetchyardError('WORKFLOW_UNKNOWN', 'The database knows no workflow `contcats`.')
      }
      const unknown = await post('/api/workflows/contcats/pause', '{}')
      expect([unknown.status, unknown.message]).to.deep.equal([
        404,
        'The database knows no workflow `contcats`.',
      ])
    })

    it('says so when the database is away, and what a caller can do', async () => {
      desk.answer = async () => {
        throw databaseError('CONNECTION_CLOSED')
      }
      const answer = await post(ROLLOUT, '{"rollout": 1}')
      expect([answer.status, answer.headers['retry-after']]).to.deep.equal([503, '5'])
      expect(answer.message).to.contain('GET /api/rollout tells what holds')
    })

    it('everything where there is no desk', async () => {
      const none = await open({ desk: null })
      const answer = await send(none.web.port, ROLLOUT, { headers: GOOD, body: '{"rollout": 1}' })
      expect(answer.status).to.equal(404)
      await none.close()
    })
  })

  describe('readings', () => {
    it('tell the rollouts and what holds each workflow back, to either token', async () => {
      for (const token of [TOKEN, OPERATOR]) {
        const headers = { authorization: `Bearer ${token}` }
        const rollouts = await send(yard.web.port, '/api/rollout', { method: 'GET', headers })
        const why = await send(yard.web.port, '/api/why', { method: 'GET', headers })
        expect(rollouts.body).to.deep.equal({ v: 1, rollouts: [NOW] })
        expect(why.body).to.have.nested.property('verdicts[0].binding', 'queue_empty')
      }
      for (const path of ['/api/rollout', '/api/why']) {
        expect((await send(yard.web.port, path, { method: 'GET' })).status).to.equal(401)
      }
    })

    it('tell a live client whether its token gives orders', async () => {
      const accesses = []
      for (const token of [TOKEN, OPERATOR]) {
        const headers = { authorization: `Bearer ${token}` }
        const client = await openSocket(yard.web.port, { headers })
        accesses.push((await client.next()).access)
        client.socket.terminate()
      }
      expect(accesses).to.deep.equal(['read', 'operate'])
    })
  })

  describe('tokens', () => {
    it('print the one that reads, made up when only the operator’s is given', async () => {
      expect(yard.web.url).to.contain(TOKEN).and.not.contain(OPERATOR)
      const other = await open({ token: '' })
      expect(other.web.token).to.match(/^[\w-]{43}$/)
      await other.close()
    })

    it('must differ, and be long enough', async () => {
      for (const operatorToken of [TOKEN, 'too-short']) {
        const refusal = await open({ operatorToken }).catch((error: unknown) => error)
        expect(refusal).to.have.property('code', 'CONFIG_INVALID')
      }
    })
  })
})
