import { expect } from 'chai'
import fc from 'fast-check'
import { LIMITS } from '../../../src/core/limits.js'
import type { Cohort } from '../../../src/core/steering-plan.js'
import type { Assignment } from '../../../supervisor/assignments.js'
import { DispatchTable } from '../../../supervisor/dispatch-table.js'
import { leasedPack } from '../../support/values.js'

const shape = (assignments: readonly Assignment[]) =>
  Object.fromEntries(assignments.map(({ workerId, items }) => [workerId, items.length]))
const SUSPECT = LIMITS.crashesBeforeIsolation

describe('DispatchTable', () => {
  it('gives an item to each free slot, and evenly', () => {
    const table = new DispatchTable()
    table.openWorker('a', 3)
    table.openWorker('b', 2)
    table.addPacks([leasedPack({ itemCount: 10 })])
    expect(shape(table.assign())).to.deep.equal({ a: 3, b: 2 })
    expect(table.assign()).to.deep.equal([])
    expect(table).to.include({ buffered: 5, inFlight: 5, slots: 5, freeSlots: 0 })
  })

  it('knows no barrier: each slot that frees takes the next item, in order', () => {
    const table = new DispatchTable()
    table.openWorker('a', 2)
    table.addPacks([leasedPack({ itemCount: 4 })])
    table.assign()
    expect(table.finish('a', { itemId: '2', leaseId: '1' })?.itemId).to.equal('2')
    const [next] = table.assign()
    expect(next?.items.map(({ itemId }) => itemId)).to.deep.equal(['3'])
  })

  it('gives large items in several messages, and knows how much is on its way', () => {
    const table = new DispatchTable()
    const most = LIMITS.dispatchCharactersMax
    table.openWorker('a', 20)
    table.openWorker('b', 20)
    table.addPacks([
      leasedPack({ itemCount: 16, characters: 4 * most }),
      leasedPack({ itemCount: 1, firstItem: 17, characters: 3 * most }),
      leasedPack({ itemCount: 1, firstItem: 18, characters: 32 }),
    ])
    const given = table.assign()
    const sizes = given.map(({ items }) => items.length)
    // Four quarters each, two messages a worker; the large one; and what came after it or before.
    expect(sizes.sort()).to.deep.equal([1, 1, 4, 4, 4, 4])
    for (const { items, characters } of given) {
      expect(characters <= most || items.length === 1).to.equal(true)
    }
    const all = given.flatMap(({ items }) => items.map(({ itemId }) => Number(itemId)))
    expect(all.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 18 }, (_, n) => n + 1))
    expect(table.unsent.characters).to.equal(7 * most + 32)
    for (const assignment of given) table.unsent.noteSent(assignment)
    expect(table.unsent.characters).to.equal(0)
  })

  it('gives a pack that runs alone whole, large or not', () => {
    const table = new DispatchTable()
    table.openWorker('a', 2)
    const characters = 4 * LIMITS.dispatchCharactersMax
    table.addPacks([leasedPack({ itemCount: 4, crashes: SUSPECT, characters })])
    const given = table.assign()
    expect(given.map(({ workerId, items }) => [workerId, items.length])).to.deep.equal([
      ...[
        ['a', 1],
        ['a', 1],
        ['a', 1],
        ['a', 1],
      ],
    ])
    expect(table.inFlight).to.equal(4)
  })

  it('tells the worker which attempt it is', () => {
    const table = new DispatchTable()
    table.openWorker('a', 1)
    table.addPacks([leasedPack({ attempt: 2, packId: '7', leaseId: '8' })])
    expect(table.assign()[0]?.items[0]).to.deep.equal({
      ...{ itemId: '1', packId: '7', leaseId: '8', itemKey: 'key-1', payload: null, attempt: 3 },
    })
  })

  it('frees no slot for an item of another lease, worker, or one that is unknown', () => {
    const table = new DispatchTable()
    table.openWorker('a', 1)
    table.openWorker('b', 1)
    table.addPacks([leasedPack({ itemCount: 1 })])
    const holder = table.assign()[0]?.workerId ?? ''
    const other = holder === 'a' ? 'b' : 'a'
    expect(table.finish(holder, { itemId: '1', leaseId: '99' })).to.equal(null)
    expect(table.finish(other, { itemId: '1', leaseId: '1' })).to.equal(null)
    expect(table.finish('nobody', { itemId: '1', leaseId: '1' })).to.equal(null)
    expect(table.finish(holder, { itemId: '2', leaseId: '1' })).to.equal(null)
    expect(table.inFlight).to.equal(1)
    expect(table.finish(holder, { itemId: '1', leaseId: '1' })).to.include({ itemId: '1' })
    expect(table.finish(holder, { itemId: '1', leaseId: '1' })).to.equal(null)
  })

  it('gives a closed worker nothing more, and counts its slots no longer', () => {
    const table = new DispatchTable()
    table.openWorker('a', 2)
    table.addPacks([leasedPack({ itemCount: 3 })])
    table.assign()
    table.closeWorker('a')
    table.finish('a', { itemId: '1', leaseId: '1' })
    expect(table.assign()).to.deep.equal([])
    expect(table).to.include({ slots: 0, freeSlots: 0, inFlight: 1, buffered: 1 })
  })

  it('returns what a worker held when it goes', () => {
    const table = new DispatchTable()
    table.openWorker('a', 2)
    table.addPacks([leasedPack({ itemCount: 3 })])
    table.assign()
    const { held, isAlone } = table.removeWorker('a')
    expect(held.map(({ itemId }) => itemId)).to.deep.equal(['1', '2'])
    expect(isAlone).to.equal(false)
    expect(table.removeWorker('a').held).to.deep.equal([])
    expect(table).to.include({ inFlight: 0, buffered: 1 })
  })

  it('empties its buffer for a drain, suspects included, and not what is in flight', () => {
    const table = new DispatchTable()
    table.openWorker('a', 2)
    table.addPacks([
      leasedPack({ itemCount: 4 }),
      leasedPack({ packId: '2', itemCount: 2, firstItem: 10, crashes: SUSPECT }),
    ])
    table.finish('a', { itemId: '1', leaseId: '1' })
    const given = table.assign().flatMap(({ items }) => items.map(({ itemId }) => itemId))
    const drained = table.drainBuffer().map(({ itemId }) => itemId)
    expect([...given, ...drained].sort()).to.deep.equal(['1', '10', '11', '2', '3', '4'])
    expect(table.buffered).to.equal(0)
  })

  it('moves thousands of items through its buffer', () => {
    const table = new DispatchTable()
    table.openWorker('a', 1_000)
    for (let n = 0; n < 16; n += 1) {
      table.addPacks([leasedPack({ packId: `${n}`, itemCount: 256, firstItem: n * 256 })])
    }
    const seen: string[] = []
    while (table.buffered > 0) {
      for (const { items } of table.assign()) {
        for (const item of items) {
          seen.push(item.itemId)
          table.finish('a', item)
        }
      }
    }
    expect(seen).to.deep.equal(Array.from({ length: 4_096 }, (_, n) => `${n}`))
  })
})

