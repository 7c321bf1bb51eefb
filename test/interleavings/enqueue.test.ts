// Enqueues of the same keys, and of keys that end at the same moment: no wish is lost, none doubled.

import { expect } from 'chai'
import { explore } from './support/explore.js'
import { again, allDone, cancels, enqueues, leases, settles } from './support/parts.js'
import { came, expectSettledOnce, itemsWith } from './support/promises.js'
import { useStage } from './support/stage.js'
import { held, queued } from './support/worlds.js'

const GATED = { isGated: true }
const AGAIN = { again: 'when-finished' } as const

describe('interleavings: enqueue', () => {
  const stage = useStage()

  for (const ends of ['commit', 'rollback'] as const) {
    it(`enqueues of the same keys in opposite orders, the first ends with a ${ends}`, async () => {
      const { workflow } = await queued(stage.yard)
      await explore(stage, {
        parts: [
          enqueues(workflow, ['x', 'y', 'z'], { ends }),
          enqueues(workflow, ['z', 'y', 'x', 'w'], { name: 'enqueue 2' }),
        ],
        check: (end) => {
          const added = Number(end.answer('enqueue') ?? 0) + Number(end.answer('enqueue 2'))
          expect(added).to.equal(4)
          expect(end.state.items.slice(-4)).to.deep.equal(['w#1', 'x#1', 'y#1', 'z#1'])
        },
      })
    })
  }

  it('enqueue and enqueue and lease', async () => {
    const { workflow, nodeId } = await queued(stage.yard)
    await explore(stage, {
      parts: [
        enqueues(workflow, ['x', 'y']),
        enqueues(workflow, ['y', 'x', 'a'], { name: 'enqueue 2' }),
        leases(workflow, { nodeId }),
      ],
      check: (end) => {
        expect(Number(end.answer('enqueue')) + Number(end.answer('enqueue 2'))).to.equal(2)
      },
    })
  })

  /** A key that is over when it is asked for gets its next round; one under way may be refused. */
  const ENDS = {
    settle: (world: Awaited<ReturnType<typeof held>>) =>
      settles(world, allDone(world.of('a')), GATED),
    cancel: ({ workflow }: Awaited<ReturnType<typeof held>>) => cancels(workflow, ['a'], GATED),
  }

  for (const [name, part] of Object.entries(ENDS)) {
    it(`${name} of a key, and two that ask for it again`, async () => {
      const world = await held(stage.yard)
      await explore(stage, {
        parts: [
          part(world),
          enqueues(world.workflow, ['a'], AGAIN),
          enqueues(world.workflow, ['a'], { ...AGAIN, name: 'enqueue 2' }),
        ],
        check: (end) => {
          const added = Number(end.answer('enqueue')) + Number(end.answer('enqueue 2'))
          const rounds = end.state.items.filter((item) => item.startsWith('a#'))
          expect(rounds).to.have.length(1 + added)
          const mustAdd = [`enqueue sends`, `enqueue 2 sends`].some((asks) =>
            came(end, `${name} ends`, asks),
          )
          expect(added).to.equal(mustAdd ? 1 : 0)
        },
      })
    })
  }

  it('settle that dies, and one that asks again', async () => {
    const world = await held(stage.yard)
    await explore(stage, {
      parts: [
        settles(world, allDone(world.of('a')), { ...GATED, ends: 'rollback' }),
        enqueues(world.workflow, ['a'], AGAIN),
      ],
      check: (end) => {
        expect(end.answer('enqueue')).to.equal(0)
        expect(itemsWith(end, 'success')).to.deep.equal([])
      },
    })
  })

  it('settle that retries, and one that asks again: it is under way all the time', async () => {
    const world = await held(stage.yard)
    await explore(stage, {
      parts: [
        settles(world, world.of('a').map(again), GATED),
        enqueues(world.workflow, ['a'], AGAIN),
      ],
      check: (end) => {
        expectSettledOnce(end, ['settle'])
        expect(end.answer('enqueue')).to.equal(0)
      },
    })
  })
})
