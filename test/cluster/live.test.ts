// Two real supervisors at work, watched over both their sockets: every frame fits the schema that is
// shipped, and both tell of the whole cluster.

import { expect } from 'chai'
import { describe, it } from 'mocha'
import { enqueueItems } from '../../src/store/enqueue.js'
import { registerWorkflow } from '../../src/store/workflows.js'
import { LIVE_TOPICS, type LiveStates } from '../../src/telemetry/live-topics.js'
import { applyPatch, type LivePatch, type LiveState } from '../../src/telemetry/merge-patch.js'
import { useCluster, WORKFLOW } from '../support/cluster.js'
import type { NodeChild } from '../support/cluster-child.js'
import { eventually } from '../support/poll.js'
import { type Frame, type LiveSocket, openSocket } from '../web/support/live-socket.js'
import { createJudge } from '../web/support/schema.js'
import { TOKEN } from '../web/support/yard.js'

const judge = createJudge({ isStrict: true })
const BEARER = { authorization: `Bearer ${TOKEN}` }
const SETTINGS = { port: 0, token: TOKEN, heartbeatMs: 500, concurrency: 4 }

/** A client that keeps the states as every client does, and judges what comes. */
class Watcher {
  readonly #socket: LiveSocket
  readonly faults: string[] = []
  readonly frames: Frame[] = []
  readonly ended: Promise<void>
  #states = new Map<string, LiveState>()

  constructor(socket: LiveSocket) {
    this.#socket = socket
    this.ended = this.#read()
  }

  get closed() {
    return this.#socket.closed
  }

  /** The states as they are now; the schema has judged them. */
  get states(): Partial<LiveStates> {
    return Object.fromEntries(this.#states)
  }

  say(message: unknown): void {
    this.#socket.say(message)
  }

  async #read(): Promise<void> {
    for (;;) {
      const frame = await Promise.race([this.#socket.next(), this.#socket.closed.then(() => null)])
      if (frame === null) return
      this.frames.push(frame)
      this.#judge('serverFrame', frame)
      if (frame.t === 'snap') this.#states.set(String(frame.topic), frame.d as LiveState)
      if (frame.t === 'delta') this.#take(frame)
    }
  }

  #take({ topic, d }: Frame): void {
    const name = String(topic)
    const state = applyPatch(this.#states.get(name) ?? {}, d as LivePatch)
    this.#states.set(name, state)
    this.#judge(name, state)
  }

  #judge(definition: string, document: unknown): void {
    if (this.faults.length < 20) this.faults.push(...judge(definition, document))
  }
}

const portOf = (node: NodeChild) => Number(new URL(node.dashboardUrl() ?? '').port)

async function watch(node: NodeChild): Promise<Watcher> {
  const watcher = new Watcher(await openSocket(portOf(node)))
  watcher.say({ t: 'sub', topics: [...LIVE_TOPICS], hz: 4 })
  return watcher
}

describe('cluster/live', () => {
  const cluster = useCluster()

  /** Items of two hosts, as far as their lanes tell. */
  const enqueue = async (count: number) => {
    const items = Array.from({ length: count }, (_, index) => ({
      key: `lane-${index}`,
      payload: { url: cluster.origin.urlOf(`lane-${index}`) },
      lane: index % 2 === 0 ? 'even.test' : 'odd.test',
    }))
    const { workflowId } = await registerWorkflow(cluster.sql, WORKFLOW)
    await enqueueItems(cluster.sql, { workflowId, items, again: 'never' })
  }

  it('tells of the whole cluster from either node, in frames that fit the schema', async () => {
    cluster.origin.setLatency(20)
    cluster.origin.fail('lane-3', { status: 500, times: 1 })
    cluster.origin.fail('lane-4', { status: 404, times: 9 })
    const nodes = [await cluster.start(SETTINGS), await cluster.start(SETTINGS)] as const
    const [one, other] = [await watch(nodes[0]), await watch(nodes[1])]
    await Promise.all(nodes.map((node) => node.until('worker.ready')))
    await enqueue(600)
    for (const { states } of [one, other].map((watcher) => ({ states: () => watcher.states }))) {
      const seen = () => states()
      await eventually({ words: 'both nodes at work', seen }, () => {
        const { stats, nodes: told, lanes, workflows } = states()
        const workers = Object.values(told ?? {}).map((node) => Object.keys(node.workers).length)
        const lane = lanes?.[WORKFLOW]?.['even.test']
        const share = workflows?.[WORKFLOW]?.cluster
        return (
          stats?.cluster.nodes === 2 &&
          stats.cluster.slots.total === 8 &&
          share?.workers === 2 &&
          workers.length === 2 &&
          workers.every((count) => count === 1) &&
          lane?.nodes === 2
        )
      })
    }
    await cluster.pause('test')
    await cluster.resume('test')
    for (const verb of ['pause', 'resume']) {
      const url = `http://127.0.0.1:${portOf(nodes[0])}/api/workflows/${WORKFLOW}/${verb}`
      const order = { method: 'POST', headers: BEARER, body: '{"by":"Zoë"}' }
      const type = { 'content-type': 'application/json' }
      const { status } = await fetch(url, { ...order, headers: { ...BEARER, ...type } })
      expect(status).to.equal(200)
    }
    // An order of one node's is an event on both, once, and the other one says whose it is.
    const ordersOf = ({ states: { events } }: Watcher) =>
      Object.values(events ?? {}).filter(({ words }) => words.includes('by Zoë'))
    await eventually({ words: 'both orders, on both', seen: () => other.states.events }, () =>
      [one, other].every((watcher) => ordersOf(watcher).length >= 2),
    )
    const orders = [ordersOf(one), ordersOf(other)]
    expect(orders[0]?.every((event) => !('node' in event))).to.equal(true)
    expect(orders[1]?.every(({ node }) => typeof node === 'string')).to.equal(true)
    await cluster.untilEmpty()
    const isDone = ({ states: { stats } }: Watcher) => stats?.items.complete === 599
    await eventually({ words: 'the end, on both', seen: () => one.states.stats }, () =>
      [one, other].every(isDone),
    )
    await eventually({ words: 'all attempts, on both', seen: () => one.states.stats }, () =>
      [one, other].every(({ states: { stats } }) => stats?.cluster.attempts === 601),
    )
    for (const watcher of [one, other]) expect(ordersOf(watcher)).to.have.length(2)
    one.say({ t: 'resync' })
    for (const topic of LIVE_TOPICS) {
      const answer = await fetch(`http://127.0.0.1:${portOf(nodes[1])}/api/${topic}`, {
        headers: BEARER,
      })
      expect(judge('topicAnswer', JSON.parse(await answer.text()))).to.deep.equal([])
    }
    await nodes[0].stop()
    await one.ended
    expect(one.frames.at(-1)).to.include({ t: 'bye' })
    await eventually({ words: 'one node left', seen: () => other.states.nodes }, () => {
      const { stats, nodes: told } = other.states
      const states = Object.values(told ?? {}).map(({ state }) => state)
      return stats?.cluster.nodes === 1 && states.sort().join() === 'alive,fenced'
    })
    await nodes[1].stop()
    await other.ended
    expect([...one.faults, ...other.faults]).to.deep.equal([])
    expect(new Set(one.frames.map(({ t }) => t))).to.include.keys('hello', 'snap', 'delta', 'bye')
  })
})