describe('DispatchTable, packs that killed their workers', () => {
  const suspect = (packId: string, firstItem: number, itemCount = 2) =>
    leasedPack({ packId, firstItem, itemCount, crashes: SUSPECT })

  it('run alone in a worker, while the others go on', () => {
    const table = new DispatchTable()
    table.openWorker('a', 4)
    table.openWorker('b', 4)
    table.addPacks([suspect('1', 1), leasedPack({ packId: '2', firstItem: 10, itemCount: 20 })])
    const given = table.assign()
    expect(shape(given)).to.deep.equal({ a: 2, b: 4 })
    expect(given[0]?.items.every(({ packId }) => packId === '1')).to.equal(true)
    expect(table.removeWorker('a')).to.include({ isAlone: true })
  })

  it('are given whole, also when they have more items than the worker has slots', () => {
    const table = new DispatchTable()
    table.openWorker('a', 2)
    table.addPacks([suspect('1', 1, 9)])
    expect(shape(table.assign())).to.deep.equal({ a: 9 })
    expect(table.freeSlots).to.equal(0)
  })

  it('wait for a worker that is kept free for them behind steady work', () => {
    const table = new DispatchTable()
    table.openWorker('a', 2)
    table.addPacks([leasedPack({ itemCount: 6 })])
    table.assign()
    table.addPacks([suspect('2', 10)])
    table.finish('a', { itemId: '1', leaseId: '1' })
    expect(table.assign(), 'nothing joins').to.deep.equal([])
    table.finish('a', { itemId: '2', leaseId: '1' })
    expect(table.assign()[0]?.items.map(({ packId }) => packId)).to.deep.equal(['2', '2'])
    table.finish('a', { itemId: '10', leaseId: '1' })
    expect(table.assign(), 'still alone').to.deep.equal([])
    table.finish('a', { itemId: '11', leaseId: '1' })
    expect(shape(table.assign()), 'shared again').to.deep.equal({ a: 2 })
  })

  it('leave the other workers their work while they wait', () => {
    const table = new DispatchTable()
    table.openWorker('a', 2)
    table.openWorker('b', 2)
    table.addPacks([leasedPack({ itemCount: 20 })])
    const given = table.assign()
    table.addPacks([suspect('2', 100)])
    for (const { workerId, items } of given) {
      for (const item of items.slice(0, 1)) table.finish(workerId, item)
    }
    const next = table.assign()
    expect(next).to.have.length(1)
    expect(next[0]?.items).to.have.length(1)
  })
})

