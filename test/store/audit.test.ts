import { expect } from 'chai'
import postgres from 'postgres'
import type { SinkDefinition } from '../../src/core/definition.js'
import { audit } from '../../src/store/audit.js'
import { registerWorkflow } from '../../src/store/workflows.js'
import { keys, useYard } from '../support/factory.js'
import { nextTry, settlement } from '../support/values.js'
import { createPages, insertPages, PAGES } from './support/pages.js'

describe('audit', () => {
  const yard = useYard()

  beforeEach(() => {
    yard.damage()
  })

  afterEach(async () => {
    await yard.sql`
      truncate fetchyard.item, fetchyard.work_queue, fetchyard.processing_log, fetchyard.tally`
    await yard.sql`update fetchyard.workflow set binding = null, sinks = '{}'`
  })

  /** The promises that are broken, with how often. */
  const faults = async () => {
    const report = await audit(yard.sql)
    const broken = report.checks.filter((check) => check.violations > 0)
    expect(report.isClean).to.equal(broken.length === 0)
    for (const check of broken) expect(check.examples, check.promise).to.not.have.length(0)
    return broken.map((check) => `${check.invariant} ${check.promise}: ${check.violations}`)
  }

  it('is clean on an empty database', async () => {
    expect(await faults()).to.deep.equal([])
  })

  it('is clean, and its equation holds, on items in every state', async () => {
    const { workflow, nodeId, held } = await yard.leased(6)
    const [a, b, c, d] = held
    if (!a || !b || !c || !d) throw new Error('four items were expected')
    await yard.enqueue(workflow, ['queued'])
    await yard.settle(workflow, nodeId, [
      settlement(a),
      settlement(b, { event: 'discard', code: 'parse' }),
      settlement(c, { event: 'retry', code: 'dns', next: nextTry({ delayMs: 60_000 }) }),
      settlement(d, { event: 'reclaim', code: 'worker_lost', next: nextTry({ crashes: 1 }) }),
    ])
    expect(await faults()).to.deep.equal([])
    expect(await audit(yard.sql)).to.include({
      ...{ enqueued: 7, queued: 2, processing: 2, delayed: 1, finished: 2, lost: 0 },
      ...{ appliedTwice: 0, fetchedAgain: 1 },
    })
  })

  it('finds an item that is in no pack and not finished', async () => {
    const { workflow } = await yard.leased(3)
    await yard.sql`
      update fetchyard.work_queue set item_ids = item_ids[2:]
       where workflow_id = ${workflow.workflowId}`
    expect(await faults()).to.deep.equal(['I1 every item is queued or finished: 1'])
    expect((await audit(yard.sql)).lost).to.equal(1)
  })

  it('finds an item that is in two packs, or twice in one', async () => {
    const { workflow, first } = await yard.leased(3)
    await yard.sql`
      insert into fetchyard.work_queue (workflow_id, item_ids)
      values (${workflow.workflowId}, array[${first.itemId}::bigint])`
    expect(await faults()).to.deep.equal(['I1 no item is in two packs: 1'])
    await yard.sql`delete from fetchyard.work_queue where lease_id is null`
    await yard.sql`update fetchyard.work_queue set item_ids = item_ids || item_ids[1]`
    expect(await faults()).to.deep.equal(['I1 no item is in two packs: 1'])
  })

  it('finds a pack that holds an item nobody enqueued', async () => {
    await yard.leased(2)
    await yard.sql`update fetchyard.work_queue set item_ids = item_ids || 999999999::bigint`
    expect(await faults()).to.deep.equal(['I1 every item of a pack was enqueued: 1'])
  })

  it('finds a finished item that is queued again', async () => {
    const { workflow, nodeId, first } = await yard.leased(2)
    await yard.complete(workflow, nodeId, [first])
    await yard.sql`update fetchyard.work_queue set item_ids = item_ids || ${first.itemId}::bigint`
    expect(await faults()).to.deep.equal(['I1 no finished item is queued, none finished twice: 1'])
  })

  it('finds an item that was applied twice', async () => {
    const { workflow, nodeId, held } = await yard.leased(2)
    await yard.complete(workflow, nodeId, held)
    await yard.sql`insert into fetchyard.processing_log select * from fetchyard.processing_log limit 1`
    expect(await faults()).to.deep.equal([
      'I1 no finished item is queued, none finished twice: 1',
      'I3 at most one success an item: 1',
    ])
    expect((await audit(yard.sql)).appliedTwice).to.equal(1)
  })

  it('finds an item that ended in two ways', async () => {
    const { workflow, nodeId, held } = await yard.leased(1)
    await yard.complete(workflow, nodeId, held)
    await yard.sql`
      insert into fetchyard.processing_log
             (item_id, lease_id, workflow_id, attempt, status, outcome_code, item_key)
      select item_id, lease_id, workflow_id, attempt, 'error', 'parse', item_key
        from fetchyard.processing_log`
    expect(await faults()).to.deep.equal(['I1 no finished item is queued, none finished twice: 1'])
  })

  it('finds a tally that lost count', async () => {
    const workflow = await yard.workflow()
    await yard.enqueue(workflow, keys(5))
    await yard.sql`update fetchyard.tally set items = items - 2 where event = 'enqueue'`
    expect(await faults()).to.deep.equal([
      'I1 the tally of enqueued items is the number of items and those retired: 2',
    ])
  })

  it('finds a leased pack whose node is unknown', async () => {
    const { nodeId } = await yard.leased(2)
    await yard.sql`delete from fetchyard.node where node_id = ${nodeId}`
    expect(await faults()).to.deep.equal(['I2 every leased pack belongs to a known node: 1'])
  })

  it('finds a receipt of an item that nobody enqueued', async () => {
    const { workflow, nodeId, held } = await yard.leased(2)
    await yard.complete(workflow, nodeId, held)
    await yard.sql`
      insert into fetchyard.processing_log
             (item_id, lease_id, workflow_id, attempt, status, outcome_code, item_key)
      values (999999999, 1, ${workflow.workflowId}, 1, 'success', 'ok', 'nobody')`
    expect(await faults()).to.deep.equal(['I1 every finished item was enqueued: 1'])
    const report = await audit(yard.sql)
    const found = report.checks.find(({ violations }) => violations > 0)
    expect(found?.examples).to.deep.equal(['999999999'])
    expect(report).to.include({ enqueued: 2, finished: 2, lost: 0 })
  })

  it('counts offenders exactly and names five of them', async () => {
    const { workflow } = await yard.leased(200)
    await yard.sql`
      update fetchyard.work_queue set item_ids = item_ids[1:80]
       where workflow_id = ${workflow.workflowId}`
    const { checks } = await audit(yard.sql)
    const found = checks.find(({ violations }) => violations > 0)
    expect(found?.violations).to.equal(120)
    expect(found?.examples).to.have.length(5)
  })

  describe('of leases', () => {
    const twoPacks = async () => {
      const { workflow, nodeId } = await yard.leased(1)
      await yard.enqueue(workflow, ['second'])
      await yard.hold(workflow, nodeId)
      return { workflow, nodeId }
    }

    it('finds a lease that two packs hold', async () => {
      await twoPacks()
      await yard.sql`
        update fetchyard.work_queue set lease_id = (select max(lease_id) from fetchyard.work_queue)`
      expect(await faults()).to.deep.equal(['I2 every lease is held by one pack: 1'])
    })

    it('finds a lease that was never given out', async () => {
      await twoPacks()
      await yard.sql`
        update fetchyard.work_queue
           set lease_id = (select last_value + 1 from fetchyard.lease_id)
         where pack_id = (select min(pack_id) from fetchyard.work_queue)`
      expect(await faults()).to.deep.equal(['I2 every lease was given out: 1'])
    })

    for (const [how, change] of [
      ['fenced', `fenced_at = now() - interval '1 minute', fenced_why = 'test'`],
      ['late', `alive_until = now() - interval '1 minute'`],
    ] as const) {
      it(`counts a pack of a ${how} node as waiting, which is no fault`, async () => {
        const { nodeId } = await twoPacks()
        await yard.node()
        await yard.sql.unsafe(`update fetchyard.node set ${change} where node_id = $1`, [nodeId])
        expect(await faults()).to.deep.equal([])
        expect((await audit(yard.sql)).awaitingReclaim).to.equal(2)
      })
    }

    it('finds packs that no living node reclaims', async () => {
      const { nodeId } = await twoPacks()
      await yard.sql`delete from fetchyard.node where node_id <> ${nodeId}`
      await yard.sql`update fetchyard.node set alive_until = now() - interval '1 minute'`
      const broken = async () => {
        const { checks } = await audit(yard.sql, { reclaimWaitMsMax: 1 })
        return checks.filter(({ violations }) => violations > 0)
      }
      expect(await broken(), 'with nobody to do it').to.deep.equal([])
      const other = await yard.node()
      const steadySince = (at: string) => yard.sql`
        update fetchyard.node set steady_since = now() + ${at}::interval where node_id = ${other}`
      await steadySince('1 minute')
      expect(await broken(), 'with one that came, or came back, later').to.deep.equal([])
      await steadySince('-1 minute')
      const [found, ...rest] = await broken()
      expect(rest).to.deep.equal([])
      expect(found).to.deep.include({
        ...{ invariant: 'I2', promise: 'packs of dead holders are reclaimed', violations: 2 },
      })
    })

    it('counts a pack past its deadline as waiting', async () => {
      await twoPacks()
      await yard.sql`
        update fetchyard.work_queue set deadline = now() - interval '1 second'
         where pack_id = (select min(pack_id) from fetchyard.work_queue)`
      expect((await audit(yard.sql)).awaitingReclaim).to.equal(1)
    })
  })

  describe('of result rows', () => {
    const PROMISE = (table: string) =>
      `I3 result rows of ${table} name the lease that wrote them, for`
    const SINK: SinkDefinition = {
      table: 'public.finding',
      columns: { value: 'text' },
      key: ['value'],
      leaseColumn: 'lease_id',
      sourceKeyColumn: 'found_for',
    }

    beforeEach(async () => {
      await yard.sql`drop table if exists public.finding`
      await yard.sql`
        create table public.finding (value text primary key, found_for text, lease_id bigint)`
    })

    /** Three items complete, a row each. */
    const written = async (sink: SinkDefinition = SINK) => {
      const { workflow, nodeId, held } = await yard.leased(3, { sinks: { finding: sink } })
      const settlements = held.map((item) =>
        settlement(item, { rows: { finding: [{ value: `v-${item.itemId}` }] } }),
      )
      await yard.settle(workflow, nodeId, settlements)
      return `${PROMISE('public.finding')} ${workflow.name}`
    }
    const examples = async () =>
      (await audit(yard.sql)).checks.find(({ violations }) => violations > 0)?.examples

    it('is clean on what settles wrote, on a row overwritten, and on the owner’s own', async () => {
      await written({ ...SINK, onConflict: 'update' })
      const { workflow, nodeId, first } = await yard.leased(1, {
        sinks: { finding: { ...SINK, onConflict: 'update' } },
      })
      const [old] = await yard.sql<{ value: string }[]>`select value from public.finding limit 1`
      const rows = { finding: [{ value: old?.value ?? '' }] }
      await yard.settle(workflow, nodeId, [settlement(first, { rows })])
      await yard.sql`insert into public.finding values ('mine', 'mine', null)`
      const [kept] = await yard.sql`
        select lease_id from public.finding where value = ${old?.value ?? ''}`
      expect(kept?.lease_id).to.equal(first.leaseId)
      expect(await faults()).to.deep.equal([])
    })

    it('finds a row whose lease completed nothing', async () => {
      const promise = await written()
      await yard.sql`
        insert into public.finding values ('forged', 'key-1', 999999), ('other', 'key-2', 999999)`
      expect(await faults()).to.deep.equal([`${promise}: 2`])
      expect(await examples()).to.deep.equal([
        'key-1 under lease 999999',
        'key-2 under lease 999999',
      ])
    })

    it('finds a row whose lease completed other items, not its own', async () => {
      const promise = await written()
      await yard.sql`
        update public.finding set found_for = 'key-9'
         where value = (select min(value) from public.finding)`
      expect(await faults()).to.deep.equal([`${promise}: 1`])
    })

    it('finds a row of an attempt that did not complete', async () => {
      const { workflow, nodeId, first } = await yard.leased(1, { sinks: { finding: SINK } })
      await yard.settle(workflow, nodeId, [settlement(first, { event: 'discard', code: 'parse' })])
      await yard.sql`insert into public.finding values ('v', 'key-1', ${first.leaseId}::bigint)`
      expect(await faults()).to.deep.equal([`${PROMISE('public.finding')} ${workflow.name}: 1`])
    })

    it('asks for the lease alone where rows name no item', async () => {
      const { sourceKeyColumn: _none, ...bare } = SINK
      const promise = await written(bare)
      expect(await faults()).to.deep.equal([])
      await yard.sql`insert into public.finding values ('forged', null, 999999)`
      expect(await faults()).to.deep.equal([`${promise}: 1`])
      expect(await examples()).to.deep.equal(['lease 999999'])
    })

    it('looks at a table that two workflows share, whoever wrote the row', async () => {
      await written()
      await written()
      expect(await faults()).to.deep.equal([])
    })

    const changes = [
      ['dropped', 'drop table public.finding', 'does not exist.*42P01'],
      ['renamed', 'alter table public.finding rename to finding_of_old', 'does not exist.*42P01'],
      ['robbed of its lease column', 'alter table public.finding drop lease_id', '42703'],
      [
        'given leases that are no numbers',
        `alter table public.finding alter lease_id type text using 'none'`,
        '22P02',
      ],
    ] as const
    for (const [what, statement, says] of changes) {
      it(`notes a table that was ${what}, and checks the rest`, async () => {
        const { workflow } = await yard.leased(1, { sinks: { finding: SINK } })
        await yard.sql`insert into public.finding values ('v', 'key-1', null)`
        await yard.sql`insert into public.finding values ('w', 'key-2', 1)`
        await yard.sql.unsafe('drop table if exists public.finding_of_old')
        await yard.sql.unsafe(statement)
        const { notes, isClean, enqueued } = await audit(yard.sql)
        expect({ isClean, enqueued }).to.deep.equal({ isClean: true, enqueued: 1 })
        expect(notes).to.have.length(1)
        expect(notes[0]).to.match(
          new RegExp(
            `^result rows of public.finding, for ${workflow.name}, are not checked: .*${says}`,
          ),
        )
      })
    }

    it('notes a table that may not be read', async () => {
      await yard.leased(1, { sinks: { finding: SINK } })
      await yard.sql`create role fetchyard_test_auditor`
      try {
        await yard.sql`grant usage on schema fetchyard to fetchyard_test_auditor`
        await yard.sql`grant select on all tables in schema fetchyard to fetchyard_test_auditor`
        await yard.sql`grant select on fetchyard.lease_id to fetchyard_test_auditor`
        const { notes, enqueued } = await asRole('fetchyard_test_auditor')
        expect(notes.join()).to.match(/finding.*are not checked: permission denied.*42501/)
        expect(enqueued).to.equal(1)
      } finally {
        await yard.sql`drop owned by fetchyard_test_auditor`
        await yard.sql`drop role fetchyard_test_auditor`
      }
    })

    const asRole = async (role: string) => {
      const sql = postgres(yard.url, { max: 1, connection: { role } })
      try {
        return await audit(sql)
      } finally {
        await sql.end()
      }
    }

    it('notes a workflow that was never opened', async () => {
      await registerWorkflow(yard.sql, 'never-opened')
      const { notes, isClean } = await audit(yard.sql)
      expect(notes.join()).to.contain('result rows of never-opened are not checked')
      expect(isClean).to.equal(true)
    })
  })

  describe('of a bound table', () => {
    const I5 = 'I5 status words of public.pages are the states of bound'
    let nodeId: string

    beforeEach(async () => {
      await createPages(yard)
      const workflow = await yard.workflow({ name: 'bound', source: PAGES })
      await insertPages(yard, 3)
      nodeId = await yard.node()
      const [done] = await yard.hold(workflow, nodeId, { itemsMax: 1 })
      if (done === undefined) throw new Error('nothing was leased')
      await yard.complete(workflow, nodeId, [done])
      await yard.hold(workflow, nodeId, { itemsMax: 1 })
    })

    const damage = (from: string, to: string) =>
      yard.sql.begin(async (transaction) => {
        await transaction`alter table public.pages disable trigger user`
        await transaction`update public.pages set status = ${to} where status = ${from}`
        await transaction`alter table public.pages enable trigger user`
      })

    it('is clean while one row is queued, one under way, one done', async () => {
      expect(await faults()).to.deep.equal([])
    })

    for (const [from, to] of [
      ['Complete', 'Processing'],
      ['Complete', 'Queued'],
      ['Complete', 'Error'],
      ['Processing', 'Queued'],
      ['Processing', 'Complete'],
      ['Queued', 'Processing'],
    ] as const) {
      it(`finds ${to} on a row whose item is ${from}`, async () => {
        await damage(from, to)
        const found = await faults()
        expect(found).to.deep.equal([`${I5}: 1`])
      })
    }

    it('finds a row that is queued and was never enqueued', async () => {
      await yard.sql.begin(async (transaction) => {
        await transaction`alter table public.pages disable trigger user`
        await transaction`
          insert into public.pages (url, curation, status) values ('missed', 'Selected', 'Queued')`
        await transaction`alter table public.pages enable trigger user`
      })
      expect(await faults()).to.deep.equal([`${I5}: 1`])
    })

    it('leaves the owner’s own words alone', async () => {
      await yard.sql`
        insert into public.pages (url, curation, status)
        values ('a', 'New', 'Queued'), ('b', 'Selected', 'Archived'), ('c', 'Selected', null)`
      await yard.sql`update public.pages set status = 'Cancelled' where status = 'Complete'`
      expect(await faults()).to.deep.equal([])
    })
  })
})
