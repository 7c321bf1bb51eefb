import { expect } from 'chai'
import { describe, it } from 'mocha'
import { explainWorkflow } from '../../src/core/why-plan.js'
import { readFigures } from '../../src/store/figures.js'
import { readLoads } from '../../src/store/loads.js'
import { type SteeringChange, setSteering } from '../../src/store/steering.js'
import { registerWorkflow } from '../../src/store/workflows.js'
import { useCluster, WORKFLOW } from '../support/cluster.js'
import { expectClean, expectCompleteOnce } from '../support/cluster-ledger.js'
import { eventually } from '../support/poll.js'

describe('cluster/steering', () => {
  const cluster = useCluster()

  /** The most requests that were open at once, from this one on. */
  const busiestSince = (request: number) =>
    Math.max(...cluster.origin.log.slice(request).map(({ active }) => active))

  async function steer(change: Omit<SteeringChange, 'workflowId'>) {
    const { workflowId } = await registerWorkflow(cluster.sql, WORKFLOW)
    await setSteering(cluster.sql, { workflowId, ...change })
  }

  async function why() {
    const { workflows } = await readFigures(cluster.sql)
    const own = workflows.find(({ workflow }) => workflow === WORKFLOW)
    const loads = (await readLoads(cluster.sql)).filter(({ workflow }) => workflow === WORKFLOW)
    return own === undefined ? null : explainWorkflow(own, loads)
  }

  it('divides a plan among the nodes, and again when one comes or goes', async () => {
    const PLAN = 6
    const settings = { concurrency: 10, planConcurrency: PLAN }
    const keys = await cluster.enqueue(400)
    cluster.origin.hold()
    const first = await cluster.start(settings)
    await cluster.origin.untilActive(PLAN)

    const second = await cluster.start(settings)
    const isShare = { where: ({ limit }: { limit: number }) => limit === PLAN / 2 }
    await Promise.all([
      first.until('concurrency.changed', isShare),
      second.until('concurrency.changed', isShare),
    ])
    cluster.origin.release()
    cluster.origin.setLatency(30)
    await cluster.origin.untilAsked(100)
    const before = cluster.origin.log.length
    await cluster.origin.untilAsked(before + 100)
    const busiest = busiestSince(before)
    expect(busiest).to.be.within(PLAN - 2, PLAN)

    await second.stop()
    await eventually({ words: 'the whole plan for the node that is left' }, () => {
      return first.events('concurrency.changed').at(-1)?.limit === PLAN
    })
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
  })

  // The referee counts what is open at once. A node that comes and one that goes are the moments at
  // which two nodes could each believe that it is their turn.
  it('works one item at a time in all the cluster, from the switch in mid-run on', async () => {
    const keys = await cluster.enqueue(1_500)
    cluster.origin.hold()
    const oldest = await cluster.start()
    const second = await cluster.start()
    await cluster.origin.untilActive(16)
    const isSequential = { where: ({ reason }: { reason: string }) => reason === 'sequential' }

    await steer({ mode: 'sequential' })
    await Promise.all(
      [oldest, second].map((node) => node.until('concurrency.changed', isSequential)),
    )
    cluster.origin.setLatency(5)
    cluster.origin.release()
    // The first one may begin while the last answers of before are on their way.
    const first = 16
    await cluster.origin.untilAsked(first + 20)
    const third = await cluster.start()
    await third.until('concurrency.changed', isSequential)
    await cluster.origin.untilAsked(cluster.origin.log.length + 20)
    await oldest.stop()
    await cluster.origin.untilAsked(cluster.origin.log.length + 20)
    expect(busiestSince(first + 1)).to.equal(1)
    const pids = new Set(cluster.origin.log.slice(first + 1).map(({ pid }) => pid))
    expect(pids.size, 'workers that took their turn').to.be.above(1)
    await eventually({ words: 'the reason in the verdict' }, async () => {
      return (await why())?.binding === 'sequential'
    })

    cluster.origin.hold()
    await steer({ mode: 'concurrent' })
    await cluster.origin.untilActive(16)
    cluster.origin.setLatency(0)
    cluster.origin.release()
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
  })
})
