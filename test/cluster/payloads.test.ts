// Items that are large: what a node holds of them is bounded, whatever is queued, and however slowly
// a worker takes them.

import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { LIMITS } from '../../src/core/limits.js'
import { useCluster } from '../support/cluster.js'
import { expectClean, expectCompleteOnce } from '../support/cluster-ledger.js'

const MEGABYTE = 1_048_576
const SLOTS = 100

describe('cluster/payloads', () => {
  const cluster = useCluster()

  it('are leased a few at a time while a worker stands still, and are all worked', async () => {
    const sockets = { sockets: SLOTS, socketsPerHost: SLOTS }
    const node = await cluster.start({ concurrency: SLOTS, silentMs: 120_000, ...sockets })
    await node.until('worker.ready')
    const [worker = 0] = await node.workerPids()
    process.kill(worker, 'SIGSTOP')
    const ballast = 'lorem ipsum '.repeat(MEGABYTE / 12)
    const keys = await cluster.enqueue(SLOTS, () => ({ ballast }))
    const leased = () => node.events('lease.granted').reduce((sum, { items }) => sum + items, 0)
    const most = LIMITS.bufferedCharactersMax / MEGABYTE
    await node.until('lease.granted', { where: () => leased() > most / 2 })
    // Time for several looks, each of which could lease more.
    await delay(2 * LIMITS.pollDelayMs.max)
    expect(leased()).to.be.within(most / 2, most + 1)
    process.kill(worker, 'SIGCONT')

    expectClean(await cluster.untilEmpty(), keys.length)

    await expectCompleteOnce(cluster, keys)
    expect(node.events('worker.exited')).to.deep.equal([])
  })
})
