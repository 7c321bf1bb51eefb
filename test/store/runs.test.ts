import { expect } from 'chai'
import { bindingOf } from '../../src/store/binding.js'
import {
  joinRun,
  joinRunByUrl,
  openRun,
  readRunOutcomes,
  readRunProgress,
} from '../../src/store/runs.js'
import { keys, useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'
import { createPages, PAGES } from './support/pages.js'

describe('runs', () => {
  const yard = useYard()

  it('is found again by its name', async () => {
    const { workflowId } = await yard.workflow()
    const first = await openRun(yard.sql, { workflowId, name: 'mine' })
    expect(first.resumed).to.equal(false)
    const again = await openRun(yard.sql, { workflowId, name: 'mine' })
    expect(again).to.deep.equal({ ...first, resumed: true })
    const other = await yard.workflow()
    const namesake = await openRun(yard.sql, { workflowId: other.workflowId, name: 'mine' })
    expect(namesake.resumed).to.equal(false)
  })

  it('counts what is open until everything ended, of its own items alone', async () => {
    const { workflow, nodeId, held } = await yard.leased(4)
    const { workflowId } = workflow
    const { runId } = await openRun(yard.sql, { workflowId, name: 'four' })
    const request = { runId, workflowId, keys: [...keys(3), 'never-enqueued'] }
    expect(await joinRun(yard.sql, request)).to.deep.equal({ joined: 3, missing: 1 })
    expect(await joinRun(yard.sql, request), 'again').to.deep.equal({ joined: 0, missing: 1 })
    expect(await readRunProgress(yard.sql, runId)).to.deep.equal({ total: 3, open: 3 })
    const mine = held.filter((item) => item.itemKey !== 'key-4')
    const [a, b, c] = mine
    if (!a || !b || !c) throw new Error('three items were expected')
    await yard.settle(workflow, nodeId, [
      settlement(a),
      settlement(b, { event: 'retry', code: 'dns', next: nextTry({ attempt: 1 }) }),
      settlement(c, { event: 'discard', code: 'parse' }),
    ])
    expect(await readRunProgress(yard.sql, runId)).to.deep.equal({ total: 3, open: 1 })
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    expect(await readRunProgress(yard.sql, runId)).to.deep.equal({ total: 3, open: 0 })
    const { outcomes, retries, reclaims } = await readRunOutcomes(yard.sql, runId)
    expect(outcomes).to.deep.equal([
      { status: 'success', code: 'ok', items: 2 },
      { status: 'error', code: 'parse', items: 1 },
    ])
    expect({ retries, reclaims }).to.deep.equal({ retries: 1, reclaims: 0 })
  })

  it('takes the latest round of a key', async () => {
    const { workflow, nodeId, held } = await yard.leased(1)
    await yard.complete(workflow, nodeId, held)
    await yard.enqueue(workflow, ['key-1'], { again: 'when-finished' })
    const { workflowId } = workflow
    const { runId } = await openRun(yard.sql, { workflowId, name: 'latest' })
    await joinRun(yard.sql, { runId, workflowId, keys: ['key-1'] })
    expect(await readRunProgress(yard.sql, runId)).to.deep.equal({ total: 1, open: 1 })
  })

  it('is joined by the URLs of a bound table', async () => {
    await createPages(yard)
    const { workflowId } = await yard.workflow({ source: PAGES })
    await yard.sql`
      insert into public.pages (url, curation, status)
      values ('https://a/', 'Selected', 'Queued'), ('https://b/', 'Selected', 'Queued')`
    const { runId } = await openRun(yard.sql, { workflowId, name: 'urls' })
    const joined = await joinRunByUrl(yard.sql, {
      ...{ runId, workflowId, binding: bindingOf(PAGES), urlColumn: 'url' },
      urls: ['https://a/', 'https://nowhere/'],
    })
    expect(joined).to.equal(1)
  })

  it('knows nothing of a run that is not there', async () => {
    expect(await readRunProgress(yard.sql, 999_999)).to.deep.equal({ total: 0, open: 0 })
  })
})
