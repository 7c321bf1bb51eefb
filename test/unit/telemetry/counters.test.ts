import { expect } from 'chai'
import { countEvent } from '../../../src/telemetry/count-event.js'
import { createCounters, totalOf, workflowCounters } from '../../../src/telemetry/counters.js'
import { createEventBus, type EventBus } from '../../../src/telemetry/events.js'
import { settled, WORKER } from '../../web/support/events.js'

function setup(): {
  bus: EventBus
  own: ReturnType<typeof workflowCounters>
  counters: ReturnType<typeof createCounters>
} {
  const counters = createCounters()
  const bus = createEventBus((error) => {
    throw error
  })
  bus.subscribe((event) => countEvent(counters, event))
  return { bus, counters, own: workflowCounters(counters, 'contacts') }
}

describe('telemetry/counters', () => {
  it('counts attempts by what became of the item and by code', () => {
    const { bus, own } = setup()
    bus.emit('item.settled', settled())
    bus.emit('item.settled', settled())
    bus.emit('item.settled', settled({ state: 'retry', code: 'reset' }))
    bus.emit('item.settled', settled({ state: 'discard', code: 'http_4xx' }))
    expect(own.settled.complete).to.deep.equal({ ok: 2 })
    expect(own.settled.retry).to.deep.equal({ reset: 1 })
    expect(totalOf(own.settled.discard)).to.equal(1)
    expect(own.durations.count).to.equal(4)
  })

  it('counts result rows of completed items only', () => {
    const { bus, own } = setup()
    bus.emit('item.settled', settled({ resultRows: 3 }))
    bus.emit('item.settled', settled({ state: 'rejected', resultRows: 5 }))
    expect(own.resultRows).to.equal(3)
  })

  it('counts an attempt without a request neither as a fetch nor as a reused connection', () => {
    const { bus, own } = setup()
    bus.emit('item.settled', settled({ requests: 0, reused: true }))
    bus.emit('item.settled', settled({ requests: 3, reused: true }))
    bus.emit('item.settled', settled({ requests: 1, reused: false }))
    expect(own).to.include({ fetches: 2, reusedFetches: 1, requests: 4 })
  })

  it('keeps what was given back unworked out of the durations', () => {
    const { bus, own } = setup()
    bus.emit('item.settled', settled({ state: 'release', code: 'cancelled' }))
    expect(own.durations.count).to.equal(0)
  })

  it('tells workers that were told to end from those that died', () => {
    const { bus, own } = setup()
    const exit = { ...WORKER, pid: 1, itemsHeld: 0, uptimeMs: 5 }
    bus.emit('worker.exited', { ...exit, exitCode: 0, signal: null, expected: true })
    bus.emit('worker.exited', { ...exit, exitCode: null, signal: 'SIGKILL', expected: false })
    bus.emit('worker.exited', { ...exit, exitCode: 7, signal: null, expected: false })
    expect(own.workersExited.process).to.deep.equal({ expected: 1, signal: 1, exit_code: 1 })
    expect(own.workersExited.thread).to.deep.equal({})
  })

  it('keeps workflows apart', () => {
    const { bus, counters } = setup()
    bus.emit('items.reclaimed', { workflow: 'a', packs: 1, items: 4, reason: 'node_lost' })
    bus.emit('items.reclaimed', { workflow: 'b', packs: 2, items: 5, reason: 'worker_lost' })
    expect(workflowCounters(counters, 'a').reclaimedItems).to.deep.equal({ node_lost: 4 })
    expect(workflowCounters(counters, 'b').reclaimedPacks).to.equal(2)
  })

  it('counts what happens to the node', () => {
    const { bus, counters } = setup()
    bus.emit('heartbeat.sent', { durationMs: 4 })
    bus.emit('heartbeat.failed', { message: 'no route' })
    bus.emit('live.frame_skipped', { clients: 1 })
    const lease = { packs: 2, items: 300, leaseIds: ['1', '2'], durationMs: 3 }
    bus.emit('lease.granted', { workflow: 'contacts', ...lease })
    expect(counters).to.include({ heartbeats: 1, heartbeatFailures: 1, framesSkipped: 1 })
    expect(counters.statements.lease.count).to.equal(1)
  })
})
