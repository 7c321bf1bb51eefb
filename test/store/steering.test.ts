import { expect } from 'chai'
import { openInstance, removeSchedule } from '../../src/store/schedules.js'
import { readSteering, setSteering } from '../../src/store/steering.js'
import type { WorkflowHandle } from '../../src/store/store.js'
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
    await yard.enqueue(await yard.workflow({ name: 'other' }), ['a'])
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

  it('divides nothing among workflows that have no work, while it has some to come itself', async () => {
    const own = await yard.workflow({ name: 'own' })
    const neighbour = await yard.workflow({ name: 'neighbour' })
    const nodeId = await nodeWith({ own: 'account:9', neighbour: 'account:9' })
    const both = [`${nodeId}/neighbour`, `${nodeId}/own`]
    const sharers = async ({ workflowId, name }: WorkflowHandle) => {
      const of = { workflowId, workflow: name, plan: 'account:9' }
      return [...((await readSteering(yard.sql, of))?.sharers ?? [])].sort()
    }
    expect(await sharers(own)).to.deep.equal([`${nodeId}/own`])
    expect(await sharers(neighbour)).to.deep.equal([`${nodeId}/neighbour`])

    await yard.enqueue(neighbour, ['now'])
    expect(await sharers(own), 'it is ready').to.deep.equal(both)
    const delay = (time: string) =>
      yard.sql.unsafe(`update fetchyard.work_queue set run_at = now() + interval '${time}'`)
    await delay('4 minutes')
    expect(await sharers(own), 'it comes back soon').to.deep.equal(both)
    await delay('6 minutes')
    expect(await sharers(own), 'it comes back late').to.deep.equal([`${nodeId}/own`])

    await delay('0 minutes')
    const { workflowId } = neighbour
    await yard.store.pauseWorkflow({ workflowId, reason: 'a test' })
    expect(await sharers(own), 'it is paused').to.deep.equal([`${nodeId}/own`])
    await yard.sql`update fetchyard.workflow set paused_by = '{}'`
    await yard.hold(neighbour, nodeId)
    await yard.store.pauseWorkflow({ workflowId, reason: 'a test' })
    expect(await sharers(own), 'it is being worked').to.deep.equal(both)
  })

  it('divides nothing with a scheduled workflow whose backlog waits for its next tick', async () => {
    const own = await yard.workflow({ name: 'steady' })
    const { workflowId, ...nightly } = await yard.workflow({ name: 'nightly' })
    const nodeId = await nodeWith({ steady: 'account:8', nightly: 'account:8' })
    await yard.enqueue({ workflowId, ...nightly }, ['waits'])
    const sharers = async () => {
      const of = { workflowId: own.workflowId, workflow: own.name, plan: 'account:8' }
      return [...((await readSteering(yard.sql, of))?.sharers ?? [])].sort()
    }
    const alone = [`${nodeId}/steady`]
    const both = [`${nodeId}/nightly`, `${nodeId}/steady`]
    const tickIn = async (ms: number) => {
      const firstAt = new Date(Date.now() + ms)
      await removeSchedule(yard.sql, workflowId)
      const schedule = { workflowId, definition: { every: '1d' }, firstAt }
      await yard.store.schedules.putSchedule(schedule)
    }
    await tickIn(8 * 3_600_000)
    expect(await sharers(), 'it comes in the night').to.deep.equal(alone)
    await tickIn(4 * 60_000)
    expect(await sharers(), 'it comes soon').to.deep.equal(both)
    await tickIn(8 * 3_600_000)
    await openInstance(yard.sql, workflowId)
    expect(await sharers(), 'somebody let it run now').to.deep.equal(both)
    await yard.sql`update fetchyard.instance set items_left = 0`
    expect(await sharers(), 'its batch is leased').to.deep.equal(alone)
    await removeSchedule(yard.sql, workflowId)
    expect(await sharers(), 'it always works').to.deep.equal(both)
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

  it('names the oldest node first, so that a node that comes takes nothing over', async () => {
    const { workflowId, name: workflow } = await yard.workflow()
    const nodes: string[] = []
    for (let n = 0; n < 4; n += 1) nodes.push(await nodeWith({ [workflow]: 'p' }))
    const steering = await readSteering(yard.sql, { workflowId, workflow, plan: 'p' })
    expect(steering?.workers).to.deep.equal(nodes)
  })

  it('changes nothing for a step that is over', async () => {
    const { workflowId, name: workflow } = await yard.workflow()
    await setSteering(yard.sql, { workflowId, rollout: 10 })
    const back = { workflowId, mode: 'sequential', rollout: 0, ifStep: 1 } as const
    await setSteering(yard.sql, { workflowId, rollout: 50 })
    expect(await setSteering(yard.sql, back)).to.equal(false)
    expect(await setSteering(yard.sql, { ...back, ifStep: 2 })).to.equal(true)
    expect(await setSteering(yard.sql, { ...back, ifStep: 2 }), 'by another node').to.equal(false)
    const steering = await readSteering(yard.sql, { workflowId, workflow, plan: 'p' })
    expect(steering).to.include({ mode: 'sequential', rollout: 0, step: 3 })
  })

  it('hears an option once, so that what was set later outlives a restart', async () => {
    const { workflowId, name: workflow } = await yard.workflow()
    const read = () => readSteering(yard.sql, { workflowId, workflow, plan: 'p' })
    const start = (rollout: number) =>
      setSteering(yard.sql, { workflowId, mode: 'concurrent', rollout, option: `${rollout}` })
    expect(await start(50)).to.equal(true)
    await setSteering(yard.sql, { workflowId, mode: 'sequential', rollout: 0 })
    expect(await start(50), 'a restart').to.equal(false)
    expect(await read()).to.include({ mode: 'sequential', rollout: 0 })
    expect(await start(10), 'another value').to.equal(true)
    expect(await read()).to.include({ mode: 'concurrent', rollout: 10 })
    await setSteering(yard.sql, { workflowId, rollout: 20 })
    expect(await start(20), 'says what holds already, and is heard').to.equal(false)
    await setSteering(yard.sql, { workflowId, rollout: 30 })
    expect(await start(20)).to.equal(false)
    expect(await read()).to.include({ rollout: 30 })
  })

  it('knows nothing of a workflow without a row', async () => {
    const of = { workflowId: 32_000, workflow: 'nobody', plan: 'p' }
    expect(await readSteering(yard.sql, of)).to.equal(null)
  })
})
