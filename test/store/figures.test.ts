import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { foldEndTally } from '../../src/store/end-tally.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { keys, useYard } from '../support/factory.js'
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
      ...{ perSecond: 0, latencyP50Ms: null, latencyP95Ms: null, errors: {} },
      ...{ boundTable: null, backfill: null, alerts: null },
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

  it('counts final failures by outcome code, the most frequent first', async () => {
    const { workflow, nodeId, held } = await yard.leased(5)
    const settlements = held.map((item, index) =>
      index === 4
        ? settlement(item)
        : settlement(item, { event: 'discard', code: index < 1 ? 'http_4xx' : 'parse' }),
    )
    await yard.settle(workflow, nodeId, settlements)
    expect(Object.entries((await figuresOf(workflow))?.errors ?? {})).to.deep.equal([
      ['parse', 3],
      ['http_4xx', 1],
    ])
  })

  it('tells the rate of the last minute, and the latency from selection to result', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(100))
    const held = await yard.hold(workflow, nodeId)
    // Selected so long ago: 90 items 3 s, 10 items a minute.
    await yard.sql`
      update fetchyard.item
         set enqueued_at = now() - case when item_key in (select 'key-' || n
                                                            from generate_series(1, 10) as n)
                                        then interval '1 minute' else interval '3 seconds' end
       where workflow_id = ${workflow.workflowId}`
    await yard.complete(workflow, nodeId, held)
    const own = await figuresOf(workflow)
    if (own === undefined) throw new Error('the workflow has figures')
    expect(own.perSecond).to.be.closeTo(100 / 60, 0.001)
    // Upper bounds, at most 41 % above.
    expect(own.latencyP50Ms).to.be.within(3_000, 4_300)
    expect(own.latencyP95Ms).to.be.within(60_000, 85_000)
    const [row] = await yard.sql`
      select complete::int, per_second, latency_p50_ms, latency_p95_ms
        from fetchyard.workflow_status where workflow = ${workflow.name}`
    expect(row).to.deep.equal({
      complete: 100,
      per_second: own.perSecond,
      latency_p50_ms: own.latencyP50Ms,
      latency_p95_ms: own.latencyP95Ms,
    })
    const later = await yard.sql`
      update fetchyard.end_tally set ended_at = ended_at - interval '6 minutes'
       where workflow_id = ${workflow.workflowId}`
    expect(later.count).to.be.above(0)
    expect(await figuresOf(workflow)).to.include({
      ...{ perSecond: 0, latencyP50Ms: null, latencyP95Ms: null, complete: 100 },
    })
  })

  it('folds ends by minute, then by code, and loses none', async () => {
    const workflow = await yard.workflow()
    const { workflowId } = workflow
    const add = (age: string) => yard.sql`
      insert into fetchyard.end_tally (ended_at, workflow_id, outcome_code, latency_bucket, items)
      select date_trunc('minute', now()) - ${age}::interval + n * interval '10 milliseconds',
             ${workflowId}, case n % 3 when 0 then 'parse' else 'ok' end,
             case n % 3 when 0 then null else 20 + n % 2 end, 2
        from generate_series(1, 600) as n`
    const read = () => yard.sql<{ rows: number; items: number }[]>`
      select count(*)::int as rows, sum(items)::int as items
        from fetchyard.end_tally where workflow_id = ${workflowId}`
    await yard.sql`delete from fetchyard.end_tally`
    await add('3 minutes')
    expect(await foldEndTally(yard.sql, 10_000)).to.equal(600)
    expect((await read())[0]).to.deep.equal({ rows: 3, items: 1_200 })
    expect((await figuresOf(workflow))?.latencyP50Ms).to.be.within(1_024, 1_449)
    expect(await foldEndTally(yard.sql, 10_000), 'what is folded stays').to.equal(0)
    await add('2 hours')
    expect(await foldEndTally(yard.sql, 10_000)).to.equal(600)
    expect((await read())[0]).to.deep.equal({ rows: 5, items: 2_400 })
    expect((await figuresOf(workflow))?.errors).to.deep.equal({ parse: 800 })
  })

  it('shows what a node refused to work', async () => {
    const identity = { nodeId: randomUUID(), name: 'picky', host: 'h', machine: 'm', pid: 1 }
    const refused = [{ module: './sick.js', reason: 'it throws' }]
    await yard.store.registerNode({ ...identity, pidStarted: '1', refused }, 60_000)
    const { nodes } = await yard.store.readFigures()
    expect(nodes.find(({ name }) => name === 'picky')?.refused).to.deep.equal(refused)
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
