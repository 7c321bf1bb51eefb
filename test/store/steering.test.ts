import { expect } from 'chai'
import { readSteering, setSteering } from '../../src/store/steering.js'
import { useYard } from '../support/factory.js'

describe('store/steering', () => {
  const yard = useYard()

  async function nodeWith(plans: { readonly [workflow: string]: string }): Promise<string> {
    const nodeId = await yard.node()
    await yard.sql`
      update fetchyard.node set plans = ${JSON.stringify(plans)}::text::jsonb
       where node_id = ${nodeId}`
    return nodeId
  }

  it('names the living nodes that work a workflow, and all that share its limit', async () => {
    const { workflowId, name: workflow } = await yard.workflow()
    const of = { workflowId, workflow, plan: 'account:1' }
    const one = await nodeWith({ [workflow]: 'account:1', other: 'account:1' })
    const two = await nodeWith({ other: 'account:1', third: 'account:2' })
    const fenced = await nodeWith({ [workflow]: 'account:1' })
    const stale = await nodeWith({ [workflow]: 'account:1' })
    await yard.store.fenceNode({ nodeId: fenced, reason: 'test' })
    await yard.expire(stale)

    const steering = await readSteering(yard.sql, of)

    expect(steering?.workers).to.deep.equal([one])
    expect([...(steering?.sharers ?? [])].sort()).to.deep.equal(
      [`${one}/${workflow}`, `${one}/other`, `${two}/other`].sort(),
    )
    expect(steering).to.include({ mode: 'concurrent', rollout: 100, concurrency: null })
  })

  it('changes what is given, leaves the rest, and says whether anything changed', async () => {
    const { workflowId, name: workflow } = await yard.workflow()
    const read = () => readSteering(yard.sql, { workflowId, workflow, plan: 'p' })

    expect(await setSteering(yard.sql, { workflowId, rollout: 10 })).to.equal(true)
    expect(await setSteering(yard.sql, { workflowId, rollout: 10 })).to.equal(false)
    expect(await setSteering(yard.sql, { workflowId, concurrency: 7 })).to.equal(true)
    expect(await read()).to.include({ mode: 'concurrent', rollout: 10, concurrency: 7 })
    expect(await setSteering(yard.sql, { workflowId, mode: 'sequential' })).to.equal(true)
    expect(await setSteering(yard.sql, { workflowId, concurrency: null })).to.equal(true)
    expect(await read()).to.include({ mode: 'sequential', rollout: 10, concurrency: null })
  })

  it('knows nothing of a workflow without a row', async () => {
    const of = { workflowId: 32_000, workflow: 'nobody', plan: 'p' }
    expect(await readSteering(yard.sql, of)).to.equal(null)
  })
})
