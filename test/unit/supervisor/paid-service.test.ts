// What a workflow's service writes down of calls that cost something.

import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import type { Settlement } from '../../../src/core/settlement.js'
import { NO_PLAN } from '../../../src/core/share-plan.js'
import type { Store } from '../../../src/store/store.js'
import { WorkflowService } from '../../../supervisor/workflow-service.js'
import { createFakeClock } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { FakeStore } from '../../support/fake-store.js'
import { completed, constantRandom, facts } from '../../support/values.js'
import { fakeTransports, seats, serviceOptions } from './support.js'

const CREDITS = 10

function setup(over: (store: Store) => Partial<Store> = () => ({})) {
  const fake = new FakeStore()
  const clock = createFakeClock()
  const transports = fakeTransports()
  const workflow = fake.handle('flow')
  const settlements: Settlement[] = []
  fake.nodes.set('node', { isFenced: false, reason: null })
  const store: Store = {
    ...fake.store,
    settleItems: (handle, request) => {
      settlements.push(...request.settlements)
      return fake.store.settleItems(handle, request)
    },
    ...over(fake.store),
  }
  const options = {
    ...{ seats: seats(2), silentMs: 1e9, creditsPerCall: CREDITS, failureAgeMs: 1_000 },
    priceOfHost: (host: string) => (host === 'dear.example' ? 25 : CREDITS),
  }
  const service = new WorkflowService({
    ...{ workflow, nodeId: 'node', store, clock, random: constantRandom(), transports },
    events: recordEvents(),
    isTrusted: () => true,
    plan: () => NO_PLAN,
    isDatabaseCrowded: () => false,
    options: serviceOptions(options),
  })
  const startAll = async () => {
    service.start()
    for (const worker of transports.process.living()) worker.becomeReady()
    await clock.advance(LIMITS.settleDelayMs)
  }
  const worker = () => transports.process.newest()
  const settle = async () => {
    await clock.advance(LIMITS.settleDelayMs)
  }
  const costs = () =>
    settlements.map(({ event, credits, creditsAtMost = 0 }) => [event, credits, creditsAtMost])
  return { fake, clock, workflow, service, startAll, worker, settle, settlements, costs }
}

describe('a workflow’s service, when calls cost something', () => {
  it('books a call that a worker gave up, and nothing for what it had not begun', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.workflow, 2)
    await yard.startAll()
    const [first, second] = yard.worker().items
    if (first === undefined || second === undefined) throw new Error('two items were given out')
    const items = [
      { ...first, outcome: { result: 'release', facts: facts({ credits: 1 }) } } as const,
      { ...second, outcome: { result: 'release' } } as const,
    ]
    yard.worker().say({ type: 'settled', items })
    await yard.settle()
    expect(yard.costs()).to.deep.equal([
      ['release', 1, CREDITS],
      ['release', null, 0],
    ])
    await yard.service.halt()
  })

  it('books what its workers had begun when they are ended, and not what waited', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.workflow, 5)
    await yard.startAll()
    expect(yard.service.load()).to.include({ inFlight: 2 })
    await yard.service.halt()
    expect(yard.costs().filter(([, , atMost]) => atMost === CREDITS)).to.have.length(2)
    expect(yard.fake.open()).to.have.length(5)
  })

  it('books no more of a dead worker than its slots, however many items it held', async () => {
    const yard = setup()
    // A pack that crashed twice is given to one worker whole.
    yard.fake.enqueue(yard.workflow, 3, { crashes: 2 })
    await yard.startAll()
    await yard.settle()
    expect(yard.worker().items).to.have.length(3)
    yard.worker().exit({ signal: 'SIGKILL' })
    await yard.settle()
    expect(yard.costs().filter(([, , atMost]) => atMost === CREDITS)).to.have.length(2)
    await yard.service.halt()
  })

  it('reserves for the dearest host that waits, and books each of a dead worker by its own', async () => {
    const yard = setup()
    const [, second = ''] = yard.fake.enqueue(yard.workflow, 2)
    yard.fake.lanes.set(second, 'dear.example')
    const prices: number[] = []
    yard.fake.reserve = ({ creditsEach, kept, wanted }) => {
      prices.push(creditsEach)
      return Math.max(kept, wanted)
    }
    await yard.startAll()
    await yard.settle()
    expect(yard.worker().items).to.have.length(2)
    expect(prices.at(-1)).to.equal(25)
    yard.worker().exit({ signal: 'SIGKILL' })
    await yard.settle()
    expect(yard.costs().map(([, , atMost]) => atMost)).to.deep.equal([CREDITS, 25])
    await yard.service.halt()
  })

  it('gives a pack that runs alone piece by piece where calls must be reserved', async () => {
    const yard = setup()
    yard.fake.enqueue(yard.workflow, 3, { crashes: 2 })
    yard.fake.reserve = ({ kept, wanted }) => Math.max(kept, Math.min(2, wanted))
    await yard.startAll()
    await yard.settle()
    expect(yard.worker().items).to.have.length(2)
    for (const item of yard.worker().items) {
      yard.worker().say({ type: 'settled', items: [{ ...item, outcome: completed() }] })
    }
    await yard.clock.advance(2_000)
    expect(yard.worker().items).to.have.length(3)
    await yard.service.halt()
  })

  it('ends items whose URL is known to fail without a call', async () => {
    const known = { code: 'http_4xx', httpStatus: 404, day: '2026-01-01' } as const
    const yard = setup((store) => ({
      leasePacks: async (handle, request) => {
        expect(request.failureAgeMs).to.equal(1_000)
        const packs = await store.leasePacks(handle, request)
        return packs.map((pack) => ({
          ...pack,
          items: pack.items.map((item, n) => (n === 1 ? item : { ...item, known })),
        }))
      },
    }))
    yard.fake.enqueue(yard.workflow, 3)
    await yard.startAll()
    await yard.settle()
    expect(yard.worker().items).to.have.length(1)
    expect(yard.settlements.map(({ event, code }) => [event, code])).to.deep.equal([
      ['discard', 'known_failure'],
      ['discard', 'known_failure'],
    ])
    expect(yard.settlements[0]?.error).to.contain('HTTP 404 on 2026-01-01')
    await yard.service.halt()
  })

  it('books a paid answer that is refused because its item was taken away', async () => {
    const yard = setup(() => ({ settleItems: async () => new Set<string>() }))
    yard.fake.enqueue(yard.workflow, 1)
    await yard.startAll()
    const [item] = yard.worker().items
    if (item === undefined) throw new Error('an item was given out')
    const outcome = completed({ facts: facts({ credits: 7, creditsAtMost: 2 }) })
    yard.worker().say({ type: 'settled', items: [{ ...item, outcome }] })
    await yard.settle()
    expect(yard.fake.refusedCredits).to.equal(9)
    await yard.service.halt()
  })

  it('gives its reserve back in the end, unless calls were dropped that it stands for', async () => {
    const orderly = setup()
    await orderly.startAll()
    await orderly.service.halt()
    await orderly.service.closeReserve()
    expect(orderly.fake.callsOf('closeReserve')).to.equal(1)
    const fenced = setup()
    fenced.fake.enqueue(fenced.workflow, 1)
    await fenced.startAll()
    fenced.service.abandon()
    await fenced.service.halt()
    await fenced.service.closeReserve()
    expect(fenced.fake.callsOf('closeReserve')).to.equal(0)
  })
})
