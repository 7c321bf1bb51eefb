// A node whose database is reached through a network that delays, freezes, cuts, and loses the
// answers of what took effect. It prints the seed; FETCHYARD_SEED replays the same choices.

import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import type { Settings } from '../../config/settings.js'
import { randomInteger, seededRandom } from '../../src/core/random.js'
import type { Silence } from '../../supervisor/node.js'
import type { FaultProxy } from '../../supervisor/torture/fault-proxy.js'
import { startFaultProxy } from '../../supervisor/torture/fault-proxy.js'
import { useCluster } from '../support/cluster.js'
import type { NodeChild } from '../support/cluster-child.js'
import {
  countRefetches,
  expectClean,
  expectCompleteOnce,
  expectRefetchesExplained,
  readNodes,
  readReceipts,
} from '../support/cluster-ledger.js'
import { eventually } from '../support/poll.js'
import { tell } from '../support/tell.js'

const ITEMS = 400
/** Requests at which the fault comes: the run is well under way and far from its end. */
const MIDDLE = 120
const SETTINGS: Partial<Settings> = { concurrency: 12, executor: 'both' }

/** Statements by a piece of their text that no other statement has. */
const STATEMENTS = {
  settle: /json_to_recordset\(\$2::text::json\)/,
  lease: /with candidate as materialized/,
  heartbeat: /set alive_until/,
  reclaim: /'reclaimed', 'node_lost'/,
  release: /lease_id <> all/,
}

const seed = Number(process.env.FETCHYARD_SEED ?? Math.floor(Math.random() * 2 ** 32))

interface Run {
  readonly proxy: FaultProxy
  readonly node: NodeChild
  readonly keys: readonly string[]
}

