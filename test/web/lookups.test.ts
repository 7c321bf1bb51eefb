import { tmpdir } from 'node:os'
import { expect } from 'chai'
import { createOperatorStore } from '../../src/store/operator-store.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { createOperatorDesk } from '../../supervisor/operator-desk.js'
import { createSteeringDesk } from '../../supervisor/steering-desk.js'
import { runProgram } from '../cli/program.js'
import { keys, useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'
import { openYard, TOKEN, type Yard } from './support/yard.js'

const OPERATOR = 'an-operator-token-of-its-own'

/** A status without what differs from one moment to the next. */
function lasting(status: { readonly [field: string]: unknown }) {
  const { readAt: _, connections: __, ...rest } = status
  return rest
}

describe('web/lookups', () => {
  const rows = useYard()
  let yard: Yard
  let workflow: WorkflowHandle
  beforeEach(async () => {
    const operator = createOperatorDesk({
      store: createOperatorStore(rows.sql),
      nowMs: () => performance.now(),
    })
    const desk = createSteeringDesk(rows.store)
    yard = await openYard({ operatorToken: OPERATOR, operator, desk })
    workflow = await rows.workflow()
    const nodeId = await rows.node()
    await rows.enqueue(workflow, keys(3, 'https://a.example/'), { lane: 'a.example' })
    const held = await rows.hold(workflow, nodeId)
    await rows.settle(
      workflow,
      nodeId,
      held.map((one, n) =>
        settlement(one, n === 0 ? {} : { event: 'discard', code: 'http_4xx', error: 'HTTP 404' }),
      ),
    )
    await rows.enqueue(workflow, ['waits'])
  })
  afterEach(() => yard.close())

  async function post(path: string, body: object, token = OPERATOR) {
    const answer = await fetch(`${yard.base}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const told = (await answer.json()) as Record<string, unknown>
    return { status: answer.status, told, words: JSON.stringify(told.error ?? '') }
  }
  const get = async (path: string) => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    const answer = await fetch(`${yard.base}${path}`, { headers })
    return { status: answer.status, told: (await answer.json()) as Record<string, unknown> }
  }

  it('finds items and tells the history of one, to who only reads', async () => {
    const question = { workflow: workflow.name, state: 'Error', host: 'A.example' }
    const { status, told } = await post('/api/items/find', question, TOKEN)
    expect(status).to.equal(200)
    expect(told.items).to.have.length(2)
    expect(told).to.include({ v: 1, next: null })
    const key = 'https://a.example/-2'
    const history = await post('/api/items/history', { workflow: workflow.name, key }, TOKEN)
    expect(history.told.rounds).to.have.length(1)
    expect(JSON.stringify(history.told.rounds)).to.contain('HTTP 404')
  })

  it('counts first, then acts on all that match, and leaves an event with who and what', async () => {
    const deed = { workflow: workflow.name, action: 'retry', code: 'http_4xx' }
    expect((await post('/api/items/count', deed, TOKEN)).told).to.include({ items: 2 })
    const { told } = await post('/api/items/act', { ...deed, by: 'Zoë' })
    expect(told).to.include({ items: 2, next: null })
    expect(told.words).to.equal(`Asked again for 2 items of ${workflow.name}, ended by http_4xx.`)
    const events = await post('/api/events/find', { workflow: workflow.name }, TOKEN)
    expect(JSON.stringify(events.told.events)).to.contain('items.retried').and.contain('by Zoë')
    expect(await rows.tally(workflow)).to.include({ enqueue: 6 })
  })

  it('acts on one item by its key', async () => {
    const deed = { workflow: workflow.name, action: 'cancel', key: 'waits' }
    expect((await post('/api/items/act', deed)).told).to.include({ items: 1 })
    expect((await post('/api/items/act', deed)).told).to.include({ items: 0 })
    const [receipt] = await rows.sql`
      select error from fetchyard.processing_log where status = 'cancelled'
         and workflow_id = ${workflow.workflowId}`
    expect(receipt?.error).to.match(/^cancelled by an operator, over HTTP from /)
  })

  it('keeps an event of what was done before a slice failed, and says where it goes on', async () => {
    const real = createOperatorStore(rows.sql)
    const store = {
      ...real,
      actOnItems: async (_: unknown, next: string | null) => {
        if (next !== null) throw new Error('the connection is gone')
        return { items: 7, next: 'there' }
      },
    }
    const desk = createOperatorDesk({ store, nowMs: () => 0 })
    const filter = { workflow: workflow.name, state: null, code: null, host: null, text: null }
    const deed = { action: 'cancel', filter, key: null } as const
    const by = { name: 'Zoë', via: 'a test' }
    expect(await desk.act({ ...deed, after: null }, by)).to.include({ items: 7, next: 'there' })
    const [event] =
      await rows.sql`select message from fetchyard.event order by event_id desc limit 1`
    expect(event?.message).to.contain('7 items').and.contain('Zoë')
    const failed = await desk.act({ ...deed, after: 'there' }, by).catch(String)
    expect(failed).to.contain('the connection is gone')
  })

  it('keeps the order itself before the first slice, which may be the last deed of a node', async () => {
    const store = {
      ...createOperatorStore(rows.sql),
      actOnItems: () => Promise.reject(new Error('killed')),
    }
    const desk = createOperatorDesk({ store, nowMs: () => 0 })
    const filter = { workflow: workflow.name, state: null, code: null, host: null, text: 'wai' }
    const deed = { action: 'cancel', filter, key: null, after: null } as const
    const failed = await desk.act(deed, { name: 'Zoë', via: 'a test' }).catch(String)
    expect(failed).to.contain('killed')
    const [event] =
      await rows.sql`select name, message from fetchyard.event order by event_id desc limit 1`
    expect(event).to.deep.equal({
      name: 'items.ordered',
      message: `by Zoë, a test: Cancel all of ${workflow.name}, with “wai” in key or URL.`,
    })
  })

  it('takes orders while as many questions are asked as there may be', async () => {
    let release = () => {}
    const held = new Promise<never>((_, reject) => {
      release = () => reject(new Error('enough'))
    })
    let asked = 0
    const real = createOperatorDesk({ store: createOperatorStore(rows.sql), nowMs: () => 0 })
    const operator = {
      ...real,
      find: () => {
        asked += 1
        return held
      },
    }
    const busy = await openYard({ operatorToken: OPERATOR, operator, desk: null })
    const ask = (path: string, body: object, token = OPERATOR) =>
      fetch(`${busy.base}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ workflow: workflow.name, ...body }),
      })
    const question = () => ask('/api/items/find', {}, TOKEN)
    const eight = Array.from({ length: 8 }, question)
    while (asked < 8) await new Promise((resolve) => setImmediate(resolve))
    expect((await question()).status).to.equal(503)
    expect((await ask('/api/items/act', { action: 'cancel', key: 'waits' })).status).to.equal(200)
    release()
    await Promise.all(eight)
    await busy.close()
  })

  it('takes no order from who only reads', async () => {
    const deed = { workflow: workflow.name, action: 'cancel' }
    expect((await post('/api/items/act', deed, TOKEN)).status).to.equal(403)
    expect((await post(`/api/workflows/${workflow.name}/run-now`, {}, TOKEN)).status).to.equal(403)
    expect(await rows.words(workflow)).to.include({ waits: 'Queued' })
  })

  const wrong: readonly (readonly [path: string, body: object, words: RegExp])[] = [
    ['find', {}, /`workflow` to name a workflow/],
    ['find', { workflow: 'a', state: 'Lost' }, /`state` to be one of Queued/],
    ['find', { workflow: 'a', code: 'constructor' }, /`code` to be one of/],
    ['find', { workflow: 'a', text: 'x'.repeat(501) }, /a text of at most 500 characters/],
    ['find', { workflow: 'a', text: 7 }, /`text` to be a text.*got 7/],
    ['find', { workflow: 'a', text: 'a\0b' }, /`text` to be a text/],
    ['find', { workflow: 'a', stat: 'Error' }, /Unknown field .*Did you mean `state`/],
    ['find', [], /to be a JSON object/],
    ['history', { workflow: 'a' }, /`key` to be the key of an item/],
    ['act', { workflow: 'a', action: 'delete' }, /`action` to be one of cancel, promote, retry/],
    ['act', { workflow: 'a', action: 'cancel', state: 'Error' }, /none that cancel is for/],
    ['act', { workflow: 'a', action: 'retry', by: '<b>' }, /`by` to be 1 to 80 letters/],
  ]
  for (const [path, body, words] of wrong) {
    it(`says what is wrong with ${path} ${JSON.stringify(body).slice(0, 60)}`, async () => {
      const answer = await post(`/api/items/${path}`, body)
      expect(answer.status).to.equal(400)
      expect(answer.words).to.match(words)
    })
  }

  it('knows no workflow by a wrong name', async () => {
    const answer = await post('/api/items/find', { workflow: 'nobody' })
    expect(answer.status).to.equal(404)
    expect(answer.words).to.contain('no workflow `nobody`')
  })

  it('tells schedules, housekeeping and the pace of the last hour', async () => {
    await rows.store.schedules.putSchedule({
      ...{ workflowId: workflow.workflowId, definition: { every: '5m', batch: 10 } },
      firstAt: new Date(Date.now() + 3_600_000),
    })
    const { told } = await get('/api/schedules')
    expect(JSON.stringify(told.schedules)).to.contain(workflow.name).and.contain('"every":"5m"')
    const chores = (await get('/api/housekeeping')).told.chores
    expect(chores).to.have.length(5)
    const minutes = (await get('/api/pace')).told.minutes
    expect(JSON.stringify(minutes)).to.contain(`"${workflow.name}"`).and.contain('"failed":2')
    const why = JSON.stringify((await get('/api/why')).told)
    expect(why).to.contain('No living node works it')
  })

  it('answers what the command prints: pauses, breakers and schedules in the same words', async () => {
    const { workflowId, name } = workflow
    const nodeId = await rows.node()
    const message = 'worker died 6 times in 60 s'
    await rows.store.pauseWorkflow({ workflowId, reason: 'restart_intensity' })
    const event = { level: 'error', name: 'workflow.paused', workflowId, nodeId, message } as const
    await rows.store.storeEvent({ ...event, fields: { reason: 'restart_intensity' } })
    await rows.store.schedules.putSchedule({
      ...{ workflowId, definition: { every: '5m' } },
      firstAt: new Date(Date.now() + 3_600_000),
    })
    const breaker = { state: 'open', failures: 20, opensInMs: 30_000 }
    const load = { workflow: name, slots: 4, limit: 0, reason: 'breaker', breaker }
    await rows.sql`
      update fetchyard.node set stats = ${JSON.stringify({ workflows: [load] })}::text::jsonb
       where node_id = ${nodeId}`

    const { told } = await get('/api/status')
    const printed = await runProgram(['status', '--json'], {
      ...{ cwd: tmpdir(), environment: { DATABASE_URL: rows.url } },
    })

    expect(lasting(told)).to.deep.equal({ v: 1, ...lasting(JSON.parse(printed.stdout)) })
    const ours = (list: unknown) =>
      (list as { workflow: string }[]).filter((one) => one.workflow === name)
    expect(ours(told.pauses)).to.have.length(1)
    expect(ours(told.pauses)[0]).to.deep.include({ reason: 'restart_intensity', message })
    expect(ours(told.loads)[0]).to.deep.include({ reason: 'breaker', breaker })
    expect(ours(told.schedules)).to.have.length(1)
    expect(ours(told.errors)).to.deep.equal([{ workflow: name, code: 'http_4xx', items: 2 }])
    expect(ours(told.workflows)[0]).to.include({ queued: 1, complete: 1, error: 2, delayed: 0 })
    const timed = ['perSecond', 'latencyP50Ms', 'latencyP95Ms', 'oldestQueuedAt']
    for (const figure of timed) expect(ours(told.workflows)[0]).to.have.property(figure).not.null
  })

  it('opens an instance of a scheduled workflow, once', async () => {
    const path = `/api/workflows/${workflow.name}/run-now`
    expect((await post(path, {})).told.words).to.contain('has no schedule')
    await rows.store.schedules.putSchedule({
      ...{ workflowId: workflow.workflowId, definition: { every: '5m' } },
      firstAt: new Date(Date.now() + 3_600_000),
    })
    expect((await post(path, { by: 'Zoë' })).told.words).to.contain('works what is ready now')
    expect((await post(path, {})).told.words).to.contain('as many instances open')
  })

  it('says that there is nobody to ask where there is no database', async () => {
    const bare = await openYard()
    const answer = await fetch(`${bare.base}/api/items/find`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: '{}',
    })
    expect(answer.status).to.equal(404)
    await bare.close()
  })
})
