import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import { createEventBus } from '../../../src/telemetry/events.js'
import { type NodeReport, readReport } from '../../../src/telemetry/node-report.js'
import { startTelemetry } from '../../../src/telemetry/telemetry.js'
import { clusterFigures, nodeFigures, STARTED, settled, WORKER } from '../../web/support/events.js'
import { createManualClock } from '../../web/support/manual-clock.js'

/** A node with one worker of 16 slots, 5 of them in use. */
function startNode(nodeId: string) {
  const clock = createManualClock()
  const bus = createEventBus((error) => {
    throw error
  })
  const telemetry = startTelemetry({ bus, clock, version: '0', isProcessIncluded: false })
  const workerId = `${nodeId}-worker`
  bus.emit('supervisor.started', { ...STARTED, nodeId })
  bus.emit('worker.started', { ...WORKER, workerId, pid: 12 })
  bus.emit('worker.ready', { ...WORKER, workerId, pid: 12, slots: 16, startMs: 1 })
  const health = { eventLoopDelayMs: 1, memoryBytes: 1_000, active: 5 }
  bus.emit('worker.pong', { ...WORKER, workerId, pid: 12, ...health })
  return { clock, bus, live: telemetry.live }
}

/** What a report is once it was in the database. */
const stored = (report: NodeReport): NodeReport => readReport(JSON.parse(JSON.stringify(report)))

const TWO_NODES = clusterFigures({
  nodes: [nodeFigures(), nodeFigures({ nodeId: 'node-b', name: 'yard-2', host: 'beta' })],
})

/** Two nodes, of which the first has heard the second. */
function setup() {
  const [one, other] = [startNode('node-a'), startNode('node-b')]
  one.bus.emit('item.settled', settled({ durationMs: 20 }))
  for (let count = 0; count < 3; count += 1) {
    other.bus.emit('item.settled', settled({ durationMs: 4_000, lane: 'far.example' }))
  }
  other.bus.emit('item.settled', settled({ state: 'retry', code: 'reset' }))
  for (const { clock } of [one, other]) clock.advance(1_000)
  const hear = (changed: Partial<NodeReport> = {}) => {
    const report = { ...stored(other.live.report()), ...changed }
    one.live.setHeard([{ nodeId: 'node-b', ageMs: 300, report }])
  }
  one.live.setFigures(TWO_NODES)
  hear()
  return { one, other, hear }
}

