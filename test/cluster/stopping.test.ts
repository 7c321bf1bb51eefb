import { expect } from 'chai'
import { describe, it } from 'mocha'
import { EXIT_CODES } from '../../src/core/errors.js'
import { useCluster } from '../support/cluster.js'
import { isRunning } from '../support/cluster-child.js'
import {
  countRefetches,
  expectClean,
  expectCompleteOnce,
  expectRefetchesExplained,
  readNodes,
  readReceipts,
} from '../support/cluster-ledger.js'

const SLOTS = 6

describe('cluster/stopping', () => {
  const cluster = useCluster()

  /** A node with every slot taken by a page that does not come. */
  async function startHeld(settings: { readonly drainMs: number }) {
    const keys = await cluster.enqueue(50)
    cluster.origin.hold()
    const node = await cluster.start({ ...settings, concurrency: SLOTS, processes: 2 })
    await cluster.origin.untilActive(SLOTS)
    return { node, keys, workers: await node.workerPids() }
  }

  async function expectNothingLeft(workers: readonly number[]) {
    expect(await Promise.all(workers.map(isRunning))).to.deep.equal(workers.map(() => false))
    expect((await cluster.audit()).processing).to.equal(0)
    const charged = await cluster.sql`
      select from fetchyard.work_queue where attempt + snoozes + crashes + lonely_crashes > 0`
    expect(charged).to.have.lengthOf(0)
  }

  for (const executor of ['process', 'thread'] as const) {
    it(`releases uncharged what a ${executor} has not ended at the drain deadline`, async () => {
      const keys = await cluster.enqueue(50)
      cluster.origin.hold()
      const node = await cluster.start({ drainMs: 300, concurrency: SLOTS, executor })
      await cluster.origin.untilActive(SLOTS)
      const workers = await node.workerPids()

      const exit = await node.stop()

      expect(exit).to.deep.equal({ code: EXIT_CODES.ok, signal: null })
      await expectNothingLeft(workers)
      expect(await readReceipts(cluster)).to.have.lengthOf(0)
      cluster.origin.release()
      await cluster.start({ concurrency: SLOTS })
      expectClean(await cluster.untilEmpty(), keys.length)
      await expectCompleteOnce(cluster, keys)
      expect(countRefetches(cluster)).to.equal(SLOTS)
    })
  }

  // A terminal's Ctrl-C reaches the workers too: they must leave it to their supervisor.
  it('finishes what is in flight when it is asked to stop, and leaves nothing behind', async () => {
    const { node, keys, workers } = await startHeld({ drainMs: 30_000 })

    for (const pid of [...workers, node.pid]) process.kill(pid, 'SIGINT')
    await node.until('supervisor.stopping')
    cluster.origin.release()
    const exit = await node.exited

    expect(exit).to.deep.equal({ code: EXIT_CODES.ok, signal: null })
    await expectNothingLeft(workers)
    const report = await cluster.audit()
    expect(report).to.include({ finished: SLOTS, queued: keys.length - SLOTS, isClean: true })
    await expectCompleteOnce(cluster, keys.slice(0, SLOTS))
    expect(cluster.origin.log).to.have.lengthOf(SLOTS)
    expect((await readNodes(cluster)).map((row) => row.fencedWhy)).to.deep.equal([
      'it stopped in order',
    ])
  })

  it('ends at once when its workers are still starting', async () => {
    const keys = await cluster.enqueue(50)
    const node = await cluster.start({ executor: 'both', processes: 2, threads: 2 })

    const exit = await node.stop()

    expect(exit).to.deep.equal({ code: EXIT_CODES.ok, signal: null })
    const stages = node.events('supervisor.stopping').map(({ stage }) => stage)
    expect(stages, 'no deadline passed').to.deep.equal(['drain'])
    const { finished, queued, isClean } = await cluster.audit()
    expect({ all: finished + queued, isClean }).to.deep.equal({ all: keys.length, isClean: true })
  })

  // A death is a death, also of a worker that was about to end: whoever did it must not look
  // innocent.
  it('keeps a receipt of what a worker lost that died while it drained', async () => {
    await cluster.enqueue(SLOTS, (index) => (index === 2 ? { misdeed: 'exit' } : null))
    cluster.origin.hold()
    const node = await cluster.start({ concurrency: SLOTS })
    await cluster.origin.untilActive(SLOTS)

    node.signal('SIGTERM')
    await node.until('supervisor.stopping')
    cluster.origin.release()
    await node.exited

    expect(await cluster.audit()).to.include({ processing: 0, isClean: true })
    const lost = (await readReceipts(cluster)).filter(({ status }) => status === 'reclaimed')
    expect(lost.map(({ itemKey }) => itemKey)).to.include('k2')
    expect(lost.find(({ itemKey }) => itemKey === 'k2')?.code).to.equal('worker_lost')
    await expectRefetchesExplained(cluster)
  })

  it('halts at the second stop: nothing is waited for, everything is given back', async () => {
    const { node, keys, workers } = await startHeld({ drainMs: 600_000 })

    node.signal('SIGTERM')
    await node.until('supervisor.stopping', { where: ({ stage }) => stage === 'drain' })
    node.signal('SIGTERM')
    const exit = await node.exited

    expect(exit).to.deep.equal({ code: EXIT_CODES.ok, signal: null })
    await expectNothingLeft(workers)
    expect(await cluster.audit()).to.include({ queued: keys.length, isClean: true })
    expect(await readReceipts(cluster)).to.have.lengthOf(0)
  })
})
