import { expect } from 'chai'
import { describe, it } from 'mocha'
import { LIMITS } from '../../src/core/limits.js'
import { findWorkflow } from '../../src/store/workflows.js'
import { useCluster, WORKFLOW } from '../support/cluster.js'
import {
  countRefetches,
  expectClean,
  expectCompleteOnce,
  readReceipts,
} from '../support/cluster-ledger.js'
import type { Misdeed } from '../support/handlers/chaos-pages.js'

const SLOTS = 8
const DEADLY: readonly Misdeed[] = ['exit', 'throw-later', 'reject-later', 'heap', 'block']

describe('cluster/workers', () => {
  const cluster = useCluster()

  for (const executor of ['process', 'thread'] as const) {
    const misdeeds = executor === 'process' ? [...DEADLY, 'kill' as const] : DEADLY
    for (const misdeed of misdeeds) {
      it(`runs the items of a ${executor} elsewhere after its handler's ${misdeed}`, async () => {
        const keys = await cluster.enqueue(40, (index) => (index === 9 ? { misdeed } : null))
        const node = await cluster.start({
          executor,
          concurrency: SLOTS,
          silentMs: 3 * LIMITS.pingIntervalMs,
          heapMb: 64,
        })

        expectClean(await cluster.untilEmpty(), keys.length)

        await expectCompleteOnce(cluster, keys)
        const [death] = await node.until('worker.exited')
        expect(death).to.include({ expected: false, kind: executor })
        expect(countRefetches(cluster)).to.be.within(1, SLOTS)
        const receipts = await readReceipts(cluster)
        const lost = receipts.filter(({ status }) => status === 'reclaimed')
        expect(lost.map(({ itemKey }) => itemKey)).to.include('k9')
        expect(new Set(lost.map(({ code }) => code))).to.deep.equal(new Set(['worker_lost']))
        expect(
          receipts.every(({ attempt }) => attempt === 1),
          'no attempt charged',
        ).to.equal(true)
      })
    }
  }

  it('holds no worker while it is idle, and starts them for the next items', async () => {
    const node = await cluster.start({ workerIdleMs: 1_000, processes: 2 })
    expect(await node.workerPids()).to.deep.equal([])
    for (const round of [1, 2]) {
      const keys = await cluster.enqueue(40)
      expectClean(await cluster.untilEmpty(), 40 * round)
      expect(keys).to.have.length(40)
      expect(node.events('worker.started')).to.have.length(2 * round)
      await node.until('worker.exited', { count: 2 * round })
      expect(await node.workerPids()).to.deep.equal([])
    }
    expect(node.events('worker.exited').every(({ expected }) => expected)).to.equal(true)
    expect(node.events('workflow.paused')).to.deep.equal([])
    expect((await node.stop()).code).to.equal(0)
  })

  it('replaces a worker above its memory limit without losing what it works', async () => {
    const keys = await cluster.enqueue(400, (index) => (index === 9 ? { misdeed: 'swell' } : null))
    cluster.origin.setLatency(40)
    const node = await cluster.start({ concurrency: SLOTS, memoryMb: 300 })

    const [replaced] = await node.until('worker.replaced')
    const [exited] = await node.until('worker.exited')

    expect(replaced?.reason).to.equal('memory')
    expect(exited).to.include({ exitCode: 0, expected: true, itemsHeld: 0 })
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(countRefetches(cluster)).to.equal(0)
  })

  it('pauses a workflow whose module cannot be imported, and says why', async () => {
    const keys = await cluster.enqueue(20)
    const moduleUrl = new URL('../support/handlers/stillborn.js', import.meta.url).href
    const node = await cluster.start({}, { moduleUrl })

    const [paused] = await node.until('workflow.paused')

    expect(paused?.reason).to.match(/^module_refused: .*the module cannot be loaded/)
    expect(await findWorkflow(cluster.sql, WORKFLOW)).to.deep.include({
      pausedBy: ['module_refused'],
    })
    expect(await cluster.audit()).to.include({ queued: keys.length, isClean: true })
    await node.stop()
    await cluster.start()
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
  })
})
