// A scheduled workflow on nodes that are killed: ticks go on, and no two instances are ever open.

import { expect } from 'chai'
import { enqueueItems } from '../../src/store/enqueue.js'
import { registerWorkflow } from '../../src/store/workflows.js'
import { useCluster } from '../support/cluster.js'
import scheduled from '../support/handlers/scheduled.js'

const MODULE = new URL('../support/handlers/scheduled.js', import.meta.url).href
const ITEMS = 45
const BATCH = 10

describe('cluster/schedule', () => {
  const cluster = useCluster()

  it('works a batch a tick, one instance at a time, although nodes are killed in the middle', async () => {
    const { workflowId } = await registerWorkflow(cluster.sql, scheduled.name)
    const items = Array.from({ length: ITEMS }, (_, n) => ({
      ...{ key: `s${n}`, payload: null, lane: '' },
    }))
    await enqueueItems(cluster.sql, { workflowId, items, again: 'never' })
    const also = { alsoWorks: [MODULE] }
    // With concurrency 2 a batch takes a while: the kill comes in the middle of one.
    const doomed = await cluster.start({ concurrency: 2 }, also)
    await doomed.until('item.settled', { count: 3 })
    doomed.signal('SIGKILL')
    await doomed.exited
    await Promise.all([1, 2].map(() => cluster.start({ concurrency: 2 }, also)))
    const report = await cluster.untilEmpty()

    expect(report.finished).to.equal(ITEMS)
    const instances = await cluster.sql<
      { items: number; openedMs: number; closedMs: number | null }[]
    >`select items::int, extract(epoch from opened_at)::float8 * 1000 as "openedMs",
             extract(epoch from closed_at)::float8 * 1000 as "closedMs"
        from fetchyard.instance where workflow_id = ${workflowId} order by instance_id`
    const worked = instances.filter(({ items: count }) => count > 0)
    expect(worked.length).to.be.at.least(Math.ceil(ITEMS / BATCH))
    expect(Math.max(...worked.map(({ items: count }) => count))).to.be.at.most(BATCH)
    for (const [index, { openedMs }] of instances.entries()) {
      if (index === 0) continue
      const before = instances[index - 1]
      expect(before?.closedMs, 'the one before is over').to.be.a('number')
      expect(openedMs).to.be.at.least(before?.closedMs ?? 0)
    }
  })
})
