// The hunt for poisonous items, with the real decisions and the real dispatch table, and a queue and
// workers made of paper. Whatever the order in which workers finish and die, every poisonous item is
// found, no innocent is quarantined or charged, and the deaths are bounded.

import { expect } from 'chai'
import fc from 'fast-check'
import { LIMITS } from '../../../src/core/limits.js'
import type { HeldItem, Settlement } from '../../../src/core/settlement.js'
import { decideCrash } from '../../../src/core/settlement.js'
import type { LeasedPack } from '../../../src/store/leased-packs.js'
import { DispatchTable } from '../../../supervisor/dispatch-table.js'
import { leasedPack } from '../../support/values.js'

interface Situation {
  /** Sizes of the packs in the queue at the beginning. */
  readonly packs: readonly number[]
  readonly poison: ReadonlySet<string>
  readonly workers: number
  readonly slots: number
  /** Items that one lease takes at most; the last pack is split. */
  readonly leaseMax: number
  /** Whether crashed packs come before the rest, as in the table, or after it. */
  readonly isCrashedFirst: boolean
  /** Whether poison acts before its neighbours are done, after them, or as it comes. */
  readonly pace: 'eager' | 'lazy' | 'random'
  /** Which of `count` things happens next. */
  readonly choose: (count: number) => number
}

interface Found {
  readonly deaths: number
  readonly completed: readonly string[]
  readonly quarantined: readonly string[]
  readonly charged: number
  /** Most deaths, and most quarantines, without a completion in between. */
  readonly deathsInARow: number
  readonly poisonInARow: number
}

type Pack = Omit<LeasedPack, 'packId' | 'leaseId'>

/** Events of a hunt, many more than it may have. */
const STEPS_MAX = 20_000

/** A node that hunts in a queue, one event after the other. */
class Hunt {
  readonly #situation: Situation
  readonly #table = new DispatchTable()
  readonly #working = new Map<string, string[]>()
  readonly #items = new Map<string, HeldItem>()
  readonly #completed: string[] = []
  readonly #quarantined: string[] = []
  #queue: Pack[]
  #born = 0
  #leases = 0
  #deaths = 0
  #charged = 0
  #inARow = { deaths: 0, poison: 0 }
  #inARowMax = { deaths: 0, poison: 0 }

