import { expect } from 'chai'
import { LIMITS } from '../../../src/core/limits.js'
import type { WorkerDeath } from '../../../supervisor/worker-death.js'
import { WorkerPool } from '../../../supervisor/worker-pool.js'
import { createFakeClock, settled } from '../../support/fake-clock.js'
import { recordEvents } from '../../support/fake-events.js'
import { completed } from '../../support/values.js'
import { fakeTransports, MEGABYTE, SOCKETS, seats, WORKER_OPTIONS } from './support.js'

const PING_MS = LIMITS.pingIntervalMs

function setup(
  fields: {
    readonly diesWhenKilled?: boolean
    readonly slots?: readonly number[]
    readonly idleMs?: number
  } = {},
) {
  const clock = createFakeClock()
  const events = recordEvents()
  const transports = fakeTransports(fields.diesWhenKilled ?? true)
  const calls: string[] = []
  const deaths: (WorkerDeath & { workerId: string })[] = []
  const excuse = { next: false }
  const pool = new WorkerPool({
    ...{ workflow: 'flow', seats: seats(...(fields.slots ?? [2])), transports, clock, events },
    ...{ workerOptions: WORKER_OPTIONS, heapMb: 64, silentMs: 3_000, heldBy: () => 0 },
    ...{ idleMs: fields.idleMs ?? null, hasWork: () => false },
    memoryBytesMax: 100 * MEGABYTE,
    onReady: (workerId, slots) => calls.push(`ready ${workerId} ${slots}`),
    onDelay: () => {},
    onSettled: (workerId, { items }) => calls.push(`settled ${workerId} ${items.length}`),
    onClosed: (workerId) => calls.push(`closed ${workerId}`),
    onExit: (workerId, death) => {
      deaths.push({ workerId, ...death })
      return { isExcused: excuse.next }
    },
    onGiveUp: (reason, message) => calls.push(`give-up ${reason}: ${message}`),
  })
  return { pool, clock, events, calls, deaths, excuse, transport: transports.process, transports }
}

const finished = {
  type: 'settled' as const,
  items: [{ itemId: '1', packId: '1', leaseId: '1', outcome: completed() }],
}