type Step =
  | { readonly do: 'open'; readonly slots: number }
  | { readonly do: 'close' | 'remove' | 'finish' | 'finishStale'; readonly pick: number }
  | { readonly do: 'add'; readonly items: number; readonly crashes: number }
  | { readonly do: 'drain' }

const STEP: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('open' as const), slots: fc.integer({ min: 1, max: 5 }) }),
  fc.record({
    do: fc.constantFrom('close' as const, 'remove' as const, 'finishStale' as const),
    pick: fc.nat(),
  }),
  { weight: 5, arbitrary: fc.record({ do: fc.constant('finish' as const), pick: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      items: fc.integer({ min: 1, max: 9 }),
      crashes: fc.constantFrom(0, 0, 1, SUSPECT),
    }),
  },
  fc.constant({ do: 'drain' as const }),
)

/** Follows the table by its answers alone: where every item is, as a test sees it. */
class Ledger {
  readonly table = new DispatchTable()
  readonly places = new Map<string, string>()
  readonly workers: string[] = []
  readonly slots = new Map<string, number>()
  #serial = 0

  take(step: Step): void {
    switch (step.do) {
      case 'open': {
        const workerId = `w${this.#serial++}`
        this.workers.push(workerId)
        this.slots.set(workerId, step.slots)
        return this.table.openWorker(workerId, step.slots)
      }
      case 'close':
        return this.table.closeWorker(this.#pick(step.pick))
      case 'remove':
        return this.#remove(this.#pick(step.pick))
      case 'finish':
        return this.#finish(step.pick, '1')
      case 'finishStale':
        return this.#finish(step.pick, 'stale')
      case 'add':
        return this.#add(step.items, step.crashes)
      case 'drain':
        for (const { itemId } of this.table.drainBuffer()) this.#move(itemId, 'buffer', 'gone')
    }
  }

  assign(): void {
    for (const { workerId, items } of this.table.assign()) {
      expect(this.workers).to.include(workerId)
      for (const { itemId } of items) this.#move(itemId, 'buffer', workerId)
    }
  }

  count(place: (at: string) => boolean): number {
    return [...this.places.values()].filter(place).length
  }

  #pick(n: number): string {
    return this.workers[n % Math.max(1, this.workers.length)] ?? 'nobody'
  }

  #move(itemId: string, from: string, to: string): void {
    expect(this.places.get(itemId), `item ${itemId} moves to ${to}`).to.equal(from)
    this.places.set(itemId, to)
  }

  #remove(workerId: string): void {
    for (const { itemId } of this.table.removeWorker(workerId).held) {
      this.#move(itemId, workerId, 'gone')
    }
    expect([...this.places.values()]).to.not.include(workerId)
    if (this.workers.includes(workerId)) this.workers.splice(this.workers.indexOf(workerId), 1)
  }

  #finish(pick: number, leaseId: string): void {
    const busy = [...this.places].filter(([, place]) => this.workers.includes(place))
    const one = busy[pick % Math.max(1, busy.length)]
    if (one === undefined) return
    const [itemId, workerId] = one
    const held = this.table.finish(workerId, { itemId, leaseId })
    expect(held === null).to.equal(leaseId === 'stale')
    if (held !== null) this.#move(itemId, workerId, 'gone')
  }

  #add(items: number, crashes: number): void {
    const firstItem = this.#serial
    this.#serial += items
    this.table.addPacks([
      leasedPack({ packId: `p${firstItem}`, firstItem, itemCount: items, crashes }),
    ])
    for (let n = 0; n < items; n += 1) this.places.set(`${firstItem + n}`, 'buffer')
  }
}

