import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { explainWorkflow } from '../../src/core/why-plan.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { readFigures } from '../../src/store/figures.js'
import { readLoads } from '../../src/store/loads.js'
import { registerWorkflow } from '../../src/store/workflows.js'
import { useCluster, WORKFLOW } from '../support/cluster.js'
import { expectClean } from '../support/cluster-ledger.js'
import { eventually } from '../support/poll.js'
import { type Site, startSite, text } from '../support/site.js'

describe('cluster/politeness', () => {
  const cluster = useCluster()
  const sites: Site[] = []

  afterEach(async () => {
    await Promise.all(sites.splice(0).map((site) => site.close()))
  })

  async function site(host: string): Promise<Site> {
    const started = await startSite(host)
    sites.push(started)
    return started
  }

  async function enqueue(of: Site, count: number): Promise<void> {
    const { workflowId } = await registerWorkflow(cluster.sql, WORKFLOW)
    const lane = new URL(of.origin).hostname
    const items = Array.from({ length: count }, (_, n) => {
      const url = `${of.origin}/${n}`
      return { key: url, payload: { url }, lane }
    })
    await enqueueItems(cluster.sql, { workflowId, items, again: 'never' })
  }

  // The slow host's items stand before all others in the queue, and a slot each would take all
  // slots.
  it('lets a slow host with a long queue hold up nobody else', async () => {
    const slow = await site('127.0.0.99')
    slow.setLatency(1_000)
    await enqueue(slow, 3_000)
    const hosts = Array.from({ length: 20 }, (_, n) => `127.0.1.${n + 1}`)
    const quick = await Promise.all(hosts.map(site))
    for (const one of quick) {
      one.setLatency(20)
      await enqueue(one, 10)
    }

    await cluster.start({ concurrency: 10, hostConcurrency: 2 })
    await eventually({ words: 'every page of the quick hosts' }, () =>
      quick.every(({ asked }) => asked.length === 10),
    )

    expect(slow.asked.length).to.be.within(1, 60)
    expect(slow.openMax()).to.equal(2)
    expect(Math.max(...quick.map((one) => one.openMax()))).to.be.at.most(2)
    // What it works in half a minute, and no thousands that wait here for their lease to end.
    const [leased] = await cluster.sql<{ items: number; charged: number }[]>`
      select coalesce(sum(cardinality(item_ids)) filter (where lease_id is not null), 0)::int
               as items,
             coalesce(sum(attempt + snoozes), 0)::int as charged
        from fetchyard.work_queue`
    expect(leased?.items).to.be.within(1, 150)
    expect(leased?.charged).to.equal(0)

    let words: unknown = null
    await eventually({ words: 'the host by its name', seen: () => words }, async () => {
      const { workflows } = await readFigures(cluster.sql)
      const own = workflows.find(({ workflow }) => workflow === WORKFLOW)
      words = own && explainWorkflow(own, await readLoads(cluster.sql)).words
      return typeof words === 'string' && /127\.0\.0\.99, which is asked for 2 at a/.test(words)
    })
  })

  it('divides what a host bears among the nodes', async () => {
    const ITEMS = 200
    const one = await site('127.0.0.98')
    one.setLatency(40)
    await enqueue(one, ITEMS)

    const settings = { concurrency: 10, hostConcurrency: 2 }
    await cluster.pause('starting')
    const nodes = await Promise.all([cluster.start(settings), cluster.start(settings)])
    // Both have seen each other before there is anything to do.
    await Promise.all(nodes.map((node) => node.until('heartbeat.sent', { count: 3 })))
    await cluster.resume('starting')

    expectClean(await cluster.untilEmpty(), ITEMS)
    expect(one.asked.length).to.equal(ITEMS)
    expect(one.openMax()).to.be.at.most(2)
    const dispatched = nodes.map((node) => node.events('item.dispatched').length)
    expect(Math.min(...dispatched)).to.be.above(0)
  })

  it('keeps the delay that robots.txt asks for, without a slot that waits', async () => {
    const patient = await site('127.0.0.97')
    patient.serve('/robots.txt', text('User-agent: *\nCrawl-delay: 0.5'))
    const other = await site('127.0.0.96')
    await enqueue(patient, 6)
    await enqueue(other, 40)
    const startedMs: number[] = []
    for (let n = 0; n < 6; n += 1) {
      patient.serve(`/${n}`, (response) => {
        startedMs.push(performance.now())
        text('page')(response)
      })
    }

    await cluster.start({ concurrency: 2, hostConcurrency: 1, robots: 'obey' })
    expectClean(await cluster.untilEmpty(), 46)

    const gaps = startedMs.slice(1).map((ms, n) => ms - (startedMs[n] ?? 0))
    // A timer may be early by its rounding, and a request may overtake a late one by a little.
    expect(Math.min(...gaps)).to.be.above(400)
    expect(other.asked.filter((path) => path !== '/robots.txt')).to.have.length(40)
  })
})
