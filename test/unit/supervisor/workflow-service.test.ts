import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import type { Outcome } from '../../../src/core/outcome.js'
import { NO_PLAN } from '../../../src/core/share-plan.js'
import { WorkflowService } from '../../../supervisor/workflow-service.js'
import { createFakeClock } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { databaseError, FakeStore } from '../../support/fake-store.js'
import type { FakeWorker } from '../../support/fake-transport.js'
import { completed, constantRandom, failed } from '../../support/values.js'
import { fakeTransports, seats, serviceOptions } from './support.js'

const SETTLE_MS = LIMITS.settleDelayMs
const POLL_MS = LIMITS.pollDelayMs.max

function setup(fields: { readonly slots?: readonly number[] } = {}) {
  const fake = new FakeStore()
  const clock = createFakeClock()
  const events = recordEvents()
  const transports = fakeTransports()
  const workflow = fake.handle('flow')
  fake.nodes.set('node', { isFenced: false, reason: null })
  const trust = { isTrusted: true }
  const service = new WorkflowService({
    ...{ workflow, nodeId: 'node', store: fake.store, clock, random: constantRandom(), events },
    transports,
    isTrusted: () => trust.isTrusted,
    plan: () => NO_PLAN,
    isDatabaseCrowded: () => false,
    // Workers of paper answer no pings.
    options: serviceOptions({ seats: seats(...(fields.slots ?? [2, 2])), silentMs: 1e9 }),
  })
  const transport = transports.process
  const startAll = async () => {
    service.start()
    for (const worker of transport.living()) worker.becomeReady()
    await clock.advance(0)
  }
  return { fake, clock, events, service, transport, workflow, trust, startAll }
}

/** Items a worker was given and has not answered. */
function openItems(worker: FakeWorker, answered: ReadonlySet<string>) {
  return worker.items.filter((item) => !answered.has(`${item.itemId} ${item.leaseId}`))
}

/** Lets every worker answer everything it holds, turn by turn, until nothing is given out. */
async function workOff(
  yard: ReturnType<typeof setup>,
  outcomeOf: (itemId: string) => Outcome = () => completed(),
): Promise<void> {
  const answered = new Set<string>()
  for (let turn = 0; turn < 500; turn += 1) {
    let given = 0
    for (const worker of yard.transport.living()) {
      for (const item of openItems(worker, answered)) {
        given += 1
        answered.add(`${item.itemId} ${item.leaseId}`)
        const { itemId, packId, leaseId } = item
        const outcome = outcomeOf(itemId)
        worker.say({ type: 'settled', items: [{ itemId, packId, leaseId, outcome }] })
      }
    }
    await yard.clock.advance(SETTLE_MS)
    if (given === 0 && yard.service.load().settling === 0 && yard.service.load().buffered === 0)
      return
  }
  throw new Error('the work did not end')
}

