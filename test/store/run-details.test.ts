import { expect } from 'chai'
import { enqueueItems } from '../../src/store/enqueue.js'
import { addStretch, findRuns, readRunDetails } from '../../src/store/run-details.js'
import { joinRun, openRun } from '../../src/store/runs.js'
import { useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'

describe('store/run-details', () => {
  const yard = useYard()

  /** A run over five pages: two hosts, one retry, one failure, one item left open. */
  async function worked() {
    const workflow = await yard.workflow()
    const { workflowId } = workflow
    const nodeId = await yard.node()
    const items = [
      { key: 'https://slow.example:8443/a', payload: null, lane: '' },
      { key: 'HTTPS://user@slow.example/b', payload: null, lane: '' },
      { key: '17', payload: { url: 'http://fast.example/?q=https://other.example/' }, lane: '' },
      { key: '18', payload: { url: 'http://fast.example/x' }, lane: 'lane.example' },
    ]
    await enqueueItems(yard.sql, { workflowId, items, again: 'never' })
    const { runId } = await openRun(yard.sql, { workflowId, name: 'first' })
    await joinRun(yard.sql, { runId, workflowId, keys: items.map(({ key }) => key) })
    const hold = () => yard.hold(workflow, nodeId)
    const [a, b, c, d] = await hold()
    if (a === undefined || b === undefined || c === undefined || d === undefined) {
      throw new Error('four items were expected')
    }
    const failed = { code: 'reset', error: 'it broke off', durationMs: 5 } as const
    await yard.settle(workflow, nodeId, [
      settlement(a, { durationMs: 4_000 }),
      settlement(b, { ...failed, event: 'retry', next: nextTry({ attempt: 1 }) }),
      settlement(c, { durationMs: 100 }),
      settlement(d, { ...failed, event: 'discard', code: 'http_4xx' }),
    ])
    return { workflow, nodeId, runId, hold }
  }

  it('tells outcomes, tries, durations and hosts, and what is open', async () => {
    const { workflow, nodeId, runId, hold } = await worked()
    const open = await readRunDetails(yard.sql, runId)
    expect(open).to.include({ items: 4, open: 1, retried: 1, reclaimed: 0, withoutReceipt: 0 })

    const again = await hold()
    await yard.settle(
      workflow,
      nodeId,
      again.map((item) => settlement(item, { durationMs: 2_000 })),
    )
    const details = await readRunDetails(yard.sql, runId)
    expect(details).to.include({ workflow: workflow.name, run: 'first', items: 4, open: 0 })
    expect(details?.outcomes).to.deep.equal([
      { status: 'success', code: 'ok', items: 3 },
      { status: 'error', code: 'http_4xx', items: 1 },
    ])
    expect(details?.tries).to.deep.equal([
      { attempts: 1, items: 3 },
      { attempts: 2, items: 1 },
    ])
    expect(details?.attempt).to.deep.equal({
      ...{ p50Ms: 2_000, p90Ms: 4_000, p95Ms: 4_000, p99Ms: 4_000, maxMs: 4_000 },
    })
    expect(details?.latency.p50Ms).to.be.at.least(0)
    expect(details?.slowest).to.deep.equal([
      { host: 'slow.example', items: 2, failed: 0, p50Ms: 2_000, p95Ms: 4_000 },
      { host: 'fast.example', items: 1, failed: 0, p50Ms: 100, p95Ms: 100 },
    ])
    expect(details?.worst).to.deep.equal([
      { host: 'lane.example', items: 1, failed: 1, p50Ms: null, p95Ms: null },
    ])
    const ended = details?.rate.map(({ ok, failed }) => [ok, failed]) ?? []
    expect(ended).to.have.lengthOf(60)
    expect(ended.reduce((sum, [ok = 0]) => sum + ok, 0)).to.equal(3)
    expect(ended.reduce((sum, [, failed = 0]) => sum + failed, 0)).to.equal(1)
    // The last end is in the last part and not behind it.
    expect(ended.at(-1)).to.deep.equal([1, 0])
  })

  it('counts what is fetched again after a node was lost', async () => {
    const { workflow, nodeId, runId, hold } = await worked()
    await hold()
    await yard.expire(nodeId)
    await yard.fenceExpired()
    await yard.store.reclaimPacks(workflow, 10)
    const details = await readRunDetails(yard.sql, runId)
    expect(details).to.include({ reclaimed: 1, open: 1 })
  })

  it('tells ends whose receipts are gone apart, and nothing else of them', async () => {
    const { runId } = await worked()
    await yard.sql`
      insert into fetchyard.ending
             (item_id, workflow_id, lease_id, ended_at, attempt, status, outcome_code)
      select item_id, workflow_id, lease_id, ended_at, attempt, status, outcome_code
        from fetchyard.processing_log join fetchyard.run_item using (item_id)
       where run_id = ${runId} and status in ('success', 'error')`
    await yard.sql`
      delete from fetchyard.processing_log
       where item_id in (select item_id from fetchyard.run_item where run_id = ${runId})
         and status in ('success', 'error')`
    const details = await readRunDetails(yard.sql, runId)
    expect(details?.withoutReceipt).to.equal(3)
    expect(details?.outcomes.reduce((sum, { items }) => sum + items, 0)).to.equal(3)
    expect(details?.attempt.p50Ms).to.equal(null)
    yard.damage()
  })

  it('has nothing to tell of a run that has not begun, and knows no run that is none', async () => {
    const { workflowId } = await yard.workflow()
    const { runId } = await openRun(yard.sql, { workflowId, name: 'empty' })
    const details = await readRunDetails(yard.sql, runId)
    expect(details).to.include({ items: 0, open: 0, endedAt: null, workedMs: 0 })
    expect(details?.outcomes).to.deep.equal([])
    expect(details?.stretches).to.deep.equal([])
    expect(await readRunDetails(yard.sql, 0)).to.equal(null)
  })

  it('keeps how busy each command was', async () => {
    const { workflowId } = await yard.workflow()
    const { runId } = await openRun(yard.sql, { workflowId, name: 'busy' })
    const counts = { fetches: 10, reusedFetches: 4 }
    const first = { node: 'a', durationMs: 10_000, slotShare: 0.5 }
    await addStretch(yard.sql, { runId, ...first, ...counts })
    const [stretch] = (await readRunDetails(yard.sql, runId))?.stretches ?? []
    expect(stretch).to.include({ node: 'a', slotShare: 0.5, ...counts })
    expect(stretch?.durationMs).to.be.within(9_999, 11_000)
  })

  it('finds runs by name, by workflow, and the newest first', async () => {
    const [one, two] = [await yard.workflow(), await yard.workflow()]
    await openRun(yard.sql, { workflowId: one.workflowId, name: 'same' })
    await openRun(yard.sql, { workflowId: two.workflowId, name: 'same' })
    const find = async (name: string | null, workflow: string | null) =>
      (await findRuns(yard.sql, { name, workflow, max: 5 })).map((run) => run.workflow)
    expect(await find('same', null)).to.deep.equal([two.name, one.name])
    expect(await find('same', one.name)).to.deep.equal([one.name])
    expect(await find('none', null)).to.deep.equal([])
    expect((await find(null, null))[0]).to.equal(two.name)
  })
})