describe('the worker pool, in order', () => {
  it('starts a worker a seat and sets it up with its share', async () => {
    const { pool, calls, transport, events } = setup({ slots: [2, 1] })
    pool.start()
    expect(transport.workers.map(({ spec }) => spec)).to.deep.equal([
      { workerId: 'flow-1', workflow: 'flow', kind: 'process', slots: 2, heapMb: 64 },
      { workerId: 'flow-2', workflow: 'flow', kind: 'process', slots: 1, heapMb: 64 },
    ])
    for (const worker of transport.workers) worker.becomeReady()
    const [setupMessage] = transport.workers[0]?.received('setup') ?? []
    expect(setupMessage?.options).to.deep.include({ workerId: 'flow-1', slots: 2 })
    expect(setupMessage?.options.fetch).to.include(SOCKETS)
    expect(calls).to.deep.equal(['ready flow-1 2', 'ready flow-2 1'])
    expect(events.of('worker.ready').map(({ slots }) => slots)).to.deep.equal([2, 1])
    await pool.halt()
  })

  it('pings every second, and hears the answers', async () => {
    const { pool, clock, transport, events } = setup()
    pool.start()
    transport.newest().becomeReady()
    await clock.advance(PING_MS)
    transport.newest().answerPing()
    await clock.advance(PING_MS)
    expect(
      transport
        .newest()
        .received('ping')
        .map(({ sequence }) => sequence),
    ).to.deep.equal([1, 2])
    expect(events.of('worker.pong')).to.have.length(1)
    await pool.halt()
  })

  it('passes on what a worker finished and what it has to say', async () => {
    const { pool, calls, transport, events } = setup()
    pool.start()
    const worker = transport.newest()
    worker.becomeReady()
    worker.say(finished)
    worker.say({ type: 'log', level: 'warn', message: 'words', fields: { n: 1 } })
    expect(calls).to.include('settled flow-1 1')
    expect(events.of('worker.log')[0]).to.deep.include({ message: 'words', fields: { n: 1 } })
    await pool.halt()
  })

  it('tells when an endpoint is down in a worker’s eyes, and when it is back', async () => {
    const { pool, transport, events } = setup()
    pool.start()
    const worker = transport.newest()
    worker.becomeReady()
    const endpoint = 'https://eu.example'
    const news = { type: 'endpoint', endpoint } as const
    worker.say({ ...news, state: 'down', reason: 'HTTP 502', coolDownMs: 5_000 })
    worker.say({ ...news, state: 'up', reason: 'HTTP 200', coolDownMs: 0 })
    const who = { workflow: 'flow', workerId: 'flow-1', kind: 'process' }
    expect(events.of('upstream.endpoint_down')[0]).to.deep.include({
      ...{ ...who, endpoint, reason: 'HTTP 502', coolDownMs: 5_000 },
    })
    expect(events.of('upstream.endpoint_up')[0]).to.deep.include({ ...who, endpoint })
    await pool.halt()
  })

  it('drains: asks every worker, and resolves when all are gone', async () => {
    const { pool, clock, calls, deaths, transport } = setup({ slots: [1, 1, 1] })
    pool.start()
    const [one, two, starting] = transport.workers
    one?.becomeReady()
    two?.becomeReady()
    let isGone = false
    const draining = pool.drain(7_000).then(() => {
      isGone = true
    })
    expect(one?.received('drain')[0]).to.deep.equal({ type: 'drain', drainMs: 7_000 })
    expect(starting?.isKilled, 'who has not begun is ended').to.equal(true)
    one?.exit({ exitCode: 0 })
    await clock.advance(2 * PING_MS)
    expect(isGone).to.equal(false)
    two?.exit({ exitCode: 0 })
    await draining
    expect(deaths.every(({ isExpected }) => isExpected)).to.equal(true)
    expect(transport.workers).to.have.length(3)
    expect(calls).to.include.members(['closed flow-1', 'closed flow-2', 'closed flow-3'])
    expect(clock.waiting()).to.deep.equal([])
  })

  it('halts: kills every worker, also one that drains', async () => {
    const { pool, clock, deaths, transport } = setup({ slots: [1, 1] })
    pool.start()
    for (const worker of transport.workers) worker.becomeReady()
    const draining = pool.drain(60_000)
    await pool.halt()
    await draining
    expect(transport.workers.every(({ isKilled }) => isKilled)).to.equal(true)
    expect(deaths.every(({ isExpected }) => isExpected)).to.equal(true)
    expect(clock.waiting()).to.deep.equal([])
  })

  it('may be drained and halted before it starts, and more than once', async () => {
    const { pool } = setup()
    await pool.drain(1)
    await pool.halt()
    await pool.halt()
  })

  it('starts nobody any more once it stops, not even who was to be replaced', async () => {
    const { pool, clock, transport } = setup()
    pool.start()
    transport.newest().exit({ exitCode: 1 })
    await pool.halt()
    await clock.advance(120_000)
    expect(transport.workers).to.have.length(1)
    expect(clock.waiting()).to.deep.equal([])
  })
})

