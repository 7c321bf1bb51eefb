// What is old goes, and at every moment what was enqueued is what is there and what was retired.

import { expect } from 'chai'
import type { SinkDefinition } from '../../src/core/definition.js'
import type { AuditReport } from '../../src/store/audit.js'
import { audit } from '../../src/store/audit.js'
import type { Chore } from '../../src/store/chores.js'
import { readFigures } from '../../src/store/figures.js'
import { readHistory } from '../../src/store/history.js'
import { readRunItems } from '../../src/store/results.js'
import { FIRST } from '../../src/store/retention.js'
import { joinRun, openRun, readRunOutcomes, readRunProgress } from '../../src/store/runs.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { keys, useYard, type Yard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'

const DAY_MS = 86_400_000
const REST = { partition: 'processing_log_rest', pages: 1_000, isRest: true } as const

/** A node that has the turn at these chores. */
async function keeper(yard: Yard, ...chores: readonly Chore[]): Promise<string> {
  const nodeId = await yard.node({ name: 'keeper' })
  await yard.sql`update fetchyard.housekeeping set turn_until = null, passed_at = null`
  for (const chore of chores) {
    expect(await yard.store.chores.takeTurn({ chore, nodeId, gapMs: 0 }), chore).to.equal(true)
  }
  return nodeId
}

/** Moves what ends items out of the receipts of the rest partition. */
async function move(yard: Yard, nodeId: string, keepMs = 0): Promise<number> {
  const where = { receipts: REST, fromPage: 0, pagesMax: REST.pages }
  const { rows } = await yard.store.chores.moveEndings({ nodeId, keepMs, ...where })
  return rows
}

async function retire(yard: Yard, nodeId: string, keepMs = 0): Promise<number> {
  const slice = { nodeId, keepMs, rowsMax: 1_000, after: FIRST }
  return (await yard.store.chores.retireItems(slice)).rows
}

/** Items that complete, and for each a result row. */
async function completed(yard: Yard, count: number) {
  const made = await yard.leased(count)
  await yard.complete(made.workflow, made.nodeId, made.held)
  return made
}

const equationOf = ({ enqueued, queued, finished, retired, lost }: AuditReport) => {
  return { enqueued, queued, finished, retired, lost }
}

async function clear(yard: Yard): Promise<void> {
  await yard.sql`
    truncate fetchyard.item, fetchyard.work_queue, fetchyard.processing_log, fetchyard.ending,
             fetchyard.tally, fetchyard.run, fetchyard.run_item, fetchyard.run_stretch, fetchyard.event`
  await yard.sql`update fetchyard.housekeeping set newest_lease = 0, paused_why = null`
}