describe('a workflow’s service', () => {
  it('works everything that is queued, each item once', async () => {
    const yard = setup()
    const items = yard.fake.enqueue(yard.workflow, 300)
    await yard.startAll()
    await workOff(yard)
    await yard.clock.advance(3 * POLL_MS)
    await workOff(yard)
    expect(yard.fake.ended('complete').toSorted()).to.deep.equal(items.toSorted())
    const given = yard.transport.workers.flatMap((worker) => worker.items)
    expect(given).to.have.length(300)
    expect(yard.service.load()).to.include({ inFlight: 0, buffered: 0, settling: 0, slots: 4 })
    await yard.service.halt()
    expect(yard.clock.waiting()).to.deep.equal([])
  })

  it('never gives a worker more than its slots', async () => {
    const yard = setup({ slots: [3, 1] })
    yard.fake.enqueue(yard.workflow, 50)
    await yard.startAll()
    const [large, small] = yard.transport.workers
    expect([large?.items.length, small?.items.length]).to.deep.equal([3, 1])
    await yard.service.halt()
  })

  it('finds work that comes later, within a second', async () => {
    const yard = setup()
    await yard.startAll()
    await yard.clock.advance(20 * POLL_MS)
    yard.fake.enqueue(yard.workflow, 1)
    await yard.clock.advance(POLL_MS)
    expect(yard.service.load().inFlight).to.equal(1)
    await yard.service.halt()
  })

  it('decides by outcome: retries, gives back, ends', async () => {
    const yard = setup()
    const [good, bad, flaky] = yard.fake.enqueue(yard.workflow, 3)
    const outcomes = new Map<string, Outcome>([
      [good ?? '', completed()],
      [bad ?? '', failed('parse')],
      [flaky ?? '', failed('connect')],
    ])
    await yard.startAll()
    await workOff(yard, (itemId) => outcomes.get(itemId) ?? completed())
    expect(yard.fake.receipts.map(({ event, code }) => `${event} ${code}`).sort()).to.deep.equal([
      ...['complete ok', 'discard parse', 'retry connect'],
    ])
    expect(yard.fake.packs[0]).to.include({ attempt: 1, delayMs: 500 })
    await yard.service.halt()
  })

  it('starts nothing while the node does not trust its leases, and goes on with what runs', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.workflow, 50)
    await yard.startAll()
    const started = yard.service.load().inFlight
    yard.trust.isTrusted = false
    await workOffOnce(yard)
    expect(yard.fake.ended('complete')).to.have.length(started)
    expect(yard.service.load().inFlight).to.equal(0)
    yard.trust.isTrusted = true
    yard.service.wake()
    await yard.clock.advance(0)
    expect(yard.service.load().inFlight).to.equal(4)
    await yard.service.halt()
  })

  it('ignores words about items that a worker does not hold', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.workflow, 1)
    await yard.startAll()
    const [worker] = yard.transport.workers.filter(({ items }) => items.length > 0)
    const [item] = worker?.items ?? []
    if (worker === undefined || item === undefined) throw new Error('nothing was given out')
    const { itemId, packId } = item
    worker.say({
      type: 'settled',
      items: [
        { itemId, packId, leaseId: 'another', outcome: completed() },
        { itemId: 'stranger', packId, leaseId: item.leaseId, outcome: completed() },
      ],
    })
    await yard.clock.advance(SETTLE_MS)
    expect(yard.fake.receipts).to.deep.equal([])
    expect(yard.service.load().inFlight).to.equal(1)
    await yard.service.halt()
  })

  it('pauses with a reason when results cannot be written for a fault of the program', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.workflow, 1)
    yard.fake.failNext('settleItems', { error: databaseError('42P01', 'relation is missing') })
    await yard.startAll()
    await workOffOnce(yard)
    expect(yard.fake.workflows.get('flow')?.pausedBy).to.deep.equal(['results_refused'])
    expect(yard.events.of('workflow.paused')[0]?.reason).to.include('relation is missing')
    expect(yard.fake.storedEvents).to.deep.equal(['workflow.paused'])
    await yard.clock.advance(LIMITS.settleRetryDelayMs.max)
    expect(yard.fake.ended('complete'), 'it was kept until it could be written').to.have.length(1)
    await yard.service.halt()
  })
})

/** Lets the workers answer what they hold now, and writes it. */
async function workOffOnce(yard: ReturnType<typeof setup>): Promise<void> {
  for (const worker of yard.transport.living()) {
    for (const { itemId, packId, leaseId } of worker.items) {
      worker.say({
        type: 'settled',
        items: [{ itemId, packId, leaseId, outcome: completed() }],
      })
    }
  }
  await yard.clock.advance(SETTLE_MS)
}

