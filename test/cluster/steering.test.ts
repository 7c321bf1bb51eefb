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

  it('turns sequential and back without a restart', async () => {
    const keys = await cluster.enqueue(1_500)
    cluster.origin.setLatency(100)
    const nodes = await Promise.all([cluster.start(), cluster.start()])
    await cluster.origin.untilAsked(40)

    await steer({ mode: 'sequential' })
    await Promise.all(
      nodes.map((node) =>
        node.until('concurrency.changed', { where: ({ reason }) => reason === 'sequential' }),
      ),
    )
    // What was in flight ends; from then on there is one at a time in the whole cluster.
    await cluster.origin.untilAsked(cluster.origin.log.length + 20)
    const before = cluster.origin.log.length
    await cluster.origin.untilAsked(before + 20)
    expect(busiestSince(before)).to.equal(1)
    await eventually({ words: 'the reason in the verdict' }, async () => {
      return (await why())?.binding === 'sequential'
    })

    await steer({ mode: 'concurrent' })
    cluster.origin.setLatency(0)
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
  })
})