describe('retention: receipts', () => {
  const yard = useYard()
  beforeEach(() => clear(yard))

  it('keep what ends items when they go, and every reader finds it', async () => {
    const { workflow, nodeId, held } = await yard.leased(3)
    const [good, bad, poor] = held
    if (good === undefined || bad === undefined || poor === undefined) throw new Error('three')
    const error = { event: 'discard', code: 'http_4xx', httpStatus: 404, error: 'gone' } as const
    const again = { event: 'retry', code: 'timeout_total', next: nextTry({ attempt: 1 }) } as const
    await yard.settle(workflow, nodeId, [
      settlement(good),
      settlement(bad, error),
      settlement(poor, again),
    ])
    const before = await yard.words(workflow)
    const reads = async () => ({
      words: await yard.words(workflow),
      errors: (await readFigures(yard.sql)).workflows.map(({ errors }) => errors),
      equation: equationOf(await audit(yard.sql)),
      last: [
        ...(await yard.sql`
          select item_key, attempt, outcome_code, http_status, last_error, last_ended_at
            from fetchyard.work_items where status in ('Complete', 'Error') order by item_id`),
      ],
    })
    const expected = await reads()
    expect(await move(yard, await keeper(yard, 'receipts'))).to.equal(3)
    expect(await yard.receipts(workflow)).to.deep.equal([])
    expect(await reads()).to.deep.equal(expected)
    expect(before).to.include({ [good.itemKey]: 'Complete', [bad.itemKey]: 'Error' })
    const [round] = await readHistory(yard.sql, { workflowId: workflow.workflowId, key: 'key-2' })
    expect(round?.attempts).to.have.length(1)
    expect(round?.attempts[0]).to.include({ status: 'error', code: 'http_4xx', error: 'gone' })
  })

  it('stay while they are young', async () => {
    const { workflow } = await completed(yard, 2)
    expect(await move(yard, await keeper(yard, 'receipts'), DAY_MS)).to.equal(0)
    expect(await yard.receipts(workflow)).to.have.length(2)
  })

  it('are not touched without the turn, nor while housekeeping is paused', async () => {
    const { workflow } = await completed(yard, 1)
    const holder = await keeper(yard, 'receipts')
    expect(await move(yard, await yard.node())).to.equal(0)
    await yard.sql`update fetchyard.housekeeping set paused_why = 'a test'`
    expect(await move(yard, holder)).to.equal(0)
    expect(await yard.receipts(workflow)).to.have.length(1)
  })

  it('of a day go with its partition, once nothing depends on them', async () => {
    const { workflow, nodeId } = await completed(yard, 300)
    await yard.enqueue(workflow, ['late'])
    const [late] = await yard.hold(workflow, nodeId)
    if (late === undefined) throw new Error('nothing was leased')
    const again = { event: 'retry', code: 'timeout_total', next: nextTry({ attempt: 1 }) } as const
    await yard.settle(workflow, nodeId, [settlement(late, again)])
    await yard.sql`
      create table fetchyard.processing_log_20200102 partition of fetchyard.processing_log
         for values from ('2020-01-02T00:00:00Z') to ('2020-01-03T00:00:00Z')`
    await yard.sql`update fetchyard.processing_log set ended_at = '2020-01-02T12:00:00Z'`
    const holder = await keeper(yard, 'receipts')
    const { chores } = yard.store
    const [receipts, rest] = await chores.findOldReceipts(30 * DAY_MS)
    expect(receipts).to.include({ partition: 'processing_log_20200102', isRest: false })
    expect(rest?.isRest).to.equal(true)
    const partition = 'processing_log_20200102'
    expect(await chores.dropReceipts({ nodeId: holder, partition })).to.equal('needed')
    if (receipts === undefined) throw new Error('the partition was not found')
    const sizes: number[] = []
    for (let fromPage = 0; fromPage < receipts.pages; fromPage += 1) {
      const slice = { nodeId: holder, receipts, fromPage, pagesMax: 1, keepMs: 30 * DAY_MS }
      sizes.push((await chores.moveEndings(slice)).rows)
      // In the middle of a move, too.
      expect((await audit(yard.sql)).isClean).to.equal(true)
    }
    expect(sizes.filter((rows) => rows > 0)).to.have.length.greaterThan(1)
    expect(sizes.reduce((sum, rows) => sum + rows, 0)).to.equal(300)
    const other = await yard.node()
    expect(await chores.dropReceipts({ nodeId: other, partition })).to.equal('lost')
    await yard.sql.begin(async (reader) => {
      await reader`select count(*) from fetchyard.processing_log`
      expect(await chores.dropReceipts({ nodeId: holder, partition })).to.equal('busy')
    })
    expect(await chores.dropReceipts({ nodeId: holder, partition })).to.equal('dropped')
    expect(equationOf(await audit(yard.sql))).to.deep.equal({
      ...{ enqueued: 301, queued: 1, finished: 300, retired: 0, lost: 0 },
    })
  })

  it('that end an item twice stay, with the fault that the audit tells', async () => {
    yard.damage()
    const { workflow } = await completed(yard, 1)
    await yard.sql`insert into fetchyard.processing_log select * from fetchyard.processing_log`
    const holder = await keeper(yard, 'receipts')
    const error = await move(yard, holder).catch((thrown: unknown) => thrown)
    expect(error).to.have.property('code', '23505')
    expect(await yard.receipts(workflow)).to.have.length(2)
  })
})

