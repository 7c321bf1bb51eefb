import { expect } from 'chai'
import type { ItemFilter } from '../../src/core/item-filter.js'
import { countItems } from '../../src/store/act-on-items.js'
import { findItems } from '../../src/store/find-items.js'
import { cancelItems } from '../../src/store/operate.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { keys, useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'

describe('store/find-items', () => {
  const yard = useYard()
  const filter = (workflow: WorkflowHandle, fields: Partial<ItemFilter> = {}): ItemFilter => ({
    ...{ workflowId: workflow.workflowId, state: null, code: null, host: null, text: null },
    ...fields,
  })
  const find = (workflow: WorkflowHandle, fields: Partial<ItemFilter> = {}) =>
    findItems(yard.sql, filter(workflow, fields))
  const keysOf = async (workflow: WorkflowHandle, fields: Partial<ItemFilter> = {}) =>
    (await find(workflow, fields)).items.map((item) => item.key).sort()

  /** Seven items, one in each state but two that failed, of two hosts. */
  async function mixed() {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, ['done', 'failed', 'refused', 'later', 'held'], {
      lane: 'a.example',
    })
    const held = await yard.hold(workflow, nodeId)
    const [done, failed, refused, later] = held
    if (!done || !failed || !refused || !later) throw new Error('five items were leased')
    await yard.settle(workflow, nodeId, [
      settlement(done),
      settlement(failed, {
        event: 'discard',
        code: 'http_4xx',
        httpStatus: 404,
        error: 'HTTP 404',
      }),
      settlement(refused, { event: 'discard', code: 'robots', httpStatus: null, error: 'no' }),
      settlement(later, {
        ...{ event: 'retry', code: 'http_5xx', httpStatus: 503, error: 'HTTP 503' },
        next: nextTry({ attempt: 1, delayMs: 600_000 }),
      }),
    ])
    await yard.enqueue(workflow, ['waits', 'gone'], { lane: 'b.example' })
    await cancelItems(yard.sql, { ...workflow, keys: ['gone'], reason: 'a test' })
    return workflow
  }

  it('finds every state, each along its own way', async () => {
    const workflow = await mixed()
    expect(await keysOf(workflow, { state: 'Queued' })).to.deep.equal(['waits'])
    expect(await keysOf(workflow, { state: 'Processing' })).to.deep.equal(['held'])
    expect(await keysOf(workflow, { state: 'Delayed' })).to.deep.equal(['later'])
    expect(await keysOf(workflow, { state: 'Complete' })).to.deep.equal(['done'])
    expect(await keysOf(workflow, { state: 'Error' })).to.deep.equal(['failed', 'refused'])
    expect(await keysOf(workflow, { state: 'Cancelled' })).to.deep.equal(['gone'])
  })

  it('tells the state of each as the view for people does', async () => {
    const workflow = await mixed()
    for (const host of [null, 'a.example', 'b.example']) {
      const { items } = await find(workflow, { host })
      const words = await yard.words(workflow)
      for (const { key, state } of items) expect(state, key).to.equal(words[key])
      expect(items).to.have.length({ null: 7, 'a.example': 5, 'b.example': 2 }[`${host}`] ?? 0)
    }
  })

  it('says how the last attempt ended', async () => {
    const workflow = await mixed()
    const [failed] = (await find(workflow, { text: 'faile' })).items
    expect(failed).to.include({ code: 'http_4xx', httpStatus: 404, error: 'HTTP 404', attempt: 1 })
    const [later] = (await find(workflow, { state: 'Delayed' })).items
    expect(later).to.include({ code: 'http_5xx', attempt: 1, lane: 'a.example' })
  })

  it('narrows by code, host and text, in any state', async () => {
    const workflow = await mixed()
    expect(await keysOf(workflow, { code: 'robots' })).to.deep.equal(['refused'])
    expect(await keysOf(workflow, { code: 'http_5xx', state: 'Delayed' })).to.deep.equal(['later'])
    expect(await keysOf(workflow, { code: 'dns', state: 'Delayed' })).to.deep.equal([])
    expect(await keysOf(workflow, { code: 'ok' })).to.deep.equal(['done'])
    expect(await keysOf(workflow, { host: 'b.example' })).to.deep.equal(['gone', 'waits'])
    expect(await keysOf(workflow, { host: 'b.example', state: 'Queued' })).to.deep.equal(['waits'])
    expect(await keysOf(workflow, { host: 'a.example', state: 'Queued' })).to.deep.equal([])
    expect(await keysOf(workflow, { host: 'a.example', state: 'Error' })).to.have.length(2)
    expect(await keysOf(workflow, { text: 'AI' })).to.deep.equal(['failed', 'waits'])
    expect(await keysOf(workflow, { text: '%' }), 'a letter, no pattern').to.deep.equal([])
  })

  it('finds a text in the URL of an item whose key is something else', async () => {
    const workflow = await yard.workflow()
    await yard.enqueue(workflow, ['17'], { payload: { url: 'https://a.example/Contact' } })
    await yard.enqueue(workflow, ['18'], { payload: { url: 'https://b.example/' } })
    for (const fields of [{}, { state: 'Queued' }] as const) {
      const { items } = await find(workflow, { ...fields, text: 'contact' })
      expect(items.map(({ key, url }) => [key, url])).to.deep.equal([
        ['17', 'https://a.example/Contact'],
      ])
    }
  })

  it('finds what is left of an item whose receipt went', async () => {
    const workflow = await mixed()
    await yard.sql`
      with gone as (delete from fetchyard.processing_log
                     where workflow_id = ${workflow.workflowId} and status = 'error'
                    returning item_id, lease_id, ended_at, workflow_id, attempt, http_status,
                              status, outcome_code, error)
      insert into fetchyard.ending (item_id, lease_id, ended_at, workflow_id, attempt, http_status,
                                    status, outcome_code, error)
      select * from gone`
    expect(await keysOf(workflow, { state: 'Error' })).to.deep.equal(['failed', 'refused'])
    expect(await keysOf(workflow, { code: 'robots' })).to.deep.equal(['refused'])
    expect((await find(workflow, { text: 'failed' })).items[0]).to.include({ state: 'Error' })
  })

  it('goes through all of many, page by page, each item once, whatever the way', async () => {
    const workflow = await yard.workflow()
    const nodeId = await yard.node()
    await yard.enqueue(workflow, keys(400), { lane: 'a.example' })
    const held = await yard.hold(workflow, nodeId, { itemsMax: 130 })
    await yard.settle(
      workflow,
      nodeId,
      held.map((one) => settlement(one, { event: 'discard', code: 'http_4xx', error: 'no' })),
    )
    const ways: readonly [Partial<ItemFilter>, number][] = [
      [{ state: 'Queued' }, 270],
      [{ state: 'Error' }, 130],
      [{ host: 'a.example' }, 400],
      [{}, 400],
    ]
    for (const [fields, total] of ways) {
      const seen: string[] = []
      let next: string | null = null
      do {
        const page = await findItems(yard.sql, filter(workflow, fields), next)
        seen.push(...page.items.map((item) => item.itemId))
        next = page.next
      } while (next !== null)
      expect(seen, JSON.stringify(fields)).to.have.length(total)
      expect(new Set(seen).size, JSON.stringify(fields)).to.equal(total)
    }
  })

  it('finds a whole key although it stands far behind in the order of keys', async () => {
    const workflow = await yard.workflow()
    await yard.enqueue(workflow, [...keys(60), 'Zebra'])
    const { items } = await find(workflow, { text: 'Zebra' })
    expect(items.map((item) => item.key)).to.deep.equal(['Zebra'])
  })

  it('begins at the beginning when a place was tampered with', async () => {
    const workflow = await mixed()
    for (const place of ['{}', '[[1]]', '[null]', 'x', '[1,2,3,4,5]']) {
      const { items } = await findItems(yard.sql, filter(workflow), place)
      expect(items, place).to.have.length(7)
    }
  })

  it('counts what an action would find, and no more than that', async () => {
    const workflow = await mixed()
    const count = (action: 'cancel' | 'promote' | 'retry', fields: Partial<ItemFilter> = {}) =>
      countItems(yard.sql, { action, filter: filter(workflow, fields) })
    expect(await count('cancel')).to.deep.equal({ items: 3, isWhole: true })
    expect(await count('cancel', { host: 'b.example' })).to.deep.equal({ items: 1, isWhole: true })
    expect(await count('cancel', { state: 'Processing' })).to.deep.include({ items: 1 })
    expect(await count('cancel', { text: 'LATE' })).to.deep.include({ items: 1 })
    expect(await count('promote')).to.deep.include({ items: 1 })
    expect(await count('retry')).to.deep.include({ items: 3 })
    expect(await count('retry', { state: 'Cancelled' })).to.deep.include({ items: 1 })
    expect(await count('retry', { code: 'robots' })).to.deep.include({ items: 1 })
  })

  // A table of millions is not needed to see whether the right index answers.
  it('goes along an index for every filter', async () => {
    const workflow = await mixed()
    const ways: readonly [Partial<ItemFilter>, string][] = [
      [{ state: 'Error' }, 'processing_log_failed_idx|workflow_id_item_id_status_outcome_code_idx'],
      [{ host: 'a.example' }, 'item_lane_idx'],
      [{}, 'item_workflow_id_item_key_round_key'],
      [{ state: 'Queued' }, 'work_queue_ready_idx'],
    ]
    for (const [fields, index] of ways) {
      const plan = await planOf(filter(workflow, fields))
      expect(plan, JSON.stringify(fields)).to.match(new RegExp(index))
    }
  })

  it('reads for a page that is full no more than the page', async () => {
    const workflow = await yard.workflow()
    await yard.enqueue(workflow, keys(3_000, 'many'), { lane: 'many.example' })
    for (const fields of [{}, { host: 'many.example' }]) {
      const plan = await planOf(filter(workflow, fields), 'explain (analyze, timing off)')
      const rows = [...plan.matchAll(/actual rows=(\d+)/g)].map(([, count]) => Number(count))
      expect(rows.length, plan).to.be.above(5)
      expect(Math.max(...rows), plan).to.be.at.most(300)
    }
  })

  async function planOf(given: ItemFilter, explain = 'explain'): Promise<string> {
    const plans: string[] = []
    const spy = {
      unsafe: async (statement: string, parameters: (string | number | null)[]) => {
        const rows = await yard.sql.begin(async (transaction) => {
          await transaction.unsafe('set local enable_seqscan = off; set local enable_sort = off')
          return transaction.unsafe(`${explain} ${statement}`, parameters)
        })
        plans.push(rows.map((row) => String(row['QUERY PLAN'])).join('\n'))
        return []
      },
    }
    await findItems(spy as unknown as typeof yard.sql, given)
    return plans.join('\n')
  }
})
