import type { Socket } from 'node:net'
import { expect } from 'chai'
import type { WebSocket } from 'ws'
import { LIMITS } from '../../src/core/limits.js'
import { createEventBus, type EventOf } from '../../src/telemetry/events.js'
import { startTelemetry } from '../../src/telemetry/telemetry.js'
import { planSend } from '../../supervisor/web/live-client.js'
import { liveSourceOf, startWeb } from '../../supervisor/web/web.js'
import { type LiveSocket, subscribe } from './support/live-socket.js'
import { createManualClock } from './support/manual-clock.js'
import { TOKEN } from './support/yard.js'

describe('web/slow clients', () => {
  const { liveBufferedBytesSkip: skip, liveBufferedBytesMax: max, liveUndrainedMs } = LIMITS
  const table: readonly [bufferedBytes: number, undrainedMs: number, plan: string][] = [
    [0, 0, 'send'],
    [skip, 0, 'send'],
    [skip + 1, 0, 'skip'],
    [skip + 1, liveUndrainedMs - 1, 'skip'],
    [skip + 1, liveUndrainedMs, 'terminate'],
    [max, 0, 'skip'],
    [max + 1, 0, 'terminate'],
  ]
  for (const [bufferedBytes, undrainedMs, plan] of table) {
    it(`${bufferedBytes} bytes waiting for ${undrainedMs} ms: ${plan}`, () => {
      expect(planSend({ bufferedBytes, undrainedMs })).to.equal(plan)
    })
  }

  /** A source whose topic `events` changes by so many bytes with every reading. */
  async function setup(bytes: number) {
    const clock = createManualClock()
    const bus = createEventBus()
    const telemetry = startTelemetry({ bus, clock, version: '0', isProcessIncluded: false })
    const skipped: EventOf<'live.frame_skipped'>[] = []
    const closes: number[] = []
    let closed = () => {}
    bus.subscribe((event) => {
      if (event.name === 'live.frame_skipped') skipped.push(event)
      if (event.name === 'live.client_closed') {
        closes.push(event.code)
        closed()
      }
    })
    let reading = 0
    const real = liveSourceOf(telemetry, 'boot-1')
    const web = await startWeb({
      ...{ host: '127.0.0.1', port: 0, token: TOKEN, version: '0', clock, onEvent: bus.emit },
      source: {
        ...real,
        states: () => {
          reading += 1
          const words = String(reading % 10).repeat(bytes)
          const event = { atMs: reading, level: 'info', name: 'heartbeat.sent', words } as const
          return { ...real.states(), events: { 1: event } }
        },
      },
    })
    return {
      clock,
      skipped,
      closes,
      clientClosed: () =>
        new Promise<void>((resolve) => {
          closed = resolve
          if (closes.length > 0) resolve()
        }),
      port: web.port,
      close: async (client: LiveSocket) => {
        client.socket.terminate()
        telemetry.stop()
        await web.close('stop')
      },
    }
  }

  // The kernel takes megabytes before a socket pushes back, hence the large frames.
  it('passes over a client with too much waiting; what it gets next is a snapshot', async () => {
    const yard = await setup(900_000)
    const client = await subscribe(yard.port, ['events'])
    expect(await client.next()).to.include({ t: 'snap', seq: 1 })
    rawSocket(client.socket).pause()
    let sent = 0
    while (yard.skipped.length === 0 && sent < 100) {
      yard.clock.advance(1_000)
      sent += 1
    }
    rawSocket(client.socket).resume()
    for (let count = 1; count < sent; count += 1) {
      expect(await client.next()).to.include({ t: 'delta', seq: count + 1 })
    }
    yard.clock.advance(1_000)
    let next = await client.next()
    expect(next.t).to.equal('snap')
    expect(next.seq).to.be.above(sent + 1)
    // What the client has read may count as waiting for a moment more: then it is passed over again.
    let delta = next
    for (let turns = 0; delta.t === 'snap' && turns < 20; turns += 1) {
      next = delta
      const before = yard.skipped.length
      yard.clock.advance(1_000)
      if (yard.skipped.length === before) delta = await client.next()
      else await new Promise((resolve) => setImmediate(resolve))
    }
    expect(delta).to.include({ t: 'delta', seq: Number(next.seq) + 1 })
    await yard.close(client)
  })

  it('cuts off a client with more than 1 MiB waiting', async () => {
    const yard = await setup(24_000_000)
    const client = await subscribe(yard.port, ['events'])
    await client.next()
    rawSocket(client.socket).pause()
    yard.clock.advance(2_000)
    await yard.clientClosed()
    expect(yard.closes).to.deep.equal([1_006])
    expect(yard.skipped).to.have.length(1)
    await yard.close(client)
  })

  it('cuts off a client that has stopped reading for 10 s, while others are served', async () => {
    const yard = await setup(900_000)
    const [stuck, healthy] = [
      await subscribe(yard.port, ['events']),
      await subscribe(yard.port, ['events']),
    ]
    await stuck.next()
    await healthy.next()
    rawSocket(stuck.socket).pause()
    for (let second = 0; yard.closes.length === 0 && second < 60; second += 1) {
      yard.clock.advance(1_000)
      expect((await healthy.next()).topic).to.equal('events')
    }
    expect(yard.closes).to.deep.equal([1_006])
    expect(yard.skipped.length).to.be.above(0)
    healthy.socket.terminate()
    await yard.close(stuck)
  })
})

/** The TCP socket below; the library has no public way to stop reading it. */
function rawSocket(socket: WebSocket): Socket {
  return (socket as unknown as { readonly _socket: Socket })._socket
}
