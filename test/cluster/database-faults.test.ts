import { expect } from 'chai'
import { describe, it } from 'mocha'
import { useCluster } from '../support/cluster.js'
import {
  countRefetches,
  expectClean,
  expectCompleteOnce,
  readReceipts,
} from '../support/cluster-ledger.js'
import { useOwnServer } from '../support/cluster-server.js'
import { eventually } from '../support/poll.js'

const ITEMS = 400
/** Requests at which the fault comes: the run is well under way and far from its end. */
const MIDDLE = 120

describe('cluster/database faults', () => {
  const server = useOwnServer()
  const cluster = useCluster(server)

  async function startRun() {
    const keys = await cluster.enqueue(ITEMS)
    cluster.origin.setLatency(20)
    const node = await cluster.start({ concurrency: 12, executor: 'both' })
    await cluster.origin.untilAsked(MIDDLE)
    return { keys, node }
  }

  async function expectUnharmed(keys: readonly string[]) {
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(countRefetches(cluster), 'pages fetched again').to.equal(0)
    const statuses = new Set((await readReceipts(cluster)).map((receipt) => receipt.status))
    expect(statuses).to.deep.equal(new Set(['success']))
  }

  it('goes on where it was when the database crashes and comes back', async () => {
    const { keys, node } = await startRun()

    await server.crash()

    await expectUnharmed(keys)
    expect(await node.stop()).to.deep.equal({ code: 0, signal: null })
  })

  it('goes on where it was when all its connections are cut, again and again', async () => {
    const { keys, node } = await startRun()

    for (const asked of [MIDDLE, 2 * MIDDLE, 3 * MIDDLE]) {
      await cluster.origin.untilAsked(asked)
      await eventually({ words: 'connections to cut' }, async () => {
        const cut = await cluster.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
           where application_name = 'fetchyard'`
        return cut.length > 0
      })
    }

    await expectUnharmed(keys)
    expect(await node.stop()).to.deep.equal({ code: 0, signal: null })
  })

  // It asks for nothing that it could not get: nothing new is started, nothing finished is thrown
  // away.
  it('drains what it holds when it is stopped while the database comes back', async () => {
    const { keys, node } = await startRun()
    cluster.origin.hold()
    await cluster.origin.untilActive(12)

    const crashed = server.crash()
    node.signal('SIGTERM')
    await node.until('supervisor.stopping')
    cluster.origin.release()
    await crashed

    expect(await node.exited).to.deep.equal({ code: 0, signal: null })
    const report = await cluster.audit()
    expect(report).to.include({ processing: 0, lost: 0, isClean: true })
    expect(report.finished).to.equal(cluster.origin.log.length)
    await cluster.start()
    await expectUnharmed(keys)
  })
})
