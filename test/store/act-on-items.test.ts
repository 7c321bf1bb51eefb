import { expect } from 'chai'
import type { ItemFilter } from '../../src/core/item-filter.js'
import type { ItemAction } from '../../src/store/act-on-items.js'
import { actOnItems, fits } from '../../src/store/act-on-items.js'
import { retryItem } from '../../src/store/retry-items.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { keys, useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'
import { countWords, createPages, insertPages, PAGES } from './support/pages.js'

describe('store/act-on-items', () => {
  const yard = useYard()

  /** Acts slice by slice until there is no more. @returns items, and how many slices it took. */
  async function act(
    workflow: WorkflowHandle,
    action: ItemAction,
    fields: Partial<ItemFilter> = {},
  ): Promise<{ readonly items: number; readonly slices: number }> {
    const { workflowId, binding } = workflow
    const filter = { workflowId, state: null, code: null, host: null, text: null, ...fields }
    let items = 0
    let slices = 0
    let next: string | null = null
    do {
      const slice = await actOnItems(
        yard.sql,
        { action, filter, binding, reason: 'asked for by a test' },
        next,
      )
      items += slice.items
      slices += 1
      next = slice.next
    } while (next !== null)
    return { items, slices }
  }

  async function failAll(workflow: WorkflowHandle, code: 'http_4xx' | 'robots' = 'http_4xx') {
    const nodeId = await yard.node()
    const held = await yard.hold(workflow, nodeId)
    await yard.settle(
      workflow,
      nodeId,
      held.map((one) => settlement(one, { event: 'discard', code, error: 'no' })),
    )
  }

  describe('cancel', () => {
    it('ends what matches, waiting, delayed or being worked, and nothing else', async () => {
      const workflow = await yard.workflow()
      const nodeId = await yard.node()
      await yard.enqueue(workflow, ['a-held', 'b-held', 'a-late'], { lane: 'one.example' })
      const held = await yard.hold(workflow, nodeId)
      const [, other, late] = held
      if (!other || !late) throw new Error('three items were leased')
      const next = nextTry({ attempt: 1, delayMs: 600_000 })
      await yard.settle(workflow, nodeId, [
        settlement(late, { event: 'retry', code: 'http_5xx', error: 'no', next }),
      ])
      await yard.enqueue(workflow, ['a-waits', 'b-waits'], { lane: 'two.example' })

      expect(await act(workflow, 'cancel', { text: 'A-' })).to.include({ items: 3 })

      expect(await yard.words(workflow)).to.deep.equal({
        ...{ 'a-held': 'Cancelled', 'b-held': 'Processing', 'a-late': 'Cancelled' },
        ...{ 'a-waits': 'Cancelled', 'b-waits': 'Queued' },
      })
      expect(await yard.complete(workflow, nodeId, held)).to.deep.equal([other.itemId])
      const cancelled = (await yard.receipts(workflow)).filter(
        ({ status }) => status === 'cancelled',
      )
      expect(cancelled.map(({ error }) => error)).to.deep.equal(
        Array(3).fill('asked for by a test'),
      )
    })

    it('keeps to a state, a code and a host', async () => {
      const workflow = await yard.workflow()
      const nodeId = await yard.node()
      await yard.enqueue(workflow, keys(4), { lane: 'one.example' })
      const held = await yard.hold(workflow, nodeId)
      const next = nextTry({ attempt: 1, delayMs: 600_000 })
      await yard.settle(
        workflow,
        nodeId,
        held.map((one, n) =>
          settlement(one, { event: 'retry', code: n < 2 ? 'dns' : 'reset', error: 'no', next }),
        ),
      )
      await yard.enqueue(workflow, keys(3, 'other'), { lane: 'two.example' })
      expect(await act(workflow, 'cancel', { code: 'dns' })).to.include({ items: 2 })
      expect(await act(workflow, 'cancel', { state: 'Queued', host: 'one.example' })).to.include({
        items: 0,
      })
      expect(await act(workflow, 'cancel', { host: 'two.example' })).to.include({ items: 3 })
      expect(await act(workflow, 'cancel', { state: 'Delayed' })).to.include({ items: 2 })
    })

    it('goes through very many packs in slices', async () => {
      const workflow = await yard.workflow()
      for (let pack = 0; pack < 230; pack += 1) await yard.enqueue(workflow, keys(2, `p${pack}`))
      expect(await act(workflow, 'cancel')).to.deep.equal({ items: 460, slices: 3 })
      expect(await yard.packs(workflow)).to.deep.equal([])
    })

    it('writes the words of bound rows', async () => {
      await createPages(yard)
      const workflow = await yard.workflow({ source: PAGES })
      await insertPages(yard, 20)
      expect((await act(workflow, 'cancel')).items).to.equal(20)
      expect(await countWords(yard)).to.deep.equal({ Cancelled: 20 })
    })
  })

  describe('promote', () => {
    it('makes delayed items that match ready now, with their counts', async () => {
      const workflow = await yard.workflow()
      const nodeId = await yard.node()
      await yard.enqueue(workflow, keys(4))
      const held = await yard.hold(workflow, nodeId)
      const next = nextTry({ attempt: 2, delayMs: 600_000 })
      await yard.settle(
        workflow,
        nodeId,
        held.map((one) => settlement(one, { event: 'retry', code: 'dns', error: 'no', next })),
      )
      expect((await act(workflow, 'promote', { text: 'key-3' })).items).to.equal(1)
      const ready = (await yard.packs(workflow)).filter((pack) => pack.waits_ms <= 0)
      expect(ready.map(({ attempt, item_ids }) => [attempt, item_ids.length])).to.deep.equal([
        [2, 1],
      ])
      expect((await act(workflow, 'promote')).items).to.equal(3)
    })
  })

  describe('retry', () => {
    it('gives failed items that match their next round, and none to what was asked again', async () => {
      const workflow = await yard.workflow()
      await yard.enqueue(workflow, ['a-1', 'a-2', 'b-1'], {
        payload: { url: 'https://a.example/' },
      })
      await failAll(workflow)
      await yard.enqueue(workflow, ['a-2'], { again: 'when-finished' })
      const nodeId = await yard.node()
      await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))

      expect((await act(workflow, 'retry', { text: 'a-' })).items, 'a-2 is complete').to.equal(1)

      const held = await yard.hold(workflow, await yard.node())
      expect(held.map(({ itemKey }) => itemKey)).to.deep.equal(['a-1'])
      const [row] = await yard.sql`
        select payload, round from fetchyard.item
         where workflow_id = ${workflow.workflowId} and item_key = 'a-1' and round = 2`
      expect(row?.payload).to.deep.equal({ url: 'https://a.example/' })
    })

    it('forgets what is remembered of their charged failures', async () => {
      const workflow = await yard.workflow()
      await yard.enqueue(workflow, ['k'], { payload: { url: 'https://a.example/' } })
      await failAll(workflow)
      await yard.sql`
        insert into fetchyard.known_failure (workflow_id, url_digest, outcome_code)
        values (${workflow.workflowId}, sha256('https://a.example/'::bytea), 'http_4xx')`
      await act(workflow, 'retry')
      const [left] = await yard.sql`
        select count(*)::int as rows from fetchyard.known_failure
         where workflow_id = ${workflow.workflowId}`
      expect(left?.rows).to.equal(0)
    })

    it('goes on in slices, by code, and may be ordered twice without harm', async () => {
      const workflow = await yard.workflow()
      await yard.enqueue(workflow, keys(700))
      await failAll(workflow, 'robots')
      await yard.enqueue(workflow, keys(30, 'other'))
      await failAll(workflow)
      expect(await act(workflow, 'retry', { code: 'robots' })).to.deep.equal({
        ...{ items: 700, slices: 2 },
      })
      expect(await act(workflow, 'retry', { code: 'robots' })).to.include({ items: 0 })
      expect(await act(workflow, 'retry', { state: 'Cancelled' })).to.include({ items: 0 })
    })

    it('asks for bound rows as their owner would, if they are still wanted', async () => {
      await createPages(yard)
      const workflow = await yard.workflow({ source: PAGES })
      const [first] = await insertPages(yard, 5)
      await failAll(workflow)
      expect(await countWords(yard)).to.deep.equal({ Error: 5 })
      await yard.sql`
        update public.pages set curation = 'Removed' where page_id = ${first ?? 0}`
      expect((await act(workflow, 'retry')).items).to.equal(4)
      expect(await countWords(yard)).to.deep.equal({ Error: 1, Queued: 4 })
      expect(await yard.hold(workflow, await yard.node())).to.have.length(4)
    })
  })

  describe('retryItem', () => {
    it('asks for one item again, complete or failed, and not for one under way', async () => {
      const workflow = await yard.workflow()
      const nodeId = await yard.node()
      await yard.enqueue(workflow, ['k'])
      const retry = () => retryItem(yard.sql, { ...workflow, key: 'k' })
      expect(await retry(), 'queued').to.equal(false)
      await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
      expect(await retry(), 'complete').to.equal(true)
      expect(await retry(), 'queued again').to.equal(false)
      await failAll(workflow)
      expect(await retry(), 'failed').to.equal(true)
      expect(await retryItem(yard.sql, { ...workflow, key: 'nobody' })).to.equal(false)
    })

    it('asks for a complete bound row', async () => {
      await createPages(yard)
      const workflow = await yard.workflow({ source: PAGES })
      const [key = ''] = await insertPages(yard, 1)
      const nodeId = await yard.node()
      await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
      expect(await retryItem(yard.sql, { ...workflow, key })).to.equal(true)
      expect(await countWords(yard)).to.deep.equal({ Queued: 1 })
    })
  })

  it('knows which action fits which state', () => {
    const filter = { workflowId: 1, code: null, host: null, text: null }
    expect(fits('cancel', { ...filter, state: 'Error' })).to.equal(false)
    expect(fits('cancel', { ...filter, state: 'Delayed' })).to.equal(true)
    expect(fits('retry', { ...filter, state: 'Complete' })).to.equal(false)
    expect(fits('promote', { ...filter, state: 'Queued' })).to.equal(false)
    expect(fits('promote', { ...filter, state: null })).to.equal(true)
  })
})
