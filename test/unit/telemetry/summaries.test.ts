import { expect } from 'chai'
import { createEventBus, type EventOf } from '../../../src/telemetry/events.js'
import { createLogger, createLogSubscriber } from '../../../src/telemetry/log.js'
import { startTelemetry } from '../../../src/telemetry/telemetry.js'
import { settled, WORKER } from '../../web/support/events.js'
import { createManualClock } from '../../web/support/manual-clock.js'

const PONG = { ...WORKER, pid: 7, eventLoopDelayMs: 1, memoryBytes: 1, active: 0 }

function setup() {
  const bus = createEventBus((error) => {
    throw error
  })
  const clock = createManualClock()
  const telemetry = startTelemetry({ bus, clock, version: '1', isProcessIncluded: false })
  telemetry.live.stop()
  const lines: { msg: string; level: string; event: string }[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  bus.subscribe(createLogSubscriber(createLogger({ format: 'json', stream }), { clock }))
  const told: (EventOf<'batch.ended'> | EventOf<'work.ended'>)[] = []
  bus.subscribe((event) => {
    if (event.name === 'batch.ended' || event.name === 'work.ended') told.push(event)
  })
  const lease = (leaseIds: readonly string[], items: number, workflow = 'contacts') =>
    bus.emit('lease.granted', {
      workflow,
      leaseIds,
      items,
      packs: leaseIds.length,
      durationMs: 100,
    })
  const end = (
    leaseId: string,
    state: 'complete' | 'discard' | 'retry' = 'complete',
    count = 1,
  ) => {
    const code = state === 'complete' ? 'ok' : 'reset'
    for (let n = 0; n < count; n += 1) bus.emit('item.settled', settled({ leaseId, state, code }))
  }
  return { bus, clock, told, lines, lease, end }
}

describe('telemetry/summaries', () => {
  it('sums up a batch when its last item ended, from the lease on', () => {
    const { clock, told, lines, lease, end } = setup()
    lease(['1', '2'], 120)
    clock.advance(33_400)
    end('1', 'complete', 118)
    end('2', 'discard')
    expect(told).to.deep.equal([])
    end('2', 'discard')
    expect(told).to.deep.equal([
      {
        ...{ name: 'batch.ended', workflow: 'contacts', batches: 1 },
        ...{ complete: 118, failed: 2, again: 0, durationMs: 33_500 },
      },
    ])
    const line = lines.find(({ event }) => event === 'batch.ended')
    expect(line).to.include({
      level: 'info',
      msg:
        'A batch of contacts: 120 items in 33.5 s; 118 successful, 2 failed, ' + '0.28 s per item',
    })
  })

  it('says how many are to be tried again, whom the seconds per item do not count', () => {
    const { clock, lines, lease, end } = setup()
    lease(['1'], 3)
    clock.advance(900)
    end('1', 'retry', 2)
    end('1')
    expect(lines.at(-1)?.msg).to.equal(
      'A batch of contacts: 1 item in 1.00 s; 1 successful, 0 failed, 1.00 s per item; ' +
        '2 to be tried again',
    )
  })

  it('lets batches that end close together share a line, and loses none', () => {
    const { bus, clock, told, lease, end } = setup()
    for (const id of ['1', '2', '3']) lease([id], 1)
    for (const id of ['1', '2', '3']) end(id)
    expect(told).to.have.lengthOf(1)
    bus.emit('worker.pong', PONG)
    expect(told).to.have.lengthOf(1)
    clock.advance(1_000)
    bus.emit('worker.pong', PONG)
    expect(told.map((event) => event.complete)).to.deep.equal([1, 2])
    expect(told[1]).to.include({ batches: 2 })
  })

  it('sums up everything at the end, after the last batch and before the last line', () => {
    const { bus, clock, lines, lease, end } = setup()
    lease(['1'], 1)
    end('1')
    lease(['2'], 2)
    end('2', 'discard')
    end('2')
    lease(['3'], 50)
    end('3', 'complete', 7)
    clock.advance(9_900)
    bus.emit('supervisor.stopped', { reason: 'SIGTERM' })
    expect(lines.slice(-3).map(({ event }) => event)).to.deep.equal([
      ...['batch.ended', 'work.ended', 'supervisor.stopped'],
    ])
    expect(lines.at(-2)?.msg).to.equal(
      'Worked contacts: 10 items in 9.90 s; 9 successful, 1 failed, 0.99 s per item',
    )
  })

  it('knows nothing of leases that it did not see, and follows no more than so many', () => {
    const { told, lease, end } = setup()
    end('unknown')
    for (let id = 0; id < 5_000; id += 1) lease([`l${id}`], 1)
    end('l0')
    expect(told).to.deep.equal([])
    end('l4999')
    expect(told).to.have.lengthOf(1)
  })
})
