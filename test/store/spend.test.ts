import { expect } from 'chai'
import { releaseSettlement } from '../../src/core/settlement.js'
import { joinRun, openRun } from '../../src/store/runs.js'
import {
  readItemSpend,
  readMeasured,
  readRunSpend,
  readSpendByItem,
  readSpendByRun,
} from '../../src/store/spend.js'
import { keys, useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'

describe('store/spend', () => {
  const yard = useYard()

  /** Three items: one that took two calls, one that failed, one that was given up once. */
  const worked = async () => {
    const workflow = await yard.workflow()
    const { workflowId } = workflow
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(3))
    const run = await openRun(yard.sql, { workflowId, name: 'a run' })
    await joinRun(yard.sql, { runId: run.runId, workflowId, keys: keys(3) })
    const [one, two, three] = await yard.hold(workflow, nodeId)
    if (!one || !two || !three) throw new Error('three items')
    const next = nextTry({ attempt: 1, delayMs: 0 })
    await yard.settle(workflow, nodeId, [
      settlement(one, { event: 'retry', code: 'truncated', credits: 10, creditsAtMost: 1, next }),
      settlement(two, { event: 'discard', code: 'http_4xx', credits: 1 }),
      releaseSettlement(three, { credits: null, creditsAtMost: 25 }),
    ])
    await yard.makeDue(workflow)
    const again = await yard.hold(workflow, nodeId)
    await yard.settle(
      workflow,
      nodeId,
      again.map((item) => settlement(item, { credits: item.itemId === one.itemId ? 10 : 1 })),
    )
    return { workflow, workflowId, nodeId, runId: run.runId }
  }
  const ALL = { calls: 5, credits: 48, useful: 11, failed: 12, crashed: 25, unsure: 26 }

  it('tells what items cost, the dearest first, by what became of their attempts', async () => {
    const { workflowId } = await worked()
    const rows = await readSpendByItem(yard.sql, { workflowId, rowsMax: 2 })
    expect(rows).to.deep.equal([
      {
        ...{ name: 'key-3', calls: 2, credits: 26 },
        ...{ useful: 1, failed: 0, crashed: 25, unsure: 25 },
      },
      {
        ...{ name: 'key-1', calls: 2, credits: 21 },
        ...{ useful: 10, failed: 11, crashed: 0, unsure: 1 },
      },
    ])
    expect(await readItemSpend(yard.sql, { workflowId, key: 'key-1' })).to.deep.equal(rows[1])
    expect(await readItemSpend(yard.sql, { workflowId, key: 'nobody' })).to.equal(null)
  })

  it('tells what a run cost since it was started, and nothing of before', async () => {
    const { workflow, workflowId, nodeId, runId } = await worked()
    expect(await readRunSpend(yard.sql, runId)).to.deep.equal({ name: 'a run', ...ALL })
    const later = await openRun(yard.sql, { workflowId, name: 'a later run' })
    await joinRun(yard.sql, { runId: later.runId, workflowId, keys: keys(3) })
    await yard.enqueue(workflow, ['key-1'], { again: 'when-finished' })
    await joinRun(yard.sql, { runId: later.runId, workflowId, keys: ['key-1'] })
    const [item] = await yard.hold(workflow, nodeId)
    if (item === undefined) throw new Error('an item')
    await yard.settle(workflow, nodeId, [settlement(item, { credits: 5 })])
    const runs = await readSpendByRun(yard.sql, { workflowId, rowsMax: 10 })
    expect(runs.map(({ name, credits }) => [name, credits])).to.deep.equal([
      ['a later run', 5],
      ['a run', 48],
    ])
  })

  it('measures what a finished item costs, and by which prices', async () => {
    const { workflowId } = await worked()
    expect(await readMeasured(yard.sql, workflowId)).to.deep.equal({
      items: 3,
      credits: 48,
      prices: [
        { credits: 1, calls: 2 },
        { credits: 10, calls: 2 },
      ],
    })
    const { workflowId: other } = await yard.workflow()
    expect(await readMeasured(yard.sql, other)).to.deep.equal({ items: 0, credits: 0, prices: [] })
  })
})
