// Drains of the real program under load: every trigger, once and twice, on every executor, and in the
// situations that get in the way.

import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { EXIT_CODES } from '../../src/core/errors.js'
import { useCluster } from '../support/cluster.js'
import { childrenOf, untilGone } from '../support/cluster-child.js'
import {
  countRefetches,
  expectClean,
  expectCompleteOnce,
  readNodes,
  readReceipts,
} from '../support/cluster-ledger.js'
import { eventually } from '../support/poll.js'
import { type Program, startProgram, useDirectory } from './program.js'

const MODULE = fileURLToPath(new URL('../support/handlers/chaos-pages.js', import.meta.url))
const SLOTS = 6
const ITEMS = 240
/** Said when what is in flight did not end in its time. */
const DEADLINE = 'the drain deadline passed'

type Trigger = 'SIGTERM' | 'SIGINT' | 'shutdown'
type Executor = 'process' | 'thread' | 'both'

/** Each trigger once and twice, each executor with both. */
const MATRIX: readonly (readonly [trigger: Trigger, times: 1 | 2, executor: Executor])[] = [
  ['SIGTERM', 1, 'process'],
  ['SIGTERM', 2, 'thread'],
  ['SIGINT', 1, 'thread'],
  ['SIGINT', 2, 'both'],
  ['shutdown', 1, 'both'],
  ['shutdown', 2, 'process'],
]

function pull(program: Program, trigger: Trigger): void {
  if (trigger === 'shutdown') program.child.send('shutdown')
  else program.child.kill(trigger)
}

