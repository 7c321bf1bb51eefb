// A bound table: its owner writes rows while the queue writes status words, in all orders.

import { expect } from 'chai'
import type { End } from './support/explore.js'
import { explore } from './support/explore.js'
import {
  again,
  allDone,
  cancels,
  leases,
  ownerDeletes,
  ownerSets,
  reclaims,
  releases,
  settles,
} from './support/parts.js'
import { came, expectSettledOnce, heldBy, itemsWith, keysOf } from './support/promises.js'
import { useStage } from './support/stage.js'
import { bound, boundQueued } from './support/worlds.js'

const GATED = { isGated: true }
/** Orders of a scenario that is not played whole unless asked for. */
const SAMPLE = 80

describe('interleavings: bound table', function () {
  this.timeout(300_000)
  const stage = useStage()
  const word = (end: End) => end.state.words['1']

  for (const ends of ['commit', 'rollback'] as const) {
    it(`settle, and its owner asks for the row once more with a ${ends}`, async () => {
      const world = await bound(stage.yard)
      await explore(stage, {
        parts: [
          settles(world, allDone(world.held), GATED),
          ownerSets('1', { status: 'Queued' }, { ends }),
        ],
        check: (end) => {
          expectSettledOnce(end, ['settle'])
          expect(keysOf(end.answer('settle'))).to.deep.equal(['1'])
          expect(heldBy(end, null)).to.deep.equal(ends === 'commit' ? ['1#2'] : [])
          expect(word(end)).to.equal(ends === 'commit' ? 'Queued' : 'Complete')
        },
      })
    })
  }

  it('settle, and its owner writes another column', async () => {
    const world = await bound(stage.yard)
    await explore(stage, {
      parts: [settles(world, allDone(world.held), GATED), ownerSets('1', { note: 'mine' })],
      check: (end) => {
        expect(word(end)).to.equal('Complete')
        expect(end.state.items).to.deep.equal(['1#1'])
      },
    })
  })

  it('settle, and its owner writes a word of its own', async () => {
    const world = await bound(stage.yard)
    await explore(stage, {
      parts: [settles(world, allDone(world.held), GATED), ownerSets('1', { status: 'Mine' })],
      check: (end) => expect(word(end)).to.equal('Mine'),
    })
  })

  it('settle, and its owner deletes the row', async () => {
    const world = await bound(stage.yard)
    await explore(stage, {
      parts: [settles(world, allDone(world.held), GATED), ownerDeletes('1')],
      check: (end) => {
        expectSettledOnce(end, ['settle'])
        expect(keysOf(end.answer('settle'))).to.deep.equal(['1'])
        expect(end.state.words).to.deep.equal({})
      },
    })
  })

  it('settle that retries, and its owner asks once more', async () => {
    const world = await bound(stage.yard)
    await explore(stage, {
      parts: [settles(world, world.held.map(again), GATED), ownerSets('1', { status: 'Queued' })],
      check: (end) => {
        expectSettledOnce(end, ['settle'])
        expect(word(end)).to.equal('Queued')
        expect(heldBy(end, null)).to.include('1#1')
      },
    })
  })

  /** The word of the row belongs to the round that the other node holds, once it was leased. */
  const LATE_WRITERS = {
    settle: (world: Awaited<ReturnType<typeof bound>>) =>
      settles(world, allDone(world.held), GATED),
    reclaim: ({ workflow }: Awaited<ReturnType<typeof bound>>) => reclaims(workflow, GATED),
    release: ({ workflow, nodeId }: Awaited<ReturnType<typeof bound>>) =>
      releases(workflow, nodeId, GATED),
  }

  for (const [name, late] of Object.entries(LATE_WRITERS)) {
    it(`${name} with an old snapshot, its owner asks once more, and another node leases`, async () => {
      const world = await bound(stage.yard)
      const { workflow, other } = world
      await stage.yard.sql`update fetchyard.work_queue set deadline = now() - interval '1 second'`
      await explore(stage, {
        parts: [
          late(world),
          ownerSets('1', { status: 'Queued' }),
          leases(workflow, { nodeId: other }),
        ],
        check: (end) => {
          const isLeased = heldBy(end, 'B').includes(end.state.items.at(-1) ?? '')
          expect(word(end)).to.equal(isLeased ? 'Processing' : 'Queued')
        },
      })
    })
  }

  it('cancel, and its owner asks once more', async () => {
    const { workflow } = await bound(stage.yard)
    await explore(stage, {
      parts: [cancels(workflow, ['1'], GATED), ownerSets('1', { status: 'Queued' })],
      check: (end) => {
        expect(itemsWith(end, 'cancelled')).to.include('1#1')
        expect(['Cancelled', 'Queued']).to.include(word(end))
        if (came(end, 'cancel ends', 'owner sends'))
          expect(heldBy(end, null)).to.deep.equal(['1#2'])
      },
    })
  })

  for (const ends of ['commit', 'rollback'] as const) {
    it(`lease, and its owner takes the row back with a ${ends}`, async () => {
      const { workflow, nodeId } = await boundQueued(stage.yard)
      await explore(stage, {
        parts: [leases(workflow, { nodeId }, GATED), ownerSets('1', { status: 'Mine' }, { ends })],
        check: (end) => {
          expect(word(end)).to.equal(ends === 'commit' ? 'Mine' : 'Processing')
          expect(keysOf(end.answer('lease'))).to.deep.equal(['1'])
        },
      })
    })
  }

  it('lease, and its owner deletes the row', async () => {
    const { workflow, nodeId } = await boundQueued(stage.yard)
    await explore(stage, {
      parts: [leases(workflow, { nodeId }, GATED), ownerDeletes('1')],
      check: (end) => expect(keysOf(end.answer('lease'))).to.deep.equal(['1']),
    })
  })

  it('settle of two rows, two owners who each ask for one of them once more', async () => {
    const world = await bound(stage.yard, 2)
    await explore(stage, {
      ordersMax: SAMPLE,
      parts: [
        settles(world, allDone(world.held), GATED),
        ownerSets('2', { status: 'Queued' }),
        ownerSets('1', { status: 'Queued' }, { name: 'owner 2' }),
      ],
      check: (end) => {
        expectSettledOnce(end, ['settle'])
        expect(end.state.words).to.deep.equal({ 1: 'Queued', 2: 'Queued' })
        expect(heldBy(end, null)).to.deep.equal(['1#2', '2#2'])
      },
    })
  })
})
