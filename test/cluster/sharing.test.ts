import { expect } from 'chai'
import { describe, it } from 'mocha'
import { useCluster } from '../support/cluster.js'
import {
  countRefetches,
  expectClean,
  expectCompleteOnce,
  readReceipts,
} from '../support/cluster-ledger.js'

describe('cluster/sharing', () => {
  const cluster = useCluster()

  for (const concurrency of [1, 16]) {
    it(`works the same items to the same end with concurrency ${concurrency}`, async () => {
      const keys = await cluster.enqueue(80)
      cluster.origin.fail('k3', { status: 500, times: 1 })
      cluster.origin.setLatency(2)

      await cluster.start({ concurrency })

      expectClean(await cluster.untilEmpty(), keys.length)
      await expectCompleteOnce(cluster, keys)
      expect(cluster.origin.activeMax()).to.be.at.most(concurrency)
      expect(cluster.origin.visitsOf('k3')).to.equal(2)
      expect(countRefetches(cluster)).to.equal(1)
    })
  }

  it('shares one queue between two supervisors without fetching an item twice', async () => {
    await cluster.pause('test')
    const keys = await cluster.enqueue(400)
    // Slow enough that neither is done before the other has looked at the queue again.
    cluster.origin.setLatency(60)
    const [one, two] = await Promise.all([
      cluster.start({ concurrency: 10 }),
      cluster.start({ concurrency: 10, executor: 'thread' }),
    ])
    await Promise.all([one.until('worker.ready'), two.until('worker.ready')])

    await cluster.resume('test')

    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(countRefetches(cluster)).to.equal(0)
    expect(cluster.origin.activeMax()).to.be.at.most(20)
    const workers = new Set((await readReceipts(cluster)).map((receipt) => receipt.nodeId))
    expect(workers.size, 'supervisors that worked').to.equal(2)
  })

  // Nothing is asked of the supervisor: the pause is in the row that every lease reads.
  it('starts nothing new while its workflow is paused, and then goes on', async () => {
    const keys = await cluster.enqueue(100)
    cluster.origin.hold()
    const node = await cluster.start({ concurrency: 4 })
    await cluster.origin.untilActive(4)

    await cluster.pause('test')
    cluster.origin.release()
    const held = node.events('lease.granted').reduce((sum, lease) => sum + lease.items, 0)
    await node.until('item.settled', { count: held })

    expect(cluster.origin.log).to.have.lengthOf(held)
    expect((await cluster.audit()).queued).to.equal(keys.length - held)

    await cluster.resume('test')

    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(countRefetches(cluster)).to.equal(0)
  })
})
