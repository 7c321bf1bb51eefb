import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { type ProxyApi, startProxyApi } from '../../supervisor/demo/proxy-api/proxy-api.js'
import { useCluster } from '../support/cluster.js'
import type { NodeChild } from '../support/cluster-child.js'
import { expectClean, expectCompleteOnce } from '../support/cluster-ledger.js'
import { eventually } from '../support/poll.js'

const KEY = 'plan-key'
const PLAN = 12
const LOW = 3
/** Calls of 0.1 to 0.4 s, so that what is in flight ends soon. */
const LATENCY = { medianMs: 200, spread: 0.2, tailPerMille: 0 }

describe('cluster/plan', () => {
  const cluster = useCluster()
  let api: ProxyApi | null = null
  afterEach(() => api?.close())

  async function open() {
    const opened = await startProxyApi({
      ...{ key: KEY, limit: PLAN, latency: LATENCY },
      faults: { failPerMille: 20 },
    })
    api = opened
    const start = () =>
      cluster.start({
        ...{ upstream: 'proxy-api', upstreamKey: KEY, upstreamEndpoints: opened.endpoints },
        ...{ concurrency: 20, attempts: 10 },
      })
    const untilEnded = (calls: number) =>
      eventually({ words: `${calls} ended calls`, seen: opened.counts }, () => {
        return opened.counts().ended >= calls
      })
    return { api: opened, start, untilEnded }
  }

  const untilShare = (nodes: readonly NodeChild[], share: number) =>
    eventually({ words: `a share of ${share} at most each` }, () =>
      nodes.every((node) => {
        const limit = node.events('concurrency.changed').at(-1)?.limit ?? 0
        return limit >= 1 && limit <= share
      }),
    )

  it('follows a plan that drops and rises again, with few calls refused and no stall', async () => {
    const { api, start, untilEnded } = await open()
    const keys = await cluster.enqueue(300)
    const nodes = await Promise.all([start(), start()])
    await untilShare(nodes, PLAN / 2)
    await untilEnded(60)
    const { refused: before } = api.counts()
    expect(before.limit, 'refusals of a plan that is known').to.be.at.most(PLAN / 2)

    api.setLimit(LOW)
    await eventually({ words: 'no more in flight than the lower plan' }, () => {
      return api.counts().inFlight <= LOW
    })
    await untilEnded(api.counts().ended + 5 * LOW)
    api.setLimit(PLAN)
    await eventually({ words: 'the whole plan in use again' }, () => {
      return api.counts().inFlight > PLAN / 2
    })
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    // A burst when it drops, and what comes too early afterwards: not a storm.
    const { refused, calls } = api.counts()
    expect(refused.limit / calls, `${refused.limit} of ${calls} refused`).to.be.at.most(0.1)
  })

  // Their calls take 4 s. A refusal takes milliseconds, and there is always a next item.
  it('asks now and then while others use the whole plan, and fails no page', async () => {
    const { api, start, untilEnded } = await open()
    api.setLimit(LOW)
    api.setLatency({ medianMs: 4_000, spread: 0, tailPerMille: 0 })
    const urlOf = (n: number) => encodeURIComponent(`https://others${n}.com/`)
    const others = Array.from({ length: LOW }, (_, n) =>
      fetch(`${api.endpoints[0]}?api_key=${KEY}&url=${urlOf(n)}`).then((answer) => answer.text()),
    )
    await eventually({ words: 'a plan that is used up' }, () => api.counts().inFlight === LOW)
    api.setLatency(LATENCY)
    const keys = await cluster.enqueue(20)
    await start()
    await untilEnded(LOW)
    await Promise.all(others)
    const { refused } = api.counts()
    expect(refused.limit, 'calls without room').to.be.at.most(10)
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
  })

  it('has nothing refused any more once a node that came has been heard of', async () => {
    const { api, start, untilEnded } = await open()
    const keys: string[] = []
    let isEnough = false
    // However long a node takes to start, there is always more work than the plan lets be done.
    const feed = async () => {
      while (!isEnough) {
        if (keys.length - api.counts().ended < 5 * PLAN) keys.push(...(await cluster.enqueue(PLAN)))
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    const steady = async () => {
      const nodes = [await start(), await start()]
      await untilShare(nodes, PLAN / 2)
      nodes.push(await start())
      await untilShare(nodes, PLAN / 3)
      // What was begun under the old shares ends.
      await untilEnded(api.counts().ended + 2 * PLAN)
      const { refused: before } = api.counts()
      await untilEnded(api.counts().ended + 5 * PLAN)
      return before
    }
    const feeding = feed()
    const before = await steady().finally(() => {
      isEnough = true
    })
    await feeding
    expect(api.counts().refused.limit - before.limit).to.equal(0)
    expect(before.limit, 'refusals while the plan was divided anew').to.be.at.most(PLAN)
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
  })
})