describe('a workflow’s service, when a worker dies', () => {
  it('makes its items ready again at once, charged to nobody, and others work them', async () => {
    const yard = setup()
    const items = yard.fake.enqueue(yard.workflow, 8)
    await yard.startAll()
    yard.transport.workers[0]?.exit({ signal: 'SIGKILL' })
    expect(yard.events.of('items.reclaimed')[0]).to.include({ items: 2, reason: 'worker_lost' })
    await yard.clock.advance(0)
    expect(yard.fake.ended('reclaim')).to.have.length(2)
    for (let turn = 0; turn < 5; turn += 1) {
      await yard.clock.advance(POLL_MS)
      for (const worker of yard.transport.living()) {
        if (worker.received('setup').length === 0) worker.becomeReady()
      }
      await workOff(yard)
    }
    expect(yard.fake.ended('complete').toSorted()).to.deep.equal(items.toSorted())
    expect(yard.fake.ended('retry')).to.deep.equal([])
    await yard.service.halt()
  })

  it('works them before its backlog, and does not go on from where its last lease ended', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.workflow, 500)
    await yard.startAll()
    const [dead, living] = yard.transport.workers
    const lost = new Set(dead?.items.map(({ itemId }) => itemId))
    dead?.exit({ signal: 'SIGKILL' })
    const answered = new Set<string>()
    const isAgain = () => living?.items.some(({ itemId }) => lost.has(itemId)) === true
    // Far less than the second after which all of the queue is looked at anyway.
    for (let turn = 0; turn < 10 && !isAgain(); turn += 1) {
      for (const { itemId, packId, leaseId } of living ? openItems(living, answered) : []) {
        answered.add(`${itemId} ${leaseId}`)
        living?.say({ type: 'settled', items: [{ itemId, packId, leaseId, outcome: completed() }] })
      }
      await yard.clock.advance(SETTLE_MS)
    }
    expect(isAgain()).to.equal(true)
    await yard.service.halt()
  })

  it('isolates and quarantines the one item that kills, and completes its neighbours', async () => {
    const yard = setup({ slots: [4] })
    const items = yard.fake.enqueue(yard.workflow, 32)
    const culprit = items[13] ?? ''
    await yard.startAll()
    const answered = new Set<string>()
    for (let turn = 0; turn < 400 && yard.fake.open().length > 0; turn += 1) {
      for (const worker of yard.transport.living()) {
        if (worker.received('setup').length === 0) worker.becomeReady()
        const open = openItems(worker, answered)
        // A worker works its items side by side: the death of one is the death of all.
        if (open.some(({ itemId }) => itemId === culprit)) {
          worker.exit({ signal: 'SIGSEGV' })
          continue
        }
        for (const { itemId, packId, leaseId } of open) {
          answered.add(`${itemId} ${leaseId}`)
          worker.say({
            type: 'settled',
            items: [{ itemId, packId, leaseId, outcome: completed() }],
          })
        }
      }
      await yard.clock.advance(POLL_MS)
    }
    const poison = yard.fake.receipts.filter(({ code }) => code === 'poison')
    expect(poison.map(({ itemId }) => itemId)).to.deep.equal([culprit])
    expect(new Set(yard.fake.ended('complete'))).to.have.property('size', 31)
    expect(yard.fake.ended('retry')).to.deep.equal([])
    expect(yard.fake.workflows.get('flow')?.pausedBy, 'nobody gives up').to.deep.equal([])
    await yard.service.halt()
  })

  // A broken machine kills every worker, whatever it works: no item is to blame for that.
  it('pauses instead of quarantining item after item when everything kills', async () => {
    const yard = setup({ slots: [4] })
    yard.fake.enqueue(yard.workflow, 64)
    await yard.startAll()
    for (let turn = 0; turn < 600; turn += 1) {
      for (const worker of yard.transport.living()) {
        if (worker.received('setup').length === 0) worker.becomeReady()
        else if (worker.items.length > 0) worker.exit({ signal: 'SIGSEGV' })
      }
      await yard.clock.advance(POLL_MS)
      if ((yard.fake.workflows.get('flow')?.pausedBy.length ?? 0) > 0) break
    }
    expect(yard.fake.workflows.get('flow')?.pausedBy).to.deep.equal(['restart_intensity'])
    const poison = yard.fake.receipts.filter(({ code }) => code === 'poison')
    expect(poison.length).to.be.at.most(LIMITS.poisonInARowMax)
    await yard.service.halt()
  })

  // The last of a queue may be poison alone: that is no reason to hold back what comes next.
  it('goes on after three that kill, when nothing else was left to complete', async () => {
    const yard = setup({ slots: [2] })
    const poison = yard.fake.enqueue(yard.workflow, LIMITS.poisonInARowMax)
    const isSettled = () => yard.fake.open().length === 0
    await yard.startAll()
    for (let turn = 0; turn < 600 && !isSettled(); turn += 1) {
      for (const worker of yard.transport.living()) {
        if (worker.received('setup').length === 0) worker.becomeReady()
        else if (worker.items.length > 0) worker.exit({ signal: 'SIGSEGV' })
      }
      await yard.clock.advance(POLL_MS)
    }
    expect(yard.fake.ended('discard').toSorted()).to.deep.equal([...poison].toSorted())
    expect(yard.fake.workflows.get('flow')?.pausedBy).to.deep.equal([])
    await yard.service.halt()
  })

  // Whoever resumes it has looked: were the deaths of before held against it still, a queue of
  // nothing but poison would be paused at each further death and never end.
  it('quarantines on after it was resumed, when nothing but poison is left', async () => {
    const yard = setup({ slots: [1] })
    const poison = yard.fake.enqueue(yard.workflow, 2 * LIMITS.poisonInARowMax)
    const { workflowId } = yard.workflow
    let resumed = 0
    await yard.startAll()
    for (let turn = 0; turn < 2_000 && yard.fake.open().length > 0; turn += 1) {
      for (const worker of yard.transport.living()) {
        if (worker.received('setup').length === 0) worker.becomeReady()
        else if (worker.items.length > 0) worker.exit({ signal: 'SIGSEGV' })
      }
      await yard.clock.advance(POLL_MS)
      const isPaused = (yard.fake.workflows.get('flow')?.pausedBy.length ?? 0) > 0
      if (!isPaused) continue
      resumed += 1
      await yard.fake.store.resumeWorkflow({ workflowId, reason: 'restart_intensity' })
    }
    expect(yard.fake.ended('discard').toSorted()).to.deep.equal([...poison].toSorted())
    expect(resumed).to.be.within(1, 3)
    await yard.service.halt()
  })

  it('gives nothing more to a worker that gives its items back unasked', async () => {
    const yard = setup({ slots: [2, 2] })
    yard.fake.enqueue(yard.workflow, 40)
    await yard.startAll()
    const [weary] = yard.transport.workers
    const [item] = weary?.items ?? []
    if (weary === undefined || item === undefined) throw new Error('nothing was given out')
    const { itemId, packId, leaseId } = item
    const given = weary.items.length
    weary.say({
      type: 'settled',
      items: [{ itemId, packId, leaseId, outcome: { result: 'release' } }],
    })
    await yard.clock.advance(POLL_MS)
    expect(weary.received('drain')).to.have.length(1)
    expect(weary.items).to.have.length(given)
    await yard.service.halt()
  })

  it('pauses the workflow when workers die again and again without having finished a thing', async () => {
    const yard = setup({ slots: [1] })
    yard.service.start()
    for (let death = 0; death <= LIMITS.restartIntensity; death += 1) {
      yard.transport.newest().exit({ exitCode: 1 })
      await yard.clock.advance(LIMITS.restartDelayMs.min * 2 ** death)
    }
    expect(yard.fake.workflows.get('flow')?.pausedBy).to.deep.equal(['restart_intensity'])
    await yard.service.halt()
  })
})

