import { expect } from 'chai'
import type { Outcome } from '../../../src/core/outcome.js'
import { NO_PLAN } from '../../../src/core/share-plan.js'
import type { GovernorOptions } from '../../../supervisor/governor.js'
import { createGovernor } from '../../../supervisor/governor.js'
import { createFakeClock } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { CONNECTION_LOST, FakeStore } from '../../support/fake-store.js'
import { completed, failed } from '../../support/values.js'

const STEERING_MS = 1_000

async function setup(
  options: Partial<GovernorOptions> = {},
  steering: Partial<FakeStore['steering']> = {},
) {
  const store = new FakeStore()
  store.steering = { ...store.steering, ...steering }
  const clock = createFakeClock()
  const events = recordEvents()
  const purse = { left: 0, isSpent: false }
  const plan = { of: NO_PLAN }
  const rooms: number[] = []
  const database = { isCrowded: false }
  const governor = createGovernor({
    ...{ store: store.store, clock, events, workflow: store.handle('flow'), nodeId: 'node' },
    options: {
      concurrency: 20,
      start: null,
      planConcurrency: null,
      ratePerMinute: null,
      successPauseMs: 0,
      plan: 'p',
      hasOnePlan: true,
      ...options,
    },
    plan: () => plan.of,
    isDatabaseCrowded: () => database.isCrowded,
    purse: { left: () => purse.left, isSpent: () => purse.isSpent },
    onSteered: () => {},
    onRoom: () => rooms.push(clock.nowMs()),
  })
  const told = () => events.of('concurrency.changed').at(-1)
  const end = (outcome: Outcome, times = 1) => {
    for (let n = 0; n < times; n += 1) governor.noteEnd(outcome, governor.allowed(0))
  }
  return { store, clock, events, governor, told, end, purse, plan, rooms, database }
}

