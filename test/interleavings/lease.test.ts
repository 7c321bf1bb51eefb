// A lease and whatever else may touch waiting packs, in all orders.

import { expect } from 'chai'
import type { End } from './support/explore.js'
import { explore } from './support/explore.js'
import { cancels, fences, leases, pauses, promotes, reclaims, releases } from './support/parts.js'
import { came, heldBy, isSerial, itemsWith, keysOf } from './support/promises.js'
import { useStage } from './support/stage.js'
import { held, queued } from './support/worlds.js'

const GATED = { isGated: true }
const SECOND = { isGated: true, name: 'lease 2' }
/** Orders of a scenario that is not played whole unless asked for. */
const SAMPLE = 80
const ALL = ['a', 'b', 'c', 'd', 'e']

describe('interleavings: lease', () => {
  const stage = useStage()

  /** Nothing comes twice, and what a leaser was given is what its node holds. */
  function expectDisjoint(end: End): readonly string[] {
    const [one, two] = [keysOf(end.answer('lease')), keysOf(end.answer('lease 2'))]
    const held = (node: string) => heldBy(end, node).map((item) => item.split('#')[0])
    expect(held('A')).to.deep.equal(one)
    expect(held('B')).to.deep.equal(two)
    expect(new Set([...one, ...two]).size).to.equal(one.length + two.length)
    return [...one, ...two].sort()
  }

  for (const ends of ['commit', 'rollback'] as const) {
    it(`lease and lease of everything, the first ends with a ${ends}`, async () => {
      const { workflow, nodeId, other } = await queued(stage.yard)
      await explore(stage, {
        parts: [
          leases(workflow, { nodeId }, { ...GATED, ends }),
          leases(workflow, { nodeId: other }, SECOND),
        ],
        check: (end) => {
          const all = expectDisjoint(end)
          if (ends === 'commit') expect(all).to.deep.equal(ALL)
          expect(end.waiters.size, 'leasers pass each other').to.equal(0)
        },
        // What the dead one held was passed, and is there for the next lease.
        mayAlsoEnd: (end) => ends === 'rollback' && heldBy(end, null).length === 5,
      })
    })

    it(`lease and lease that split packs, the first ends with a ${ends}`, async () => {
      const { workflow, nodeId, other } = await queued(stage.yard)
      await explore(stage, {
        parts: [
          leases(workflow, { nodeId, itemsMax: 2 }, { ...GATED, ends }),
          leases(workflow, { nodeId: other, itemsMax: 2 }, SECOND),
        ],
        check: (end) => {
          const count = expectDisjoint(end).length
          if (isSerial(end)) expect(count).to.equal(ends === 'commit' ? 4 : 2)
        },
        // A leaser looks at more packs than it takes; the other one passes all of these.
        mayAlsoEnd: (end) =>
          ['lease', 'lease 2'].some((name) => keysOf(end.answer(name)).length === 0),
      })
    })
  }

  for (const keys of [['a'], ['c'], ALL, null]) {
    it(`lease that splits a pack, and cancel of ${keys ?? 'everything'}`, async () => {
      const { workflow, nodeId } = await queued(stage.yard)
      const wanted = keys ?? ALL
      await explore(stage, {
        parts: [leases(workflow, { nodeId, itemsMax: 2 }, GATED), cancels(workflow, keys, GATED)],
        check: (end) => {
          const cancelled = wanted.map((key) => `${key}#1`)
          expect(itemsWith(end, 'cancelled')).to.deep.equal(cancelled)
          expect(end.answer('cancel')).to.equal(cancelled.length)
        },
        // The lease passed the pack that the cancel had locked.
        mayAlsoEnd: (end) => heldBy(end, 'A').join() === 'd#1,e#1',
      })
    })
  }

  it('lease and pause', async () => {
    const { workflow, nodeId } = await queued(stage.yard)
    await explore(stage, {
      parts: [leases(workflow, { nodeId }, GATED), pauses(workflow)],
      check: (end) => {
        const isPaused = came(end, 'pause ends', 'lease sends')
        expect(keysOf(end.answer('lease'))).to.deep.equal(isPaused ? [] : ALL)
        expect(end.waiters.size).to.equal(0)
      },
    })
  })

  it('lease and release of what another node holds', async () => {
    const { workflow, nodeId, other } = await held(stage.yard)
    await explore(stage, {
      parts: [leases(workflow, { nodeId: other }, GATED), releases(workflow, nodeId, GATED)],
      check: (end) => {
        expect(end.answer('release')).to.equal(5)
        expect(heldBy(end, 'A')).to.deep.equal([])
        if (came(end, 'release ends', 'lease sends')) {
          expect(keysOf(end.answer('lease'))).to.deep.equal(ALL)
        }
      },
    })
  })

  it('lease of a node, its fence, and a reclaim', async () => {
    const { workflow, nodeId } = await queued(stage.yard)
    await explore(stage, {
      ordersMax: SAMPLE,
      parts: [leases(workflow, { nodeId }, GATED), fences(nodeId), reclaims(workflow)],
      check: (end) => {
        const got = keysOf(end.answer('lease'))
        expect(end.answer('fence')).to.equal(true)
        if (came(end, 'fence ends', 'lease sends')) expect(got).to.deep.equal([])
        // A lease that began before the fence may end behind the reclaim: the next one frees it.
        expect(heldBy(end, 'A')).to.have.length(got.length - Number(end.answer('reclaim')))
      },
    })
  })

  it('reclaim, another reclaim, and a lease by a living node', async () => {
    const { workflow, nodeId, other } = await held(stage.yard)
    await stage.yard.store.fenceNode({ nodeId, reason: 'a test' })
    await explore(stage, {
      parts: [
        reclaims(workflow, GATED),
        reclaims(workflow, { name: 'reclaim 2' }),
        leases(workflow, { nodeId: other }),
      ],
      check: (end) => {
        const freed = [end.answer('reclaim'), end.answer('reclaim 2')].map(Number).sort()
        expect(freed).to.deep.equal([0, 5])
        expect(heldBy(end, 'B').map((item) => item.split('#')[0])).to.deep.equal(
          keysOf(end.answer('lease')),
        )
      },
    })
  })

  it('reclaim, a release, and a lease by a living node', async () => {
    const { workflow, nodeId, other } = await held(stage.yard)
    await stage.yard.store.fenceNode({ nodeId, reason: 'a test' })
    await explore(stage, {
      ordersMax: SAMPLE,
      parts: [
        reclaims(workflow),
        releases(workflow, nodeId, GATED),
        leases(workflow, { nodeId: other }),
      ],
      check: (end) => {
        expect(Number(end.answer('reclaim')) + Number(end.answer('release'))).to.equal(5)
        expect(heldBy(end, 'B').map((item) => item.split('#')[0])).to.deep.equal(
          keysOf(end.answer('lease')),
        )
      },
    })
  })

  describe('delayed packs', () => {
    async function delayed() {
      const world = await queued(stage.yard)
      await stage.yard.sql`update fetchyard.work_queue set run_at = now() + interval '1 hour'`
      return world
    }

    it('promote and lease', async () => {
      const { workflow, nodeId } = await delayed()
      await explore(stage, {
        parts: [promotes(workflow, ['a', 'd'], GATED), leases(workflow, { nodeId }, GATED)],
        check: (end) => {
          expect(end.answer('promote')).to.equal(2)
          if (came(end, 'promote ends', 'lease sends')) {
            expect(keysOf(end.answer('lease'))).to.deep.equal(['a', 'd'])
          }
        },
      })
    })

    it('promote and promote', async () => {
      const { workflow } = await delayed()
      await explore(stage, {
        parts: [
          promotes(workflow, ['a', 'b', 'd'], GATED),
          promotes(workflow, ['b', 'c', 'e'], { ...GATED, name: 'promote 2' }),
        ],
        check: (end) => {
          // In the one transaction of an actor the clock stands still, and what the other one made
          // ready a moment later is delayed for it. It may promote that again.
          const promoted = Number(end.answer('promote')) + Number(end.answer('promote 2'))
          expect(promoted).to.be.within(5, 6)
          expect(end.state.packs.every(({ isDelayed }) => !isDelayed)).to.equal(true)
        },
        mayAlsoEnd: (end) => Number(end.answer('promote')) + Number(end.answer('promote 2')) === 6,
      })
    })

    it('cancel and promote', async () => {
      const { workflow } = await delayed()
      await explore(stage, {
        parts: [
          cancels(workflow, ['a', 'd', 'e'], GATED),
          promotes(workflow, ['a', 'b', 'd'], GATED),
        ],
        check: (end) => {
          expect(itemsWith(end, 'cancelled')).to.deep.equal(['a#1', 'd#1', 'e#1'])
          const ready = end.state.packs.filter(({ isDelayed }) => !isDelayed)
          expect(ready.flatMap(({ items }) => items)).to.deep.equal(['b#1'])
        },
      })
    })

    it('cancel and cancel', async () => {
      const { workflow } = await delayed()
      await explore(stage, {
        parts: [
          cancels(workflow, ['a', 'd', 'e'], GATED),
          cancels(workflow, ['e', 'a', 'b'], { ...GATED, name: 'cancel 2' }),
        ],
        check: (end) => {
          expect(itemsWith(end, 'cancelled')).to.deep.equal(['a#1', 'b#1', 'd#1', 'e#1'])
          expect(Number(end.answer('cancel')) + Number(end.answer('cancel 2'))).to.equal(4)
        },
      })
    })
  })
})