describe('telemetry/live-cluster', () => {
  it('adds what the nodes do, and says how old the words of the others are', () => {
    const { one } = setup()
    one.clock.advance(700)
    const { cluster, node, slots } = one.live.states().stats
    expect(slots).to.deep.equal({ active: 5, total: 16 })
    expect(node.attempts).to.equal(1)
    expect(cluster).to.include({ nodes: 2, attempts: 5, retries: 1, heardMs: 1_000 })
    expect(cluster.slots).to.deep.equal({ active: 10, total: 32 })
    expect(cluster.failures).to.deep.equal({ reset: 1 })
    expect(cluster.durations.p95Ms).to.be.above(2_500)
  })

  it('adds the nodes of each workflow', () => {
    const { contacts } = setup().one.live.states().workflows
    expect(contacts?.workers).to.equal(1)
    expect(contacts?.cluster).to.include({ nodes: 2, workers: 2 })
    expect(contacts?.cluster.slots).to.deep.equal({ active: 10, total: 32 })
    expect(contacts?.cluster.failures).to.deep.equal({ reset: 1 })
  })

  it('shows the workers of another node with the time since it was heard', () => {
    const { nodes } = setup().one.live.states()
    expect(nodes['node-b']).to.include({ isSelf: false, heartbeatAgeMs: 300 })
    expect(nodes['node-b']?.workers['node-b-worker']).to.include({ slots: 16, active: 5, pid: 12 })
    expect(nodes['node-a']?.workers).to.have.all.keys('node-a-worker')
  })

  it('shows the lanes of all nodes, added up where they ask the same host', () => {
    const { lanes } = setup().one.live.states()
    expect(lanes.contacts).to.have.all.keys('example.com', 'far.example')
    expect(lanes.contacts?.['example.com']).to.include({ nodes: 2, breaker: 'closed' })
    expect(lanes.contacts?.['example.com']?.outcomes).to.deep.equal({ ok: 1, reset: 1 })
    expect(lanes.contacts?.['far.example']).to.deep.include({ nodes: 1, outcomes: { ok: 3 } })
  })

  it('counts a node no more that is not alive', () => {
    const { one } = setup()
    one.live.setFigures(
      clusterFigures({
        nodes: [nodeFigures(), nodeFigures({ nodeId: 'node-b', state: 'stale' })],
      }),
    )
    const { stats, nodes, lanes } = one.live.states()
    expect(stats.cluster).to.include({ nodes: 1, attempts: 1, heardMs: 0 })
    expect(nodes['node-b']?.workers).to.deep.equal({})
    expect(nodes['node-b']).to.not.have.property('heartbeatAgeMs')
    expect(lanes.contacts).to.have.all.keys('example.com')
  })

  it('tells what holds a lane back and until when, unless another node may ask it', () => {
    const { one, other, hear } = setup()
    const hold = { workflow: 'contacts', lane: 'far.example', active: 0, waiting: 4 }
    other.live.setLaneHolds(() => [{ ...hold, opensInMs: 5_300, heldBy: 'retry_after' }])
    hear()
    const far = () => one.live.states().lanes.contacts?.['far.example']
    expect(far()).to.include({ waiting: 4, heldBy: 'retry_after' })
    expect(far()?.opensAtMs).to.equal(Math.ceil((one.clock.wallMs() + 5_000) / 100) * 100)
    one.live.setLaneHolds(() => [{ ...hold, active: 1, opensInMs: 0, heldBy: null }])
    expect(far()).to.include({ waiting: 8, active: 1 })
    expect(far()).to.not.have.any.keys('heldBy', 'opensAtMs')
  })

  it('bounds what a heartbeat tells, and what is shown', () => {
    const { one, hear } = setup()
    for (let lane = 0; lane < 200; lane += 1) {
      one.bus.emit('item.settled', settled({ lane: `${lane}.example` }))
    }
    hear()
    expect(one.live.report().lanes).to.have.length(LIMITS.lanesToldMax)
    const shown = Object.keys(one.live.states().lanes.contacts ?? {})
    expect(shown).to.have.length(LIMITS.lanesShownMax)
  })

  it('keeps the slots and durations of all nodes in its history', () => {
    const { one } = setup()
    one.clock.advance(1_000)
    const [, , active, p95Ms] = Object.values(one.live.states().history).at(-1) ?? []
    expect(active).to.equal(10)
    expect(p95Ms).to.be.above(2_500)
  })

  it('shows what others have told among its own events, once, without secrets', () => {
    const { one } = setup()
    const event = { id: '7', atMs: 5, level: 'warn', name: 'workflow.paused' } as const
    const words = 'contacts: workflow.paused token=SECRET'
    one.live.setHeardEvents([{ ...event, node: 'yard-2', words }])
    one.bus.emit('workflow.resumed', { workflow: 'contacts', reason: 'by Zoë' })
    one.live.setHeardEvents([
      { ...event, node: 'yard-2', words },
      { ...event, id: '8', node: null, words: 'of a command' },
    ])
    const events = Object.values(one.live.states().events).slice(-3)
    expect(events.map(({ node }) => node)).to.deep.equal(['yard-2', undefined, undefined])
    expect(events[0]).to.include({ atMs: 5, level: 'warn', name: 'workflow.paused' })
    expect(events[0]?.words).to.match(/^contacts: workflow\.paused token=\[redacted\]$/)
    expect(events[2]).to.not.have.property('node')
  })

  for (const nonsense of [null, 17, [], { slots: 'many', workers: [1], lanes: {} }]) {
    it(`understands nothing of ${JSON.stringify(nonsense)}, and goes on`, () => {
      const { one, hear } = setup()
      hear(readReport(nonsense))
      expect(one.live.states().stats.cluster).to.include({ nodes: 2, attempts: 1 })
    })
  }
})