describe('the governor', () => {
  it('allows nothing before it has heard who else is there', async () => {
    const { governor, clock } = await setup()
    expect(governor.allowed(0)).to.equal(0)
    governor.start()
    await clock.advance(0)
    expect(governor.allowed(0)).to.equal(20)
    expect(governor.reason(0)).to.equal('configured')
    await governor.stop()
    expect(clock.waiting()).to.deep.equal([])
  })

  it('keeps to its share of the plan, and takes more when a sharer goes', async () => {
    const sharers = ['node/flow', 'other/flow', 'other/second']
    const { governor, clock, store, told } = await setup({ planConcurrency: 30 }, { sharers })
    governor.start()
    await clock.advance(0)
    expect(told()).to.include({ limit: 10, reason: 'share' })
    store.steering = { ...store.steering, sharers: ['node/flow', 'other/flow'] }
    await clock.advance(STEERING_MS)
    expect(told()).to.include({ limit: 15, reason: 'share' })
    store.steering = { ...store.steering, sharers: ['other/flow'] }
    await clock.advance(STEERING_MS)
    expect(told()).to.include({ limit: 0, reason: 'share' })
    await governor.stop()
  })

  it('follows the plan that the account tells, in the middle of a run', async () => {
    const { governor, clock, plan } = await setup({}, { sharers: ['node/flow', 'other/flow'] })
    governor.start()
    await clock.advance(0)
    expect(governor.allowed(0)).to.equal(20)
    plan.of = { ...NO_PLAN, limit: 10 }
    await clock.advance(STEERING_MS)
    expect(governor.allowed(0)).to.equal(5)
    plan.of = { ...NO_PLAN, limit: 30 }
    await clock.advance(STEERING_MS)
    expect(governor.allowed(0)).to.equal(15)
    await governor.stop()
  })

  it('works one item in all the cluster when it is sequential: the oldest node has it', async () => {
    const workers = ['z-older', 'node']
    const { governor, clock, store } = await setup({}, { mode: 'sequential', workers })
    governor.start()
    await clock.advance(0)
    expect(governor.allowed(0)).to.equal(0)
    store.steering = { ...store.steering, workers: ['node', 'a-younger'] }
    await clock.advance(STEERING_MS)
    expect(governor.allowed(0)).to.equal(1)
    expect(governor.reason(0)).to.equal('sequential')
    store.steering = { ...store.steering, mode: 'concurrent' }
    await clock.advance(STEERING_MS)
    expect(governor.allowed(0)).to.equal(20)
    await governor.stop()
  })

  it('follows an operator’s figure, up to the slots there are', async () => {
    const { governor, clock, store, told } = await setup({}, { concurrency: 5 })
    governor.start()
    await clock.advance(0)
    expect(told()).to.include({ limit: 5, reason: 'operator' })
    store.steering = { ...store.steering, concurrency: 500 }
    await clock.advance(STEERING_MS)
    expect(governor.allowed(0)).to.equal(20)
    await governor.stop()
  })

  it('grows with successes from where it starts, and shrinks by refusals', async () => {
    const { governor, clock, end, told } = await setup({ start: 4 })
    governor.start()
    await clock.advance(0)
    expect(told()).to.include({ limit: 4, reason: 'start' })
    end(completed(), 4)
    expect(governor.allowed(0)).to.equal(8)
    end(failed('http_5xx'), 30)
    expect(governor.allowed(0), 'a failure never speeds up').to.equal(8)
    end(failed('rate_limited'))
    expect(told()).to.include({ limit: 7, reason: 'refusals' })
    await governor.stop()
  })

  it('takes a 429 of one host for no word about the others', async () => {
    const { governor, clock, end } = await setup({ hasOnePlan: false })
    governor.start()
    await clock.advance(0)
    end(failed('rate_limited'), 50)
    expect(governor.allowed(0)).to.equal(20)
    await governor.stop()
  })

  it('gives way when a worker’s event loop is late again and again', async () => {
    const { governor, clock, told } = await setup()
    governor.start()
    await clock.advance(0)
    governor.noteDelay('w1', 900)
    governor.noteDelay('w1', 900)
    governor.noteDelay('w2', 3)
    expect(governor.allowed(0)).to.equal(20)
    governor.noteDelay('w1', 900)
    expect(told()).to.include({ limit: 18, reason: 'event_loop' })
    governor.noteDelay('w1', 900)
    expect(governor.allowed(0), 'counts once in a while').to.equal(18)
    await governor.stop()
  })

  it('goes by what it read last while the database is away, and says so', async () => {
    const { governor, clock, store, events } = await setup({}, { concurrency: 5 })
    governor.start()
    await clock.advance(0)
    store.failNext('readSteering', CONNECTION_LOST)
    await clock.advance(STEERING_MS)
    expect(governor.allowed(0)).to.equal(5)
    expect(events.of('steering.failed')).to.have.length(1)
    await governor.stop()
  })

  it('allows what the budgets pay for beyond what is under way, once they are spent', async () => {
    const { governor, clock, told, purse } = await setup()
    governor.start()
    await clock.advance(0)
    Object.assign(purse, { left: 3 })
    expect(governor.allowed(5), 'reserves are made as they are needed').to.equal(20)
    purse.isSpent = true
    expect(governor.allowed(5)).to.equal(8)
    expect(governor.limit()).to.equal(20)
    expect(governor.reason(0)).to.equal('configured')
    purse.left = 0
    expect(governor.allowed(5)).to.equal(5)
    await clock.advance(STEERING_MS)
    expect(told()).to.include({ reason: 'budget' })
    await governor.stop()
  })

  it('begins with the calls that find room in the plan, and doubles from there', async () => {
    const { governor, clock, plan, end, told } = await setup()
    plan.of = { ...NO_PLAN, limit: 20, inUse: 17 }
    governor.start()
    await clock.advance(0)
    expect(told()).to.include({ limit: 3, reason: 'start' })
    end(completed(), 3)
    expect(governor.allowed(0)).to.equal(6)
    end(completed(), 100)
    expect(told()).to.include({ limit: 20, reason: 'share' })
    await governor.stop()
  })

  it('begins with a single call when others use the whole plan, or more', async () => {
    const { governor, clock, plan } = await setup()
    plan.of = { ...NO_PLAN, limit: 10, inUse: 12 }
    governor.start()
    await clock.advance(0)
    expect(governor.allowed(0)).to.equal(1)
    await governor.stop()
  })

  it('begins with all of the part that a person gave it, while that finds room', async () => {
    const { governor, clock, plan } = await setup({ planConcurrency: 15 })
    plan.of = { ...NO_PLAN, limit: 100, inUse: 60 }
    governor.start()
    await clock.advance(0)
    expect(governor.allowed(0)).to.equal(15)
    await governor.stop()
  })

  // The calls of a node that was killed go on at the other side.
  it('takes the share of a node that went only as far as there is room', async () => {
    const sharers = ['node/flow', 'other/flow']
    const { governor, clock, plan, store, end } = await setup({}, { sharers })
    plan.of = { ...NO_PLAN, limit: 20, inUse: 0 }
    governor.start()
    await clock.advance(0)
    expect(governor.allowed(0)).to.equal(10)
    plan.of = { ...NO_PLAN, limit: 20, inUse: 18 }
    store.steering = { ...store.steering, sharers: ['node/flow'] }
    await clock.advance(STEERING_MS)
    expect(governor.allowed(0)).to.equal(12)
    end(completed(), 12)
    expect(governor.allowed(0), 'a round later').to.equal(20)
    await governor.stop()
  })

  it('begins nothing while the first word about the plan is on its way', async () => {
    const { governor, clock, plan } = await setup()
    plan.of = { ...NO_PLAN, isAwaited: true }
    governor.start()
    await clock.advance(0)
    expect(governor.allowed(0)).to.equal(0)
    expect(governor.reason(0)).to.equal('start')
    plan.of = { limit: 4, inUse: 0, isAwaited: false }
    await clock.advance(STEERING_MS)
    expect(governor.allowed(0)).to.equal(4)
    await governor.stop()
  })

  it('waits for no word about a plan that a person has told', async () => {
    const { governor, clock, plan } = await setup({ planConcurrency: 6 })
    plan.of = { ...NO_PLAN, isAwaited: true }
    governor.start()
    await clock.advance(0)
    expect(governor.allowed(0)).to.equal(6)
    await governor.stop()
  })

  it('leaves a plan alone that others use up, longer each time, until a call is taken', async () => {
    const { governor, clock, end, rooms } = await setup({ concurrency: 1 })
    governor.start()
    await clock.advance(0)
    for (const waitMs of [500, 1_000, 2_000, 4_000, 5_000, 5_000]) {
      expect(governor.room(0)).to.equal(1)
      end(failed('rate_limited'))
      expect(governor.room(0), 'right after a refusal').to.equal(0)
      expect(governor.reason(0)).to.equal('crowded')
      const told = rooms.length
      await clock.advance(waitMs - 1)
      expect(governor.room(0)).to.equal(0)
      await clock.advance(1)
      expect(rooms).to.have.length(told + 1)
    }
    end(failed('http_5xx'))
    end(failed('rate_limited', { retryAfterMs: 3_000 }))
    await clock.advance(2_999)
    expect(governor.room(0), 'it was asked to').to.equal(0)
    await clock.advance(1)
    expect(governor.room(0)).to.equal(1)
    await governor.stop()
    expect(clock.waiting()).to.deep.equal([])
  })

  it('waits for nothing while a call of its own was taken beside the refused one', async () => {
    const { governor, clock } = await setup()
    governor.start()
    await clock.advance(0)
    governor.noteEnd(failed('rate_limited'), 9)
    expect(governor.room(7)).to.equal(1)
    expect(governor.reason(8)).to.equal('refusals')
    await governor.stop()
  })

  it('divides the rate as it divides the plan, and follows what an operator sets', async () => {
    const sharers = ['node/flow', 'other/flow']
    const { governor, clock, store, rooms } = await setup({ ratePerMinute: 120 }, { sharers })
    governor.start()
    await clock.advance(0)
    expect(governor.pace()).to.deep.equal({ perMinute: 60, successPauseMs: 0 })
    expect(governor.room(0)).to.equal(0)
    expect(governor.reason(0)).to.equal('rate')
    await clock.advance(1_000)
    expect(rooms).to.have.length(1)
    expect(governor.room(0)).to.equal(1)
    expect(governor.allowed(0), 'slots are another limit').to.equal(20)
    governor.noteStarts(1)
    store.steering = { ...store.steering, ratePerMinute: 2_400, successPauseMs: 500 }
    await clock.advance(STEERING_MS)
    expect(governor.pace()).to.deep.equal({ perMinute: 1_200, successPauseMs: 500 })
    await governor.stop()
    expect(clock.waiting()).to.deep.equal([])
  })

  it('counts a slot that rests as taken', async () => {
    const { governor, clock, end } = await setup({ successPauseMs: 2_000 })
    governor.start()
    await clock.advance(0)
    end(completed(), 4)
    end(failed('http_5xx'), 3)
    expect(governor.room(10)).to.equal(6)
    expect(governor.reason(16)).to.equal('pause')
    await clock.advance(2_000)
    expect(governor.room(10)).to.equal(10)
    await governor.stop()
  })

  it('grows no further while the database has few connections left, and shrinks as ever', async () => {
    const { governor, clock, end, told, store, database } = await setup({ start: 4 })
    governor.start()
    await clock.advance(0)
    database.isCrowded = true
    end(completed(), 40)
    expect(governor.allowed(0)).to.equal(4)
    expect(told()).to.include({ limit: 4, reason: 'database' })
    store.steering = { ...store.steering, concurrency: 3 }
    await clock.advance(STEERING_MS)
    expect(governor.allowed(0)).to.equal(3)
    store.steering = { ...store.steering, concurrency: 15 }
    await clock.advance(STEERING_MS)
    expect(governor.allowed(0), 'a higher ceiling is not taken at once').to.equal(3)
    database.isCrowded = false
    end(completed(), 100)
    expect(governor.allowed(0)).to.equal(15)
    await governor.stop()
  })
})
