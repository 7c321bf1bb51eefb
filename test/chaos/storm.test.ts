// A storm of random faults, drawn from a seed. It prints the seed; FETCHYARD_SEED replays the same
// choices, though not the same instants: processes are real.

import { expect } from 'chai'
import { describe, it } from 'mocha'
import { EXIT_CODES } from '../../src/core/errors.js'
import { randomInteger, seededRandom } from '../../src/core/random.js'
import { useCluster } from '../support/cluster.js'
import type { NodeChild } from '../support/cluster-child.js'
import {
  expectClean,
  expectCompleteOnce,
  expectRefetchesExplained,
  readNodes,
  readReceipts,
} from '../support/cluster-ledger.js'
import { eventually } from '../support/poll.js'
import { tell } from '../support/tell.js'

/** How often each kind of fault comes. */
const TIMES_EACH = 2
/** Items are added when fewer than this wait. */
const QUEUED_MIN = 600
/** Requests between two faults. */
const CALM = { min: 40, max: 120 }
const SETTINGS = {
  leaseMs: 3_000,
  heartbeatMs: 400,
  sweepMs: 250,
  executor: 'both',
  processes: 2,
  concurrency: 12,
} as const
const POISON = 'k77'

const seed = Number(process.env.FETCHYARD_SEED ?? Math.floor(Math.random() * 2 ** 32))

describe(`chaos/storm (FETCHYARD_SEED=${seed})`, () => {
  const cluster = useCluster()
  const random = seededRandom(seed)
  let nodes: NodeChild[] = []

  const pick = <T>(list: readonly T[]): T | undefined =>
    list[randomInteger(random, { min: 0, max: Math.max(0, list.length - 1) })]
  const someNode = () => randomInteger(random, { min: 0, max: nodes.length - 1 })

  async function replace(index: number): Promise<void> {
    nodes[index] = await cluster.start(SETTINGS)
  }

  const FAULT_KINDS: { readonly [fault: string]: () => Promise<void> } = {
    'kill a worker': async () => {
      const victim = pick((await nodes[someNode()]?.workerPids()) ?? [])
      if (victim !== undefined) process.kill(victim, 'SIGKILL')
    },
    'kill a supervisor and start another': async () => {
      const index = someNode()
      nodes[index]?.signal('SIGKILL')
      await nodes[index]?.exited
      await replace(index)
    },
    'stop a supervisor and start another': async () => {
      const index = someNode()
      await nodes[index]?.stop()
      await replace(index)
    },
    'freeze a supervisor past its lease': async () => {
      const index = someNode()
      const sleeper = nodes[index]
      sleeper?.signal('SIGSTOP')
      await eventually({ words: 'the fencing of a sleeper' }, async () => {
        const rows = await readNodes(cluster)
        return rows.some(({ pid, fencedWhy }) => pid === sleeper?.pid && fencedWhy !== null)
      })
      sleeper?.signal('SIGCONT')
      expect((await sleeper?.exited)?.code).to.equal(EXIT_CODES.temporary)
      await replace(index)
    },
    'freeze a worker for a moment': async () => {
      const sleeper = pick((await nodes[someNode()]?.workerPids()) ?? [])
      if (sleeper === undefined) return
      process.kill(sleeper, 'SIGSTOP')
      await calm()
      process.kill(sleeper, 'SIGCONT')
    },
    'cut all connections': async () => {
      await cluster.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'fetchyard' and datname = current_database()`
    },
    'pause and resume': async () => {
      await cluster.pause('storm')
      await cluster.resume('storm')
    },
  }

  /** Every kind as often as the others, in an order that the seed decides. */
  function shuffledFaults(): readonly string[] {
    const deck = Array.from({ length: TIMES_EACH }, () => Object.keys(FAULT_KINDS)).flat()
    for (let last = deck.length - 1; last > 0; last -= 1) {
      const other = randomInteger(random, { min: 0, max: last })
      const [a = '', b = ''] = [deck[last], deck[other]]
      deck[last] = b
      deck[other] = a
    }
    return deck
  }

  async function calm(): Promise<void> {
    const wanted = randomInteger(random, CALM)
    await cluster.origin.untilAsked(cluster.origin.log.length + wanted)
  }

  /**
   * What a process manager does with a supervisor that a busy machine made late for its heartbeat.
   */
  async function revive(): Promise<void> {
    for (const [index, node] of nodes.entries()) {
      if (node.hasExited()) await replace(index)
    }
  }

  async function topUp(keys: string[]): Promise<void> {
    const { checks, queued } = await cluster.audit()
    expect(checks.filter((check) => check.violations > 0)).to.deep.equal([])
    if (queued >= QUEUED_MIN) return
    const fresh = await cluster.enqueue(2 * QUEUED_MIN, (index) => {
      if (`k${index}` === POISON) return { misdeed: 'exit', times: Number.MAX_SAFE_INTEGER }
      return index % 500 === 250 ? { misdeed: 'throw-later' } : null
    })
    for (const key of fresh.slice(0, 3)) cluster.origin.fail(key, { status: 503, times: 2 })
    keys.push(...fresh)
  }

  it('keeps every promise through faults of every kind', async () => {
    const keys: string[] = []
    cluster.origin.setLatency(40)
    await topUp(keys)
    nodes = await Promise.all([cluster.start(SETTINGS), cluster.start(SETTINGS)])

    for (const fault of shuffledFaults()) {
      await calm()
      await revive()
      await FAULT_KINDS[fault]?.()
      await topUp(keys)
    }
    await revive()

    expectClean(await cluster.untilEmpty(), keys.length)
    await expectReckoning(keys)
  })

  async function expectReckoning(keys: readonly string[]): Promise<void> {
    const receipts = await readReceipts(cluster)
    const errors = receipts.filter(({ status }) => status === 'error')
    expect(errors.map(({ itemKey, code }) => `${itemKey} ${code}`)).to.deep.equal([
      `${POISON} poison`,
    ])
    await expectCompleteOnce(
      cluster,
      keys.filter((key) => key !== POISON),
    )
    const refetches = await expectRefetchesExplained(cluster)
    tell(
      `${keys.length} items: lost 0, applied twice 0, fetched again ${refetches} ` +
        `(${receipts.filter(({ status }) => status === 'reclaimed').length} reclaims)`,
    )
  }
}).timeout(180_000)
