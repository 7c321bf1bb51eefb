import { expect } from 'chai'
import { PROTOCOL_VERSION } from '../../../src/actor/messages.js'
import { LIMITS } from '../../../src/core/limits.js'
import { WORKER_BOUNDS } from '../../../workers/bounds.js'
import { PAGE } from '../../support/hostile-behaviours.js'
import { type HostileServer, startHostileServer } from '../../support/hostile-server.js'
import { PROXY_API } from '../fetch/upstream/support.js'
import {
  handlerUrl,
  makeItem,
  makeLoop,
  setup,
  startLoop,
  startRealLoop,
  withoutDuration,
} from './support.js'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('workers/fetch-loop', () => {
  describe('start', () => {
    it('says hello, then ready with its slots', async () => {
      const rig = await startLoop({ slots: 3 })
      expect(rig.messages).to.deep.equal([
        { type: 'hello', protocolVersion: PROTOCOL_VERSION, pid: 1 },
        { type: 'ready', slots: 3 },
      ])
    })

    const refusals: readonly (readonly [string, string, RegExp])[] = [
      ['a broken definition', handlerUrl('broken'), /`name`.*\n.*`work`.*\n.*`sinks\.x\.table`/],
      ['a module that throws', handlerUrl('stillborn'), /the module cannot be loaded/],
      ['a module without default export', handlerUrl('none'), /default export/],
      ['a module that does not exist', handlerUrl('missing'), /missing\.js/],
    ]
    for (const [what, moduleUrl, message] of refusals) {
      it(`refuses ${what} and exits by itself`, async () => {
        const rig = makeLoop()
        rig.tell(setup({ moduleUrl }))
        expect((await rig.first('refused')).message).to.match(message)
        expect(await rig.finished).to.equal(78)
      })
    }

    it('refuses a workflow of another name', async () => {
      const rig = makeLoop()
      rig.tell(setup({ workflow: 'other' }))
      expect((await rig.first('refused')).message).to.contain('expected other')
    })

    it('refuses another protocol, whatever its setup looks like', async () => {
      const rig = makeLoop()
      rig.loop.receive({ type: 'setup', protocolVersion: 99, anything: true })
      expect((await rig.first('refused')).message).to.contain('99')
    })

    it('refuses a setup that cannot be read', async () => {
      const rig = makeLoop()
      rig.loop.receive({ ...setup(), options: { workerId: 'w1' } })
      expect((await rig.first('refused')).message).to.contain('cannot be read')
    })

    const proxyApi = { ...PROXY_API }
    const placesApi = {
      kind: 'places-api',
      key: 'a-key',
      endpoint: 'https://places.example/',
      fields: ['id'],
      language: null,
      region: null,
    }
    const upstreams: readonly (readonly [object, boolean])[] = [
      [{ kind: 'direct' }, true],
      [proxyApi, true],
      [{ ...proxyApi, premium: 'ultra', country: 'de', session: 0, maxCost: 5 }, true],
      [{}, false],
      [{ kind: 'carrier-pigeon' }, false],
      [{ ...proxyApi, key: null }, false],
      [{ ...proxyApi, endpoints: [] }, false],
      [{ ...proxyApi, endpoints: ['nowhere'] }, false],
      [{ ...proxyApi, premium: 'yes' }, false],
      [{ ...proxyApi, tiers: ['direct', 'render'] }, true],
      [{ ...proxyApi, tiers: ['cheap'] }, false],
      [{ ...proxyApi, session: '7' }, false],
      [{ ...proxyApi, keepsHeaders: undefined }, false],
      [placesApi, true],
      [{ ...placesApi, key: null, language: 'de', region: 'DE' }, true],
      [{ ...placesApi, endpoint: 'nowhere' }, false],
      [{ ...placesApi, fields: 'id' }, false],
      [{ ...placesApi, fields: [7] }, false],
      [{ ...placesApi, language: undefined }, false],
    ]
    for (const [upstream, isSound] of upstreams) {
      const { key: _, ...shown } = { key: '', ...upstream }
      const words = JSON.stringify(shown)
      it(`${isSound ? 'takes' : 'refuses'} a setup with the upstream ${words}`, async () => {
        const rig = makeLoop()
        const { options } = setup()
        rig.loop.receive({
          ...setup(),
          options: { ...options, fetch: { ...options.fetch, upstream } },
        })
        if (isSound) expect(await rig.first('ready')).to.include({ slots: 10 })
        else expect((await rig.first('refused')).message).to.contain('cannot be read')
      })
    }

    const chains: readonly object[] = [
      {},
      { selectsResults: 'yes' },
      { checksDomains: null },
      { sitemapsMax: 0 },
      { sitemapPagesMax: 50_001 },
    ]
    for (const change of chains) {
      it(`refuses a setup whose chain is ${JSON.stringify(change)}`, async () => {
        const rig = makeLoop()
        const { options } = setup()
        const isEmpty = Object.keys(change).length === 0
        const chain = isEmpty ? undefined : { ...options.chain, ...change }
        rig.loop.receive({ ...setup(), options: { ...options, chain } })
        expect((await rig.first('refused')).message).to.contain('cannot be read')
      })
    }

    for (const junk of [null, 7, 'x', [], {}, { type: 'dispatch' }, { type: 'ping' }]) {
      it(`ignores ${JSON.stringify(junk)} and says so`, async () => {
        const rig = await startLoop()
        rig.loop.receive(junk)
        expect((await rig.first('log')).level).to.equal('error')
      })
    }

    it('gives back what is dispatched before it is ready', async () => {
      const rig = makeLoop()
      const item = makeItem('row')
      rig.dispatch(item)
      const [end] = await rig.settled(1)
      expect(end?.outcome).to.deep.equal({ result: 'release' })
    })
  })

  describe('outcomes', () => {
    it('carries rows, identity and lease', async () => {
      const rig = await startLoop()
      const item = makeItem('row')
      rig.dispatch(item)
      const [end] = await rig.settled(1)
      expect(end).to.include({ itemId: item.itemId, packId: 'p1', leaseId: 'l1' })
      expect(end?.outcome).to.deep.equal({
        result: 'complete',
        rows: { found: [{ name: item.itemKey, extra: { threadId: 0 } }] },
        facts: { durationMs: 0 },
      })
    })

    it('tells what a handler threw', async () => {
      const rig = await startLoop()
      rig.dispatch(makeItem('throw'))
      const [end] = await rig.settled(1)
      expect(end?.outcome).to.deep.equal({
        result: 'failed',
        code: 'handler',
        message: 'TypeError: the handler stumbled',
        facts: { durationMs: 0 },
      })
    })

    it('keeps code, status and wait of a failure', async () => {
      const rig = await startLoop()
      rig.dispatch(makeItem('fail'))
      const [end] = await rig.settled(1)
      expect(end?.outcome).to.deep.equal({
        result: 'failed',
        code: 'rate_limited',
        message: 'slow down',
        retryAfterMs: 5_000,
        facts: { durationMs: 0, httpStatus: 429 },
      })
    })

    for (const [result, words] of [
      [{ nowhere: [] }, /unknown sink "nowhere".*declares: found/],
      [{ found: [{ nmae: 'x' }] }, /column "nmae".*\(name, extra\)/],
      [{ found: { name: 'x' } }, /expected a list of rows/],
      [null, /returned null.*Return \{\}/],
    ] as const) {
      it(`takes ${JSON.stringify(result)} for a mistake of the handler`, async () => {
        const rig = await startLoop()
        rig.dispatch(makeItem('return', result))
        const [end] = await rig.settled(1)
        expect(end?.outcome).to.include({ result: 'failed', code: 'handler' })
        expect(end?.outcome).to.have.property('message').that.matches(words)
      })
    }

    it('sends log lines with their item, up to a bound', async () => {
      const rig = await startLoop()
      const item = makeItem('log', WORKER_BOUNDS.logLinesMax + 50)
      rig.dispatch(item)
      await rig.settled(1)
      const lines = rig.messages.filter((message) => message.type === 'log')
      expect(lines).to.have.length(WORKER_BOUNDS.logLinesMax)
      expect(lines[0]).to.deep.include({
        level: 'info',
        message: 'line 0',
        fields: { n: 0, itemId: item.itemId, itemKey: item.itemKey },
      })
      expect(lines.at(-1)?.message).to.contain('dropped')
    })
  })

  describe('slots', () => {
    it('are never exceeded, and the rest waits in order', async () => {
      const rig = await startLoop({ slots: 2 })
      const items = ['wait', 'wait', 'row', 'row'].map((act) => makeItem(act))
      rig.dispatch(...items)
      rig.tell({ type: 'ping', sequence: 1 })
      expect((await rig.first('pong')).active).to.equal(2)
      rig.tell({ type: 'abort', itemIds: [items[0]?.itemId ?? ''] })
      const ends = await rig.settled(3)
      expect(ends.map((end) => end.itemId)).to.deep.equal([0, 2, 3].map((n) => items[n]?.itemId))
    })

    it('gives back what does not fit in the queue', async () => {
      const rig = await startLoop({ slots: 1 })
      const many = Array.from({ length: LIMITS.bufferedItemsMax + 10 }, () => makeItem('wait'))
      rig.dispatch(...many)
      const ends = await rig.settled(10)
      expect(ends).to.have.length(10)
      expect(ends.every((end) => end.outcome.result === 'release')).to.equal(true)
    })

    it('sends ends of one turn together', async () => {
      const rig = await startLoop({ slots: 50, moduleUrl: handlerUrl('noop') })
      rig.dispatch(...Array.from({ length: 600 }, () => makeItem('noop')))
      await rig.settled(600)
      const sizes = rig.messages.flatMap((m) => (m.type === 'settled' ? [m.items.length] : []))
      expect(sizes).to.deep.equal([256, 256, 88])
    })

    it('answers a repeated dispatch of a held item with release, and keeps the first', async () => {
      const rig = await startLoop()
      const item = makeItem('wait')
      rig.dispatch(item)
      rig.dispatch({ ...item, leaseId: 'l2' })
      expect((await rig.settled(1))[0]).to.include({ leaseId: 'l2' })
      rig.tell({ type: 'abort', itemIds: [item.itemId] })
      expect((await rig.settled(2))[1]).to.include({ leaseId: 'l1' })
    })
  })

  it('answers a ping with how it is', async () => {
    const rig = await startLoop()
    rig.dispatch(makeItem('wait'))
    rig.tell({ type: 'ping', sequence: 41 })
    expect(await rig.first('pong')).to.deep.equal({
      type: 'pong',
      sequence: 41,
      eventLoopDelayMs: 2,
      memoryBytes: 1_000,
      active: 1,
      bodyBytes: 0,
      sockets: 0,
    })
  })

  describe('fetching', () => {
    let server: HostileServer
    before(async () => {
      server = await startHostileServer()
    })
    after(() => server.close())

    it('adds what the fetches cost to the facts, also of a failure', async () => {
      const rig = await startRealLoop({ slots: 1 })
      rig.dispatch(
        makeItem('fetch', `${server.origin}/ok`),
        makeItem('fetch', `${server.origin}/status/503?retry-after=3`),
      )
      const ends = await rig.settled(2)
      const bytes = Buffer.byteLength(PAGE)
      expect(withoutDuration(ends[0]?.outcome)).to.deep.equal({
        result: 'complete',
        rows: { found: [{ name: PAGE }] },
        facts: { requests: 1, bytes, reused: false, httpStatus: 200 },
      })
      expect(withoutDuration(ends[1]?.outcome)).to.deep.equal({
        result: 'failed',
        code: 'rate_limited',
        message: 'HTTP 503',
        retryAfterMs: 3_000,
        facts: { requests: 1, bytes: 2, reused: true, httpStatus: 503 },
      })
      rig.loop.halt(0)
    })

    it('bears many fetches of one item at once, without a warning', async () => {
      const warnings: Error[] = []
      const onWarning = (warning: Error) => warnings.push(warning)
      process.on('warning', onWarning)
      const rig = await startRealLoop()
      rig.dispatch(makeItem('fetch-many', `${server.origin}/ok`))
      const outcome = (await rig.settled(1))[0]?.outcome
      expect(outcome).to.deep.include({ result: 'complete' })
      expect(outcome).to.have.nested.property('facts.requests', 40)
      await turn()
      process.off('warning', onWarning)
      expect(warnings).to.deep.equal([])
      rig.loop.halt(0)
    })

    it('survives a fetch that nobody waits for', async () => {
      const rig = await startRealLoop()
      rig.dispatch(makeItem('fetch-unawaited', `${server.origin}/hang`))
      expect((await rig.settled(1))[0]?.outcome.result).to.equal('complete')
      await turn()
      rig.loop.halt(0)
    })

    it('ends a hanging fetch with the item', async () => {
      const rig = await startRealLoop({ itemTimeoutMs: 100 })
      rig.dispatch(makeItem('fetch', `${server.origin}/hang`))
      const [end] = await rig.settled(1)
      expect(end?.outcome).to.include({ result: 'failed', code: 'timeout_total' })
      rig.loop.halt(0)
    })
  })

  it('works 20,000 items without a leak of listeners', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    const rig = await startRealLoop({ slots: 500, moduleUrl: handlerUrl('noop') })
    for (let n = 0; n < 20; n += 1) {
      rig.dispatch(...Array.from({ length: 1_000 }, () => makeItem('noop')))
      await rig.settled((n + 1) * 1_000)
    }
    await turn()
    process.off('warning', onWarning)
    rig.loop.halt(0)
    const ends = await rig.settled(20_000)
    expect(new Set(ends.map((end) => end.itemId)).size).to.equal(20_000)
    expect(warnings).to.deep.equal([])
  })
})
