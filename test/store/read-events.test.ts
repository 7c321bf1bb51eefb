import { expect } from 'chai'
import { storeEvent } from '../../src/store/events.js'
import { readPace } from '../../src/store/pace.js'
import { readEvents, readHeardEvents } from '../../src/store/read-events.js'
import { useYard } from '../support/factory.js'

describe('store/read-events', () => {
  const yard = useYard()
  const ALL = { level: null, workflow: null, before: null }

  it('reads the latest first, page by page, and narrows by level and workflow', async () => {
    const workflow = await yard.workflow()
    for (let n = 1; n <= 205; n += 1) {
      const level = n % 50 === 0 ? 'warn' : 'info'
      const workflowId = n % 2 === 0 ? workflow.workflowId : null
      await storeEvent(yard.sql, {
        ...{ level, workflowId, name: 'a.test', nodeId: null, message: `number ${n}`, fields: {} },
      })
    }
    const first = await readEvents(yard.sql, ALL)
    expect(first.events).to.have.length(100)
    expect(first.events[0]).to.include({ message: 'number 205', workflow: null, name: 'a.test' })
    expect(first.events[1]).to.include({ message: 'number 204', workflow: workflow.name })
    const second = await readEvents(yard.sql, { ...ALL, before: first.next })
    const third = await readEvents(yard.sql, { ...ALL, before: second.next })
    expect(third.events.at(-1)?.message).to.equal('number 1')
    expect(third.next).to.equal(null)
    const warned = await readEvents(yard.sql, { ...ALL, level: 'warn' })
    expect(warned.events.map(({ message }) => message)).to.deep.equal([
      ...['number 200', 'number 150', 'number 100', 'number 50'],
    ])
    const own = await readEvents(yard.sql, { ...ALL, workflow: workflow.name })
    expect(own.events).to.have.length(100)
    expect(own.events.every((event) => event.workflow === workflow.name)).to.equal(true)
  })
})

describe('store/read-events, of other nodes', () => {
  const yard = useYard()

  it('tells what others and commands have kept within the hour, each again for a while', async () => {
    const [own, other] = [await yard.node({ name: 'a' }), await yard.node({ name: 'b' })]
    const tell = (message: string, nodeId: string | null) =>
      storeEvent(yard.sql, {
        ...{ level: 'warn', name: 'a.test', workflowId: null, fields: {} },
        ...{ nodeId, message },
      })
    await tell('long ago', other)
    await yard.sql`update fetchyard.event set happened_at = now() - interval '61 minutes'`
    await tell('mine', own)
    await tell('theirs', other)
    await tell('of a command', null)
    const read = (after: string) => readHeardEvents(yard.sql, { except: own, after })
    const first = await read('0')
    expect(first.events.map(({ message, node }) => [message, node])).to.deep.equal([
      ['theirs', 'b'],
      ['of a command', null],
    ])
    // A number that was given before the last one read may be committed after it.
    const again = await read(first.last)
    expect(again).to.deep.equal(first)
    for (let n = 0; n < 120; n += 1) await tell(`more ${n}`, n % 2 === 0 ? other : own)
    const later = await read(first.last)
    expect(later.events).to.have.length(50)
    expect(later.events.at(-1)?.message).to.equal('more 118')
    const nothing = await readHeardEvents(yard.sql, { except: own, after: '100000' })
    expect(nothing).to.deep.equal({ events: [], last: '100000' })
  })
})

describe('store/pace', () => {
  const yard = useYard()

  it('tells completed, failed and latencies by minute, of the last hour alone', async () => {
    const workflow = await yard.workflow()
    const add = (minutes: number, code: string, bucket: number | null, items: number) => yard.sql`
      insert into fetchyard.end_tally (ended_at, workflow_id, outcome_code, latency_bucket, items)
      values (date_trunc('minute', now()) - ${minutes}::int * interval '1 minute',
              ${workflow.workflowId}, ${code}, ${bucket}, ${items})`
    await add(2, 'ok', 10, 90)
    await add(2, 'ok', 20, 10)
    await add(2, 'dns', null, 5)
    await add(1, 'dns', null, 3)
    await add(70, 'ok', 10, 1_000)
    const minutes = await readPace(yard.sql)
    const shown = minutes.map(({ atMs: _, ...minute }) => minute)
    expect(shown).to.deep.equal([
      { workflow: workflow.name, completed: 100, failed: 5, p50Ms: 32, p95Ms: 1_024 },
      { workflow: workflow.name, completed: 0, failed: 3, p50Ms: null, p95Ms: null },
    ])
    const [earlier, later] = minutes
    expect((later?.atMs ?? 0) - (earlier?.atMs ?? 0)).to.equal(60_000)
  })
})
