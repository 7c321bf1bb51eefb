import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { useCluster } from '../support/cluster.js'
import { childrenOf, isRunning, untilGone } from '../support/cluster-child.js'
import {
  countRefetches,
  expectClean,
  expectCompleteOnce,
  expectRefetchesExplained,
  readNodes,
} from '../support/cluster-ledger.js'
import { useEmbeddedGuest } from '../support/cluster-server.js'
import type { Pm2 } from '../support/pm2.js'
import { preparePm2 } from '../support/pm2.js'
import { eventually } from '../support/poll.js'

const ITEMS = 1_200
const SLOTS = 8
const PROCESSES = 2
const SETTINGS = {
  allowRanges: ['loopback'],
  port: 'off',
  logFormat: 'json',
  concurrency: SLOTS,
  processes: PROCESSES,
}

describe('cluster/PM2', () => {
  const cluster = useCluster()
  let pm2: Pm2 | null = null
  const seen = new Set<number>()

  afterEach(async function () {
    if (this.currentTest?.isFailed()) process.stdout.write((await pm2?.log()) ?? '')
    await pm2?.end()
    pm2 = null
    await untilGone([...seen])
    seen.clear()
  })

  async function startPm2(settings: { readonly [setting: string]: unknown } = SETTINGS) {
    pm2 = await preparePm2({ settings, databaseUrl: cluster.url })
    await pm2.call('start', 'ecosystem.config.cjs')
    return pm2
  }

  /** The processes of the app that runs now; each is awaited at the end of the test. */
  async function familyOf(app: { readonly pid: number }) {
    const family = [app.pid, ...(await childrenOf(app.pid))]
    for (const pid of family) seen.add(pid)
    return family
  }

  async function someProgress() {
    await cluster.origin.untilAsked(cluster.origin.log.length + 60)
  }

  it('loses nothing by restart, reload, kills of supervisor and child, and stop', async () => {
    const keys = await cluster.enqueue(ITEMS)
    cluster.origin.setLatency(60)
    const manager = await startPm2()
    await someProgress()

    await manager.call('restart', 'fetchyard')
    await familyOf(await manager.app())
    await someProgress()
    await manager.call('reload', 'fetchyard')
    await someProgress()
    expect(countRefetches(cluster), 'fetched again by restart and reload').to.equal(0)

    const [supervisor = 0, child = 0] = await familyOf(await manager.app())
    process.kill(child, 'SIGKILL')
    await someProgress()
    process.kill(supervisor, 'SIGKILL')
    await eventually({ words: 'a supervisor started by PM2' }, async () => {
      const { pid, status } = await manager.app()
      return status === 'online' && pid !== supervisor
    })
    await someProgress()

    const last = await familyOf(await manager.app())
    await manager.call('stop', 'fetchyard')
    expect((await manager.app()).status).to.equal('stopped')
    expect(await Promise.all(last.map(isRunning))).to.deep.equal(last.map(() => false))
    const report = await cluster.audit()
    expect(report).to.include({ processing: 0, lost: 0, isClean: true })
    expect(report.queued, 'still to do').to.be.above(0)

    await manager.call('start', 'fetchyard')
    expectClean(await cluster.untilEmpty(), keys.length)
    await familyOf(await manager.app())
    await expectCompleteOnce(cluster, keys)
    await expectRefetchesExplained(cluster)
  }).timeout(120_000)

  it('is not started again with a configuration that no restart will mend', async () => {
    const manager = await startPm2({ ...SETTINGS, concurrency: -1 })

    // PM2 goes on to call it "waiting restart", for a restart that it has not planned.
    await eventually({ words: 'the end of the app' }, async () => (await manager.app()).pid === 0)
    const looks = [await manager.app(), await manager.app(), await manager.app()]
    for (const look of looks) expect(look).to.include({ pid: 0, restarts: 0 })
    expect(await manager.log()).to.match(/concurrency/)
  })
})

describe('cluster/PM2 with the embedded database', () => {
  const database = useEmbeddedGuest()
  const cluster = useCluster(database)
  let pm2: Pm2 | null = null

  afterEach(() => pm2?.end())

  it('leaves the database to the next boot when the supervisor is killed', async () => {
    const keys = await cluster.enqueue(ITEMS / 2)
    cluster.origin.setLatency(60)
    const settings = { ...SETTINGS, dataDir: database.dataDir }
    pm2 = await preparePm2({ settings, databaseUrl: null })
    await pm2.call('start', 'ecosystem.config.cjs')
    await cluster.origin.untilAsked(60)
    const [before] = await cluster.sql`select pg_postmaster_start_time() as at`

    process.kill((await pm2.app()).pid, 'SIGKILL')

    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(await readNodes(cluster)).to.have.lengthOf(2)
    expect(await cluster.sql`select pg_postmaster_start_time() as at`).to.deep.equal([before])
    await pm2.call('stop', 'fetchyard')
    expect(await cluster.audit()).to.include({ isClean: true })
  })
})
