import { expect } from 'chai'
import { NO_PLAN } from '../../../src/core/share-plan.js'
import { Supervisor } from '../../../supervisor/supervisor.js'
import { createFakeClock, settled } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { CONNECTION_LOST, FakeStore } from '../../support/fake-store.js'
import { completed, constantRandom } from '../../support/values.js'
import { fakeTransports, seats, serviceOptions } from './support.js'

const TIMING = { intervalMs: 5_000, leaseMs: 30_000, safetyMarginMs: 5_000 }
const DRAIN_MS = 20_000

function setup(names: readonly string[] = ['flow']) {
  const fake = new FakeStore()
  const clock = createFakeClock()
  const events = recordEvents()
  const transports = fakeTransports()
  const dead = new Set<string>()
  const supervisor = new Supervisor({
    keep: { receiptsMs: null, itemsMs: null },
    identity: {
      ...{ nodeId: 'node', name: 'me', host: 'here', machine: 'm', pid: 1, pidStarted: '1' },
    },
    ...{ store: fake.store, clock, random: constantRandom(), events, transports, timing: TIMING },
    isProcessDead: async ({ nodeId }) => dead.has(nodeId),
    ...{ sweepMs: 10_000, drainMs: DRAIN_MS, planOf: () => NO_PLAN },
    workflows: names.map((name) => ({
      definition: { name, sinks: {} },
      options: serviceOptions({ seats: seats(2) }),
    })),
  })
  let stopped: string | null = null
  void supervisor.stopped.then((reason) => {
    stopped = reason
  })
  const { process: transport } = transports
  const start = async () => {
    await supervisor.start()
    for (const worker of transport.living()) worker.becomeReady()
    await clock.advance(0)
  }
  /** Time and promises until it has ended, as far as it can. */
  const end = async () => {
    await clock.advance(60_000)
    await supervisor.stopped
  }
  return {
    fake,
    clock,
    events,
    supervisor,
    transport,
    transports,
    dead,
    start,
    end,
    stopped: () => stopped,
  }
}

/** Nothing of it is left: no timer, no lease, no worker, and its node is out. */
function expectNothingLeft(yard: ReturnType<typeof setup>): void {
  expect(yard.clock.waiting(), 'timers').to.deep.equal([])
  expect(yard.fake.packs.filter((pack) => pack.leaseId !== null)).to.deep.equal([])
  expect(yard.transport.living()).to.deep.equal([])
  expect(yard.transports.process.isClosed() && yard.transports.thread.isClosed()).to.equal(true)
  expect(yard.fake.nodes.get('node')?.isFenced, 'the node is out').to.equal(true)
}