describe('a workflow’s service, when it ends', () => {
  it('drains: gives back what nobody began, finishes what is in flight, writes it', async () => {
    const yard = setup()
    const items = yard.fake.enqueue(yard.workflow, 6)
    await yard.startAll()
    expect(yard.service.load()).to.include({ inFlight: 4, buffered: 2 })
    const draining = yard.service.drain(30_000)
    await yard.clock.advance(SETTLE_MS)
    expect(yard.events.of('items.released').map((event) => event.items)).to.deep.equal([2])
    await workOffOnce(yard)
    for (const worker of yard.transport.living()) worker.exit({ exitCode: 0 })
    await yard.clock.advance(SETTLE_MS)
    await draining
    expect(yard.fake.ended('complete')).to.have.length(4)
    expect(yard.fake.open()).to.have.length(2)
    expect(yard.fake.packs.every((pack) => pack.leaseId === null)).to.equal(true)
    expect(items).to.have.length(6)
    expect(yard.clock.waiting()).to.deep.equal([])
  })

  it('gives back, uncharged, what workers return of a drain', async () => {
    const yard = setup({ slots: [2] })
    yard.fake.enqueue(yard.workflow, 2)
    await yard.startAll()
    const draining = yard.service.drain(30_000)
    const worker = yard.transport.newest()
    for (const { itemId, packId, leaseId } of worker.items) {
      const outcome = { result: 'release' } as const
      worker.say({ type: 'settled', items: [{ itemId, packId, leaseId, outcome }] })
    }
    worker.exit({ exitCode: 0 })
    await yard.clock.advance(SETTLE_MS)
    await draining
    expect(yard.fake.receipts).to.deep.equal([])
    expect(yard.fake.packs[0]).to.include({ leaseId: null, attempt: 0, crashes: 0 })
    expect(yard.fake.open()).to.have.length(2)
  })

  it('halts: ends the workers and gives back what they held, uncharged', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.workflow, 6)
    await yard.startAll()
    await yard.service.halt()
    expect(yard.fake.open()).to.have.length(6)
    expect(yard.fake.receipts).to.deep.equal([])
    for (const pack of yard.fake.packs) {
      expect(pack).to.include({ leaseId: null, attempt: 0, crashes: 0 })
    }
    expect(yard.clock.waiting()).to.deep.equal([])
  })

  it('gives back a lease that was granted while it stopped', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.workflow, 5)
    const open = yard.fake.hold('leasePacks')
    await yard.startAll()
    const halting = yard.service.halt()
    open()
    await yard.clock.advance(SETTLE_MS)
    await halting
    expect(yard.transport.workers.flatMap((worker) => worker.items)).to.deep.equal([])
    expect(yard.fake.packs.every((pack) => pack.leaseId === null)).to.equal(true)
  })

  it('writes nothing and says nothing of items given back once it is abandoned', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.workflow, 6)
    await yard.startAll()
    const before = yard.fake.callsOf('settleItems')
    yard.service.abandon()
    await workOffOnce(yard)
    await yard.service.halt()
    await yard.clock.advance(60_000)
    expect(yard.fake.callsOf('settleItems')).to.equal(before)
    expect(yard.fake.receipts).to.deep.equal([])
    expect(yard.events.of('items.released')).to.deep.equal([])
    expect(yard.events.of('items.reclaimed')).to.deep.equal([])
    expect(yard.events.of('item.settled')).to.deep.equal([])
  })

  // A refused key or spent credits end every call the same way: the queue must not become errors.
  for (const code of ['key_refused', 'budget'] as const) {
    it(`pauses at the first ${code}, gives back what has not begun, and charges nobody`, async () => {
      const yard = setup()
      yard.fake.enqueue(yard.workflow, 40)
      await yard.startAll()
      const [worker] = yard.transport.living()
      const [first] = worker?.items ?? []
      expect(yard.service.load().buffered).to.be.above(0)
      const { itemId = '', packId = '', leaseId = '' } = first ?? {}
      worker?.say({ type: 'settled', items: [{ itemId, packId, leaseId, outcome: failed(code) }] })
      await yard.clock.advance(SETTLE_MS)
      await workOff(yard, () => failed(code))
      await yard.clock.advance(10 * POLL_MS)

      const given = yard.transport.workers.flatMap((one) => one.items)
      expect(given, 'the four in the slots and no other').to.have.length(4)
      expect(yard.events.of('workflow.paused')).to.have.length(1)
      expect(yard.events.of('workflow.paused')[0]?.reason).to.match(
        new RegExp(`^${code}: it ended`),
      )
      expect(yard.events.of('items.released')[0]).to.include({ reason: 'pause' })
      expect(yard.fake.workflows.get('flow')?.pausedBy).to.deep.equal([code])
      expect(yard.fake.open()).to.have.length(40)
      expect(yard.fake.packs.every((pack) => pack.attempt === 0)).to.equal(true)
      await yard.service.halt()
    })
  }

  it('goes on when a pause for a refused key was lifted', async () => {
    const yard = setup()
    const items = yard.fake.enqueue(yard.workflow, 10)
    await yard.startAll()
    await workOff(yard, () => failed('key_refused'))
    const { workflowId } = yard.workflow
    await yard.fake.store.resumeWorkflow({ workflowId, reason: 'key_refused' })
    for (const pack of yard.fake.packs) pack.delayMs = 0
    await yard.clock.advance(2 * POLL_MS)
    await workOff(yard)

    expect(yard.fake.ended('complete').toSorted()).to.deep.equal(items.toSorted())
    await yard.service.halt()
  })

  describe('under a rollout', () => {
    async function steered(steering: Partial<FakeStore['steering']>) {
      const yard = setup({ slots: [4, 4] })
      yard.fake.steering = { ...yard.fake.steering, ...steering }
      const items = yard.fake.enqueue(yard.workflow, 200)
      await yard.startAll()
      await yard.clock.advance(0)
      return { ...yard, items }
    }

    it('really works one item at a time when it is sequential', async () => {
      const yard = await steered({ mode: 'sequential' })
      let most = 0
      for (let turn = 0; turn < 50; turn += 1) {
        const { inFlight } = yard.service.load()
        most = Math.max(most, inFlight)
        const [worker] = yard.transport.living().filter((one) => one.items.length > 0)
        const item = worker?.items.at(-1)
        if (item === undefined) throw new Error('nothing was given out')
        const { itemId, packId, leaseId } = item
        const busy = yard.transport.living().find((one) => one.items.at(-1)?.itemId === itemId)
        busy?.say({ type: 'settled', items: [{ itemId, packId, leaseId, outcome: completed() }] })
        await yard.clock.advance(SETTLE_MS)
      }
      expect(most).to.equal(1)
      await yard.service.halt()
    })

    it('gives back what it leased ahead when others have all the share', async () => {
      const yard = await steered({})
      expect(yard.service.load().buffered).to.be.above(0)
      yard.fake.steering = { ...yard.fake.steering, mode: 'sequential', workers: ['a', 'node'] }
      await yard.clock.advance(1_000 + SETTLE_MS)
      expect(yard.service.load()).to.include({ buffered: 0, inFlight: 8 })
      const [released] = yard.events.of('items.released')
      expect(released?.reason).to.equal('no_share')
      await workOff(yard)
      expect(yard.service.load()).to.include({ buffered: 0, inFlight: 0 })
      await yard.service.halt()
    })

    it('works the items that are not in it one after the other, beside the others', async () => {
      const yard = await steered({ rollout: 50, step: 1 })
      await workOff(yard)
      await yard.clock.advance(3 * POLL_MS)
      await workOff(yard)
      expect(yard.fake.ended('complete').toSorted()).to.deep.equal(yard.items.toSorted())
      const cohorts = yard.events.of('item.settled').map(({ cohort }) => cohort)
      expect(new Set(cohorts)).to.deep.equal(new Set(['concurrent', 'sequential']))
      await yard.service.halt()
    })

    // Otherwise one or two of them at once, at the pace of the others, would prove nothing.
    it('fills its slots with those that are in it, past the others, batch by batch', async () => {
      const yard = await steered({ rollout: 25, step: 1 })
      await yard.clock.advance(2 * POLL_MS)
      const { inFlight, buffered } = yard.service.load()
      expect(inFlight).to.equal(8)
      expect(buffered).to.be.within(8, 60)
      const before = yard.fake.callsOf('leasePacks')
      await yard.clock.advance(10 * POLL_MS)
      expect(yard.fake.callsOf('leasePacks'), 'leases while the batch is worked').to.equal(before)
      await yard.service.halt()
    })

    it('takes it back when its items fail too often, and says why', async () => {
      const yard = await steered({ rollout: 50, step: 1 })
      await workOff(yard, () => failed('parse')).catch(() => {})
      await yard.clock.advance(2_000)
      expect(yard.fake.steering).to.include({ mode: 'sequential', rollout: 0 })
      const [taken] = yard.events.of('rollout.taken_back')
      expect(taken?.rollout).to.equal(50)
      expect(taken?.message).to.match(
        /^100 % of \d+ attempts worked concurrently failed in the last ten minutes on all nodes, more/,
      )
      expect(yard.fake.storedEvents).to.include('rollout.taken_back')
      await yard.service.halt()
    })

    it('is taken back by the figures of all nodes, although its own items are fine', async () => {
      const yard = await steered({ rollout: 50, step: 1 })
      for (let n = 0; n < 60; n += 1) {
        const trial = { cohort: 'concurrent', step: n < 56 ? 0 : 1 } as const
        const event = 'discard' as const
        yard.fake.receipts.push({ itemId: `x${n}`, leaseId: 'l', event, code: 'parse', trial })
      }
      await workOff(yard)
      await yard.clock.advance(2_000)
      expect(yard.fake.steering.mode, '4 of this step are too few').to.equal('concurrent')
      for (let n = 0; n < 40; n += 1) {
        const trial = { cohort: 'concurrent', step: 1 } as const
        const event = 'retry' as const
        yard.fake.receipts.push({ itemId: `y${n}`, leaseId: 'l', event, code: 'parse', trial })
      }
      await yard.clock.advance(2_000)
      expect(yard.fake.steering.mode).to.equal('sequential')
      await yard.service.halt()
    })

    it('leaves a step alone that a person began meanwhile', async () => {
      const yard = await steered({ rollout: 50, step: 1 })
      const release = yard.fake.hold('readRolloutRecord')
      for (let n = 0; n < 60; n += 1) {
        const trial = { cohort: 'concurrent', step: 1 } as const
        const event = 'discard' as const
        yard.fake.receipts.push({ itemId: `x${n}`, leaseId: 'l', event, code: 'parse', trial })
      }
      await yard.clock.advance(2_000)
      yard.fake.steering = { ...yard.fake.steering, rollout: 10, step: 2 }
      release()
      await yard.clock.advance(1_000)
      expect(yard.fake.steering).to.include({ mode: 'concurrent', rollout: 10 })
      expect(yard.events.of('rollout.taken_back')).to.deep.equal([])
      await yard.service.halt()
    })

    it('does not blame a node that starts fully rolled out', async () => {
      const yard = await steered({})
      await workOff(yard, () => failed('parse'))
      await yard.clock.advance(2_000)
      expect(yard.events.of('rollout.taken_back')).to.deep.equal([])
      await yard.service.halt()
    })
  })
})
