import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import { createEventBus } from '../../../src/telemetry/events.js'
import { startTelemetry } from '../../../src/telemetry/telemetry.js'
import {
  clusterFigures,
  nodeFigures,
  STARTED,
  settled,
  WORKER,
  workflowFigures,
} from '../../web/support/events.js'
import { createManualClock } from '../../web/support/manual-clock.js'

function setup() {
  const clock = createManualClock()
  const bus = createEventBus((error) => {
    throw error
  })
  const telemetry = startTelemetry({ bus, clock, version: '0', isProcessIncluded: false })
  const { live } = telemetry
  const figures = (changed: Parameters<typeof workflowFigures>[0]) =>
    live.setFigures(clusterFigures({ workflows: [workflowFigures(changed)] }))
  return { clock, bus, live, figures, telemetry, stats: () => live.states().stats }
}

describe('telemetry/live-stats', () => {
  it('takes rate, ratio and time left from the figures of the cluster', () => {
    const { clock, bus, figures, stats } = setup()
    bus.emit('supervisor.started', STARTED)
    for (let second = 0; second <= 10; second += 1) {
      figures({ queued: 500 - 10 * second, complete: 1_000 + 9 * second, error: 5 + second })
      clock.advance(1_000)
    }
    expect(stats()).to.include({
      state: 'running',
      ratePerSecond: 10,
      errorsPerSecond: 1,
      finished: 100,
      completedRatio: 0.9,
      etaMs: 40_000,
    })
  })

  it('knows no rate and no time left before there are two figures', () => {
    const { figures, stats } = setup()
    figures({ queued: 10 })
    expect(stats()).to.not.have.any.keys('ratePerSecond', 'etaMs', 'completedRatio')
  })

  it('knows no rate any more when the figures are old, and says so', () => {
    const { clock, bus, figures, stats } = setup()
    bus.emit('supervisor.started', STARTED)
    figures({ complete: 1 })
    clock.advance(1_000)
    figures({ complete: 100 })
    expect(stats()).to.include({ ratePerSecond: 99 })
    clock.advance(6_000)
    expect(stats()).to.not.have.property('ratePerSecond')
    expect(stats().problems).to.deep.equal(['Figures are 6 s old: they cannot be read'])
  })

  it('tells quantiles of the last minute only', () => {
    const { clock, bus, stats } = setup()
    bus.emit('item.settled', settled({ durationMs: 60_000 }))
    clock.advance(62_000)
    bus.emit('item.settled', settled({ durationMs: 90 }))
    clock.advance(1_000)
    expect(stats().durations.p95Ms).to.be.within(50, 100)
  })

  it('keeps 900 points of history, one a second, and the last 200 events', () => {
    const { clock, bus, live } = setup()
    for (let second = 0; second < 1_000; second += 1) {
      bus.emit('workflow.resumed', { workflow: 'contacts', reason: `time ${second}` })
      clock.advance(1_000)
    }
    const { history, events } = live.states()
    expect(Object.keys(history)).to.have.length(LIMITS.historyPointsMax)
    expect(Object.keys(history).at(-1)).to.equal('1000')
    expect(Object.keys(events)).to.have.length(LIMITS.recentEventsMax)
    expect(events['1000']?.words).to.contain('time 999')
  })

  it('tells people no query string', () => {
    const { bus, live } = setup()
    const message = 'HTTP 404 from https://example.com/?session=SECRET'
    bus.emit('item.settled', settled({ state: 'discard', code: 'http_4xx', message }))
    expect(JSON.stringify(live.states().events)).to.contain('http_4xx').and.not.contain('SECRET')
  })

  it('follows a worker from start to exit and counts its successors as restarts', () => {
    const { clock, bus, live } = setup()
    bus.emit('supervisor.started', STARTED)
    live.setFigures(clusterFigures({ nodes: [nodeFigures()] }))
    bus.emit('worker.started', { ...WORKER, pid: 7 })
    bus.emit('worker.ready', { ...WORKER, pid: 7, slots: 10, startMs: 90 })
    const health = { pid: 7, eventLoopDelayMs: 3.1234, memoryBytes: 5_000_000, active: 4 }
    bus.emit('worker.pong', { ...WORKER, ...health })
    const worker = () => live.states().nodes['node-a']?.workers['contacts-1']
    expect(worker()).to.include({ state: 'ready', slots: 10, active: 4, eventLoopDelayMs: 3.1 })
    expect(live.states().stats.slots).to.deep.equal({ active: 4, total: 10 })

    const exit = { exitCode: null, signal: 'SIGKILL', expected: false, itemsHeld: 4, uptimeMs: 9 }
    bus.emit('worker.exited', { ...WORKER, pid: 7, ...exit })
    bus.emit('worker.pong', { ...WORKER, ...health })
    bus.emit('worker.started', { ...WORKER, workerId: 'contacts-2', pid: 8 })
    expect(worker()).to.include({ state: 'exited', active: 0 })
    expect(live.states().stats.slots).to.deep.equal({ active: 0, total: 0 })
    expect(live.states().nodes['node-a']?.workers['contacts-2']).to.include({ restarts: 1 })
    clock.advance(60_000)
    expect(worker()).to.equal(undefined)
  })

  const states: readonly [string, (yard: ReturnType<typeof setup>) => void][] = [
    ['starting', () => {}],
    ['idle', ({ bus }) => bus.emit('supervisor.started', STARTED)],
    [
      'waiting',
      ({ bus, figures }) => {
        bus.emit('supervisor.started', STARTED)
        figures({ delayed: 1 })
      },
    ],
    [
      'paused',
      ({ bus, figures }) => {
        bus.emit('supervisor.started', STARTED)
        figures({ queued: 5, pausedBy: ['operator'] })
      },
    ],
    [
      'held',
      ({ bus }) => {
        bus.emit('supervisor.started', STARTED)
        bus.emit('node.trust_lost', { overdueMs: 5 })
      },
    ],
    [
      'drain',
      ({ bus }) =>
        bus.emit('supervisor.stopping', { stage: 'drain', reason: 'SIGTERM', inFlight: 3 }),
    ],
    ['stopped', ({ bus }) => bus.emit('supervisor.stopped', { reason: 'drained' })],
    [
      'fenced',
      ({ bus }) => {
        bus.emit('supervisor.started', STARTED)
        bus.emit('supervisor.fenced', { nodeId: 'node-a', reason: 'lease ran out' })
      },
    ],
  ]
  for (const [state, story] of states) {
    it(`has the state ${state}, and is ready only when it takes work`, () => {
      const yard = setup()
      story(yard)
      expect(yard.stats().state).to.equal(state)
      const isReady = ['idle', 'waiting', 'paused'].includes(state)
      expect(yard.live.readiness().isReady).to.equal(isReady)
    })
  }

  it('stops sampling, twice without harm', () => {
    const { clock, telemetry } = setup()
    telemetry.stop()
    telemetry.stop()
    expect(clock.pending()).to.equal(0)
  })
})