describe('the worker pool, when workers die', () => {
  it('replaces at once who had finished something', async () => {
    const { pool, clock, transport, deaths, events } = setup()
    pool.start()
    for (let death = 0; death < 20; death += 1) {
      const worker = transport.newest()
      worker.becomeReady()
      worker.say(finished)
      worker.exit({ signal: 'SIGKILL' })
      await clock.advance(0)
    }
    expect(transport.workers).to.have.length(21)
    expect(deaths[0]).to.deep.include({ isExpected: false, workerId: 'flow-1' })
    expect(deaths[0]?.reason).to.equal(
      'worker flow-1 (pid 1000) died of SIGKILL, which its supervisor did not send: ' +
        'a person did, or the system because memory ran out',
    )
    expect(events.of('worker.exited')[0]).to.include({ expected: false, signal: 'SIGKILL' })
    await pool.halt()
  })

  it('waits longer from one fruitless death to the next, then gives the workflow up', async () => {
    const { pool, clock, calls, transport } = setup()
    pool.start()
    for (const pause of [50, 100, 200, 400, 800, LIMITS.restartPeriodMs]) {
      transport.newest().exit({ exitCode: 9, message: 'no memory' })
      expect(clock.waiting()).to.include(pause)
      if (pause !== LIMITS.restartPeriodMs) await clock.advance(pause)
    }
    const [reason, ...others] = calls.filter((call) => call.startsWith('give-up'))
    expect(reason).to.include('restart_intensity').and.to.include('no memory')
    expect(others).to.deep.equal([])
    await clock.advance(LIMITS.restartPeriodMs)
    expect(transport.living(), 'the seat is filled slowly').to.have.length(1)
    await pool.halt()
  })

  it('counts no death that an isolated item caused', async () => {
    const { pool, clock, calls, transport, excuse } = setup()
    pool.start()
    excuse.next = true
    for (let death = 0; death < 20; death += 1) {
      transport.newest().exit({ signal: 'SIGSEGV' })
      await clock.advance(0)
    }
    expect(transport.workers).to.have.length(21)
    expect(calls.some((call) => call.startsWith('give-up'))).to.equal(false)
    await pool.halt()
  })

  it('kills who is not ready in time', async () => {
    const { pool, clock, transport, events, deaths } = setup()
    pool.start()
    await clock.advance(LIMITS.workerStartMs)
    expect(transport.workers[0]?.isKilled).to.equal(false)
    await clock.advance(2 * PING_MS)
    expect(transport.workers[0]?.isKilled).to.equal(true)
    expect(events.of('worker.replaced')[0]).to.include({ reason: 'start' })
    expect(deaths[0]?.reason).to.include('was not ready in time')
    await pool.halt()
  })

  it('kills who answers no ping for too long, once, and says why', async () => {
    const { pool, clock, transport, events, deaths } = setup({ diesWhenKilled: false })
    pool.start()
    const worker = transport.newest()
    worker.becomeReady()
    await clock.advance(3 * PING_MS)
    expect(worker.isKilled).to.equal(false)
    await clock.advance(10 * PING_MS)
    expect(worker.isKilled).to.equal(true)
    expect(events.of('worker.replaced')).to.have.length(1)
    expect(events.of('worker.replaced')[0]).to.include({ reason: 'silent' })
    worker.exit({ signal: 'SIGKILL' })
    expect(deaths[0]?.reason).to.include('was killed: it gave no answer for ')
    transport.living().forEach((one) => {
      one.exit()
    })
    await pool.halt()
  })

  it('spares a worker whose supervisor was asleep', async () => {
    const { pool, clock, transport } = setup()
    pool.start()
    const worker = transport.newest()
    worker.becomeReady()
    await clock.advance(PING_MS)
    clock.jump(3_600_000)
    await clock.advance(0)
    expect(worker.isKilled).to.equal(false)
    await pool.halt()
  })

  it('replaces who speaks another protocol', async () => {
    const { pool, clock, transport, events } = setup()
    pool.start()
    transport.newest().say({ type: 'hello', protocolVersion: 99, pid: 1 })
    await clock.advance(PING_MS)
    expect(events.of('worker.replaced')[0]).to.include({ reason: 'protocol' })
    expect(transport.workers).to.have.length(2)
    await pool.halt()
  })

  it('gives up a workflow that a worker refuses, in the worker’s words', async () => {
    const { pool, calls, transport, deaths } = setup()
    pool.start()
    transport.newest().say({ type: 'refused', message: 'no default export' })
    await settled()
    expect(calls).to.include('give-up module_refused: no default export')
    expect(deaths[0]?.reason).to.include('refused its workflow: no default export')
    await pool.halt()
  })

  for (const isDraining of [false, true]) {
    const when = isDraining ? 'while it drains for its memory' : 'all at once'
    it(`kills who takes twice its memory ${when}, and blames what it held`, async () => {
      const { pool, clock, transport, deaths, events } = setup()
      pool.start()
      const worker = transport.newest()
      worker.becomeReady()
      await clock.advance(PING_MS)
      if (isDraining) worker.answerPing({ memoryBytes: 200 * MEGABYTE })
      expect(worker.isKilled).to.equal(false)
      worker.answerPing({ memoryBytes: 201 * MEGABYTE })
      worker.answerPing({ memoryBytes: 202 * MEGABYTE })
      expect(worker.isKilled).to.equal(true)
      await settled()
      expect(deaths[0]).to.deep.include({ isExpected: false })
      expect(deaths[0]?.reason).to.equal(
        'worker flow-1 (pid 1000) was killed: it took more than twice its memory of 100 MB',
      )
      expect(events.of('worker.replaced')).to.have.length(isDraining ? 2 : 1)
      await pool.halt()
    })
  }

  it('drains and replaces who holds too much memory', async () => {
    const { pool, clock, calls, transport, deaths, events } = setup()
    pool.start()
    const worker = transport.newest()
    worker.becomeReady()
    await clock.advance(PING_MS)
    worker.answerPing({ memoryBytes: 101 * MEGABYTE })
    worker.answerPing({ memoryBytes: 102 * MEGABYTE })
    expect(worker.received('drain')).to.have.length(1)
    expect(calls.filter((call) => call.startsWith('closed'))).to.deep.equal(['closed flow-1'])
    expect(events.of('worker.replaced')).to.have.length(1)
    worker.exit({ exitCode: 0 })
    await clock.advance(0)
    expect(deaths[0]?.isExpected).to.equal(true)
    expect(transport.living()).to.have.length(1)
    await pool.halt()
  })

  for (const [how, exit] of [
    ['crashes', { exitCode: 134 }],
    ['is killed by the system', { signal: 'SIGKILL' }],
  ] as const) {
    it(`calls it a crash when who drains for its memory ${how}`, async () => {
      const { pool, clock, transport, deaths } = setup()
      pool.start()
      const worker = transport.newest()
      worker.becomeReady()
      await clock.advance(PING_MS)
      worker.answerPing({ memoryBytes: 101 * MEGABYTE })
      worker.exit(exit)
      expect(deaths[0]?.isExpected).to.equal(false)
      await pool.halt()
    })
  }

  it('kills who falls silent while it drains, and calls it a crash', async () => {
    const { pool, clock, transport, deaths } = setup()
    pool.start()
    const worker = transport.newest()
    worker.becomeReady()
    const draining = pool.drain(60_000)
    await clock.advance(10 * PING_MS)
    await draining
    expect(worker.isKilled).to.equal(true)
    expect(deaths[0]?.isExpected).to.equal(false)
  })
})