describe('cli: drain', () => {
  const cluster = useCluster()
  const directory = useDirectory()
  const programs: Program[] = []
  afterEach(async () => {
    for (const { child } of programs) child.kill('SIGKILL')
    await Promise.all(programs.splice(0).map(({ ended }) => ended))
  })

  function startUp(executor: Executor, more: readonly string[] = []): Program {
    const words = [
      ...['up', MODULE, '--port', 'off', '--allow-ranges', 'loopback', '--executor', executor],
      ...['--concurrency', `${SLOTS}`, '--processes', '2', '--threads', '2', ...more],
    ]
    const environment = { DATABASE_URL: cluster.url }
    const program = startProgram(words, { cwd: directory.path, environment, hasChannel: true })
    programs.push(program)
    return program
  }

  /** A node with every slot taken by a page that does not come. */
  async function startHeld(executor: Executor, more: readonly string[] = []) {
    const keys = await cluster.enqueue(ITEMS)
    cluster.origin.hold()
    const program = startUp(executor, more)
    await cluster.origin.untilActive(SLOTS)
    return { program, keys, workers: await childrenOf(program.child.pid ?? 0) }
  }

  /** No child, no lease, no connection, nobody charged, and the node is out of the cluster. */
  async function expectNothingLeft(workers: readonly number[]) {
    await untilGone(workers)
    const charged = await cluster.sql`
      select from fetchyard.work_queue
       where attempt + snoozes + crashes + lonely_crashes > 0 or lease_id is not null`
    expect(charged, 'packs leased or charged').to.have.lengthOf(0)
    await eventually({ words: 'the end of its connections' }, async () => {
      const open = await cluster.sql`
        select from pg_stat_activity
         where datname = current_database() and application_name = 'fetchyard'
           and pid <> pg_backend_pid()`
      return open.length === 0
    })
    const nodes = (await readNodes(cluster)).map(({ fencedWhy }) => fencedWhy)
    expect(nodes).to.deep.equal(['it stopped in order'])
  }

  /** What was in flight was fetched for nothing at most once, and everything comes to its end. */
  async function expectRest(keys: readonly string[], refetches: number) {
    cluster.origin.release()
    await cluster.start({ concurrency: 40 })
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(countRefetches(cluster), 'pages fetched again').to.equal(refetches)
  }

  for (const [trigger, times, executor] of MATRIX) {
    const asked = times === 1 ? 'once' : 'twice'
    it(`ends with 0 after ${trigger} ${asked}, working in ${executor}`, async () => {
      if (times === 2) {
        const { program, keys, workers } = await startHeld(executor, ['--drain', '10m'])
        pull(program, trigger)
        await program.says('draining 6 in flight, up to 600 s;')
        // One that comes within a second is an echo of the first: again until it is none.
        const again = setInterval(() => pull(program, trigger), 250)
        const ended = await program.ended.finally(() => clearInterval(again))

        expect(ended.exitCode, ended.stderr).to.equal(EXIT_CODES.ok)
        expect(ended.stderr).to.contain('stopping at once; 6 in flight are given back.')
        await expectNothingLeft(workers)
        expect(await readReceipts(cluster), 'receipts').to.have.lengthOf(0)
        return expectRest(keys, SLOTS)
      }
      // Leases, fetches and settles are all under way when it comes.
      const keys = await cluster.enqueue(ITEMS)
      cluster.origin.setLatency(25)
      const program = startUp(executor)
      await cluster.origin.untilAsked(4 * SLOTS)
      const workers = await childrenOf(program.child.pid ?? 0)
      pull(program, trigger)
      const ended = await program.ended

      expect(ended.exitCode, ended.stderr).to.equal(EXIT_CODES.ok)
      expect(ended.stderr).to.contain(`${trigger}: draining`).and.not.contain(DEADLINE)
      await expectNothingLeft(workers)
      const receipts = await readReceipts(cluster)
      expect(new Set(receipts.map(({ status }) => status))).to.deep.equal(new Set(['success']))
      expect(receipts, 'all it fetched is written').to.have.lengthOf(cluster.origin.log.length)
      return expectRest(keys, 0)
    })
  }

  for (const executor of ['process', 'thread'] as const) {
    it(`gives back uncharged what a hung ${executor} holds at the deadline`, async () => {
      const keys = await cluster.enqueue(ITEMS, (index) =>
        index === 2 ? { misdeed: 'block', times: 1 } : null,
      )
      const program = startUp(executor, ['--drain', '1s'])
      await cluster.origin.untilAsked(SLOTS)
      await eventually({ words: 'a worker that hangs' }, () => cluster.origin.visitsOf('k2') > 0)
      const workers = await childrenOf(program.child.pid ?? 0)
      pull(program, 'SIGTERM')
      const ended = await program.ended

      expect(ended.exitCode, ended.stderr).to.equal(EXIT_CODES.ok)
      expect(ended.stderr).to.contain(DEADLINE)
      await expectNothingLeft(workers)
      const statuses = new Set((await readReceipts(cluster)).map(({ status }) => status))
      expect([...statuses].filter((status) => status !== 'success')).to.deep.equal([])
      await cluster.start({ concurrency: 40 })
      expectClean(await cluster.untilEmpty(), keys.length)
      await expectCompleteOnce(cluster, keys)
    })
  }

  it('finishes what is in flight while its workflow is paused', async () => {
    const { program, keys, workers } = await startHeld('both')
    await cluster.pause('operator')
    pull(program, 'SIGTERM')
    await program.says('draining')
    cluster.origin.release()
    const ended = await program.ended

    expect(ended.exitCode, ended.stderr).to.equal(EXIT_CODES.ok)
    await expectNothingLeft(workers)
    expect(await readReceipts(cluster)).to.have.lengthOf(SLOTS)
    await cluster.resume('operator')
    await expectRest(keys, 0)
  })

  it('does not wait for a worker that is being replaced', async () => {
    const { program, keys, workers } = await startHeld('process')
    for (const worker of workers) process.kill(worker, 'SIGKILL')
    pull(program, 'SIGTERM')
    cluster.origin.release()
    const ended = await program.ended

    expect(ended.exitCode, ended.stderr).to.equal(EXIT_CODES.ok)
    expect(ended.stderr).to.not.contain(DEADLINE)
    await untilGone(workers)
    expect(await cluster.audit()).to.include({ processing: 0, isClean: true })
    await cluster.start({ concurrency: 40 })
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
  })

  // Nobody can give a lease back past a lock: the program ends all the same, and the next boot takes
  // over what it held.
  it('ends although the database stands still, and loses nothing', async () => {
    const { program, keys, workers } = await startHeld('process', ['--drain', '500ms'])
    await cluster.sql.begin(async (transaction) => {
      await transaction`lock table fetchyard.work_queue in access exclusive mode`
      pull(program, 'SIGTERM')
      cluster.origin.release()
      const ended = await program.ended
      expect(ended.exitCode, ended.stderr).to.equal(EXIT_CODES.ok)
      expect(ended.stderr).to.contain(DEADLINE)
    })
    await untilGone(workers)
    await cluster.start({ concurrency: 40 })
    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
  })
})
