import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Settings } from '../../config/settings.js'
import { LIMITS } from '../../src/core/limits.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { findWorkflow, registerWorkflow } from '../../src/store/workflows.js'
import { useCluster, WORKFLOW } from '../support/cluster.js'
import type { NodeChild } from '../support/cluster-child.js'
import { expectClean, expectCompleteOnce, readReceipts } from '../support/cluster-ledger.js'
import type { Misdeed } from '../support/handlers/chaos-pages.js'
import steadyPages from '../support/handlers/steady-pages.js'
import { tell } from '../support/tell.js'

const ALWAYS = Number.MAX_SAFE_INTEGER
const FULL = LIMITS.packItemsMax
const FEW = 2
const STEADY_URL = new URL('../support/handlers/steady-pages.js', import.meta.url).href

interface Case {
  readonly misdeed: Misdeed
  readonly executor: 'process' | 'thread'
  readonly settings: Partial<Settings>
  /** How its worker died, in the words of its receipt. */
  readonly words: RegExp
}

const SILENT = { concurrency: FEW, silentMs: 2 * LIMITS.pingIntervalMs }
const FULL_HEAP = { concurrency: FEW, heapMb: 64 }
const SILENCE = /was killed: it gave no answer for 2 s$/

const CASES: readonly Case[] = [
  {
    ...{ executor: 'process', misdeed: 'exit', settings: { processes: 2, concurrency: FULL } },
    words: /^worker chaos-pages-\d+ \(pid \d+\) exited with code 7$/,
  },
  {
    ...{ executor: 'thread', misdeed: 'exit', settings: { threads: 2, concurrency: FULL } },
    words: /^worker chaos-pages-\d+ \(a thread of pid \d+\) exited with code 7$/,
  },
  {
    ...{ executor: 'process', misdeed: 'kill', settings: { concurrency: FULL } },
    words: /died of SIGKILL, which its supervisor did not send/,
  },
  { executor: 'process', misdeed: 'block', settings: SILENT, words: SILENCE },
  { executor: 'thread', misdeed: 'block', settings: SILENT, words: SILENCE },
  {
    ...{ executor: 'process', misdeed: 'heap', settings: FULL_HEAP },
    words: /(died of SIGABRT|exited with code 134), as Node ends when its heap is full/,
  },
  {
    ...{ executor: 'thread', misdeed: 'heap', settings: FULL_HEAP },
    words: /died: Worker terminated due to reaching memory limit/,
  },
  {
    ...{ executor: 'process', misdeed: 'gorge', settings: { concurrency: FEW, memoryMb: 256 } },
    words: /was killed: it took more than twice its memory of 256 MB$/,
  },
]

/**
 * Deaths that one poisonous item may cause, from the rules of `decideCrash`: its first leaves the
 * pack whole, each further one halves it until the item is alone, and three lonely ones quarantine
 * it. `test/unit/supervisor/poison.test.ts` derives this and holds it for any order of events.
 *
 * @param held items that its worker holds at most when it first dies.
 */
const deathsMax = (held: number) =>
  Math.max(1 + Math.ceil(Math.log2(held)), LIMITS.crashesBeforeIsolation) + LIMITS.lonelyCrashesMax

const deathsOf = (node: NodeChild) =>
  node.events('worker.exited').filter(({ expected }) => !expected).length

describe('cluster/poison', () => {
  const cluster = useCluster()

  /** Every neighbour complete once, nobody charged, the poison quarantined, and nothing paused. */
  async function expectQuarantined(keys: readonly string[], poison: readonly string[]) {
    const neighbours = keys.filter((key) => !poison.includes(key))
    await expectCompleteOnce(cluster, neighbours)
    const receipts = await readReceipts(cluster)
    expect(
      receipts.every(({ attempt }) => attempt === 1),
      'no attempt charged',
    ).to.equal(true)
    const errors = receipts.filter(({ status }) => status === 'error')
    expect(errors.map(({ itemKey }) => itemKey).toSorted()).to.deep.equal(poison.toSorted())
    expect(new Set(errors.map(({ code }) => code))).to.deep.equal(new Set(['poison']))
    expect(await findWorkflow(cluster.sql, WORKFLOW)).to.deep.include({ pausedBy: [] })
    return errors
  }

  for (const { executor, misdeed, settings, words } of CASES) {
    it(`isolates an item of a full pack whose ${misdeed} ends its ${executor}`, async () => {
      const keys = await cluster.enqueue(FULL, (index) =>
        index === 100 ? { misdeed, times: ALWAYS } : null,
      )
      const node = await cluster.start({ executor, ...settings })

      expectClean(await cluster.untilEmpty(), keys.length)

      const [poison] = await expectQuarantined(keys, ['k100'])
      expect(poison?.error).to.match(words)
      const deaths = deathsOf(node)
      tell(`${misdeed} in a ${executor}: ${deaths} deaths until the item was quarantined`)
      expect(deaths).to.be.within(LIMITS.lonelyCrashesMax, deathsMax(settings.concurrency ?? FULL))
      expect(cluster.origin.visitsOf('k100'), 'each death was its own').to.equal(deaths)
    })
  }

  it('finds several in one pack, and leaves the workflow running', async () => {
    const poison = ['k3', 'k100', 'k255']
    const keys = await cluster.enqueue(FULL, (index) =>
      poison.includes(`k${index}`) ? { misdeed: 'exit', times: ALWAYS } : null,
    )
    const node = await cluster.start({ processes: 2, concurrency: FULL })

    expectClean(await cluster.untilEmpty(), keys.length)

    await expectQuarantined(keys, poison)
    tell(`three in one pack: ${deathsOf(node)} deaths`)
    expect(deathsOf(node)).to.be.at.most(poison.length * deathsMax(FULL))
  })

  it('goes on with its neighbours and with other workflows while it hunts', async () => {
    const keys = await cluster.enqueue(2 * FULL, (index) =>
      index === 9 ? { misdeed: 'exit', times: ALWAYS } : null,
    )
    const { workflowId } = await registerWorkflow(cluster.sql, steadyPages.name)
    const steady = Array.from({ length: 200 }, (_, index) => `steady-${index}`)
    const items = steady.map((key) => ({
      key,
      payload: { url: cluster.origin.urlOf(key) },
      lane: '',
    }))
    await enqueueItems(cluster.sql, { workflowId, items, again: 'never' })
    cluster.origin.setLatency(30)
    const node = await cluster.start({ concurrency: FEW }, { alsoWorks: [STEADY_URL] })

    await cluster.untilEmpty()

    const receipts = await readReceipts(cluster)
    const steadyEnds = receipts.filter(({ itemKey }) => itemKey.startsWith('steady-'))
    expect(steadyEnds, 'one end each').to.have.lengthOf(steady.length)
    expect(new Set(steadyEnds.map(({ status }) => status))).to.deep.equal(new Set(['success']))
    const own = receipts.filter(({ itemKey }) => !itemKey.startsWith('steady-'))
    const first = own.findIndex(({ status }) => status === 'reclaimed')
    const last = own.findIndex(({ code }) => code === 'poison')
    expect(first).to.be.lessThan(last)
    const between = own.slice(first, last).filter(({ status }) => status === 'success')
    tell(`${between.length} neighbours complete during the hunt`)
    expect(between.length, 'neighbours complete during the hunt').to.be.greaterThan(0)
    const exited = node.events('worker.exited').filter(({ expected }) => !expected)
    expect(new Set(exited.map(({ workflow }) => workflow))).to.deep.equal(new Set([WORKFLOW]))
    expect(own.filter(({ status }) => status === 'success')).to.have.lengthOf(keys.length - 1)
  })
})
