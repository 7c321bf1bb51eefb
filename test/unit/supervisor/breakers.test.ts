import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import type { Outcome } from '../../../src/core/outcome.js'
import { NO_PLAN } from '../../../src/core/share-plan.js'
import { Breakers } from '../../../supervisor/breakers.js'
import type { HostLimits } from '../../../supervisor/host-pace.js'
import { WorkflowService } from '../../../supervisor/workflow-service.js'
import { createFakeClock } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { FakeStore } from '../../support/fake-store.js'
import { completed, constantRandom, failed, heldItem, retryPolicy } from '../../support/values.js'
import { PROXY_API } from '../fetch/upstream/support.js'
import { fakeTransports, seats, serviceOptions, WORKER_OPTIONS } from './support.js'

const { upstream: UPSTREAM_MAX, lane: LANE_MAX } = LIMITS.breakerFailuresMax
const COOL_MS = LIMITS.breakerCoolDownMs.min
const SLOTS = 8
const RETRY = retryPolicy({ attempts: 2, backoff: { baseMs: 0, factor: 1, maxMs: 0 } })

/** A workflow with one worker of paper, which answers each item as `outcomeOf` says. */
async function setup(kind: 'proxy-api' | 'direct', hosts: HostLimits | null = null) {
  const fake = new FakeStore()
  const clock = createFakeClock()
  const events = recordEvents()
  const transports = fakeTransports()
  const workflow = fake.handle('flow')
  fake.nodes.set('node', { isFenced: false, reason: null })
  const upstream = kind === 'direct' ? ({ kind } as const) : PROXY_API
  const service = new WorkflowService({
    ...{ workflow, nodeId: 'node', store: fake.store, clock, random: constantRandom(), events },
    transports,
    isTrusted: () => true,
    plan: () => NO_PLAN,
    isDatabaseCrowded: () => false,
    options: serviceOptions({
      seats: seats(SLOTS),
      silentMs: 1e9,
      retry: RETRY,
      hosts,
      workerOptions: { ...WORKER_OPTIONS, fetch: { ...WORKER_OPTIONS.fetch, upstream } },
    }),
  })
  service.start()
  const [worker] = transports.process.living()
  worker?.becomeReady()
  await clock.advance(0)
  let answered = 0
  /** Answers everything that is under way, and waits for what follows at once. */
  const answer = async (outcomeOf: (itemId: string) => Outcome) => {
    const open = worker?.items.slice(answered) ?? []
    answered += open.length
    for (const { itemId, packId, leaseId } of open) {
      const outcome = outcomeOf(itemId)
      worker?.say({ type: 'settled', items: [{ itemId, packId, leaseId, outcome }] })
    }
    await clock.advance(LIMITS.settleDelayMs)
    fake.ripen()
    return open.length
  }
  const states = () => events.of('breaker.changed').map(({ lane, state }) => `${lane}${state}`)
  const given = () => worker?.items.length ?? 0
  return { fake, clock, events, service, workflow, answer, states, given }
}

describe('the breaker of an upstream', () => {
  it('stops everything after failures in a row, and probes with a single item', async () => {
    const yard = await setup('proxy-api')
    yard.fake.enqueue(yard.workflow, 200)
    await yard.clock.advance(2_000)
    const down = () => failed('timeout_headers')
    while (yard.states().length === 0) expect(await yard.answer(down)).to.be.above(0)
    expect(yard.states()).to.deep.equal(['open'])
    await yard.answer(down)
    expect(yard.service.load()).to.include({ inFlight: 0, buffered: 0, reason: 'breaker' })
    expect(yard.service.load().breaker).to.include({ state: 'open', code: 'timeout_headers' })
    const before = yard.given()
    await yard.clock.advance(COOL_MS - 1_000)
    expect(yard.given(), 'nothing during the cool-down').to.equal(before)

    await yard.clock.advance(3_000)
    expect(yard.given(), 'one item on trial').to.equal(before + 1)
    expect(yard.service.load()).to.include({ inFlight: 1, reason: 'breaker' })
    await yard.answer(down)
    expect(yard.states()).to.deep.equal(['open', 'half-open', 'open'])
    await yard.clock.advance(2 * COOL_MS + 2_000)
    expect(yard.given()).to.equal(before + 2)
    await yard.answer(() => completed())
    await yard.clock.advance(2_000)
    expect(yard.states().slice(3)).to.deep.equal(['half-open', 'closed'])
    expect(yard.service.load().inFlight).to.equal(SLOTS)
    for (let turn = 0; yard.fake.open().length > 0 && turn < 100; turn += 1) {
      await yard.answer(() => completed())
      await yard.clock.advance(1_000)
    }
    expect(yard.fake.ended('complete')).to.have.length(200)
  })

  // Without it the outage would be 2 attempts long, and 200 items would have failed for good.
  it('lets no item fail for good by an outage, however long', async () => {
    const yard = await setup('proxy-api')
    yard.fake.enqueue(yard.workflow, 60)
    await yard.clock.advance(2_000)
    for (let turn = 0; turn < 400; turn += 1) {
      await yard.answer(() => failed('connect'))
      await yard.clock.advance(1_000)
    }
    expect(yard.fake.ended('discard')).to.deep.equal([])
    expect(yard.fake.ended('retry'), 'attempts charged before it opened').to.have.length.below(
      UPSTREAM_MAX,
    )
    for (let turn = 0; yard.fake.open().length > 0 && turn < 400; turn += 1) {
      await yard.answer(() => completed())
      await yard.clock.advance(1_000)
    }
    expect(yard.fake.ended('complete')).to.have.length(60)
  })

  it('takes another item for its probe when the first is given back', async () => {
    const yard = await setup('proxy-api')
    yard.fake.enqueue(yard.workflow, 200)
    await yard.clock.advance(2_000)
    while (yard.states().length === 0) await yard.answer(() => failed('connect'))
    await yard.answer(() => failed('connect'))
    await yard.clock.advance(COOL_MS + 2_000)
    const before = yard.given()
    await yard.answer(() => failed('handler'))
    await yard.clock.advance(2_000)
    expect(yard.given(), 'a handler that throws says nothing').to.equal(before + 1)
  })
})

