import { expect } from 'chai'
import { describe, it } from 'mocha'
import { useCluster } from '../support/cluster.js'
import { countRefetches, expectClean, expectCompleteOnce } from '../support/cluster-ledger.js'

describe('cluster/work', () => {
  const cluster = useCluster()

  for (const executor of ['process', 'thread', 'both'] as const) {
    it(`completes every item once with executor ${executor}, and fetches none again`, async () => {
      const keys = await cluster.enqueue(600)
      cluster.origin.setLatency(5)

      await cluster.start({ executor, processes: 2, threads: 2, concurrency: 24 })

      expectClean(await cluster.untilEmpty(), keys.length)
      await expectCompleteOnce(cluster, keys)
      expect(countRefetches(cluster)).to.equal(0)
      expect(cluster.origin.activeMax()).to.be.at.most(24)
      const workers = new Set(cluster.origin.log.map(({ pid, threadId }) => `${pid}/${threadId}`))
      expect(workers.size).to.equal(executor === 'both' ? 4 : 2)
    })
  }
})