describe('the worker pool, while there is nothing to do', () => {
  it('has no worker until it is roused, and none again after its time', async () => {
    const { pool, clock, calls, transport, deaths } = setup({ slots: [2, 1], idleMs: 3 * PING_MS })
    pool.start()
    await clock.advance(2 * PING_MS)
    expect(transport.workers).to.have.length(0)
    pool.rouse()
    pool.rouse()
    expect(transport.workers).to.have.length(2)
    for (const worker of transport.workers) worker.becomeReady()
    for (let ping = 0; ping < 5; ping += 1) {
      await clock.advance(PING_MS)
      for (const worker of transport.living()) worker.answerPing()
    }
    expect(calls).to.include('closed flow-1').and.to.include('closed flow-2')
    for (const worker of transport.living()) worker.exit({ exitCode: 0 })
    expect(pool.isResting).to.equal(true)
    expect(deaths.every(({ isExpected }) => isExpected)).to.equal(true)
    await clock.advance(10 * PING_MS)
    expect(transport.living(), 'nobody took their seats').to.have.length(0)
    pool.rouse()
    expect(transport.living()).to.have.length(2)
    await pool.halt()
  })

  it('fills its seats anew while those who rest are on their way out', async () => {
    const { pool, clock, transport } = setup({ idleMs: PING_MS })
    pool.start()
    pool.rouse()
    const resting = transport.newest()
    resting.becomeReady()
    await clock.advance(2 * PING_MS)
    expect(pool.isResting).to.equal(true)
    pool.rouse()
    expect(transport.workers).to.have.length(2)
    resting.exit({ exitCode: 0 })
    await clock.advance(PING_MS)
    expect(transport.workers, 'one a seat').to.have.length(2)
    await pool.halt()
  })
})