describe('the supervisor', () => {
  it('enters the cluster, begins to lease, and says so', async () => {
    const yard = setup(['one', 'two'])
    yard.fake.enqueue(yard.fake.handle('one'), 5)
    await yard.start()
    expect(yard.supervisor.state).to.equal('running')
    expect(yard.events.of('supervisor.started')[0]).to.deep.include({ workflows: ['one', 'two'] })
    expect(yard.supervisor.loads().map(({ inFlight }) => inFlight)).to.deep.equal([2, 0])
    await yard.clock.advance(12_000)
    expect(yard.fake.callsOf('sendHeartbeat')).to.equal(2)
    yard.supervisor.stop('test')
    yard.supervisor.stop('test')
    await yard.end()
  })

  it('lifts at the start the pauses that a new boot may try again, and no other', async () => {
    const yard = setup()
    yard.fake.handle('flow')
    const reasons = ['operator', 'restart_intensity', 'module_refused', 'results_refused']
    yard.fake.workflows.get('flow')?.pausedBy.push(...reasons)
    await yard.start()
    expect(yard.fake.workflows.get('flow')?.pausedBy).to.deep.equal(['operator'])
    yard.supervisor.stop('test')
    yard.supervisor.stop('test')
    await yard.end()
  })

  it('drains at the first stop, and leaves nothing', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.fake.handle('flow'), 5)
    await yard.start()
    yard.supervisor.stop('SIGTERM')
    expect(yard.supervisor.state).to.equal('draining')
    expect(yard.events.of('supervisor.stopping')[0]).to.deep.include({
      ...{ stage: 'drain', reason: 'SIGTERM', inFlight: 2 },
    })
    await yard.clock.advance(100)
    const worker = yard.transport.newest()
    expect(worker.received('drain')[0]).to.deep.equal({ type: 'drain', drainMs: DRAIN_MS })
    for (const { itemId, packId, leaseId } of worker.items) {
      worker.say({ type: 'settled', items: [{ itemId, packId, leaseId, outcome: completed() }] })
    }
    worker.exit({ exitCode: 0 })
    await yard.end()
    expect(yard.stopped()).to.equal('stopped')
    expect(yard.supervisor.state).to.equal('stopped')
    expect(yard.fake.ended('complete')).to.have.length(2)
    expect(yard.fake.open()).to.have.length(3)
    expect(yard.fake.nodes.get('node')?.reason).to.equal('it stopped in order')
    expectNothingLeft(yard)
  })

  it('halts at the second stop', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.fake.handle('flow'), 5)
    await yard.start()
    yard.supervisor.stop('SIGINT')
    yard.supervisor.stop('SIGINT')
    yard.supervisor.stop('SIGINT')
    expect(yard.supervisor.state).to.equal('halting')
    await yard.end()
    expect(yard.events.of('supervisor.stopping').map(({ stage }) => stage)).to.deep.equal([
      ...['drain', 'halt'],
    ])
    expect(yard.fake.receipts).to.deep.equal([])
    expect(yard.fake.open()).to.have.length(5)
    expect(yard.events.of('supervisor.stopped')).to.have.length(1)
    expectNothingLeft(yard)
  })

  it('halts when the drain takes longer than its deadline', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.fake.handle('flow'), 2)
    await yard.start()
    yard.supervisor.stop('SIGTERM')
    for (let second = 0; second < DRAIN_MS / 1_000 - 1; second += 1) {
      await yard.clock.advance(1_000)
      yard.transport.newest().answerPing()
    }
    expect(yard.supervisor.state).to.equal('draining')
    await yard.clock.advance(1_000)
    expect(yard.transport.newest().isKilled).to.equal(true)
    await yard.end()
    expect(yard.fake.open()).to.have.length(2)
    for (const pack of yard.fake.packs) expect(pack).to.include({ attempt: 0, crashes: 0 })
    expectNothingLeft(yard)
  })

  it('writes nothing more once it is fenced, and says why it stopped', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.fake.handle('flow'), 5)
    await yard.start()
    const settles = yard.fake.callsOf('settleItems')
    yard.fake.nodes.set('node', { isFenced: true, reason: 'another boot' })
    await yard.clock.advance(TIMING.intervalMs)
    const worker = yard.transport.newest()
    for (const { itemId, packId, leaseId } of worker.items) {
      worker.say({ type: 'settled', items: [{ itemId, packId, leaseId, outcome: completed() }] })
    }
    await yard.end()
    expect(yard.stopped()).to.equal('fenced')
    expect(yard.fake.callsOf('settleItems')).to.equal(settles)
    expect(yard.fake.callsOf('releaseNode'), 'its leases are the reclaimer’s').to.equal(0)
    const reason = 'another boot (fenced at then)'
    expect(yard.events.of('supervisor.fenced')).to.deep.equal([
      { name: 'supervisor.fenced', nodeId: 'node', reason },
    ])
    expect(yard.supervisor.fencedWhy).to.equal(reason)
    expect(yard.clock.waiting()).to.deep.equal([])
    expect(yard.transport.living()).to.deep.equal([])
  })

  it('drops everything before it asks why it was fenced, and does not wait long for it', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.fake.handle('flow'), 5)
    await yard.start()
    yard.fake.hold('readFence')
    yard.fake.nodes.set('node', { isFenced: true, reason: 'another boot' })
    await yard.clock.advance(TIMING.intervalMs)
    expect(yard.fake.callsOf('readFence')).to.equal(1)
    expect(yard.supervisor.state).to.equal('halting')
    expect(yard.transport.living()).to.deep.equal([])
    expect(yard.stopped(), 'the answer is still awaited').to.equal(null)
    await yard.end()
    expect(yard.stopped()).to.equal('fenced')
    expect(yard.supervisor.fencedWhy).to.equal('the database did not say why')
    expect(yard.events.of('supervisor.fenced')).to.have.length(1)
    expect(yard.clock.waiting()).to.deep.equal([])
  })

  it('is halted, not drained, when it is fenced while it drains', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.fake.handle('flow'), 2)
    await yard.start()
    yard.supervisor.stop('SIGTERM')
    yard.fake.nodes.set('node', { isFenced: true, reason: 'another boot' })
    await yard.clock.advance(TIMING.intervalMs)
    expect(yard.supervisor.state).to.not.equal('draining')
    await yard.end()
    expect(yard.stopped()).to.equal('fenced')
    expect(yard.clock.waiting()).to.deep.equal([])
  })

  it('fences boots on its machine whose process is dead, takes their items over at once', async () => {
    const yard = setup()
    const flow = yard.fake.handle('flow')
    yard.fake.enqueue(flow, 3, { leaseId: 'old', nodeId: 'dead-boot' })
    yard.fake.nodes.set('dead-boot', { isFenced: false, reason: null })
    yard.fake.nodes.set('living-boot', { isFenced: false, reason: null })
    yard.fake.neighbours.push('dead-boot', 'living-boot')
    yard.dead.add('dead-boot')
    await yard.start()
    expect(yard.fake.nodes.get('dead-boot')).to.deep.equal({
      ...{ isFenced: true, reason: 'its process (pid 1) was found dead by me (pid 1)' },
    })
    expect(yard.fake.nodes.get('living-boot')?.isFenced).to.equal(false)
    expect(yard.supervisor.loads()[0]?.inFlight, 'they are in work again').to.equal(2)
    yard.supervisor.stop('test')
    yard.supervisor.stop('test')
    await yard.end()
  })

  it('ends within its time although the database does not answer any more', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.fake.handle('flow'), 5)
    await yard.start()
    for (const method of ['settleItems', 'leasePacks', 'fenceNode', 'sendHeartbeat'] as const) {
      yard.fake.hold(method)
    }
    yard.supervisor.stop('SIGTERM')
    await yard.clock.advance(DRAIN_MS + 30_000)
    expect(yard.stopped()).to.equal('stopped')
    expect(yard.transport.living()).to.deep.equal([])
  })

  for (const method of [
    'registerNode',
    'readNeighbours',
    'openWorkflow',
    'reclaimPacks',
  ] as const) {
    it(`may be stopped while it starts, in the middle of ${method}`, async () => {
      const yard = setup()
      yard.fake.enqueue(yard.fake.handle('flow'), 5)
      const open = yard.fake.hold(method)
      const starting = yard.supervisor.start()
      await settled()
      yard.supervisor.stop('SIGINT')
      await settled()
      open()
      await starting
      await yard.end()
      expect(yard.stopped()).to.equal('stopped')
      expect(yard.events.of('supervisor.started')).to.deep.equal([])
      expect(yard.transport.workers).to.deep.equal([])
      expectNothingLeft(yard)
    })

    it(`leaves nothing when ${method} fails and it is stopped`, async () => {
      const yard = setup()
      yard.fake.failNext(method, CONNECTION_LOST)
      const failure = await yard.supervisor.start().catch((error: unknown) => error)
      // A sweep that fails is tried again; everything else ends the start.
      expect(failure instanceof Error).to.equal(method !== 'reclaimPacks')
      yard.supervisor.stop('it could not start')
      yard.supervisor.stop('it could not start')
      await yard.end()
      expect(yard.clock.waiting()).to.deep.equal([])
      expect(yard.transport.living()).to.deep.equal([])
    })
  }
})
