import { expect } from 'chai'
import { type LiveSocket, openSocket, upgradeStatus } from './support/live-socket.js'
import { createManualClock, type ManualClock } from './support/manual-clock.js'
import { openYard, TOKEN, type Yard } from './support/yard.js'

const OPERATOR = 'an-operator-of-many-characters'
const BEARER = { authorization: `Bearer ${TOKEN}` }
const PATH = '/api/live-ticket'

describe('web/tickets', () => {
  let yard: Yard
  let clock: ManualClock

  beforeEach(async () => {
    clock = createManualClock()
    yard = await openYard({ clock, operatorToken: OPERATOR })
  })
  afterEach(() => yard.close())

  const ask = (init: RequestInit = {}) =>
    fetch(`${yard.base}${PATH}`, { method: 'POST', headers: BEARER, ...init })
  const ticketFor = async (token = TOKEN) => {
    const answer = await ask({ headers: { authorization: `Bearer ${token}` } })
    const body: { ticket: string; expiresInMs: number } = JSON.parse(await answer.text())
    return body
  }
  const statusOf = (ticket: string, headers: object = {}) =>
    upgradeStatus(yard.web.port, { path: `/live?ticket=${ticket}`, headers })

  it('opens one connection, and no second one', async () => {
    const { ticket, expiresInMs } = await ticketFor()
    expect(expiresInMs).to.equal(30_000)
    expect(await statusOf(ticket)).to.equal(101)
    expect(await statusOf(ticket)).to.equal(401)
  })

  it('opens nothing after half a minute', async () => {
    const { ticket } = await ticketFor()
    clock.advance(29_999)
    const other = await ticketFor()
    expect(await statusOf(ticket)).to.equal(101)
    clock.advance(30_000)
    expect(await statusOf(other.ticket)).to.equal(401)
  })

  it('opens nothing when it was made up, whatever token comes with it', async () => {
    expect(await statusOf('made-up')).to.equal(401)
    expect(await statusOf('made-up', BEARER)).to.equal(401)
    expect(await statusOf('')).to.equal(401)
  })

  it('is not a token', async () => {
    const { ticket } = await ticketFor()
    const headers = { authorization: `Bearer ${ticket}` }
    expect((await fetch(`${yard.base}/api/stats`, { headers })).status).to.equal(401)
    expect(await upgradeStatus(yard.web.port, { headers })).to.equal(401)
  })

  for (const [token, access] of [
    [TOKEN, 'read'],
    [OPERATOR, 'operate'],
  ] as const) {
    it(`gives the access of the token it was asked for with: ${access}`, async () => {
      const { ticket } = await ticketFor(token)
      const path = `/live?ticket=${ticket}`
      const client: LiveSocket = await openSocket(yard.web.port, { headers: {} }, path)
      expect(await client.next()).to.include({ t: 'hello', access })
      client.socket.terminate()
    })
  }

  it('passes by no other check', async () => {
    const evil = { origin: 'http://evil.example' }
    expect(await statusOf((await ticketFor()).ticket, evil)).to.equal(403)
    const { ticket } = await ticketFor()
    const path = `/live?ticket=${ticket}`
    const protocols = ['another.protocol']
    expect(await upgradeStatus(yard.web.port, { path, protocols })).to.equal(400)
  })

  const refusals: readonly [words: string, status: number, init: RequestInit][] = [
    ['no token', 401, { headers: {} }],
    ['a wrong token', 401, { headers: { authorization: `Bearer ${TOKEN}x` } }],
    ['a page of another site', 403, { headers: { ...BEARER, 'sec-fetch-site': 'cross-site' } }],
    ['another origin', 403, { headers: { ...BEARER, origin: 'http://evil.example' } }],
    ['a GET', 405, { method: 'GET' }],
    ['a body', 413, { body: '{}' }],
  ]
  for (const [words, status, init] of refusals) {
    it(`is refused to ${words} with ${status}`, async () => {
      expect((await ask(init)).status).to.equal(status)
    })
  }

  it('is forgotten, the oldest first, when a thousand others were asked for', async () => {
    const first = await ticketFor()
    const second = await ticketFor()
    for (let count = 0; count < 999; count += 1) await ticketFor()
    expect(await statusOf(first.ticket)).to.equal(401)
    expect(await statusOf(second.ticket)).to.equal(101)
  })
})
