import { expect } from 'chai'
import { readErrorsByCode } from '../../src/store/figures.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'

describe('readFigures', () => {
  const yard = useYard()
  const figuresOf = async (workflow: WorkflowHandle) => {
    const { workflows } = await yard.store.readFigures()
    return workflows.find((row) => row.workflow === workflow.name)
  }

  it('counts items by state, over all nodes', async () => {
    const { workflow, nodeId, held } = await yard.leased(8)
    const [a, b, c, d, e, f] = held
    if (!a || !b || !c || !d || !e || !f) throw new Error('six items were expected')
    await yard.settle(workflow, nodeId, [
      settlement(a),
      settlement(b, { event: 'discard', code: 'parse' }),
      settlement(c, { event: 'cancel', code: 'cancelled' }),
      settlement(d, { event: 'retry', code: 'dns', next: nextTry({ delayMs: 60_000 }) }),
      settlement(e, { event: 'snooze', code: 'rate_limited', next: nextTry({ delayMs: 60_000 }) }),
      settlement(f, { event: 'reclaim', code: 'worker_lost', next: nextTry({ crashes: 1 }) }),
    ])
    const figures = await figuresOf(workflow)
    expect(figures).to.deep.include({
      ...{ queued: 1, processing: 2, delayed: 2, complete: 1, error: 1, cancelled: 1 },
      ...{ retried: 2, reclaimed: 1, pausedBy: [] },
    })
    expect(Date.parse(figures?.oldestQueuedAt ?? '')).to.be.a('number').and.not.NaN
  })

  it('knows an empty workflow, and why one is paused', async () => {
    const workflow = await yard.workflow()
    const { workflowId } = workflow
    await yard.store.pauseWorkflow({ workflowId, reason: 'operator' })
    expect(await figuresOf(workflow)).to.deep.equal({
      ...{ workflow: workflow.name, queued: 0, processing: 0, delayed: 0, complete: 0, error: 0 },
      ...{ cancelled: 0, retried: 0, reclaimed: 0, oldestQueuedAt: null, pausedBy: ['operator'] },
    })
  })

  it('shows nodes as alive, stale or fenced, with what they hold', async () => {
    const { nodeId: alive } = await yard.leased(3)
    const stale = await yard.node()
    const fenced = await yard.node()
    const longGone = await yard.node()
    await yard.expire(stale)
    await yard.store.fenceNode({ nodeId: fenced, reason: 'test' })
    await yard.store.fenceNode({ nodeId: longGone, reason: 'test' })
    await yard.sql`
      update fetchyard.node set fenced_at = now() - interval '1 hour' where node_id = ${longGone}`
    const { nodes } = await yard.store.readFigures()
    const states = new Map(nodes.map((node) => [node.nodeId, node]))
    expect(states.get(alive)).to.include({ state: 'alive', leasedItems: 3, pid: 42 })
    expect(states.get(stale)).to.include({ state: 'stale', leasedItems: 0 })
    expect(states.get(fenced)).to.include({ state: 'fenced' })
    expect(states.has(longGone)).to.equal(false)
  })

  it('counts final failures by outcome code', async () => {
    const { workflow, nodeId, held } = await yard.leased(4)
    const settlements = held.map((item, index) =>
      settlement(item, { event: 'discard', code: index < 3 ? 'parse' : 'http_4xx' }),
    )
    await yard.settle(workflow, nodeId, settlements)
    expect([...(await readErrorsByCode(yard.sql, workflow.workflowId))]).to.deep.equal([
      { code: 'parse', items: 3 },
      { code: 'http_4xx', items: 1 },
    ])
  })
})

describe('storeEvent', () => {
  const yard = useYard()

  it('keeps an event with its fields', async () => {
    const { workflowId } = await yard.workflow()
    const fields = { reason: "it's", list: [1, null] }
    const event = {
      level: 'warn',
      name: 'workflow.paused',
      message: 'paused',
      nodeId: null,
    } as const
    await yard.store.storeEvent({ ...event, workflowId, fields })
    const [row] =
      await yard.sql`select level, name, workflow_id, message, fields from fetchyard.event`
    expect(row).to.deep.equal({
      ...{ level: 'warn', name: 'workflow.paused', workflow_id: workflowId, message: 'paused' },
      fields,
    })
  })
})
