import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { systemClock } from '../../../src/core/clock.js'
import type { Notice, NoticeEnd } from '../../../src/store/alert-notices.js'
import { type AnyEvent, createEventBus } from '../../../src/telemetry/events.js'
import {
  createAlertMessenger,
  NOTICE_TRIES_MAX,
  noticeEnd,
} from '../../../supervisor/alert-messenger.js'
import { signNotice } from '../../../supervisor/alert-notice.js'
import { createPoster, type PostEnd } from '../../../supervisor/alert-post.js'
import { eventually } from '../../support/poll.js'
import { constantRandom } from '../../support/values.js'
import { startWebhook, type WebhookServer } from '../../support/webhook.js'

const KEY = 'a-key-of-many-characters'
const LOOPBACK = ['127.0.0.0/8']
const WALL_MS = Date.parse('2026-11-22T10:00:00Z')

function notice(changed: Partial<Notice> = {}): Notice {
  return {
    ...{ noticeId: '17', alert: 'errors_high', subject: 'contacts', event: 'raised' },
    ...{ level: 'error', message: 'contacts: too many errors', tries: 1 },
    happenedAt: '2026-11-22T10:00:00.000Z',
    ...changed,
  }
}

const signed = (own = notice(), key = KEY) =>
  signNotice(own, { key, wallMs: WALL_MS, agent: 'Fetchyard/1' })

describe('supervisor/alert-notice', () => {
  it('is signed over id, time and body, as Standard Webhooks has it', () => {
    const { headers, body } = signed()
    expect(headers['webhook-id']).to.equal('alert_17')
    expect(headers['webhook-timestamp']).to.equal(String(WALL_MS / 1_000))
    const expected = createHmac('sha256', KEY)
      .update(`alert_17.${WALL_MS / 1_000}.${body}`)
      .digest('base64')
    expect(headers['webhook-signature']).to.equal(`v1,${expected}`)
    expect(JSON.parse(body)).to.include({
      ...{ schema: 1, id: 'alert_17', event: 'alert.raised', alert: 'errors_high' },
      ...{ subject: 'contacts', severity: 'error', title: 'too many errors' },
      text: 'Alert: contacts: too many errors',
    })
  })

  it('reads a key that says it is base64, and signs otherwise for another key or body', () => {
    const base64 = `whsec_${Buffer.from(KEY).toString('base64')}`
    const signature = (own: ReturnType<typeof signed>) => own.headers['webhook-signature']
    expect(signature(signed(notice(), base64))).to.equal(signature(signed()))
    expect(signature(signed(notice(), `${KEY}x`))).to.not.equal(signature(signed()))
    expect(signature(signed(notice({ message: 'x' })))).to.not.equal(signature(signed()))
  })
})

describe('supervisor/alert-post', () => {
  let hook: WebhookServer
  beforeEach(async () => {
    hook = await startWebhook()
  })
  afterEach(() => hook.close())

  async function post(options: Partial<Parameters<typeof createPoster>[0]> = {}): Promise<PostEnd> {
    const given = { url: hook.url, allowedRanges: LOOPBACK, clock: systemClock, ...options }
    const poster = createPoster(given)
    try {
      return await poster.post(signed())
    } finally {
      await poster.close()
    }
  }

  it('posts body and headers as they were signed', async () => {
    expect(await post()).to.deep.equal({ isTaken: true })
    const { headers, body } = signed()
    expect(hook.deliveries).to.have.lengthOf(1)
    expect(hook.deliveries[0]?.body).to.equal(body)
    expect(hook.deliveries[0]?.headers).to.include({ ...headers })
  })

  for (const [status, isFinal] of [
    [500, false],
    [404, false],
    [429, false],
    [410, true],
  ] as const) {
    it(`counts ${status} as not taken${isFinal ? ', for good' : ''}`, async () => {
      hook.answer = (response) => response.writeHead(status).end('no')
      const failure = `the receiver answered ${status}`
      expect(await post()).to.deep.equal({ isTaken: false, isFinal, failure })
    })
  }

  it('follows no redirect', async () => {
    hook.answer = (response) => response.writeHead(302, { location: hook.url }).end()
    const end = await post()
    expect(end).to.include({ isTaken: false })
    expect(JSON.stringify(end)).to.contain('redirects are not followed')
    expect(hook.deliveries).to.have.lengthOf(1)
  })

  it('connects to no address that is not public, by number or by name', async () => {
    for (const url of [hook.url, hook.url.replace('127.0.0.1', 'localhost')]) {
      const end = await post({ url, allowedRanges: [] })
      expect(end).to.include({ isTaken: false, isFinal: false })
      expect(JSON.stringify(end)).to.match(/127\.0\.0\.1.*\(loopback\)/)
    }
    const rebound = { url: 'http://hooks.example/', allowedRanges: [] as const }
    const resolve = async () => [{ address: '169.254.169.254', family: 4 }]
    const end = await post({ ...rebound, resolve })
    expect(JSON.stringify(end)).to.contain('hooks.example resolves to 169.254.169.254 (linkLocal)')
    expect(hook.deliveries).to.have.lengthOf(0)
  })

  it('gives up a receiver that takes the request and says nothing', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : 0
    const end = await post({ url: `http://127.0.0.1:${port}/`, timeoutMs: 50 })
    silent.close()
    expect(end).to.deep.equal({
      ...{ isTaken: false, isFinal: false },
      failure: 'no answer within 50 ms',
    })
  })

  it('takes an answer without an end for what its status says', async () => {
    hook.answer = (response) => {
      response.writeHead(200)
      response.write('x'.repeat(100_000))
    }
    expect(await post()).to.deep.equal({ isTaken: true })
  })
})

