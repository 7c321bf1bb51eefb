// Real kills of real processes. Times are measured and printed, never asserted: order is.

import { expect } from 'chai'
import { describe, it } from 'mocha'
import { EXIT_CODES } from '../../src/core/errors.js'
import { useCluster } from '../support/cluster.js'
import { untilGone } from '../support/cluster-child.js'
import type { Receipt } from '../support/cluster-ledger.js'
import {
  countRefetches,
  expectClean,
  expectCompleteOnce,
  readNodes,
  readReceipts,
} from '../support/cluster-ledger.js'
import { eventually } from '../support/poll.js'
import { tell } from '../support/tell.js'

const SLOTS = 8
/** A lease that no test can outwait: whatever is reclaimed under it was not waited for. */
const LONG = { leaseMs: 3_600_000, heartbeatMs: 1_000 }
const SHORT = { leaseMs: 4_000, heartbeatMs: 500, sweepMs: 250 }

const countOf = (receipts: readonly Receipt[], status: string) =>
  receipts.filter((receipt) => receipt.status === status).length

describe('chaos/kills', () => {
  const cluster = useCluster()

  it('runs the items of a killed child process again, and no others', async () => {
    // As many as there are slots: nothing is leased ahead that could go first.
    const keys = await cluster.enqueue(SLOTS)
    cluster.origin.hold()
    const node = await cluster.start({ ...LONG, processes: 2, concurrency: SLOTS })
    await cluster.origin.untilActive(SLOTS)
    const [victim = 0] = await node.workerPids()
    const victims = cluster.origin.log.filter(({ pid }) => pid === victim).map(({ key }) => key)

    process.kill(victim, 'SIGKILL')
    const killedMs = performance.now()
    await cluster.origin.untilAsked(SLOTS + victims.length)
    tell(`worker killed; its items under way again after ${passed(killedMs)}`)

    const again = cluster.origin.log.slice(SLOTS).map(({ key }) => key)
    expect(again.sort()).to.deep.equal(victims.sort())
    cluster.origin.release()
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(countRefetches(cluster)).to.equal(victims.length)
    const receipts = await readReceipts(cluster)
    expect(countOf(receipts, 'reclaimed')).to.equal(victims.length)
    expect(
      receipts.every(({ attempt }) => attempt === 1),
      'no attempt charged',
    ).to.equal(true)
  })

  for (const executor of ['process', 'thread'] as const) {
    it(`runs the items of a killed supervisor again at the next boot (${executor})`, async () => {
      const keys = await cluster.enqueue(40)
      cluster.origin.hold()
      const first = await cluster.start({ ...LONG, executor, concurrency: SLOTS })
      await cluster.origin.untilActive(SLOTS)

      const orphans = await first.workerPids()
      first.signal('SIGKILL')
      await first.exited
      const killedMs = performance.now()
      await cluster.start({ ...LONG, executor, concurrency: SLOTS })
      await cluster.origin.untilAsked(2 * SLOTS)
      tell(`supervisor killed and started; its items under way again after ${passed(killedMs)}`)

      const [dead, alive] = await readNodes(cluster)
      const by = `found dead by .* \\(pid ${alive?.pid}\\)$`
      expect(dead?.fencedWhy).to.match(new RegExp(`^its process \\(pid ${dead?.pid}\\) was ${by}`))
      expect(alive?.fencedWhy).to.equal(null)
      cluster.origin.release()
      expectClean(await cluster.untilEmpty(), keys.length)
      await expectCompleteOnce(cluster, keys)
      expect(countRefetches(cluster)).to.equal(SLOTS)
      const successes = (await readReceipts(cluster)).filter(({ status }) => status === 'success')
      expect(new Set(successes.map(({ nodeId }) => nodeId))).to.deep.equal(new Set([alive?.nodeId]))
      await untilGone(orphans)
    })
  }

  it('gives the items of a killed supervisor to another when its lease runs out', async () => {
    const keys = await cluster.enqueue(60)
    cluster.origin.hold()
    const settings = { ...SHORT, concurrency: SLOTS }
    const [victim, other] = await Promise.all([cluster.start(settings), cluster.start(settings)])
    await cluster.origin.untilActive(2 * SLOTS)

    victim.signal('SIGKILL')
    await victim.exited
    const killedMs = performance.now()
    await other.until('items.reclaimed')
    tell(`host lost; its items ready again after ${passed(killedMs)} (lease ${SHORT.leaseMs} ms)`)
    cluster.origin.release()

    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(countRefetches(cluster)).to.equal(SLOTS)
    const dead = (await readNodes(cluster)).find(({ pid }) => pid === victim.pid)
    expect(dead?.fencedWhy).to.match(
      new RegExp(`^its lease ran out at .*Z; fenced by .* \\(pid ${other.pid} on .*\\)$`),
    )
  })

  // The zombie: its workers went on while it was frozen, and their results wait for it when it
  // wakes up.
  it('lets a supervisor that slept past its lease write nothing, and ends it with 75', async () => {
    const keys = await cluster.enqueue(60)
    cluster.origin.hold()
    const settings = { ...SHORT, concurrency: SLOTS }
    const [zombie, other] = await Promise.all([cluster.start(settings), cluster.start(settings)])
    await cluster.origin.untilActive(2 * SLOTS)

    zombie.signal('SIGSTOP')
    await other.until('items.reclaimed')
    cluster.origin.release()
    expectClean(await cluster.untilEmpty(), keys.length)
    zombie.signal('SIGCONT')

    expect(await zombie.exited).to.deep.equal({ code: EXIT_CODES.temporary, signal: null })
    expectClean(await cluster.audit(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(countRefetches(cluster)).to.equal(SLOTS)
    const dead = (await readNodes(cluster)).find(({ pid }) => pid === zombie.pid)
    const its = (await readReceipts(cluster)).filter(({ nodeId }) => nodeId === dead?.nodeId)
    expect(new Set(its.map(({ status }) => status))).to.deep.equal(new Set(['reclaimed']))
    const rejected = zombie.events('item.settled').filter(({ state }) => state !== 'rejected')
    expect(rejected, 'outcomes that counted').to.deep.equal([])
  })

  // Nobody fenced it, so the leases are still its own: the database decides, not the clock.
  it('lets a supervisor that slept past its lease alone go on where it was', async () => {
    const keys = await cluster.enqueue(60)
    cluster.origin.hold()
    const node = await cluster.start({ leaseMs: 1_500, heartbeatMs: 250, concurrency: SLOTS })
    await cluster.origin.untilActive(SLOTS)

    node.signal('SIGSTOP')
    await eventually({ words: 'the end of the lease' }, async () => {
      const rows = await cluster.sql`select from fetchyard.node where alive_until < now()`
      return rows.length === 1
    })
    cluster.origin.release()
    node.signal('SIGCONT')

    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(countRefetches(cluster)).to.equal(0)
    expect(await node.stop()).to.deep.equal({ code: EXIT_CODES.ok, signal: null })
  })
})

const passed = (sinceMs: number) => `${Math.round(performance.now() - sinceMs)} ms`
