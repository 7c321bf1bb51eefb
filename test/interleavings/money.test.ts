// The reserves of nodes among those who reclaim, cancel, fence and book: whatever a dead node had
// begun is booked, and nothing of it twice, in every order.

import { expect } from 'chai'
import { cancelItems } from '../../src/store/operate.js'
import type { End } from './support/explore.js'
import { explore } from './support/explore.js'
import { booksRefused, cancels, fences, reclaims, reserves } from './support/parts.js'
import { heldBy } from './support/promises.js'
import { useStage } from './support/stage.js'
import type { HeldWorld } from './support/worlds.js'
import { held } from './support/worlds.js'

const GATED = { isGated: true }

describe('interleavings: money', () => {
  const stage = useStage()

  /** Node A has begun all five items that it holds, at a credit each. */
  const begun = async (): Promise<HeldWorld> => {
    const world = await held(stage.yard)
    const { nodeId } = world
    const { workflowId } = world.workflow
    const request = { serial: 1, open: 5, kept: 0, wanted: 0, creditsEach: 1 }
    await stage.yard.store.reserveCalls({ nodeId, workflowId, ...request })
    return world
  }

  const fenced = async (): Promise<HeldWorld> => {
    const world = await begun()
    await stage.yard.store.fenceNode({ nodeId: world.nodeId, reason: 'a test' })
    return world
  }

  /** Calls that are in the ledger, or will be: what is reserved, for what may still be taken. */
  const covered = (end: End): number => {
    const [reserve = { calls: 0, taken: 0 }] = end.state.reserves
    const still = heldBy(end, 'A').length + reserve.taken
    const booked = Object.values(end.state.spent).reduce((sum, calls) => sum + calls, 0)
    return booked + Math.min(reserve.calls, still)
  }

  it('two reclaims share the packs of a dead node: each of its calls is booked once', async () => {
    const { workflow } = await fenced()
    await explore(stage, {
      parts: [
        reclaims(workflow, { ...GATED, packsMax: 1 }),
        reclaims(workflow, { ...GATED, packsMax: 1, name: 'reclaim 2' }),
      ],
      check: (end) => expect(covered(end)).to.equal(5),
      // Who finds the reserve in other hands leaves the packs to the next reclaim.
      mayAlsoEnd: () => true,
    })
  })

  it('a reclaim dies before its commit, and another one comes', async () => {
    const { workflow } = await fenced()
    await explore(stage, {
      parts: [
        reclaims(workflow, { ...GATED, packsMax: 1, ends: 'rollback' }),
        reclaims(workflow, { ...GATED, name: 'reclaim 2' }),
      ],
      check: (end) => expect(covered(end)).to.equal(5),
      mayAlsoEnd: () => true,
    })
  })

  it('a cancel takes items from a dead node while others are reclaimed from it', async () => {
    const { workflow } = await fenced()
    await explore(stage, {
      parts: [cancels(workflow, ['a'], GATED), reclaims(workflow, GATED)],
      check: (end) => expect(covered(end)).to.equal(5),
      mayAlsoEnd: () => true,
    })
  })

  // It begins all that it holds, the cancelled one as well: it has not heard of that.
  it('a cancel comes before, during or after the first reserve of a node that then dies', async () => {
    const { workflow, nodeId } = await held(stage.yard)
    await explore(stage, {
      parts: [cancels(workflow, ['a'], GATED), reserves(workflow, { nodeId, wanted: 5 })],
      check: (end) => {
        expect(end.answer('reserve'), 'calls begun').to.equal(5)
        expect(covered(end)).to.equal(5)
      },
    })
  })

  it('a cancel rolls back, and the reserve that waited for it is as good as before', async () => {
    const { workflow, nodeId } = await held(stage.yard)
    await explore(stage, {
      parts: [
        cancels(workflow, ['a'], { ...GATED, ends: 'rollback' }),
        reserves(workflow, { nodeId, wanted: 5 }),
      ],
      check: (end) => expect(covered(end)).to.equal(5),
    })
  })

  it('an answer that was refused is booked, or is in the reserve of the dead; not both', async () => {
    const { workflow, nodeId } = await begun()
    const { workflowId, binding } = workflow
    await cancelItems(stage.yard.sql, { workflowId, binding, keys: ['a'], reason: 'a test' })
    await explore(stage, {
      parts: [booksRefused(workflow, nodeId), fences(nodeId), reclaims(workflow, GATED)],
      check: (end) => expect(covered(end)).to.equal(5),
      mayAlsoEnd: () => true,
    })
  })

  it('a booking that is sent again, because its answer was lost, books nothing', async () => {
    const { workflow, nodeId } = await begun()
    await explore(stage, {
      parts: [
        booksRefused(workflow, nodeId),
        booksRefused(workflow, nodeId, { name: 'book again' }),
        booksRefused(workflow, nodeId, { name: 'book more', booking: 2, ends: 'rollback' }),
      ],
      check: (end) => expect(end.state.spent).to.deep.equal({ failed: 1 }),
    })
  })
})