describe('the trial of an upstream', () => {
  // They were begun before the breaker opened, and end as everything ended then.
  it('is decided by its probe, not by failures of what was under way before', async () => {
    const clock = createFakeClock()
    const deps = { workflow: 'flow', clock, events: recordEvents(), onProbe: () => {} }
    const breakers = new Breakers({ ...deps, scope: 'upstream' })
    const end = (itemId: string, code: 'connect' | 'ok') =>
      breakers.noteEnd(heldItem({ itemId }), code)
    for (let n = 1; n < UPSTREAM_MAX; n += 1) expect(end(`${n}`, 'connect')).to.equal(false)
    expect(end('last', 'connect'), 'the one that opens it is spared').to.equal(true)
    expect(breakers.room()).to.equal(0)
    await clock.advance(COOL_MS)
    expect(breakers.room()).to.equal(1)
    breakers.noteStart(['probe'])
    expect(breakers.room()).to.equal(0)
    expect(end('old', 'connect'), 'spared as well').to.equal(true)
    expect(breakers.view()).to.include({ state: 'half-open' })
    expect(end('probe', 'ok')).to.equal(false)
    expect(breakers.room()).to.equal(Number.POSITIVE_INFINITY)
    breakers.stop()
  })
})

const PACED = {
  ...{ concurrency: 2, delayMs: 0, crawlDelayMaxMs: 0 },
  isDivided: false,
  isShared: true,
}

describe('the breaker of a lane', () => {
  it('holds back the items of a host that is down, and no others', () => expectHeldBack(null))

  it('holds back what waits for its turn at that host as well', () => expectHeldBack(PACED))

  async function expectHeldBack(hosts: HostLimits | null) {
    const yard = await setup('direct', hosts)
    const { lanes } = yard.fake
    for (const lane of ['dead.example', 'well.example']) {
      for (const itemId of yard.fake.enqueue(yard.workflow, 40)) lanes.set(itemId, lane)
    }
    await yard.clock.advance(2_000)
    const one = (itemId: string) =>
      lanes.get(itemId) === 'dead.example' ? failed('connect') : completed()
    for (let turn = 0; turn < 25; turn += 1) {
      await yard.answer(one)
      await yard.clock.advance(100)
    }
    expect(yard.fake.ended('complete'), 'all of the other host').to.have.length(40)
    expect(yard.states()[0]).to.equal('dead.exampleopen')
    const tried = yard.fake.receipts.filter(({ code }) => code === 'connect').length
    expect(tried, 'asked a few times, not 40').to.be.within(LANE_MAX, LANE_MAX + SLOTS)
    expect(yard.fake.ended('discard')).to.deep.equal([])
    expect(yard.service.load().lanesOpen).to.equal(1)
    const { hostHold, buffered } = yard.service.load()
    expect(hostHold?.limit ?? null, 'the reason, by its host').to.equal(hosts && 'spared')
    expect(buffered, 'nothing waits under a lease').to.equal(0)

    for (let turn = 0; yard.fake.open().length > 0 && turn < 400; turn += 1) {
      await yard.answer(() => completed())
      await yard.clock.advance(1_000)
    }
    expect(yard.fake.ended('complete')).to.have.length(80)
    expect(yard.states().at(-1)).to.equal('dead.exampleclosed')
    expect(yard.service.load().lanesOpen).to.equal(0)
  }

  it('knows no breaker for items that ask nobody in particular', async () => {
    const yard = await setup('direct')
    yard.fake.enqueue(yard.workflow, 10)
    await yard.clock.advance(2_000)
    for (let turn = 0; turn < 60; turn += 1) {
      await yard.answer(() => failed('connect'))
      await yard.clock.advance(500)
    }
    expect(yard.states()).to.deep.equal([])
    expect(yard.fake.ended('discard')).to.have.length(10)
  })
  it('is not needed to pause a workflow of such items that all fail in a row', async () => {
    const yard = await setup('direct')
    yard.fake.enqueue(yard.workflow, 100)
    await yard.clock.advance(2_000)
    for (let turn = 0; turn < 60; turn += 1) {
      await yard.answer(() => failed('connect'))
      await yard.clock.advance(500)
    }
    expect(yard.fake.workflows.get('flow')?.pausedBy).to.deep.equal(['failing'])
    expect(yard.fake.ended('discard').length, 'not the whole queue').to.be.below(30)
    expect(yard.fake.open().length).to.be.above(70)
  })
})