describe('retention: items', () => {
  const yard = useYard()
  beforeEach(() => clear(yard))

  const moved = async (count: number) => {
    const made = await completed(yard, count)
    const holder = await keeper(yard, 'receipts', 'items', 'runs')
    await move(yard, holder)
    return { ...made, holder }
  }

  it('that finished long ago go, and are counted', async () => {
    const { workflow, holder } = await moved(5)
    await yard.enqueue(workflow, ['young'])
    expect(await retire(yard, holder, DAY_MS), 'young ones stay').to.equal(0)
    expect(await retire(yard, holder)).to.equal(5)
    expect(await yard.tally(workflow)).to.include({ enqueue: 6, complete: 5, retire: 5 })
    expect(Object.keys(await yard.words(workflow))).to.deep.equal(['young'])
    expect(equationOf(await audit(yard.sql))).to.deep.equal({
      ...{ enqueued: 6, queued: 1, finished: 0, retired: 5, lost: 0 },
    })
  })

  it('go in slices, and the next one goes on where the last ended', async () => {
    const { holder } = await moved(7)
    const { chores } = yard.store
    const sizes: number[] = []
    for (let after = FIRST; ; ) {
      const slice = { nodeId: holder, keepMs: 0, rowsMax: 3, after }
      const { rows, next } = await chores.retireItems(slice)
      sizes.push(rows)
      if (next === null) break
      after = next
    }
    expect(sizes).to.deep.equal([3, 3, 1])
  })

  it('asked for again begin anew; those that stay are left alone', async () => {
    const { workflow, nodeId, holder } = await moved(2)
    await yard.enqueue(workflow, ['stays'])
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    await retire(yard, holder)
    expect(await yard.enqueue(workflow, ['key-1', 'stays'])).to.equal(1)
    expect(await yard.enqueue(workflow, ['key-1', 'stays'], { again: 'when-finished' })).to.equal(1)
    const rounds = await yard.sql`
      select item_key, round from fetchyard.item order by item_key, round`
    expect([...rounds]).to.deep.equal([
      { item_key: 'key-1', round: 1 },
      { item_key: 'stays', round: 1 },
      { item_key: 'stays', round: 2 },
    ])
  })

  it('whose ending alone is left count as finished for an enqueue that asks again', async () => {
    const { workflow } = await moved(1)
    expect(await yard.enqueue(workflow, ['key-1'], { again: 'when-finished' })).to.equal(1)
    const words = await yard.sql`select round, status from fetchyard.work_items order by round`
    expect([...words]).to.deep.equal([
      { round: 1, status: 'Complete' },
      { round: 2, status: 'Queued' },
    ])
  })

  // The second round of a row that was set back in mid-flight may end before the first.
  it('go in the order of their rounds, and never before an earlier one', async () => {
    const { workflow, nodeId, held } = await yard.leased(1)
    await yard.sql`
      select fetchyard.enqueue_items(${workflow.workflowId}::smallint, '{key-1}', '{null}', '{""}',
                                     '{2}')`
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    const holder = await keeper(yard, 'receipts', 'items')
    await move(yard, holder)
    expect(await retire(yard, holder), 'the first round is under way').to.equal(0)
    await yard.complete(workflow, nodeId, held)
    await move(yard, holder)
    expect(await retire(yard, holder), 'both at once').to.equal(2)
  })

  it('of a run stay as long as the run, which stays as long as it is not done', async () => {
    const { workflow, nodeId, holder } = await moved(2)
    await yard.enqueue(workflow, ['open'])
    const { workflowId } = workflow
    const { runId } = await openRun(yard.sql, { workflowId, name: 'a-run' })
    await joinRun(yard.sql, { runId, workflowId, keys: [...keys(2), 'open'] })
    const { chores } = yard.store
    const old = { nodeId: holder, keepMs: 0, rowsMax: 2 }
    expect(await retire(yard, holder)).to.equal(0)
    expect((await chores.remove('runs', old)).rows, 'it is going on').to.equal(0)
    expect(await readRunProgress(yard.sql, runId)).to.deep.equal({ total: 3, open: 1 })
    const ends = await readRunItems(yard.sql, runId)
    expect(ends.map(({ key, status }) => `${key} ${status}`)).to.have.members([
      ...['key-1 success', 'key-2 success'],
    ])
    expect((await readRunOutcomes(yard.sql, runId)).outcomes).to.deep.equal([
      { status: 'success', code: 'ok', items: 2 },
    ])
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    const young = { ...old, keepMs: DAY_MS }
    expect((await chores.remove('runs', young)).rows, 'it was resumed today').to.equal(0)
    expect((await chores.remove('runs', old)).rows, 'a slice of its list').to.equal(2)
    expect((await chores.remove('runs', old)).rows, 'the rest, and the run').to.equal(2)
    expect((await chores.remove('runs', old)).rows).to.equal(0)
    expect(await retire(yard, holder)).to.equal(2)
  })
})

