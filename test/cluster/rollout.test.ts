import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { cohortOf } from '../../src/core/steering-plan.js'
import { readRollouts } from '../../src/store/cohorts.js'
import { readSteering, setSteering } from '../../src/store/steering.js'
import { registerWorkflow } from '../../src/store/workflows.js'
import { useCluster, WORKFLOW } from '../support/cluster.js'
import type { NodeChild } from '../support/cluster-child.js'
import { eventually } from '../support/poll.js'

const PERCENT = 50
/** Items that must have ended before a rollout is judged, and how many there are of the cohort. */
const ITEMS_MIN = 40
const CONCURRENT_ITEMS = 44
const SETTINGS = { concurrency: 6, rollbackItems: ITEMS_MIN, attempts: 1 }

/** As many items as it takes to have so many in the concurrent cohort. */
function itemsFor(concurrent: number): number {
  let items = 0
  for (let found = 0; found < concurrent; items += 1) {
    if (cohortOf(`k${items}`, PERCENT) === 'concurrent') found += 1
  }
  return items
}

/** A port that nobody listens on, for a server that must be told one. */
async function anyPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('cluster/rollout', () => {
  const cluster = useCluster()

  async function workflowId() {
    return (await registerWorkflow(cluster.sql, WORKFLOW)).workflowId
  }

  async function rollout() {
    const [own] = await readRollouts(cluster.sql, WORKFLOW)
    if (own === undefined) throw new Error('the workflow is known')
    return own
  }

  const endedOn = (node: NodeChild) =>
    node.events('item.settled').filter(({ cohort }) => cohort === 'concurrent').length

  // Too few of them end on either node for that node to conclude anything.
  it('is taken back by what fails on all nodes together, once, and the event says why', async () => {
    const keys = await cluster.enqueue(itemsFor(CONCURRENT_ITEMS))
    const concurrent = keys.filter((key) => cohortOf(key, PERCENT) === 'concurrent')
    for (const key of concurrent) cluster.origin.fail(key, { status: 500, times: 9 })
    const order = { mode: 'concurrent', rollout: PERCENT, by: 'anna' } as const
    await setSteering(cluster.sql, { workflowId: await workflowId(), ...order })
    cluster.origin.hold()
    const one = await cluster.start(SETTINGS)
    const other = await cluster.start(SETTINGS)
    await cluster.origin.untilActive(12)
    cluster.origin.release()

    await eventually({ words: 'the rollback' }, async () => (await rollout()).step === 2)
    expect(await rollout()).to.include({ mode: 'sequential', rollout: 0, by: 'the error limit' })
    const events = await cluster.sql<{ message: string; level: string }[]>`
      select message, level from fetchyard.event where name = 'rollout.taken_back'`
    expect(events).to.have.length(1)
    expect(events[0]?.level).to.equal('error')
    expect(events[0]?.message).to.match(
      /^100 % of \d\d attempts worked concurrently failed in the last ten minutes on all nodes, more than 20 %; of those worked one after the other 0 % of \d+$/,
    )
    const said = [one, other].flatMap((node) => node.events('rollout.taken_back'))
    expect(said.map(({ rollout }) => rollout)).to.deep.equal([PERCENT])
    const ended = [endedOn(one), endedOn(other)]
    expect(Math.max(...ended), `ended on each: ${ended}`).to.be.below(ITEMS_MIN)

    await cluster.untilEmpty()
    // What a node counted outlives it.
    other.signal('SIGKILL')
    await other.exited
    const { cohorts } = await rollout()
    expect(cohorts.concurrent).to.include({ completed: 0, failed: CONCURRENT_ITEMS, errorRate: 1 })
    expect(cohorts.sequential?.completed).to.be.above(0)
  })

  it('obeys an order over HTTP on every node, and writes down who gave it', async () => {
    const token = 'a-token-of-many-characters'
    const port = await anyPort()
    const asked = await cluster.start({ ...SETTINGS, port, token })
    const other = await cluster.start(SETTINGS)
    const order = async (verb: string, body: object) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/workflows/${WORKFLOW}/${verb}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ by: 'Zoë', ...body }),
      })
      expect(answer.status).to.equal(200)
    }
    const both = (where: (event: { limit: number; reason: string }) => boolean) =>
      Promise.all([asked, other].map((node) => node.until('concurrency.changed', { where })))

    await order('concurrency', { concurrency: 2 })
    await both(({ limit, reason }) => limit === 2 && reason === 'operator')
    await order('rollout', { rollout: 'sequential' })
    await both(({ reason }) => reason === 'sequential')
    await order('rollout', { rollout: 100 })
    await order('pause', {})
    expect(await rollout()).to.deep.include({ rollout: 100, pausedBy: ['operator'] })
    const keys = await cluster.enqueue(10)
    await order('resume', {})
    await cluster.untilEmpty()
    expect(cluster.origin.visits().size).to.equal(keys.length)

    const events = await cluster.sql<{ name: string; message: string; by: string }[]>`
      select name, message, fields ->> 'by' as by from fetchyard.event
       where name like 'workflow.%' order by event_id`
    expect(events.map(({ name }) => name)).to.deep.equal([
      ...Array(3).fill('workflow.steered'),
      ...['workflow.paused', 'workflow.resumed'],
    ])
    for (const { message, by } of events) {
      expect(message).to.match(/^by Zoë, over HTTP from 127\.0\.0\.1/)
      expect(by).to.equal('Zoë')
    }
    expect(asked.events('workflow.steered')[0]?.message).to.contain('each node works 2 items')
  })

  it('follows the option of a node once, and a person from then on', async () => {
    const of = { workflowId: await workflowId(), workflow: WORKFLOW, plan: 'p' }
    const ten = { mode: 'concurrent', rollout: 10 } as const
    const first = await cluster.start({ rollout: ten })
    expect(await readSteering(cluster.sql, of)).to.include(ten)
    expect(await rollout())
      .to.have.property('by')
      .that.contains('the option of node')
    await first.stop()

    await setSteering(cluster.sql, { ...of, mode: 'sequential', rollout: 0 })
    const restarted = await cluster.start({ rollout: ten })
    expect(await readSteering(cluster.sql, of)).to.include({ mode: 'sequential', rollout: 0 })
    await restarted.stop()
    await cluster.start({ rollout: { mode: 'concurrent', rollout: 25 } })
    expect(await readSteering(cluster.sql, of)).to.include({ mode: 'concurrent', rollout: 25 })
  })
})
