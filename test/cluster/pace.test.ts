import { expect } from 'chai'
import { describe, it } from 'mocha'
import { explainWorkflow } from '../../src/core/why-plan.js'
import { readFigures } from '../../src/store/figures.js'
import { readLoads } from '../../src/store/loads.js'
import { setSteering } from '../../src/store/steering.js'
import { registerWorkflow } from '../../src/store/workflows.js'
import { useCluster, WORKFLOW } from '../support/cluster.js'
import { expectClean, expectCompleteOnce } from '../support/cluster-ledger.js'
import { eventually } from '../support/poll.js'

const RATE = 600
const INTERVAL_MS = 60_000 / RATE

describe('cluster/pace', () => {
  const cluster = useCluster()

  async function binding() {
    const { workflows } = await readFigures(cluster.sql)
    const own = workflows.find(({ workflow }) => workflow === WORKFLOW)
    const loads = (await readLoads(cluster.sql)).filter(({ workflow }) => workflow === WORKFLOW)
    return own === undefined ? null : explainWorkflow(own, loads)
  }

  // A machine may be too slow for the rate, and only ever too slow: what is asserted is how long
  // so many requests take at least.
  it('starts no more than the rate gives, on two nodes and across a kill -9', async () => {
    const keys = await cluster.enqueue(60)
    const settings = { ratePerMinute: RATE }
    const fromMs = performance.now()
    const nodes = await Promise.all([cluster.start(settings), cluster.start(settings)])
    await cluster.origin.untilAsked(15)
    await eventually({ words: 'the rate in the verdict' }, async () => {
      return (await binding())?.binding === 'rate'
    })
    expect((await binding())?.words).to.contain(`The rate: ${RATE} a minute`)
    nodes[0].signal('SIGKILL')
    await cluster.start(settings)
    await cluster.origin.untilAsked(40)

    const { length: requests } = cluster.origin.log
    const tookMs = performance.now() - fromMs
    // Each of the three boots may have one that was saved up; while they divide the rate anew, for
    // a second each time, the sum of their shares may be half as much again.
    const redivided = (2 * 1_000 * (RATE / 2)) / 60_000
    expect(tookMs).to.be.at.least((requests - 3 - redivided) * INTERVAL_MS)

    const { workflowId } = await registerWorkflow(cluster.sql, WORKFLOW)
    await setSteering(cluster.sql, { workflowId, ratePerMinute: 100_000 })
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
  })

  it('lets each slot rest after a success, until an operator takes the pause back', async () => {
    const keys = await cluster.enqueue(40)
    await cluster.start({ concurrency: 4, successPauseMs: 3_600_000 })
    await cluster.origin.untilAsked(4)
    await eventually({ words: 'the pause in the verdict' }, async () => {
      return (await binding())?.binding === 'pause'
    })
    expect(cluster.origin.log).to.have.length(4)
    const { workflowId } = await registerWorkflow(cluster.sql, WORKFLOW)
    await setSteering(cluster.sql, { workflowId, successPauseMs: 0 })
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
  })
})
