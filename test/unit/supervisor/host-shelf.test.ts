import { expect } from 'chai'
import fc from 'fast-check'
import type { HostRules } from '../../../src/core/host-plan.js'
import { LIMITS } from '../../../src/core/limits.js'
import { nodeRules } from '../../../supervisor/host-pace.js'
import { HostShelf } from '../../../supervisor/host-shelf.js'
import { createFakeClock } from '../../support/fake-clock.js'
import { completed, facts, failed } from '../../support/values.js'

const RULES: HostRules = { concurrency: 2, delayMs: 0, crawlDelayMaxMs: 30_000 }

function setup(rules: Partial<HostRules> = {}, rulesNow = () => ({ ...RULES, ...rules })) {
  const clock = createFakeClock()
  /** Hosts that are left alone, and for how long. */
  const alone = new Map<string, number>()
  const shelf = new HostShelf<string>({
    clock,
    rulesOf: rulesNow,
    restMsOf: (host) => alone.get(host) ?? null,
  })
  const add = (host: string, count: number) => {
    for (let n = 1; n <= count; n += 1) shelf.add(host, `${host}${n}`)
  }
  /** Starts whatever may start. */
  const start = () => {
    const started: string[] = []
    for (let one = shelf.take(); one !== null; one = shelf.take()) {
      shelf.started(one.slice(0, 1))
      started.push(one)
    }
    return started
  }
  /** The host has been asked often, and it took so long. */
  const answerSlowly = (host: string, durationMs: number) => {
    for (let n = 0; n < 30; n += 1) {
      shelf.started(host)
      shelf.ended(host, answer(durationMs))
    }
  }
  return { clock, shelf, add, start, answerSlowly, alone }
}

const answer = (durationMs: number) => completed({ facts: facts({ durationMs }) })