describe('DispatchTable, through any life', () => {
  it('never has an item in two places, never loses one, and counts them right', () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 120 }), (steps) => {
        const ledger = new Ledger()
        for (const step of steps) {
          ledger.take(step)
          ledger.assign()
          const { table } = ledger
          expect(table.buffered).to.equal(ledger.count((place) => place === 'buffer'))
          expect(table.inFlight).to.equal(ledger.count((place) => ledger.workers.includes(place)))
          expect(table.freeSlots).to.be.within(0, table.slots)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('never gives a worker more than its slots, except a suspect pack alone', () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 120 }), (steps) => {
        const ledger = new Ledger()
        for (const step of steps) {
          if (step.do === 'add' && step.crashes === SUSPECT) continue
          ledger.take(step)
          ledger.assign()
          for (const workerId of ledger.workers) {
            expect(ledger.table.heldBy(workerId)).to.be.at.most(ledger.slots.get(workerId) ?? 0)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  describe('within an allowance', () => {
    const isOdd = (key: string) => Number(key.split('-')[1]) % 2 === 1
    const cohortOf = (key: string) => (isOdd(key) ? 'sequential' : 'concurrent') as Cohort
    const given = (assignments: readonly Assignment[]) =>
      assignments.flatMap(({ items }) => items.map(({ itemId }) => itemId))

    it('never has more under way than is allowed, also when that falls', () => {
      const table = new DispatchTable()
      table.openWorker('a', 5)
      table.openWorker('b', 5)
      table.addPacks([leasedPack({ itemCount: 20 })])
      const allow = (items: number) => ({ items, cohortOf: () => 'concurrent' as Cohort, step: 0 })
      expect(given(table.assign(allow(4)))).to.have.length(4)
      expect(given(table.assign(allow(2)))).to.have.length(0)
      expect(given(table.assign(allow(7)))).to.have.length(3)
      expect(table.active).to.equal(7)
    })

    it('works the sequential cohort one by one, and passes it with the others', () => {
      const table = new DispatchTable()
      table.openWorker('a', 4)
      table.addPacks([leasedPack({ itemCount: 8 })])
      const allowance = { items: 100, cohortOf, step: 3 }
      expect(given(table.assign(allowance))).to.deep.equal(['1', '2', '4', '6'])
      const two = table.finish('a', { itemId: '2', leaseId: '1' })
      expect(two?.cohort).to.equal(undefined)
      expect(two?.step, 'the step that started it').to.equal(3)
      expect(given(table.assign(allowance))).to.deep.equal(['8'])
      expect(table.finish('a', { itemId: '1', leaseId: '1' })?.cohort).to.equal('sequential')
      expect(given(table.assign(allowance))).to.deep.equal(['3'])
      expect(table.buffered).to.equal(2)
      expect(table.drainBuffer().map(({ itemId }) => itemId)).to.deep.equal(['5', '7'])
    })

    it('keeps to it with a pack that must run alone, and goes on with the rest of it', () => {
      const table = new DispatchTable()
      table.openWorker('a', 4)
      table.addPacks([leasedPack({ itemCount: 3, crashes: SUSPECT })])
      const one = { items: 1, cohortOf: () => 'concurrent' as Cohort, step: 0 }
      expect(given(table.assign(one))).to.deep.equal(['1'])
      expect(given(table.assign(one))).to.deep.equal([])
      table.finish('a', { itemId: '1', leaseId: '1' })
      expect(given(table.assign(one))).to.deep.equal(['2'])
      expect(table.buffered).to.equal(1)
      expect(table.removeWorker('a')).to.have.property('isAlone', true)
      table.openWorker('b', 4)
      expect(given(table.assign({ ...one, items: 4 }))).to.deep.equal(['3'])
    })

    it('looks again at what it held back when the cohorts change', () => {
      const table = new DispatchTable()
      table.openWorker('a', 6)
      table.addPacks([leasedPack({ itemCount: 8 })])
      const allowance = { items: 100, cohortOf, step: 1 }
      expect(given(table.assign(allowance))).to.deep.equal(['1', '2', '4', '6', '8'])
      expect(given(table.assign())).to.deep.equal([])
      table.reconsider()
      expect(given(table.assign())).to.deep.equal(['3'])
      expect(table.finish('a', { itemId: '3', leaseId: '1' })?.cohort).to.equal('concurrent')
    })
  })
})
