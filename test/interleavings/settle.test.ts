// A settle and whatever else may touch its packs, in all orders. The snapshot of a statement, its
// locks, and its commit are three steps: others come in between.

import { expect } from 'chai'
import type { End } from './support/explore.js'
import { explore } from './support/explore.js'
import { again, allDone, cancels, done, reclaims, releases, settles } from './support/parts.js'
import { expectSettledOnce, heldBy, itemsWith, keysOf } from './support/promises.js'
import { useStage } from './support/stage.js'
import { held, overdue } from './support/worlds.js'

const GATED = { isGated: true }
const SECOND = { isGated: true, name: 'settle 2' }

describe('interleavings: settle', () => {
  const stage = useStage()
  const bothSettledOnce = (end: End) => expectSettledOnce(end, ['settle', 'settle 2'])

  for (const ends of ['commit', 'rollback'] as const) {
    it(`settles of the same items, the first ends with a ${ends}`, async () => {
      const world = await held(stage.yard)
      const outcomes = allDone(world.held)
      await explore(stage, {
        parts: [settles(world, outcomes, { ...GATED, ends }), settles(world, outcomes, SECOND)],
        check: (end) => {
          bothSettledOnce(end)
          expect(end.state.packs).to.deep.equal([])
        },
      })
    })
  }

  it('settles that overlap: what one completes the other wants to retry', async () => {
    const world = await held(stage.yard)
    const completed = allDone(world.of('a', 'b', 'd'))
    await explore(stage, {
      parts: [
        settles(world, completed, GATED),
        settles(world, world.of('b', 'c', 'd', 'e').map(again), SECOND),
      ],
      check: bothSettledOnce,
    })
  })

  it('settles that name their packs in opposite orders', async () => {
    const world = await held(stage.yard)
    const one = allDone(world.of('a', 'd'))
    const two = allDone(world.of('b', 'e'))
    await explore(stage, {
      parts: [settles(world, one, GATED), settles(world, two.toReversed(), SECOND)],
      check: (end) => {
        bothSettledOnce(end)
        expect(itemsWith(end, 'success')).to.deep.equal(['a#1', 'b#1', 'd#1', 'e#1'])
      },
    })
  })

  it('settles of two packs whose results have the same names, given in opposite orders', async () => {
    const world = await held(stage.yard)
    const names = ['x', 'y', 'z']
    const one = world.of('a').map((item) => done(item, names))
    const two = world.of('d').map((item) => done(item, names.toReversed()))
    await explore(stage, {
      parts: [settles(world, one, GATED), settles(world, two, SECOND)],
      check: (end) => {
        expect(itemsWith(end, 'success')).to.deep.equal(['a#1', 'd#1'])
        // The rows of one statement, all of them: never a mixture.
        expect(end.state.results.map(({ name }) => name)).to.deep.equal(names)
        expect(new Set(end.state.results.map(({ item }) => item)).size).to.equal(1)
      },
    })
  })

  it('settle and reclaim: who has the pack first has all of it', async () => {
    const world = await overdue(stage.yard)
    const outcomes = allDone(world.of('a', 'b', 'c'))
    await explore(stage, {
      parts: [settles(world, outcomes, GATED), reclaims(world.workflow, GATED)],
      check: (end) => {
        settledOnce(end)
        const settled = keysOf(end.answer('settle'))
        expect([settled.length, end.answer('reclaim')]).to.deep.equal(
          settled.length === 0 ? [0, 5] : [3, 2],
        )
        expect(end.waiters).not.to.include('reclaim')
        expect(heldBy(end, 'A')).to.deep.equal([])
      },
    })
  })

  it('settle of a part and reclaim: a settle under way keeps the rest of its pack', async () => {
    const world = await overdue(stage.yard)
    const outcomes = allDone(world.of('a', 'd'))
    await explore(stage, {
      parts: [settles(world, outcomes, GATED), reclaims(world.workflow, GATED)],
      check: settledOnce,
      // It skipped both packs: their deadline brings the next reclaim.
      mayAlsoEnd: (end) => end.answer('reclaim') === 0 && heldBy(end, 'A').join() === 'b#1,c#1,e#1',
    })
  })

  it('reclaim and reclaim', async () => {
    const world = await overdue(stage.yard)
    await explore(stage, {
      parts: [
        reclaims(world.workflow, GATED),
        reclaims(world.workflow, { ...GATED, name: 'reclaim 2' }),
      ],
      check: (end) => {
        const freed = [end.answer('reclaim'), end.answer('reclaim 2')].map(Number).sort()
        expect(freed).to.deep.equal([0, 5])
        expect(itemsWith(end, 'reclaimed')).to.have.length(5)
      },
    })
  })

  it('settle and release', async () => {
    const world = await held(stage.yard)
    const outcomes = allDone(world.of('a', 'b', 'd'))
    await explore(stage, {
      parts: [settles(world, outcomes, GATED), releases(world.workflow, world.nodeId, GATED)],
      check: (end) => {
        settledOnce(end)
        expect(heldBy(end, 'A')).to.deep.equal([])
        expect(keysOf(end.answer('settle')).length + Number(end.answer('release'))).to.equal(5)
      },
    })
  })

  for (const ends of ['commit', 'rollback'] as const) {
    it(`settle and cancel, the settle ends with a ${ends}`, async () => {
      const world = await held(stage.yard)
      const outcomes = allDone(world.of('a', 'b', 'd'))
      await explore(stage, {
        parts: [
          settles(world, outcomes, { ...GATED, ends }),
          cancels(world.workflow, ['a', 'c', 'd', 'e'], GATED),
        ],
        check: (end) => {
          settledOnce(end)
          const ended = [...itemsWith(end, 'success'), ...itemsWith(end, 'cancelled')]
          expect(ended).to.include.members(['a#1', 'c#1', 'd#1', 'e#1'])
        },
      })
    })
  }

  it('settle that gives back, and cancel: the item is cancelled in its new pack', async () => {
    const world = await held(stage.yard)
    await explore(stage, {
      parts: [
        settles(world, world.of('a').map(again), GATED),
        cancels(world.workflow, ['a'], GATED),
      ],
      check: (end) => expect(itemsWith(end, 'cancelled')).to.deep.equal(['a#1']),
    })
  })

  it('settle and settle and cancel', async () => {
    const world = await held(stage.yard)
    await explore(stage, {
      parts: [
        settles(world, allDone(world.of('a', 'd'))),
        settles(world, world.of('b', 'd').map(again), { name: 'settle 2' }),
        cancels(world.workflow, ['a', 'b', 'd', 'e']),
      ],
      check: bothSettledOnce,
    })
  })
})

function settledOnce(end: End): void {
  expectSettledOnce(end, ['settle'])
}
