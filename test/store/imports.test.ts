import { expect } from 'chai'
import { LIMITS } from '../../src/core/limits.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { hasRoom, moveImport, openImport } from '../../src/store/imports.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { useYard } from '../support/factory.js'

describe('an import', () => {
  const yard = useYard()

  async function begin(workflow: WorkflowHandle, fingerprint = 'f') {
    const { workflowId } = workflow
    const start = { offset: 0 }
    return openImport(yard.sql, { workflowId, name: 'a.xml', fingerprint, start })
  }

  function step(workflow: WorkflowHandle, importId: number, before: number, records: number) {
    const { workflowId } = workflow
    const items = Array.from({ length: records - before }, (_, index) => ({
      key: `a.xml#${before + index + 1}`,
      payload: { xml: '<a/>' },
    }))
    const rest = { runId: null, isFinished: false, problem: null, position: { offset: records } }
    return moveImport(yard.sql, {
      importId,
      workflowId,
      items,
      recordsBefore: before,
      records,
      ...rest,
    })
  }

  async function enqueued(workflow: WorkflowHandle): Promise<number> {
    const rows = await yard.sql<{ items: number }[]>`
      select count(*)::int as items from fetchyard.item where workflow_id = ${workflow.workflowId}`
    return rows[0]?.items ?? 0
  }

  it('moves with its items, and goes on where it was', async () => {
    const workflow = await yard.workflow()
    const { importId } = await begin(workflow)
    expect(await step(workflow, importId, 0, 3)).to.equal(3)
    const again = await begin(workflow)
    expect(again).to.include({ importId, records: 3, isFinished: false, problem: null })
    expect(again.position).to.deep.equal({ offset: 3 })
    expect(await step(workflow, importId, 3, 5)).to.equal(2)
    expect(await enqueued(workflow)).to.equal(5)
  })

  it('takes neither items nor position from who believes it to be elsewhere', async () => {
    const workflow = await yard.workflow()
    const { importId } = await begin(workflow)
    const both = [step(workflow, importId, 0, 3), step(workflow, importId, 0, 4)]
    const moved = (await Promise.all(both)).filter((added) => added !== null)
    expect(moved).to.have.length(1)
    expect(await enqueued(workflow)).to.equal(moved[0])
  })

  it('moves not at all when its items are refused', async () => {
    const workflow = await yard.workflow()
    const { importId } = await begin(workflow)
    const bad = { key: '', payload: null }
    const refused = await moveImport(yard.sql, {
      importId,
      workflowId: workflow.workflowId,
      runId: null,
      items: [bad],
      recordsBefore: 0,
      records: 1,
      position: { offset: 1 },
      isFinished: true,
      problem: null,
    }).catch((error: unknown) => error)
    expect(refused).to.be.an('error')
    expect(await begin(workflow)).to.include({ records: 0, isFinished: false })
  })

  it('keeps the word for the file that it began with', async () => {
    const workflow = await yard.workflow()
    await begin(workflow, 'first')
    expect(await begin(workflow, 'second')).to.include({ fingerprint: 'first' })
  })

  it('has room beside the work until so much waits that nothing more is wanted', async () => {
    const { workflowId } = await yard.workflow()
    const other = await yard.workflow()
    const enqueue = async (from: number, count: number) => {
      const numbers = Array.from({ length: count }, (_, index) => from + index)
      const items = numbers.map((number) => ({ key: `${number}`, payload: {}, lane: '' }))
      await enqueueItems(yard.sql, { workflowId, items, again: 'never' })
    }
    const slices = LIMITS.importAheadMax / LIMITS.enqueueRowsMax
    for (let slice = 0; slice < slices; slice += 1) {
      expect(await hasRoom(yard.sql, workflowId)).to.equal(true)
      await enqueue(slice * LIMITS.enqueueRowsMax, LIMITS.enqueueRowsMax)
    }
    expect(await hasRoom(yard.sql, workflowId)).to.equal(false)
    expect(await hasRoom(yard.sql, other.workflowId)).to.equal(true)
  })
})