describe(`chaos/database answers (FETCHYARD_SEED=${seed})`, () => {
  const cluster = useCluster()
  const random = seededRandom(seed)
  const proxies: FaultProxy[] = []

  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close()
  })

  async function startRun(settings: Partial<Settings> = {}, silence?: Silence): Promise<Run> {
    const proxy = await startFaultProxy({ url: cluster.url })
    proxies.push(proxy)
    const keys = await cluster.enqueue(ITEMS)
    cluster.origin.setLatency(20)
    const request = { databaseUrl: proxy.url, ...(silence === undefined ? {} : { silence }) }
    const node = await cluster.start({ ...SETTINGS, ...settings }, request)
    expect(node.pooling()).to.equal('direct')
    await cluster.origin.untilAsked(MIDDLE)
    return { proxy, node, keys }
  }

  /** Every page once, and the node knows what became of each: neither less nor more. */
  async function expectOnce({ keys, node }: Run): Promise<void> {
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    await node.until('item.settled', { count: keys.length })
    const settled = node.events('item.settled').filter(({ state }) => state !== 'release')
    expect(settled.filter(({ state }) => state === 'rejected')).to.deep.equal([])
    expect(settled.map(({ itemKey }) => itemKey).sort()).to.deep.equal([...keys].sort())
    const applied = node.events('settle.applied')
    expect(
      applied.reduce((sum, { rejected }) => sum + rejected, 0),
      'rejected',
    ).to.equal(0)
    expect(applied.reduce((sum, { items }) => sum + items, 0)).to.equal(keys.length)
  }

  async function expectUnharmed(run: Run): Promise<void> {
    await expectOnce(run)
    expect(countRefetches(cluster), 'pages fetched again').to.equal(0)
    const statuses = new Set((await readReceipts(cluster)).map((receipt) => receipt.status))
    expect(statuses).to.deep.equal(new Set(['success']))
    expect((await readNodes(cluster)).map(({ fencedWhy }) => fencedWhy)).to.deep.equal([null])
    expect(await run.node.stop()).to.deep.equal({ code: 0, signal: null })
  }

  async function untilDropped(proxy: FaultProxy, count: number): Promise<void> {
    const seen = () => proxy.counts()
    await eventually({ words: `${count} lost answers`, seen }, () => {
      return proxy.counts().answersDropped >= count
    })
  }

  it('works on through a database that is far away', async () => {
    const run = await startRun()
    run.proxy.delay(200)
    await cluster.origin.untilAsked(3 * MIDDLE)
    run.proxy.delay(0)
    await expectUnharmed(run)
  })

  it('asks the receipts when the answers of settles are lost', async () => {
    const run = await startRun()
    run.proxy.dropAnswers({ statement: STATEMENTS.settle, times: 6 })
    await untilDropped(run.proxy, 6)
    await expectUnharmed(run)
  })

  it('gives back what lost answers of leases left behind, uncharged', async () => {
    const run = await startRun()
    run.proxy.dropAnswers({ statement: STATEMENTS.lease, times: 2 })
    await untilDropped(run.proxy, 2)
    await expectUnharmed(run)
    const released = run.node.events('items.released')
    expect(released.map(({ reason }) => reason)).to.include('lost_answer')
    const attempts = new Set((await readReceipts(cluster)).map(({ attempt }) => attempt))
    expect(attempts).to.deep.equal(new Set([1]))
  })

  it('is not fenced when the answers of heartbeats are lost', async () => {
    const run = await startRun({ heartbeatMs: 200 })
    run.proxy.dropAnswers({ statement: STATEMENTS.heartbeat, times: 3 })
    await untilDropped(run.proxy, 3)
    await run.node.until('heartbeat.failed', { count: 3 })
    await expectUnharmed(run)
  })

  it('reclaims once when the answers of reclaims are lost', async () => {
    const proxy = await startFaultProxy({ url: cluster.url })
    proxies.push(proxy)
    const keys = await cluster.enqueue(ITEMS)
    cluster.origin.setLatency(20)
    const victim = await cluster.start(SETTINGS)
    await cluster.origin.untilAsked(MIDDLE)
    victim.signal('SIGKILL')
    await victim.exited
    proxy.dropAnswers({ statement: STATEMENTS.reclaim, times: 3 })
    const node = await cluster.start(SETTINGS, { databaseUrl: proxy.url })
    await untilDropped(proxy, 3)
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    await expectRefetchesExplained(cluster)
    const reclaimed = (await readReceipts(cluster)).filter(({ status }) => status === 'reclaimed')
    const distinct = new Set(reclaimed.map(({ itemKey, leaseId }) => `${itemKey} ${leaseId}`))
    expect(reclaimed).to.have.length(distinct.size)
    expect(await node.stop()).to.deep.equal({ code: 0, signal: null })
  })

  it('goes on through connections that are cut after any number of bytes', async () => {
    const run = await startRun()
    cluster.origin.setLatency(80)
    const cuts = Array.from({ length: 12 }, () => randomInteger(random, { min: 0, max: 1_500 }))
    for (const bytes of cuts) {
      const { cuts: before } = run.proxy.counts()
      run.proxy.cutAfterBytes(bytes)
      const seen = () => ({ ...run.proxy.counts(), before, asked: cluster.origin.log.length })
      await eventually({ words: `a cut after ${bytes} bytes`, seen }, () => {
        return run.proxy.counts().cuts > before
      })
    }
    run.proxy.cutAfterBytes(null)
    expect(run.node.hasExited(), 'the node ended').to.equal(false)
    await expectOnce(run)
    await expectRefetchesExplained(cluster)
    tell(`${run.proxy.counts().cuts} cuts, fetched again ${countRefetches(cluster)}`)
    expect(await run.node.stop()).to.deep.equal({ code: 0, signal: null })
  })

  it('goes on when the database refuses everybody for a while', async () => {
    const run = await startRun()
    run.proxy.refuse(true)
    run.proxy.cut()
    await run.node.until('heartbeat.failed', { count: 2 })
    run.proxy.refuse(false)
    await expectUnharmed(run)
  })

  for (const how of ['go-on', 'cut'] as const) {
    it(`gives up connections that are frozen; then the network: ${how}`, async () => {
      const run = await startRun({}, { statementMs: 3_000, heartbeatMs: 1_500 })
      run.proxy.freeze()
      await run.node.until('settle.failed')
      await run.node.until('heartbeat.failed')
      run.proxy.thaw(how)
      await expectUnharmed(run)
    })
  }
}).timeout(120_000)
