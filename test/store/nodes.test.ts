import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { readFence } from '../../src/store/nodes.js'
import { useYard } from '../support/factory.js'

describe('nodes', () => {
  const yard = useYard()
  const LEASE = { leaseMs: 60_000, gapMs: 10_000 }
  const beat = (nodeId: string) => yard.store.sendHeartbeat({ nodeId, ...LEASE, stats: {} })

  it('extends a node by heartbeats and keeps its stats', async () => {
    const nodeId = await yard.node({ leaseMs: 1_000 })
    const stats = { state: 'running', odd: "'\\" }
    expect(await yard.store.sendHeartbeat({ nodeId, ...LEASE, stats })).to.equal(true)
    const [row] = await yard.sql<{ left_ms: number; stats: unknown }[]>`
      select extract(epoch from alive_until - clock_timestamp())::float8 * 1000 as left_ms, stats
        from fetchyard.node where node_id = ${nodeId}`
    expect(row?.left_ms).to.be.within(30_000, 60_000)
    expect(row?.stats).to.deep.equal(stats)
  })

  it('tells a fenced or unknown node that it is out', async () => {
    const nodeId = await yard.node()
    expect(await yard.store.fenceNode({ nodeId, reason: 'test' })).to.equal(true)
    expect(await beat(nodeId)).to.equal(false)
    expect(await yard.store.fenceNode({ nodeId, reason: 'again' })).to.equal(false)
    expect(await beat(randomUUID())).to.equal(false)
  })

  it('lets an expired node that is not fenced come back', async () => {
    const nodeId = await yard.node()
    await yard.expire(nodeId)
    expect(await beat(nodeId)).to.equal(true)
    expect(await yard.fenceExpired()).to.deep.equal([])
  })

  it('fences all whose lease ran out, but not the caller', async () => {
    const caller = await yard.node()
    const dead = await yard.node({ name: 'dead' })
    const living = await yard.node()
    await yard.expire(dead)
    const fenced = await yard.fenceExpired(caller)
    expect(fenced).to.deep.equal([{ nodeId: dead, name: 'dead' }])
    expect(await beat(caller)).to.equal(true)
    expect(await beat(living)).to.equal(true)
    expect(await beat(dead)).to.equal(false)
  })

  // The database judges that when it executes the statement, which may have waited for a connection.
  it('fences nobody for a caller that it has not heard steadily', async () => {
    const dead = await yard.node()
    await yard.expire(dead)
    const ask = (nodeId: string, steadyMs: number) =>
      yard.store.fenceExpired({ nodeId, ...LEASE, steadyMs })
    const age = (nodeId: string, what: 'heard' | 'steady', seconds: number) =>
      what === 'heard'
        ? yard.sql`
            update fetchyard.node set alive_until = alive_until - ${seconds} * interval '1 second'
             where node_id = ${nodeId}`
        : yard.sql`
            update fetchyard.node set steady_since = steady_since - ${seconds} * interval '1 second'
             where node_id = ${nodeId}`

    const fresh = await yard.node()
    expect(await ask(fresh, 5_000), 'registered just now').to.deep.equal([])

    const silent = await yard.node()
    await age(silent, 'steady', 60)
    await age(silent, 'heard', 11)
    expect(await ask(silent, 5_000), 'silent for a gap').to.deep.equal([])
    await beat(silent)
    expect(await ask(silent, 5_000), 'heard again just now').to.deep.equal([])

    const fenced = await yard.node()
    await age(fenced, 'steady', 60)
    await yard.store.fenceNode({ nodeId: fenced, reason: 'test' })
    expect(await ask(fenced, 5_000), 'fenced itself').to.deep.equal([])
    expect(await ask(randomUUID(), 0), 'unknown').to.deep.equal([])

    const steady = await yard.node()
    await age(steady, 'steady', 60)
    await age(steady, 'heard', 9)
    await beat(steady)
    expect((await ask(steady, 5_000)).map(({ nodeId }) => nodeId)).to.deep.equal([dead])
  })

  it('remembers who fenced a node, why and when', async () => {
    const caller = await yard.node({ name: 'caller' })
    const living = await yard.node()
    const dead = await yard.node()
    const told = await yard.node()
    await yard.expire(dead)
    await yard.fenceExpired(caller)
    await yard.store.fenceNode({ nodeId: told, reason: 'as told' })

    const fence = await readFence(yard.sql, dead)
    const [, expiredAt = ''] =
      /^its lease ran out at (.*)Z; fenced by caller \(pid 42 on host\)$/.exec(fence?.why ?? '') ??
      []
    expect(Date.parse(`${expiredAt}Z`)).to.be.lessThan(Date.parse(fence?.at ?? ''))
    expect((await readFence(yard.sql, told))?.why).to.equal('as told')
    expect(await readFence(yard.sql, living)).to.equal(null)
    expect(await readFence(yard.sql, randomUUID())).to.equal(null)
  })

  it('knows the neighbours on a machine that are not fenced', async () => {
    const machine = randomUUID()
    const register = async (fields: { machine: string }) => {
      const nodeId = randomUUID()
      const identity = { nodeId, name: 'n', host: 'h', pid: 9, pidStarted: '77', ...fields }
      await yard.store.registerNode(identity, 60_000)
      return nodeId
    }
    const self = await register({ machine })
    const near = await register({ machine })
    const fenced = await register({ machine })
    await register({ machine: `${machine}-other` })
    await yard.store.fenceNode({ nodeId: fenced, reason: 'test' })
    expect(await yard.store.readNeighbours({ machine, except: self })).to.deep.equal([
      { nodeId: near, name: 'n', pid: 9, pidStarted: '77' },
    ])
  })
})
