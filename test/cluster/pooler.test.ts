import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { connect } from '../../src/store/client.js'
import { useCluster } from '../support/cluster.js'
import { countRefetches, expectClean, expectCompleteOnce } from '../support/cluster-ledger.js'
import type { Pooler } from '../support/pgbouncer.js'
import { startPgBouncer, usePgBouncer } from '../support/pgbouncer.js'

describe('cluster/behind PgBouncer in transaction mode', () => {
  const pgbouncer = usePgBouncer()
  const cluster = useCluster()
  let pooler: Pooler | null = null
  const poolerUrl = () => pooler?.url ?? ''

  beforeEach(async () => {
    pooler = await startPgBouncer(pgbouncer.program, cluster.url)
  })
  afterEach(() => pooler?.stop())

  it('is told from a direct connection', async () => {
    const through = await connect({ url: poolerUrl() })
    const direct = await connect({ url: cluster.url })
    await Promise.all([through.close(), direct.close()])

    expect(through.pooling).to.equal('transaction')
    expect(direct.pooling).to.equal('direct')
  })

  it('works every item once with two supervisors on three server connections', async () => {
    const keys = await cluster.enqueue(600, (index) => (index === 9 ? { misdeed: 'exit' } : null))
    cluster.origin.fail('k3', { status: 503, times: 1 })
    cluster.origin.setLatency(2)
    const request = { databaseUrl: poolerUrl() }
    const settings = { concurrency: 20, processes: 2 }
    const [one, two] = await Promise.all([
      cluster.start(settings, request),
      cluster.start(settings, request),
    ])

    expectClean(await cluster.untilEmpty(), keys.length)

    expect([one.pooling(), two.pooling()]).to.deep.equal(['transaction', 'transaction'])
    await expectCompleteOnce(cluster, keys)
    // One failure, and what the dead worker had in its slots.
    expect(countRefetches(cluster)).to.be.within(2, 1 + 10)
    expect(await one.stop()).to.deep.equal({ code: 0, signal: null })
    expect(await two.stop()).to.deep.equal({ code: 0, signal: null })
    expect((await cluster.audit()).isClean).to.equal(true)
  })

  // The pooler's end takes statements with it whose answers nobody will see.
  it('goes on when the pooler is killed and started again', async () => {
    const keys = await cluster.enqueue(500)
    cluster.origin.setLatency(10)
    const node = await cluster.start({ concurrency: 20 }, { databaseUrl: poolerUrl() })
    await cluster.origin.untilAsked(150)

    await pooler?.stop()
    await node.until('settle.failed')
    pooler = await startPgBouncer(pgbouncer.program, cluster.url, new URL(poolerUrl()).port)

    expectClean(await cluster.untilEmpty(), keys.length)
    await expectCompleteOnce(cluster, keys)
    expect(countRefetches(cluster)).to.equal(0)
  })
})
