// Several nodes judge one cluster over one database: an alert is told once, whoever tells it, and a
// node that dies leaves it to the others.

import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { systemClock } from '../../src/core/clock.js'
import { systemRandom } from '../../src/core/random.js'
import { createAlertStore } from '../../src/store/alerts.js'
import { type AnyEvent, createEventBus } from '../../src/telemetry/events.js'
import { createAlertWatch } from '../../supervisor/alert-watch.js'
import { createAlerting } from '../../supervisor/alerting.js'
import { useYard } from '../support/factory.js'
import { eventually } from '../support/poll.js'
import { startWebhook, type WebhookServer } from '../support/webhook.js'

const INTERVAL_MS = 20
const KEY = 'a-key-of-many-characters'

describe('cluster/alerts', () => {
  const yard = useYard()
  const stops: (() => Promise<void>)[] = []
  let hook: WebhookServer
  beforeEach(async () => {
    hook = await startWebhook()
    await yard.sql`delete from fetchyard.alert`
    await yard.sql`delete from fetchyard.alert_notice`
    await yard.sql`delete from fetchyard.end_tally`
    await yard.sql`update fetchyard.alert_watch set watcher = null, watch_until = '-infinity'`
  })
  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
    await hook.close()
  })

  /** What a node has for alerts, over the real database. */
  function startNode(told: AnyEvent[]) {
    const nodeId = randomUUID()
    const events = createEventBus()
    events.subscribe((event) => told.push(event))
    const store = createAlertStore(yard.sql)
    const clock = systemClock
    const watch = createAlertWatch({ store, nodeId, clock, events, intervalMs: INTERVAL_MS })
    watch.start()
    // Its own watch is asleep for longer than the test takes; its messenger is the real one.
    const settings = {
      ...{ alertWebhook: hook.url, alertWebhookKey: KEY, alertWebhookRanges: ['127.0.0.0/8'] },
    }
    const alerting = createAlerting(settings, {
      ...{ store: { ...store, takeTurn: async () => false }, nodeId: randomUUID() },
      ...{ version: '1', clock, random: systemRandom, events },
    })
    alerting.start()
    stops.push(watch.stop, alerting.stop)
    return { nodeId, watch }
  }

  async function errors(workflowId: number, code: string, items: number): Promise<void> {
    await yard.sql`
      insert into fetchyard.end_tally (workflow_id, outcome_code, items)
      values (${workflowId}, ${code}, ${items})`
  }

  /** Lets the state of the alert last long enough, as if that time had passed. */
  const age = () => yard.sql`update fetchyard.alert set since = since - interval '10 minutes'`

  const state = async () => {
    const rows = await yard.sql<{ state: string }[]>`select state from fetchyard.alert`
    return rows.map((row) => row.state)
  }
  const untilState = (wanted: string | undefined) =>
    eventually({ words: `state ${wanted}` }, async () => (await state())[0] === wanted)

  async function failing() {
    const workflow = await yard.workflow()
    const { workflowId } = workflow
    await yard.sql`
      update fetchyard.workflow set alerts = '{"errorPercent": 5}' where workflow_id = ${workflowId}`
    await errors(workflowId, 'http_5xx', 40)
    return workflow
  }

  it('raises and clears once over three nodes, and tells the webhook once each', async () => {
    const workflow = await failing()
    const told: AnyEvent[] = []
    for (let node = 0; node < 3; node += 1) startNode(told)
    await untilState('pending')
    await age()
    await untilState('raised')
    await eventually({ words: 'a notice' }, () => hook.deliveries.length === 1)

    await errors(workflow.workflowId, 'ok', 4_000)
    await untilState('clearing')
    await age()
    await untilState(undefined)
    await eventually({ words: 'two notices' }, () => hook.deliveries.length === 2)

    const names = told.map(({ name }) => name).filter((name) => /raised|cleared/.test(name))
    expect(names).to.deep.equal(['alert.raised', 'alert.cleared'])
    const bodies = hook.deliveries.map(({ body }) => JSON.parse(body) as { event: string })
    expect(bodies.map(({ event }) => event)).to.deep.equal(['alert.raised', 'alert.cleared'])
    const kept = await yard.sql`
      select name, level from fetchyard.event
       where workflow_id = ${workflow.workflowId} order by event_id`
    expect(kept).to.deep.equal([
      { name: 'alert.raised', level: 'error' },
      { name: 'alert.cleared', level: 'info' },
    ])
  })

  it('goes on with what a node began that died, and does not tell it again', async () => {
    const workflow = await failing()
    const told: AnyEvent[] = []
    // Dead without a word: it asks for no turn any more, and keeps the one it has.
    const dead = startNode(told)
    await untilState('pending')
    await age()
    await untilState('raised')
    await dead.watch.stop()
    await yard.sql`
      update fetchyard.alert_watch
         set watcher = ${dead.nodeId}, watch_until = clock_timestamp() - interval '1 ms'`

    const after: AnyEvent[] = []
    startNode(after)
    await errors(workflow.workflowId, 'ok', 4_000)
    await untilState('clearing')
    await age()
    await untilState(undefined)
    const names = after.map(({ name }) => name).filter((name) => /raised|cleared/.test(name))
    expect(names).to.deep.equal(['alert.cleared'])
  })

  it('shows what is raised to every node that reads the figures', async () => {
    const workflow = await failing()
    startNode([])
    await untilState('pending')
    expect((await yard.store.readFigures()).raised).to.deep.equal([])
    await age()
    await untilState('raised')
    const { raised } = await yard.store.readFigures()
    expect(raised).to.have.lengthOf(1)
    expect(raised[0]).to.include({
      ...{ alert: 'errors_high', subject: workflow.name, workflow: workflow.name, level: 'error' },
    })
    expect(raised[0]?.message).to.match(/100\.0 % of 40 items/)
  })

  it('keeps trying a receiver that is down, without holding up the judging', async () => {
    hook.answer = (response) => response.writeHead(503).end()
    await failing()
    const told: AnyEvent[] = []
    startNode(told)
    await untilState('pending')
    await age()
    await untilState('raised')
    await eventually({ words: 'a failed notice' }, () =>
      told.some(({ name }) => name === 'alert.notice_failed'),
    )
    hook.answer = (response) => response.writeHead(200).end()
    await yard.sql`update fetchyard.alert_notice set next_try_at = clock_timestamp()`
    await eventually({ words: 'a notice' }, () =>
      told.some(({ name }) => name === 'alert.notice_sent'),
    )
    const ids = hook.deliveries.map(({ headers }) => headers['webhook-id'])
    expect(ids).to.have.lengthOf(2)
    expect(new Set(ids).size).to.equal(1)
  })
})
