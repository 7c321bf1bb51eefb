import { expect } from 'chai'
import type { OutcomeCode } from '../../../src/core/outcome.js'
import type { Fetcher } from '../../../src/fetch/fetcher.js'
import { type ConnectSpy, spyOnConnections } from '../../support/connect-spy.js'
import { BEHAVIOURS } from '../../support/hostile-behaviours.js'
import { PROTOCOL_MISDEEDS } from '../../support/hostile-protocol.js'
import { type HostileServer, startHostileServer } from '../../support/hostile-server.js'
import { type LeakCheck, startLeakCheck } from '../../support/leak-check.js'
import { codeOf, makeFetcher } from './support.js'

/** How each misdeed ends: as an outcome code, or as a page with this text. */
const ENDS: Readonly<Record<string, OutcomeCode | { readonly text: string }>> = {
  'length-negative': 'reset',
  'length-words': 'reset',
  'length-huge': 'reset',
  'length-two': 'reset',
  'length-list': 'reset',
  'length-short': { text: 'hello' },
  'length-and-chunks': 'reset',
  'chunk-words': 'reset',
  'chunk-negative': 'reset',
  'chunk-huge': 'reset',
  'chunk-long': 'reset',
  'http-0-9': 'reset',
  'http-2': 'reset',
  garbage: 'reset',
  'endless-garbage': 'reset',
  'endless-status': 'timeout_headers',
  'endless-blank-lines': 'timeout_headers',
  'status-zero': 'reset',
  'status-letters': 'reset',
  'status-700': 'http_5xx',
  switching: 'reset',
  continue: 'reset',
  'hints-flood': 'timeout_headers',
  'header-split': 'reset',
  'header-nul': 'reset',
  'header-blank-name': 'reset',
  'header-prototype': { text: 'hello' },
  'coding-list': 'decode',
  'coding-blank': { text: 'hello' },
  'nul-bytes': { text: 'he\0l\0lo' },
  'bad-utf8': { text: 'hell\uFFFDo' },
  binary: { text: '‰PNG\r\n\x1a\n\0\0\0\r' },
}

const QUICK = { headersTimeoutMs: 300, bodyTimeoutMs: 300, totalTimeoutMs: 1_500 }

describe('fetch: hostile servers', () => {
  let server: HostileServer
  let spy: ConnectSpy
  let leaks: LeakCheck
  let fetcher: Fetcher

  before(async () => {
    server = await startHostileServer()
  })
  after(() => server.close())
  beforeEach(() => {
    spy = spyOnConnections((_address, port) => port)
    leaks = startLeakCheck()
    fetcher = makeFetcher(QUICK, { clock: leaks.clock })
  })
  afterEach(async () => {
    await fetcher.close()
    try {
      await leaks.expectNothingLeft(spy.sockets)
    } finally {
      leaks.stop()
      spy.restore()
    }
  })

  const fetchPath = (path: string) => fetcher.fetchPage(`${server.origin}/${path}`)

  it('have an end written down for every misdeed against the protocol', () => {
    expect(Object.keys(ENDS)).to.have.members(Object.keys(PROTOCOL_MISDEEDS))
  })

  for (const [path, end] of Object.entries(ENDS)) {
    if (typeof end === 'string') {
      it(`/${path}: ${end}`, async () => {
        expect(await codeOf(fetchPath(path))).to.equal(end)
      })
    } else {
      it(`/${path} is read as ${JSON.stringify(end.text)}`, async () => {
        expect((await fetchPath(path)).text).to.equal(end.text)
      })
    }
  }

  it('are left after as many hops as allowed, however long the chain', async () => {
    const seen = server.requests.length
    expect(await codeOf(fetchPath('chain/1000'))).to.equal('redirect')
    expect(server.requests.length).to.equal(seen + 6)
  })

  it('in all their kinds at once leave nothing behind, nor hurt an honest neighbour', async () => {
    const names = Object.keys(BEHAVIOURS).filter((name) => name !== 'to')
    const ends = await Promise.allSettled([...names, ...names].map(fetchPath))
    expect(ends.filter(({ status }) => status === 'rejected').length).to.be.above(80)
    expect((await fetchPath('ok')).status).to.equal(200)
  })

  it('hold nothing of a fetch that is given up before it has a connection', async () => {
    await fetcher.close()
    const parts = { clock: leaks.clock, resolve: () => new Promise<never>(() => {}) }
    fetcher = makeFetcher({ connectTimeoutMs: 60_000 }, parts)
    const controller = new AbortController()
    const url = 'http://slow-resolver.example/'
    const fetch = fetcher.fetchPage(url, { abortSignal: controller.signal })
    await new Promise((resolve) => setImmediate(resolve))
    controller.abort(new Error('enough'))
    expect(await fetch.catch((error: Error) => error.message)).to.equal('enough')
  })
})
