import { expect } from 'chai'
import { readReports } from '../../src/store/reports.js'
import { useYard } from '../support/factory.js'

describe('reports', () => {
  const yard = useYard()
  const beat = (nodeId: string, stats: { readonly [field: string]: number | object }) =>
    yard.store.sendHeartbeat({
      nodeId,
      leaseMs: 60_000,
      gapMs: 10_000,
      stats: JSON.parse(JSON.stringify(stats)),
    })

  it('reads what the other living nodes said, and how long ago', async () => {
    const [own, other] = [await yard.node(), await yard.node()]
    await beat(own, { leaseMs: 60_000, live: { of: 'own' } })
    await beat(other, { leaseMs: 60_000, live: { of: 'other' } })
    await yard.sql`
      update fetchyard.node set alive_until = alive_until - interval '7 seconds'
       where node_id = ${other}`
    const reports = await readReports(yard.sql, own)
    expect(reports.map(({ nodeId }) => nodeId)).to.not.include(own)
    const heard = reports.find(({ nodeId }) => nodeId === other)
    expect(heard).to.deep.include({ nodeId: other, report: { of: 'other' } })
    expect(heard?.ageMs).to.be.within(7_000, 30_000)
  })

  it('leaves out who is fenced, whose lease ran out, and who says nothing', async () => {
    const own = await yard.node()
    const [fenced, expired, silent] = [await yard.node(), await yard.node(), await yard.node()]
    const said = { leaseMs: 60_000, live: {} }
    await beat(fenced, said)
    await yard.store.fenceNode({ nodeId: fenced, reason: 'test' })
    await beat(expired, said)
    await yard.expire(expired)
    await beat(silent, { state: 0 })
    const heard = (await readReports(yard.sql, own)).map(({ nodeId }) => nodeId)
    for (const nodeId of [own, fenced, expired, silent]) expect(heard).to.not.include(nodeId)
  })
})
