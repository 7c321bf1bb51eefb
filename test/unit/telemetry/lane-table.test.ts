import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import { createEventBus, type Events } from '../../../src/telemetry/events.js'
import { createLaneTable } from '../../../src/telemetry/lane-table.js'
import { settled } from '../../web/support/events.js'
import { createManualClock } from '../../web/support/manual-clock.js'

function setup() {
  const clock = createManualClock()
  const bus = createEventBus((error) => {
    throw error
  })
  const table = createLaneTable(clock)
  bus.subscribe(table.onEvent)
  return { clock, bus, table }
}

const BROKEN: Events['breaker.changed'] = {
  workflow: 'contacts',
  lane: 'down.example',
  state: 'open',
  failures: 5,
  code: 'reset',
  coolDownMs: 70_000,
}

describe('telemetry/lane-table', () => {
  it('counts attempts by lane: how they ended, how long they took, how many a second', () => {
    const { clock, bus, table } = setup()
    clock.advance(20_000)
    bus.emit('item.settled', settled({ lane: 'a.example', durationMs: 20 }))
    bus.emit('item.settled', settled({ lane: 'a.example', durationMs: 7_000 }))
    bus.emit('item.settled', settled({ lane: 'a.example', state: 'retry', code: 'reset' }))
    bus.emit('item.settled', settled({ lane: 'b.example' }))
    const [a, b] = table.read()
    expect(a).to.include({ workflow: 'contacts', lane: 'a.example', perSecond: 0.15 })
    expect(a?.outcomes).to.deep.equal({ ok: 2, reset: 1 })
    expect(a?.durations.reduce((sum, count) => sum + count, 0)).to.equal(3)
    expect(b).to.include({ lane: 'b.example', perSecond: 0.05, breaker: 'closed' })
  })

  it('does not count what was given back, nor what has no lane', () => {
    const { bus, table } = setup()
    bus.emit('item.settled', settled({ lane: 'a.example', state: 'release' }))
    bus.emit('item.settled', settled({ lane: '' }))
    expect(table.read()).to.deep.equal([])
  })

  it('tells the last minute, and forgets a lane of which nothing is heard any more', () => {
    const { clock, bus, table } = setup()
    bus.emit('item.settled', settled({ lane: 'a.example' }))
    clock.advance(40_000)
    bus.emit('item.settled', settled({ lane: 'b.example' }))
    expect(table.read().map(({ lane }) => lane)).to.deep.equal(['a.example', 'b.example'])
    clock.advance(30_000)
    expect(table.read().map(({ lane }) => lane)).to.deep.equal(['b.example'])
    clock.advance(300_000)
    expect(table.read()).to.deep.equal([])
  })

  it('keeps a lane that is left alone until its cool-down is over', () => {
    const { clock, bus, table } = setup()
    bus.emit('breaker.changed', BROKEN)
    clock.advance(65_000)
    expect(table.read()).to.have.length(1)
    expect(table.read()[0]).to.include({ lane: 'down.example', breaker: 'open', perSecond: 0 })
    clock.advance(10_000)
    expect(table.read()[0]?.breaker).to.equal('half-open')
    clock.advance(60_000)
    expect(table.read()).to.deep.equal([])
  })

  it('calls the upstream as a whole by a name that no host has', () => {
    const { bus, table } = setup()
    bus.emit('breaker.changed', { ...BROKEN, lane: '' })
    expect(table.read()[0]?.lane).to.equal('*')
  })

  it('counts so many lanes and no more; the one heard of longest ago goes', () => {
    const { bus, table } = setup()
    for (let lane = 0; lane <= LIMITS.lanesCountedMax; lane += 1) {
      bus.emit('item.settled', settled({ lane: `${lane}.example` }))
    }
    const lanes = table.read().map(({ lane }) => lane)
    expect(lanes).to.have.length(LIMITS.lanesCountedMax)
    expect(lanes).to.not.include('0.example')
  })
})
