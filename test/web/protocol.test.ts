import { expect } from 'chai'
import { applyPatch, type LivePatch, type LiveState } from '../../src/telemetry/merge-patch.js'
import { STARTED, settled } from './support/events.js'
import { type Frame, type LiveSocket, openSocket, subscribe } from './support/live-socket.js'
import { createManualClock, type ManualClock } from './support/manual-clock.js'
import { openYard, type Yard } from './support/yard.js'

describe('web/protocol', () => {
  let yard: Yard
  let clock: ManualClock
  let clients: LiveSocket[] = []

  beforeEach(async () => {
    clock = createManualClock()
    yard = await openYard({ clock })
    clients = []
  })
  afterEach(async () => {
    for (const client of clients) client.socket.terminate()
    await yard.close()
  })

  const join = async (topics: readonly string[], hz?: number) => {
    const client = await subscribe(yard.web.port, topics, hz)
    clients.push(client)
    return client
  }
  const open = async () => {
    const client = await openSocket(yard.web.port)
    clients.push(client)
    await client.next()
    return client
  }

  it('greets with version, boot, server, rhythm and topics', async () => {
    const client = await openSocket(yard.web.port)
    clients.push(client)
    expect(await client.next()).to.deep.equal({
      t: 'hello',
      v: 1,
      epoch: 'boot-1',
      server: '1.2.3',
      hz: 1,
      topics: ['stats', 'workflows', 'rollouts', 'nodes', 'lanes', 'events', 'history'],
      access: 'operate',
    })
    expect(client.socket.protocol).to.equal('fetchyard.v1.json')
  })

  it('sends a snapshot of each topic asked for, then differences', async () => {
    const client = await join(['stats', 'workflows', 'no-such-topic'])
    const snaps = [await client.next(), await client.next()]
    expect(snaps.map(({ t, topic, seq }) => [t, topic, seq])).to.deep.equal([
      ['snap', 'stats', 1],
      ['snap', 'workflows', 1],
    ])
    yard.bus.emit('supervisor.started', STARTED)
    clock.advance(1_000)
    const delta = await client.next()
    expect(delta).to.include({ t: 'delta', topic: 'stats', seq: 2 })
    expect(delta.d).to.include({ state: 'idle', nodeId: 'node-a' })
    expect(delta.d).to.not.have.property('items')
    expect(await client.next()).to.include({ t: 'delta', topic: 'workflows', seq: 2 })
  })

  it('sends nothing of a topic that did not change', async () => {
    const client = await join(['events', 'stats'])
    await client.next()
    await client.next()
    clock.advance(2_000)
    expect([await client.next(), await client.next()]).to.satisfy((frames: Frame[]) =>
      frames.every(({ topic }) => topic === 'stats'),
    )
  })

  it('leads a client through differences to the state that the server has', async () => {
    const client = await join(['stats', 'history', 'events'])
    const states = new Map<string, LiveState>()
    const take = async () => {
      const frame = await client.next()
      const topic = String(frame.topic)
      if (frame.t === 'snap') states.set(topic, frame.d as LiveState)
      else states.set(topic, applyPatch(states.get(topic) ?? {}, frame.d as LivePatch))
    }
    for (let count = 0; count < 3; count += 1) await take()
    for (let second = 0; second < 12; second += 1) {
      const message = `failure ${second}`
      yard.bus.emit('item.settled', settled({ state: 'discard', code: 'http_4xx', message }))
      clock.advance(1_000)
      for (let count = 0; count < 3; count += 1) await take()
    }
    const truth = yard.telemetry.live.states()
    expect(states.get('events')).to.deep.equal(truth.events)
    expect(states.get('history')).to.deep.equal(truth.history)
    expect(states.get('stats')).to.deep.equal(truth.stats)
  })

  it('sends the whole state again at least every 30 s', async () => {
    const client = await join(['stats'])
    const kinds: string[] = []
    for (let second = 0; second < 62; second += 1) {
      const frame = await client.next()
      kinds.push(frame.t)
      expect(frame.seq).to.equal(second + 1)
      clock.advance(1_000)
    }
    expect(kinds.filter((kind) => kind === 'snap')).to.have.length(3)
    expect(kinds.lastIndexOf('snap')).to.be.above(30)
  })

  it('answers a resync with a snapshot of the last tick', async () => {
    const client = await join(['stats', 'nodes'])
    await client.next()
    await client.next()
    clock.advance(1_000)
    expect(await client.next()).to.include({ t: 'delta', topic: 'stats', seq: 2 })
    client.say({ t: 'resync', topic: 'stats' })
    expect(await client.next()).to.include({ t: 'snap', topic: 'stats', seq: 2 })
    client.say({ t: 'resync' })
    expect([(await client.next()).topic, (await client.next()).topic]).to.have.members([
      'stats',
      'nodes',
    ])
  })

  it('gives clients of one rhythm the same frames, and others theirs', async () => {
    const [one, other, fast] = [
      await join(['stats']),
      await join(['stats']),
      await join(['stats'], 9),
    ]
    for (const client of [one, other, fast]) await client.next()
    clock.advance(1_000)
    expect(await one.next()).to.deep.equal(await other.next())
    for (let seq = 2; seq <= 5; seq += 1) expect(await fast.next()).to.include({ seq })
  })

  it('lets a client change its topics', async () => {
    const client = await join(['stats'])
    await client.next()
    client.say({ t: 'sub', topics: ['nodes'], hz: 4 })
    expect(await client.next()).to.include({ t: 'snap', topic: 'nodes' })
    clock.advance(1_000)
    client.say({ t: 'resync' })
    expect(await client.next()).to.include({ t: 'snap', topic: 'nodes' })
  })

  it('ignores messages of types that it does not know', async () => {
    const client = await join(['stats'])
    await client.next()
    client.say({ t: 'of-the-future', x: 1 })
    client.say({ t: 'resync', topic: 'stats' })
    expect(await client.next()).to.include({ t: 'snap' })
  })

  const bad: readonly [string, string | object][] = [
    ['no JSON', 'hello'],
    ['no object', '17'],
    ['null', 'null'],
    ['no type', {}],
    ['a type that is no text', { t: 5 }],
    ['topics that are no list', { t: 'sub', topics: 'stats' }],
    ['topics that are no texts', { t: 'sub', topics: [1] }],
    ['more topics than there could be', { t: 'sub', topics: Array.from({ length: 33 }, String) }],
    ['a rhythm that is no number', { t: 'sub', topics: [], hz: '1' }],
    ['a resync of no topic', { t: 'resync', topic: 7 }],
  ]
  for (const [title, message] of bad) {
    it(`closes with 4400 on ${title}`, async () => {
      const client = await open()
      client.say(message)
      expect((await client.closed).code).to.equal(4_400)
    })
  }

  it('closes with 4400 on a binary frame', async () => {
    const client = await open()
    client.socket.send(Buffer.from('{"t":"sub","topics":[]}'))
    expect((await client.closed).code).to.equal(4_400)
  })

  it('closes with 1009 on a message larger than 16 KiB', async () => {
    const client = await open()
    client.say({ t: 'sub', topics: [], padding: 'x'.repeat(17_000) })
    expect((await client.closed).code).to.equal(1_009)
  })

  it('closes with 1013 on more than 10 messages a second', async () => {
    const client = await open()
    for (let count = 0; count < 11; count += 1) client.say({ t: 'sub', topics: [] })
    expect((await client.closed).code).to.equal(1_013)
  })

  it('closes with 4408 when nothing is subscribed within 5 s', async () => {
    const client = await open()
    clock.advance(5_000)
    expect((await client.closed).code).to.equal(4_408)
  })

  it('pings every 25 s and gives up a client that leaves two pings unanswered', async () => {
    const client = await openSocket(yard.web.port, { autoPong: false })
    clients.push(client)
    await client.next()
    client.say({ t: 'sub', topics: ['nodes'] })
    await client.next()
    const pinged = new Promise((resolve) => client.socket.once('ping', resolve))
    clock.advance(25_000)
    await pinged
    clock.advance(50_000)
    expect((await client.closed).code).to.equal(1_006)
  })

  it('says goodbye with a time to come back, then closes with 1012', async () => {
    const client = await join([])
    await yard.web.close('restart')
    expect(await client.next()).to.deep.equal({ t: 'bye', reason: 'restart', retryMs: 1_500 })
    expect((await client.closed).code).to.equal(1_012)
  })

  it('leaves no timer behind when it closes', async () => {
    await join(['stats'], 4)
    await join(['stats'], 1)
    await yard.close()
    expect(clock.pending()).to.equal(0)
  })
})
