// A node that was taken for dead and is not: whatever it still says counts only if it was first.

import { expect } from 'chai'
import type { End } from './support/explore.js'
import { explore } from './support/explore.js'
import {
  allDone,
  beats,
  fences,
  fencesExpired,
  leases,
  reclaims,
  settles,
} from './support/parts.js'
import { came, expectSettledOnce, heldBy, itemsWith, keysOf } from './support/promises.js'
import { useStage } from './support/stage.js'
import { held, queued } from './support/worlds.js'

const GATED = { isGated: true }
/** Orders of a scenario that is not played whole unless asked for. */
const SAMPLE = 80

describe('interleavings: zombie', function () {
  // Thousands of orders, each a few statements.
  this.timeout(600_000)
  const stage = useStage()

  /** Either the settle had its packs first and keeps them, or it takes nothing. Never both, or a part. */
  function expectFenced(end: End): void {
    expectSettledOnce(end, ['settle'])
    const settled = keysOf(end.answer('settle'))
    const freed = new Set(itemsWith(end, 'reclaimed'))
    expect(end.answer('fence')).to.equal(true)
    expect(settled.filter((key) => freed.has(`${key}#1`))).to.deep.equal([])
    expect(freed.size).to.equal(end.answer('reclaim'))
    if (came(end, 'fence ends', 'settle sends')) expect(settled).to.deep.equal([])
    // Whom the living node holds, nobody else has ended.
    const over = new Set([...itemsWith(end, 'success'), ...heldBy(end, 'A')])
    expect(heldBy(end, 'B').filter((item) => over.has(item))).to.deep.equal([])
  }

  it('settle, fence, reclaim, lease by another node', async () => {
    const world = await held(stage.yard)
    const { workflow, nodeId, other } = world
    await explore(stage, {
      parts: [
        settles(world, allDone(world.of('a', 'b', 'c'))),
        fences(nodeId),
        reclaims(workflow),
        leases(workflow, { nodeId: other }),
      ],
      check: (end) => {
        expectFenced(end)
        const got = keysOf(end.answer('lease')).map((key) => `${key}#1`)
        expect(heldBy(end, 'B')).to.deep.equal(got)
      },
    })
  })

  it('settle with an old snapshot, fence, reclaim', async () => {
    const world = await held(stage.yard)
    await explore(stage, {
      parts: [
        settles(world, allDone(world.of('a', 'b', 'c')), GATED),
        fences(world.nodeId),
        reclaims(world.workflow),
      ],
      check: expectFenced,
    })
  })

  it('settle with an old snapshot, fence, reclaim, lease by another node', async () => {
    const world = await held(stage.yard)
    const { workflow, nodeId, other } = world
    await explore(stage, {
      ordersMax: SAMPLE,
      parts: [
        settles(world, allDone(world.of('a', 'b', 'c')), GATED),
        fences(nodeId),
        reclaims(workflow),
        leases(workflow, { nodeId: other }),
      ],
      check: expectFenced,
      // The lease passes a pack that the settle looks at, though nothing in it is for that any more.
      mayAlsoEnd: (end) => heldBy(end, 'B').join() === 'd#1,e#1',
    })
  })

  it('settle with an old snapshot, fence, a reclaim that dies, another reclaim', async () => {
    const world = await held(stage.yard)
    const { workflow, nodeId } = world
    await explore(stage, {
      ordersMax: SAMPLE,
      parts: [
        settles(world, allDone(world.of('a', 'b', 'c')), GATED),
        fences(nodeId),
        reclaims(workflow),
        reclaims(workflow, { name: 'reclaim 2', ends: 'rollback' }),
      ],
      check: expectFenced,
      // The reclaim passed what the dying one held, or what the settle looked at: there is a next one.
      mayAlsoEnd: (end) => itemsWith(end, 'reclaimed').length < 5,
    })
  })

  it('settle under an old lease of the same node', async () => {
    const world = await held(stage.yard)
    const { workflow, nodeId } = world
    await stage.yard.sql`update fetchyard.work_queue set deadline = now() - interval '1 second'`
    await explore(stage, {
      ordersMax: SAMPLE,
      parts: [
        settles(world, allDone(world.of('a', 'b', 'c')), GATED),
        reclaims(workflow),
        leases(workflow, { nodeId }),
      ],
      check: (end) => {
        expectSettledOnce(end, ['settle'])
        const settled = keysOf(end.answer('settle')).map((key) => `${key}#1`)
        const freed = itemsWith(end, 'reclaimed')
        expect(settled.filter((item) => freed.includes(item))).to.deep.equal([])
      },
      // The lease passes the pack that the settle looks at, though there is nothing in it for that.
      mayAlsoEnd: (end) => heldBy(end, 'A').join() === 'd#1,e#1',
    })
  })

  it('lease of a fenced node, its fence, and a lease of another', async () => {
    const { workflow, nodeId, other } = await queued(stage.yard)
    await explore(stage, {
      ordersMax: SAMPLE,
      parts: [
        leases(workflow, { nodeId }, GATED),
        fences(nodeId),
        leases(workflow, { nodeId: other }, { name: 'lease 2' }),
      ],
      check: (end) => {
        const [one, two] = [keysOf(end.answer('lease')), keysOf(end.answer('lease 2'))]
        if (came(end, 'fence ends', 'lease sends')) expect(one).to.deep.equal([])
        expect([...one, ...two].sort()).to.deep.equal(['a', 'b', 'c', 'd', 'e'])
      },
    })
  })

  it('heartbeat and fence', async () => {
    const { nodeId } = await queued(stage.yard)
    await explore(stage, {
      parts: [beats(nodeId), fences(nodeId)],
      check: (end) => {
        expect(end.answer('fence')).to.equal(true)
        const isTooLate = end.trace.indexOf('fence sends') < end.trace.indexOf('heartbeat sends')
        expect(end.answer('heartbeat')).to.equal(!isTooLate)
      },
    })
  })

  for (const ends of ['commit', 'rollback'] as const) {
    it(`heartbeat that ends with a ${ends}, and two that fence what has expired`, async () => {
      const { nodeId, other } = await queued(stage.yard)
      await stage.yard.expire(nodeId)
      await explore(stage, {
        parts: [
          beats(nodeId, { ends }),
          fencesExpired(other),
          fencesExpired(other, { name: 'fence expired 2' }),
        ],
        check: (end) => {
          const names = ['fence expired', 'fence expired 2']
          const fenced = names.flatMap((name) => keysOf(end.answer(name)))
          const isAlive = end.answer('heartbeat') === true
          expect(fenced).to.deep.equal(isAlive ? [] : ['A'])
          expect(end.state.fenced).to.deep.equal(fenced)
        },
      })
    })
  }

  it('two that fence two nodes which have expired', async () => {
    const { nodeId, other } = await queued(stage.yard)
    const third = await stage.yard.node({ name: 'C', leaseMs: 3_600_000 })
    await stage.yard.expire(nodeId)
    await stage.yard.expire(other)
    await explore(stage, {
      parts: [
        fencesExpired(third),
        fencesExpired(third, { name: 'fence expired 2' }),
        beats(other),
      ],
      check: (end) => {
        const names = ['fence expired', 'fence expired 2']
        const fenced = names.flatMap((name) => keysOf(end.answer(name)))
        expect(fenced.sort()).to.deep.equal(end.answer('heartbeat') === true ? ['A'] : ['A', 'B'])
      },
    })
  })
})
