// Retention among those who ask for the same keys again and those who settle: no key is opened
// twice, and the books balance in every order.

import { expect } from 'chai'
import { openRun } from '../../src/store/runs.js'
import type { End } from './support/explore.js'
import { explore } from './support/explore.js'
import { done, enqueues, joins, moves, retires, settles } from './support/parts.js'
import { useStage } from './support/stage.js'
import { ended } from './support/worlds.js'

const GATED = { isGated: true }
const AGAIN = { again: 'when-finished' } as const

/** Rounds of a key that are in packs. */
const openOf = (end: End, key: string) =>
  end.state.packs.flatMap(({ items }) => items).filter((item) => item?.startsWith(`${key}#`))

/** An enqueue held on to the item: the next pass finds it again. */
const passedOver = (end: End) => end.answer('retire') !== 1

describe('interleavings: retention', () => {
  const stage = useStage()

  it('retire of a key, and two that ask for it again: one of them opens it', async () => {
    const { workflow, nodeId } = await ended(stage.yard)
    await explore(stage, {
      parts: [
        retires(nodeId, GATED),
        enqueues(workflow, ['a'], AGAIN),
        enqueues(workflow, ['a'], { ...AGAIN, name: 'enqueue 2' }),
      ],
      check: (end) => {
        expect(Number(end.answer('enqueue')) + Number(end.answer('enqueue 2'))).to.equal(1)
        expect(openOf(end, 'a')).to.have.length(1)
      },
      mayAlsoEnd: passedOver,
    })
  })

  it('retire that dies, and one that asks again', async () => {
    const { workflow, nodeId } = await ended(stage.yard)
    await explore(stage, {
      parts: [retires(nodeId, { ...GATED, ends: 'rollback' }), enqueues(workflow, ['a'], AGAIN)],
      check: (end) => {
        expect(end.answer('enqueue')).to.equal(1)
        expect(openOf(end, 'a')).to.deep.equal(['a#2'])
        expect(end.state.tally.retire ?? 0).to.equal(0)
      },
      mayAlsoEnd: passedOver,
    })
  })

  it('two that have the same turn: one of them retires', async () => {
    const { nodeId } = await ended(stage.yard)
    await explore(stage, {
      parts: [retires(nodeId, GATED), retires(nodeId, { ...GATED, name: 'retire 2' })],
      check: (end) => {
        expect(Number(end.answer('retire')) + Number(end.answer('retire 2'))).to.equal(1)
        expect(end.state.tally.retire).to.equal(1)
      },
    })
  })

  it('move and retire and one that asks again for what is moved', async () => {
    const { workflow, nodeId } = await ended(stage.yard)
    await explore(stage, {
      parts: [moves(nodeId, GATED), retires(nodeId, GATED), enqueues(workflow, ['d'], AGAIN)],
      check: (end) => {
        expect(end.answer('move')).to.equal(1)
        expect(end.answer('enqueue'), 'it is over, by its receipt or its ending').to.equal(1)
        expect(openOf(end, 'd')).to.have.length(1)
      },
    })
  })

  it('retire of an item that joins a run at this instant', async () => {
    const { workflow, nodeId } = await ended(stage.yard)
    const { workflowId } = workflow
    const { runId } = await openRun(stage.yard.sql, { workflowId, name: 'a run' })
    await explore(stage, {
      parts: [retires(nodeId, GATED), joins(workflow, runId, ['a', 'b'])],
      check: (end) => {
        expect(end.state.runItems, 'a run holds items that there are').to.not.include(null)
        const isThere = end.state.items.includes('a#1')
        expect(end.state.runItems).to.deep.equal(isThere ? ['a#1', 'b#1'] : ['b#1'])
      },
      mayAlsoEnd: passedOver,
    })
  })

  it('move and settle', async () => {
    const world = await ended(stage.yard)
    await explore(stage, {
      parts: [
        settles(
          world,
          world.of('b', 'e').map((item) => done(item)),
          GATED,
        ),
        moves(world.nodeId, GATED),
        retires(world.nodeId, GATED),
      ],
      check: (end) => {
        expect(end.answer('settle')).to.deep.equal(['b', 'e'])
        expect(openOf(end, 'b')).to.deep.equal([])
      },
    })
  })
})