describe('retention: the tables of users', () => {
  const yard = useYard()
  const SINK: SinkDefinition = {
    table: 'public.kept_results',
    columns: { name: 'text' },
    key: ['name'],
    leaseColumn: 'lease_id',
    sourceKeyColumn: 'page_id',
  }
  const SOURCE = {
    table: 'public.kept_pages',
    key: 'page_id',
    keyType: 'bigint',
    status: 'status',
    payload: [],
  } as const
  let workflow: WorkflowHandle
  let nodeId: string

  before(async () => {
    await yard.sql`
      create table public.kept_results (name text primary key, page_id bigint, lease_id bigint)`
    await yard.sql`create table public.kept_pages (page_id bigint primary key, status text)`
    workflow = await yard.workflow({ source: SOURCE, sinks: { results: SINK } })
    nodeId = await yard.node()
    await yard.sql`
      insert into public.kept_pages select n, 'Queued' from generate_series(1, 3) as n`
    const held = await yard.hold(workflow, nodeId)
    await yard.settle(
      workflow,
      nodeId,
      held.map((item) => settlement(item, { rows: { results: [{ name: item.itemKey }] } })),
    )
  })

  const words = async () => {
    const rows = await yard.sql<{ status: string }[]>`
      select status from public.kept_pages order by page_id`
    return rows.map(({ status }) => status)
  }
  const resultCheck = async () => {
    const { checks, notes } = await audit(yard.sql)
    const results = checks.find(({ promise }) => promise.startsWith('result rows of'))
    return { violations: results?.violations, notes }
  }

  it('prove their rows by endings as by receipts', async () => {
    await move(yard, await keeper(yard, 'receipts'))
    expect(await resultCheck()).to.deep.equal({ violations: 0, notes: [] })
  })

  it('tell a row without proof although its item is older than its receipts', async () => {
    await yard.sql`update public.kept_results set lease_id = lease_id + 1000 where page_id = 1`
    expect(await resultCheck()).to.deep.equal({ violations: 1, notes: [] })
    await yard.sql`update public.kept_results set lease_id = lease_id - 1000 where page_id = 1`
  })

  it('keep the words of retired items, and excuse rows whose proof went with these', async () => {
    const holder = await keeper(yard, 'receipts', 'items')
    expect(await retire(yard, holder)).to.equal(3)
    expect(await words()).to.deep.equal(['Complete', 'Complete', 'Complete'])
    const { violations, notes } = await resultCheck()
    expect(violations).to.equal(0)
    expect(notes.join()).to.contain('3 result rows of public.kept_results')
  })

  it('still tell of a row under a newer lease that no receipt proves', async () => {
    await yard.sql`insert into public.kept_results values ('forged', 9, 1000000)`
    expect((await resultCheck()).violations).to.equal(1)
    await yard.sql`delete from public.kept_results where name = 'forged'`
  })

  it('work a row again that its owner sets back after its item is gone', async () => {
    await yard.sql`update public.kept_pages set status = 'Queued' where page_id = 2`
    const held = await yard.hold(workflow, nodeId)
    expect(held.map(({ itemKey }) => itemKey)).to.deep.equal(['2'])
    const rows = { results: [{ name: 'second' }] }
    await yard.settle(
      workflow,
      nodeId,
      held.map((item) => settlement(item, { rows })),
    )
    expect(await words()).to.deep.equal(['Complete', 'Complete', 'Complete'])
  })
})

describe('retention: events and nodes', () => {
  const yard = useYard()

  it('go by age, a slice at a time; a node that holds a pack stays', async () => {
    const holder = await keeper(yard, 'events', 'nodes')
    await yard.sql`
      insert into fetchyard.event (level, name, message, happened_at)
      select 'info', 'test', 'old', now() - interval '40 days' from generate_series(1, 5)`
    await yard.sql`insert into fetchyard.event (level, name, message) values ('info', 'test', 'new')`
    const { nodeId } = await yard.leased(1)
    const idle = await yard.node({ name: 'idle' })
    await yard.sql`
      update fetchyard.node set fenced_at = now() - interval '40 days' where node_id in (${nodeId}, ${idle})`
    const { chores } = yard.store
    const old = { nodeId: holder, keepMs: 30 * DAY_MS, rowsMax: 3 }
    expect((await chores.remove('events', old)).rows).to.equal(3)
    expect((await chores.remove('events', old)).rows).to.equal(2)
    expect((await chores.remove('events', old)).rows).to.equal(0)
    expect((await chores.remove('nodes', old)).rows).to.equal(1)
    const left = await yard.sql<{ node_id: string }[]>`select node_id from fetchyard.node`
    const ids = left.map((row) => row.node_id)
    expect(ids).to.include(nodeId).and.not.include(idle)
    await yard.sql`update fetchyard.node set fenced_at = null where node_id = ${nodeId}`
  })
})