describe('supervisor/alert-messenger', () => {
  /** Notices in memory; what was ended is kept. */
  function fakeStore(waiting: Notice[]) {
    const ends: NoticeEnd[] = []
    const store = {
      claimNotice: async () => waiting.shift() ?? null,
      endNotice: async (end: NoticeEnd) => {
        ends.push(end)
      },
      forgetNotices: async () => {},
    }
    return { store, ends }
  }

  function setup(waiting: Notice[], posted: (id: string) => Promise<PostEnd>) {
    const { store, ends } = fakeStore(waiting)
    const told: AnyEvent[] = []
    const events = createEventBus()
    events.subscribe((event) => told.push(event))
    const messenger = createAlertMessenger({
      ...{ store, events, key: KEY, agent: 'Fetchyard/1' },
      ...{ clock: systemClock, random: constantRandom(0.5) },
      poster: {
        post: ({ headers }) => posted(headers['webhook-id'] ?? ''),
        close: async () => {},
      },
    })
    return { messenger, ends, told }
  }

  it('brings notices one after the other and says how each ended', async () => {
    const ids: string[] = []
    const { messenger, ends, told } = setup(
      [notice(), notice({ noticeId: '18' }), notice({ noticeId: '19', tries: 12 })],
      async (id) => {
        ids.push(id)
        return id === 'alert_17'
          ? { isTaken: true }
          : { isTaken: false, isFinal: false, failure: 'down' }
      },
    )
    messenger.start()
    await eventually({ words: 'three ends' }, () => ends.length === 3)
    await messenger.stop()
    expect(ids).to.deep.equal(['alert_17', 'alert_18', 'alert_19'])
    expect(ends.map(({ failure }) => failure)).to.deep.equal([null, 'down', 'down'])
    expect(ends[1]?.againInMs).to.be.within(5_000, 10_000)
    expect(ends[2]?.againInMs).to.equal(null)
    expect(told.map(({ name }) => name)).to.deep.equal([
      'alert.notice_sent',
      'alert.notice_failed',
      'alert.notice_failed',
    ])
    expect(told[1]).to.include({ willRetry: true, message: 'down' })
    expect(told[2]).to.include({ willRetry: false })
  })

  it('leaves a notice that its own stop cut off to the next node', async () => {
    let cut: ((end: PostEnd) => void) | null = null
    const { messenger, ends, told } = setup(
      [notice()],
      () =>
        new Promise((resolve) => {
          cut = resolve
        }),
    )
    messenger.start()
    const end = await eventually({ words: 'a post' }, () => cut)
    const stopped = messenger.stop()
    end({ isTaken: false, isFinal: false, failure: 'aborted' })
    await stopped
    expect([ends, told]).to.deep.equal([[], []])
  })

  it('waits longer from try to try, half of it for certain, and gives up in the end', () => {
    const end: PostEnd = { isTaken: false, isFinal: false, failure: 'down' }
    const delays = (value: number) =>
      Array.from(
        { length: NOTICE_TRIES_MAX },
        (_, index) =>
          noticeEnd({ noticeId: '1', tries: index + 1 }, end, constantRandom(value)).againInMs,
      )
    expect(delays(0).slice(0, 4)).to.deep.equal([5_000, 10_000, 20_000, 40_000])
    expect(delays(0.999).at(-2)).to.be.within(1_700_000, 1_800_000)
    expect(delays(0).at(-1)).to.equal(null)
    const final: PostEnd = { isTaken: false, isFinal: true, failure: 'gone' }
    expect(noticeEnd({ noticeId: '1', tries: 1 }, final, constantRandom(0)).againInMs).to.equal(
      null,
    )
  })
})
