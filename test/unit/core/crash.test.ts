import { expect } from 'chai'
import fc from 'fast-check'
import { LIMITS } from '../../../src/core/limits.js'
import type { HeldItem, Settlement } from '../../../src/core/settlement.js'
import { decideCrash } from '../../../src/core/settlement.js'
import { heldItem, heldItems } from '../../support/values.js'

const slices = (settlements: readonly Settlement[]) =>
  [0, 1].map((slice) => settlements.filter(({ next }) => next?.slice === slice).length)

describe('decideCrash', () => {
  it('gives a pack back whole after its first crash, nobody charged', () => {
    const settlements = decideCrash(heldItems(10), { reason: 'died', isAlone: false })
    expect(slices(settlements)).to.deep.equal([10, 0])
    for (const { event, code, error, next } of settlements) {
      expect({ event, code, error }).to.deep.equal({
        ...{ event: 'reclaim', code: 'worker_lost', error: 'died' },
      })
      expect(next).to.include({ attempt: 0, crashes: 1, lonelyCrashes: 0, delayMs: 0 })
    }
  })

  it('gives a pack back in halves when it crashed before', () => {
    for (const [count, halves] of [
      [10, [5, 5]],
      [3, [2, 1]],
      [1, [1, 0]],
    ] as const) {
      const items = heldItems(count, { crashes: 1 })
      expect(slices(decideCrash(items, { reason: 'died', isAlone: true }))).to.deep.equal(halves)
    }
  })

  for (const isAlone of [false, true]) {
    for (const count of [1, 2]) {
      for (const lonelyCrashes of [0, 1, 2, 3]) {
        const isLonely = isAlone && count === 1
        const counted = lonelyCrashes + (isLonely ? 1 : 0)
        const isPoison = isLonely && counted >= LIMITS.lonelyCrashesMax
        const end = isPoison ? 'is poison' : `has ${counted} lonely crashes`
        it(`${count} item(s), alone: ${isAlone}, lonely before: ${lonelyCrashes}: ${end}`, () => {
          const items = heldItems(count, { crashes: 5, lonelyCrashes })
          const [first] = decideCrash(items, { reason: 'died', isAlone })
          expect(first?.code).to.equal(isPoison ? 'poison' : 'worker_lost')
          expect(first?.next?.lonelyCrashes ?? null).to.equal(isPoison ? null : counted)
        })
      }
    }
  }

  it('decides about every item once, pack by pack, and charges nobody', () => {
    const held = fc.record({
      pack: fc.integer({ min: 1, max: 4 }),
      crashes: fc.integer({ min: 0, max: 3 }),
      attempt: fc.integer({ min: 0, max: 3 }),
    })
    fc.assert(
      fc.property(fc.array(held, { maxLength: 60 }), fc.boolean(), (rows, isAlone) => {
        const items = rows.map(({ pack, ...counts }, index) =>
          heldItem({ itemId: `${index}`, packId: `${pack}`, ...counts }),
        )
        const settlements = decideCrash(items, { reason: 'died', isAlone })
        const ids = settlements.map(({ itemId }) => itemId)
        expect(ids.toSorted()).to.deep.equal(items.map(({ itemId }) => itemId).toSorted())
        for (const { itemId, next } of settlements) {
          if (next !== null) expect(next.attempt).to.equal(items[Number(itemId)]?.attempt)
        }
      }),
    )
  })
})

/** What the queue makes of reclaimed items: a pack of each slice. */
function packsAfter(items: readonly HeldItem[], settlements: readonly Settlement[]) {
  const packs = new Map<number, HeldItem[]>()
  for (const { itemId, next } of settlements) {
    const item = items.find((one) => one.itemId === itemId)
    if (next === null || item === undefined) continue
    const { slice, delayMs: _, ...counts } = next
    packs.set(slice, [...(packs.get(slice) ?? []), { ...item, ...counts }])
  }
  return [...packs.values()]
}

interface Hunt {
  readonly crashes: number
  readonly crashesUntilAlone: number
  readonly quarantined: readonly string[]
  readonly charged: number
}

/** Runs packs until nothing is left; a worker dies whenever the culprit is in the pack it was given. */
function hunt(count: number, culprit: string): Hunt {
  let queue: (readonly HeldItem[])[] = [heldItems(count)]
  let crashes = 0
  let crashesUntilAlone = 0
  let charged = 0
  const quarantined: string[] = []
  while (queue.length > 0) {
    const [pack = [], ...rest] = queue
    queue = rest
    charged += pack.filter(({ attempt }) => attempt > 0).length
    if (!pack.some(({ itemId }) => itemId === culprit)) continue
    crashes += 1
    if (pack.length > 1) crashesUntilAlone = crashes
    const isAlone = (pack[0]?.crashes ?? 0) >= LIMITS.crashesBeforeIsolation
    const settlements = decideCrash(pack, { reason: 'died', isAlone })
    for (const { itemId, code } of settlements) if (code === 'poison') quarantined.push(itemId)
    queue = [...queue, ...packsAfter(pack, settlements)]
  }
  return { crashes, crashesUntilAlone, quarantined, charged }
}

describe('the bisection of a pack with one poisonous item', () => {
  for (const count of [1, 2, 3, 10, 255, 256]) {
    it(`isolates the culprit among ${count} and quarantines it alone`, () => {
      const culprits = new Set([1, Math.ceil(count / 3), count])
      for (const culprit of culprits) {
        const found = hunt(count, `${culprit}`)
        expect(found.quarantined).to.deep.equal([`${culprit}`])
        expect(found.charged, 'neighbours are not charged').to.equal(0)
        const halvings = Math.ceil(Math.log2(count))
        // One crash before the first halving; then one a halving.
        expect(found.crashesUntilAlone).to.be.at.most(halvings + 1)
        // A pack is blamed alone from its third crash on, also when it was small before.
        expect(found.crashes).to.be.at.most(Math.max(halvings + 1, 2) + LIMITS.lonelyCrashesMax)
      }
    })
  }
})