  constructor(situation: Situation) {
    this.#situation = situation
    let firstItem = 1
    this.#queue = situation.packs.map((itemCount) => {
      const pack = leasedPack({ itemCount, firstItem })
      firstItem += itemCount
      return pack
    })
    for (let worker = 0; worker < situation.workers; worker += 1) this.#startWorker()
  }

  run(): Found {
    for (let step = 0; this.#isOpen(); step += 1) {
      if (step > STEPS_MAX) throw new Error('the hunt has no end')
      this.#step()
    }
    return {
      deaths: this.#deaths,
      completed: this.#completed,
      quarantined: this.#quarantined,
      charged: this.#charged,
      deathsInARow: this.#inARowMax.deaths,
      poisonInARow: this.#inARowMax.poison,
    }
  }

  #isOpen(): boolean {
    return this.#queue.length > 0 || this.#table.buffered + this.#table.inFlight > 0
  }

  #step(): void {
    this.#lease()
    for (const { workerId, items } of this.#table.assign()) {
      this.#charged += items.filter(({ attempt }) => attempt !== 1).length
      this.#working.get(workerId)?.push(...items.map(({ itemId }) => itemId))
    }
    const busy = [...this.#working].filter(([, items]) => items.length > 0)
    const worker = this.#pick(busy, ([, items]) => this.#started(items).some(this.#isPoison))
    if (worker === undefined) throw new Error('nothing is under way, and something is to be done')
    this.#end(...worker)
  }

  readonly #isPoison = (itemId: string) => this.#situation.poison.has(itemId)

  #started(items: readonly string[]): readonly string[] {
    return items.slice(0, this.#situation.slots)
  }

  /** One of the things that may happen, bad ones first or last as the pace is. */
  #pick<Thing>(things: readonly Thing[], isBad: (thing: Thing) => boolean): Thing | undefined {
    const { pace, choose } = this.#situation
    const wanted =
      pace === 'random' ? [] : things.filter((one) => isBad(one) === (pace === 'eager'))
    const from = wanted.length > 0 ? wanted : things
    return from[choose(from.length)]
  }

  /** One of the items that have a slot ends, and perhaps its worker with it. */
  #end(workerId: string, items: string[]): void {
    const itemId = this.#pick(this.#started(items), this.#isPoison) ?? ''
    if (this.#isPoison(itemId)) return this.#die(workerId)
    items.splice(items.indexOf(itemId), 1)
    const { leaseId = '' } = this.#items.get(itemId) ?? {}
    if (this.#table.finish(workerId, { itemId, leaseId }) === null) throw new Error('not held')
    this.#completed.push(itemId)
    this.#inARow = { deaths: 0, poison: 0 }
  }

  #die(workerId: string): void {
    const { held, isAlone } = this.#table.removeWorker(workerId)
    this.#working.delete(workerId)
    this.#deaths += 1
    this.#inARow.deaths += 1
    const settlements = decideCrash(held, { reason: 'died', isAlone })
    for (const { itemId, code } of settlements) {
      if (code !== 'poison') continue
      this.#quarantined.push(itemId)
      this.#inARow.poison += 1
    }
    const { deaths, poison } = this.#inARowMax
    this.#inARowMax = {
      deaths: Math.max(deaths, this.#inARow.deaths),
      poison: Math.max(poison, this.#inARow.poison),
    }
    const back = packsOf(settlements)
    this.#queue = this.#situation.isCrashedFirst
      ? [...back, ...this.#queue]
      : [...this.#queue, ...back]
    this.#startWorker()
  }

  #startWorker(): void {
    this.#born += 1
    this.#working.set(`w${this.#born}`, [])
    this.#table.openWorker(`w${this.#born}`, this.#situation.slots)
  }

  #lease(): void {
    const { leaseMax } = this.#situation
    let room = leaseMax - this.#table.buffered
    while (room > 0) {
      const pack = this.#queue.shift()
      if (pack === undefined) return
      const rest = pack.items.slice(room)
      if (rest.length > 0) this.#queue.unshift({ ...pack, items: rest })
      const items = pack.items.slice(0, room)
      room -= items.length
      this.#leases += 1
      const leased = { ...pack, items, packId: `p${this.#leases}`, leaseId: `l${this.#leases}` }
      const { items: _, ...counts } = leased
      for (const { itemId, itemKey } of items)
        this.#items.set(itemId, { itemId, itemKey, ...counts })
      this.#table.addPacks([leased])
    }
  }
}

/** What the settle statement makes of reclaimed items: a pack for each batch, count and slice. */
function packsOf(settlements: readonly Settlement[]): readonly Pack[] {
  const packs = new Map<string, Pack & { items: Pack['items'][number][] }>()
  for (const [index, { itemId, next }] of settlements.entries()) {
    if (next === null) continue
    const { slice, delayMs: _, ...counts } = next
    const batch = Math.floor(index / LIMITS.settleItemsMax)
    const key = JSON.stringify([batch, slice, counts])
    const pack = packs.get(key) ?? { ...counts, items: [] }
    pack.items.push({ itemId, itemKey: `key-${itemId}`, payload: null, lane: '' })
    packs.set(key, pack)
  }
  return [...packs.values()]
}