describe('supervisor/host-shelf', () => {
  it('lets hosts take turns, and none have more than it bears', () => {
    const { shelf, add, start } = setup()
    add('a', 5)
    add('b', 3)
    expect(start()).to.deep.equal(['a1', 'b1', 'a2', 'b2'])
    expect(shelf.size).to.equal(4)
    shelf.ended('b', answer(10))
    expect(start()).to.deep.equal(['b3'])
  })

  it('starts the next of a host when its delay is over, and says when that is', async () => {
    const { clock, shelf, add, start } = setup({ delayMs: 500 })
    add('a', 3)
    expect(start()).to.deep.equal(['a1'])
    shelf.ended('a', answer(10))
    expect(start()).to.deep.equal([])
    expect(shelf.opensAtMs).to.equal(clock.nowMs() + 500)
    await clock.advance(500)
    expect(start()).to.deep.equal(['a2'])
  })

  it('waits for no time that has come: what may start waits for a slot', async () => {
    const { clock, shelf, add, start } = setup({ delayMs: 500 })
    add('a', 2)
    start()
    shelf.ended('a', answer(10))
    expect(start()).to.deep.equal([])
    await clock.advance(500)
    expect(shelf.opensAtMs).to.equal(null)
    expect(start()).to.deep.equal(['a2'])
  })

  it('tells of each host the one that waits longest, also of one that is shut', () => {
    const { shelf, add, start } = setup({ delayMs: 500 })
    add('a', 3)
    add('b', 1)
    expect([...shelf.firsts()]).to.deep.equal(['a1', 'b1'])
    start()
    shelf.ended('a', answer(10))
    start()
    expect([...shelf.firsts()]).to.deep.equal(['a2'])
  })

  it('has enough of a host with two seconds of its work, and gives back what half a minute exceeds', () => {
    const { shelf, add, answerSlowly } = setup()
    answerSlowly('a', 5_000)
    add('a', 3)
    expect(shelf.laden()).to.deep.equal([])
    add('a', 1)
    expect(shelf.laden()).to.deep.equal(['a'])
    add('a', 1_000)
    const deferred = shelf.surplus()
    // Two in five seconds are twelve in half a minute, or one more by rounding.
    expect(shelf.size).to.be.within(12, 13)
    expect(deferred).to.have.length(1_004 - shelf.size)
    expect(new Set(deferred.map(({ delayMs }) => delayMs)).size).to.equal(1)
    expect(deferred[0]?.delayMs).to.be.within(14_000, 17_000)
    expect(shelf.surplus()).to.deep.equal([])
    expect(shelf.laden()).to.deep.equal(['a'])
  })

  it('leases for a host again when most of what it keeps is done', () => {
    const { shelf, add, start, answerSlowly } = setup()
    answerSlowly('a', 5_000)
    add('a', 100)
    shelf.surplus()
    for (let n = 0; n < 9; n += 1) {
      start()
      shelf.ended('a', answer(5_000))
      expect(shelf.laden()).to.deep.equal(shelf.size >= 4 ? ['a'] : [])
    }
    expect(shelf.size).to.be.below(4)
  })

  it('keeps more of a host that is fast', () => {
    const { shelf, add, answerSlowly } = setup()
    answerSlowly('a', 10)
    add('a', 390)
    expect(shelf.laden()).to.deep.equal([])
    add('a', 1_000)
    expect(shelf.laden()).to.deep.equal(['a'])
    expect(shelf.surplus()).to.deep.equal([])
  })

  it('keeps fewer of large items, from the moment on at which their size is known', () => {
    const { shelf, add } = setup()
    add('a', 20)
    add('b', 20)
    shelf.bound(1_000)
    expect(shelf.surplus()).to.deep.equal([])
    shelf.bound(6)
    const deferred = shelf.surplus().map(({ one }) => one)
    expect(deferred).to.have.length(34).and.include('a4').and.not.include('b3')
    shelf.bound(1_000)
    add('a', 3)
    expect(shelf.surplus()).to.deep.equal([])
    expect(shelf.size).to.equal(9)
  })

  it('lets the hosts that wait fill half of the buffer, however many they are', () => {
    const { shelf } = setup()
    for (let host = 0; host < 100; host += 1) {
      for (let n = 0; n < 100; n += 1) shelf.add(`host-${host}`, `${host}/${n}`)
    }
    const deferred = shelf.surplus()
    expect(shelf.size).to.be.within(LIMITS.bufferedItemsMax / 2 - 100, LIMITS.bufferedItemsMax / 2)
    expect(deferred).to.have.length(10_000 - shelf.size)
    expect(shelf.laden()).to.have.length(100)
  })

  it('gives back what waits for a host that has become the business of another node', () => {
    let concurrency = 2
    const { shelf, add } = setup({}, () => ({ ...RULES, concurrency }))
    add('a', 5)
    expect(shelf.surplus()).to.deep.equal([])
    concurrency = 0
    shelf.reconsider()
    expect(shelf.surplus()).to.have.length(5)
    expect(shelf.laden()).to.deep.equal(['a'])
    expect(shelf.size).to.equal(0)
  })

  it('keeps one of a host that is asked once in a long time', async () => {
    const { clock, shelf, add, start } = setup({ delayMs: 20_000 })
    add('a', 5)
    start()
    expect(shelf.surplus()).to.have.length(2)
    expect(shelf.size).to.equal(2)
    await clock.advance(20_000)
    expect(start()).to.have.length(1)
  })

  it('keeps nothing for a host that is closed for long, until then', () => {
    const { shelf, add, start } = setup()
    add('a', 3)
    start()
    shelf.ended('a', failed('rate_limited', { retryAfterMs: 60_000 }))
    const [only, ...others] = shelf.surplus()
    expect(only?.one).to.equal('a3')
    expect(only?.delayMs).to.be.within(60_000, 80_000)
    expect(others).to.deep.equal([])
    expect(shelf.size).to.equal(0)
  })

  it('takes out what is held back of the hosts that are named, and of no other', () => {
    const { shelf, add, start } = setup()
    add('a', 5)
    add('b', 1)
    expect(shelf.takeHeldBack(['a', 'unheard of'], (one) => one !== 'a3')).to.deep.equal([
      ...['a1', 'a2', 'a4', 'a5'],
    ])
    expect(shelf.size).to.equal(2)
    expect(start()).to.have.members(['a3', 'b1'])
    expect(shelf.takeHeldBack(['a'], () => true)).to.deep.equal([])
  })

  it('leases nothing more for a host that is left alone, says so, and begins again after it', () => {
    const { shelf, add, alone } = setup()
    add('a', 2)
    add('b', 2)
    alone.set('a', 5_000)
    expect(shelf.takeHeldBack(['a'], () => true)).to.have.length(2)
    expect(shelf.laden()).to.deep.equal(['a'])
    expect(shelf.hold()).to.include({ host: 'a', limit: 'spared', figure: 5_000, waiting: 0 })
    alone.clear()
    expect(shelf.laden()).to.deep.equal([])
    expect(shelf.hold()).to.equal(null)
  })

  it('counts what could start now', () => {
    const { shelf, add, start } = setup()
    add('a', 5)
    add('b', 1)
    expect(shelf.startable(100)).to.equal(3)
    expect(shelf.startable(2)).to.equal(2)
    start()
    expect(shelf.startable(100)).to.equal(0)
  })

  it('loses nothing and gives nothing out twice', () => {
    const step = fc.record({
      act: fc.constantFrom('add', 'start', 'end', 'fail', 'surplus', 'hold', 'wait'),
      host: fc.constantFrom('a', 'b', 'c'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, shelf } = setup({ delayMs: 200 })
        const active: string[] = []
        const out: string[] = []
        let added = 0
        for (const { act, host } of steps) {
          if (act === 'add') {
            added += 1
            shelf.add(host, `${host}${added}`)
          } else if (act === 'wait') clock.jump(150)
          else if (act === 'surplus') out.push(...shelf.surplus().map(({ one }) => one))
          else if (act === 'hold') {
            out.push(...shelf.takeHeldBack([host], (one) => Number(one.slice(1)) % 2 === 0))
          } else if (act === 'start') {
            const one = shelf.take()
            if (one === null) continue
            shelf.started(one.slice(0, 1))
            active.push(one)
          } else {
            const one = active.shift()
            if (one === undefined) continue
            shelf.ended(one.slice(0, 1), act === 'end' ? answer(50) : failed('connect'))
            out.push(one)
          }
        }
        const all = [...out, ...active, ...shelf.drain()]
        expect(new Set(all).size).to.equal(added)
        expect(all).to.have.length(added)
        expect(shelf.size).to.equal(0)
      }),
    )
  })

  it('divides what a host bears: never more in all, and no delay shorter', () => {
    const nodes = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 8 })
    const limit = fc.integer({ min: 1, max: 20 })
    fc.assert(
      fc.property(nodes, limit, fc.domain(), (workers, concurrency, host) => {
        const limits = { ...RULES, concurrency, isDivided: true, isShared: true }
        const parts = workers.map((nodeId) => nodeRules(limits, { host, nodeId, workers }))
        expect(parts.reduce((sum, part) => sum + part.concurrency, 0)).to.equal(concurrency)
        const asking = parts.filter((part) => part.concurrency > 0)
        for (const { delayTimes = 1 } of asking) expect(delayTimes).to.equal(asking.length)
      }),
    )
  })

  // Divided as well, a host's only node might have no part in it, and its items would never start.
  it("divides nothing of a host whose items are all one node's", () => {
    const limits = { ...RULES, concurrency: 1, isDivided: true, isShared: false }
    const workers = ['one', 'two', 'three']
    for (const nodeId of workers) {
      expect(nodeRules(limits, { host: 'a', nodeId, workers })).to.include({ concurrency: 1 })
    }
  })
})