/**
 * Deaths that one poisonous item can cause, whatever it shares a worker with. Each of its deaths does
 * one of three things to the pack it comes back in:
 *
 * - the first, without a crash counted before, gives the pack back as it is: 1;
 * - each further one of a pack of more than one item halves it, rounding up: ceil(log2(items)) until
 *   the item has a pack of its own. The pack runs alone in a worker from its second crash on, which
 *   costs a death without a halving only when the pack was of one item from the beginning;
 * - each in a pack of its own, alone in a worker, counts as lonely; the third quarantines: 3.
 *
 * Items that complete leave the pack, settle batches and leases split it further: all of that makes
 * it smaller. Packs that die together with a like past come back as one, of as many items as a settle
 * takes: no more than a full pack. With 256 items: 1 + 8 + 3 = 12.
 *
 * @param items of all packs that may come back together
 */
function deathsMax(items: number): number {
  const packItems = Math.min(items, LIMITS.settleItemsMax)
  const halvings = Math.ceil(Math.log2(packItems))
  const untilAlone = Math.max(1 + halvings, LIMITS.crashesBeforeIsolation)
  return untilAlone + LIMITS.lonelyCrashesMax
}

const situations = fc
  .record({
    packs: fc.oneof(
      fc.constant<number[]>([LIMITS.packItemsMax]),
      fc.array(fc.integer({ min: 1, max: LIMITS.packItemsMax }), { minLength: 1, maxLength: 4 }),
    ),
    culprits: fc.array(fc.nat(), { minLength: 0, maxLength: 4 }),
    workers: fc.integer({ min: 1, max: 4 }),
    slots: fc.integer({ min: 1, max: LIMITS.packItemsMax }),
    leaseMax: fc.integer({ min: 1, max: 2 * LIMITS.packItemsMax }),
    isCrashedFirst: fc.boolean(),
    pace: fc.constantFrom<Situation['pace']>('eager', 'lazy', 'random'),
    seed: fc.nat(),
  })
  .map(({ culprits, seed, ...rest }) => {
    const items = rest.packs.reduce((sum, size) => sum + size, 0)
    const poison = new Set(culprits.map((culprit) => `${(culprit % items) + 1}`))
    let state = seed
    const choose = (count: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state % Math.max(1, count)
    }
    return { ...rest, items, poison, choose }
  })

function innocentsOf(items: number, poison: ReadonlySet<string>): readonly string[] {
  const all = Array.from({ length: items }, (_, index) => `${index + 1}`)
  return all.filter((itemId) => !poison.has(itemId))
}

const sorted = (ids: Iterable<string>) => [...ids].toSorted((a, b) => Number(a) - Number(b))

describe('the hunt for poison', () => {
  it('finds all of it, quarantines no innocent, charges nobody, within its deaths', () => {
    fc.assert(
      fc.property(situations, ({ items, ...situation }) => {
        const { poison } = situation
        const found = new Hunt(situation).run()
        expect(sorted(found.quarantined)).to.deep.equal(sorted(poison))
        expect(sorted(found.completed)).to.deep.equal(innocentsOf(items, poison))
        expect(found.charged, 'attempts charged').to.equal(0)
        expect(found.deaths).to.be.at.most(poison.size * deathsMax(items))
      }),
      { numRuns: 200 },
    )
  })

  /** One full pack in one worker, poison acting at once: the worst that can be. */
  const worst = (culprits: readonly number[]) =>
    new Hunt({
      packs: [LIMITS.packItemsMax],
      poison: new Set(culprits.map(String)),
      ...{ workers: 1, slots: LIMITS.packItemsMax, leaseMax: LIMITS.packItemsMax },
      ...{ isCrashedFirst: true, pace: 'eager', choose: () => 0 },
    }).run()

  it('needs at most twelve deaths for one item of a full pack', () => {
    const hunts = Array.from({ length: LIMITS.packItemsMax }, (_, index) => worst([index + 1]))
    // A settle takes a whole pack, so that it comes back in halves and no smaller.
    expect(Math.max(...hunts.map(({ deaths }) => deaths))).to.equal(12)
    expect(deathsMax(LIMITS.packItemsMax)).to.equal(12)
    const inARow = Math.max(...hunts.map(({ deathsInARow }) => deathsInARow))
    expect(inARow, 'every one of them may be excused').to.be.at.most(LIMITS.deathsInARowMax)
  })
})
