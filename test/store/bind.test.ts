// Binding a table that is in use: what its application does meanwhile, and what it holds already.

import { expect } from 'chai'
import type { SourceDefinition } from '../../src/core/definition.js'
import { hasCode } from '../../src/core/errors.js'
import { audit } from '../../src/store/audit.js'
import { bindSource, continueBackfill, readWorkers, removeTriggers } from '../../src/store/bind.js'
import { checkDefinition } from '../../src/store/check-definition.js'
import { cancelItems } from '../../src/store/operate.js'
import { findWorkflow, registerWorkflow } from '../../src/store/workflows.js'
import { useYard } from '../support/factory.js'
import { eventually } from '../support/poll.js'
import { countItems, countWords, createPages, insertPages, PAGES } from './support/pages.js'

describe('bind', () => {
  const yard = useYard()
  let names = 0

  beforeEach(() => createPages(yard))

  const bind = async (source: SourceDefinition = PAGES, given?: string) => {
    names += 1
    const name = given ?? `bound-${names}`
    const row = await registerWorkflow(yard.sql, name)
    const bound = await bindSource(yard.sql, row, source, { by: 'operator' })
    return { bound, workflow: await yard.workflow({ name }), row: await stored(name) }
  }

  const stored = async (name: string) => {
    const row = await findWorkflow(yard.sql, name)
    if (row === null) throw new Error('the workflow is registered')
    return row
  }

  it('enqueues rows of before by ranges of keys, and says which nobody works', async () => {
    await insertPages(yard, 2_200)
    await yard.sql`update public.pages set status = 'Processing' where page_id % 200 = 0`
    await yard.sql`update public.pages set curation = 'New' where page_id % 200 = 1`
    const slices: number[] = []
    const row = await registerWorkflow(yard.sql, 'sliced')
    const onSlice = ({ added }: { added: number }) => void slices.push(added)
    const bound = await bindSource(yard.sql, row, PAGES, { onSlice, sliceRows: 1_000 })
    expect(bound).to.include({ added: 2_178, stuck: 11 })
    expect(slices).to.deep.equal([990, 1_980, 2_178])
    const workflow = await yard.workflow({ name: 'sliced', source: PAGES })
    expect(await countItems(yard, workflow)).to.equal(2_178)
  })

  it('enqueues what its application changes between two slices once, and misses nothing', async () => {
    const keys = await insertPages(yard, 1_500)
    await yard.sql`update public.pages set status = null where page_id > ${keys[1_000] ?? ''}`
    const row = await registerWorkflow(yard.sql, 'meanwhile')
    let turns = 0
    // Behind the slices, before them, and rows that were there in another word.
    const meddle: Promise<unknown>[] = []
    await bindSource(yard.sql, row, PAGES, {
      sliceRows: 300,
      onSlice: () => {
        turns += 1
        if (turns > 1) return
        meddle.push(
          yard.sql`update public.pages set status = null`.then(
            () => yard.sql`update public.pages set status = 'Queued'`,
          ),
          insertPages(yard, 10),
        )
      },
    })
    await Promise.all(meddle)
    const workflow = await yard.workflow({ name: 'meanwhile', source: PAGES })
    expect(await countItems(yard, workflow)).to.equal(1_510)
    const nodeId = await yard.node()
    for (;;) {
      const held = await yard.hold(workflow, nodeId, { itemsMax: 2_000 })
      if (held.length === 0) break
      await yard.complete(workflow, nodeId, held)
    }
    expect(await countWords(yard)).to.deep.equal({ Complete: 1_510 })
  })

  // The table's users never wait longer than one try of the lock, although a transaction of theirs
  // is open all the time.
  it('stands back from a transaction that holds the table, and lets writers pass', async () => {
    await insertPages(yard, 10)
    const row = await registerWorkflow(yard.sql, 'patient')
    const fate = { isBound: false }
    let binding: Promise<unknown> = Promise.resolve()
    await yard.sql.begin(async (holder) => {
      await holder`update public.pages set updated_at = now() where page_id = 1`
      binding = bindSource(yard.sql, row, PAGES).then(() => {
        fate.isBound = true
      })
      const tries = async () => {
        const [found] = await yard.sql<{ waits: boolean }[]>`
          select exists (select from pg_locks
                          where relation = 'public.pages'::regclass and not granted) as waits`
        return found?.waits === true
      }
      for (let turn = 0; turn < 5; turn += 1) {
        await eventually({ words: 'the binding to ask for its lock' }, tries)
        // Behind the waiting lock; it would be there for as long as the holder is.
        await yard.sql.begin(async (writer) => {
          await writer`set local lock_timeout = '5s'`
          await writer`update public.pages set updated_at = now() where page_id = 2`
        })
      }
      expect(fate.isBound).to.equal(false)
    })
    await binding
    expect(fate.isBound).to.equal(true)
  })

  it('is continued by who opens the workflow next, from where it was killed', async () => {
    await insertPages(yard, 1_000)
    const row = await registerWorkflow(yard.sql, 'killed')
    const death = new Error('killed')
    const dying = bindSource(yard.sql, row, PAGES, {
      sliceRows: 400,
      onSlice: () => {
        throw death
      },
    })
    expect(await dying.catch((error: unknown) => error)).to.equal(death)
    const half = await stored('killed')
    expect(half.backfill).to.deep.include({ added: 400, stuck: 0 })
    // What waits for its slice is not lost, and the audit knows.
    expect((await audit(yard.sql)).lost).to.equal(0)
    expect((await audit(yard.sql)).isClean).to.equal(true)
    expect(await continueBackfill(yard.sql, half)).to.include({ added: 1_000 })
    const whole = await stored('killed')
    expect(whole.backfill).to.equal(null)
    const workflow = await yard.workflow({ name: 'killed', source: PAGES })
    expect(await countItems(yard, workflow)).to.equal(1_000)
  })

  it('works a row again that is set back to Queued in flight, through an operator’s binding', async () => {
    await insertPages(yard, 1)
    const { workflow } = await bind()
    expect(workflow.binding).to.deep.include({ table: 'public.pages' })
    const nodeId = await yard.node()
    const first = await yard.hold(workflow, nodeId)
    expect(await countWords(yard)).to.deep.equal({ Processing: 1 })
    await yard.sql`update public.pages set status = 'Queued'`
    await yard.complete(workflow, nodeId, first)
    expect(await countWords(yard)).to.deep.equal({ Queued: 1 })
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    expect(await countWords(yard)).to.deep.equal({ Complete: 1 })
  })

  it('keeps an operator’s table although the module names another', async () => {
    await yard.sql`create table if not exists public.others (id bigint primary key, status text)`
    const source: SourceDefinition = {
      ...{ table: 'public.others', key: 'id', keyType: 'bigint', status: 'status' },
      payload: ['id'],
    }
    const { workflow } = await bind(source, 'two-minds')
    const opened = await yard.workflow({ name: workflow.name, source: PAGES })
    expect(opened.binding).to.deep.include({ table: 'public.others' })
    await insertPages(yard, 1)
    expect(await countItems(yard, opened)).to.equal(0)
  })

  it('is undone: no trigger is left, words stay, and bound again every queued row is worked', async () => {
    await insertPages(yard, 5)
    const { workflow } = await bind(PAGES, 'undone')
    const nodeId = await yard.node()
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId, { itemsMax: 2 }))
    await removeTriggers(yard.sql, await stored('undone'), async () => {})
    const { workflowId } = workflow
    const choice = { workflowId, binding: null, keys: null }
    expect(await cancelItems(yard.sql, { ...choice, reason: 'unbound' })).to.equal(3)

    const left = await yard.sql`
      select tgname from pg_trigger where tgrelid = 'public.pages'::regclass and not tgisinternal`
    const functions = await yard.sql`
      select proname from pg_proc where proname like 'on_undone%'`
    expect([...left, ...functions]).to.deep.equal([])
    expect(await countWords(yard)).to.deep.equal({ Complete: 2, Queued: 3 })
    // While nobody listens, one that is done is asked for again.
    await yard.sql`update public.pages set status = 'Queued' where page_id = 1`
    expect(await countItems(yard, workflow)).to.equal(5)

    const again = await bind(PAGES, 'undone')
    expect(again.bound.added).to.equal(4)
    const held = await yard.hold(again.workflow, nodeId)
    await yard.complete(again.workflow, nodeId, held)
    expect(await countWords(yard)).to.deep.equal({ Complete: 5 })
  })

  it('enqueues a queued row again whose last receipt was retired meanwhile', async () => {
    await insertPages(yard, 2)
    const { workflow } = await bind(PAGES, 'retired')
    const nodeId = await yard.node()
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    await removeTriggers(yard.sql, await stored('retired'), async () => {})
    await yard.sql`
      with receipt as (
        delete from fetchyard.processing_log where workflow_id = ${workflow.workflowId} returning *
      )
      insert into fetchyard.ending
             (item_id, lease_id, ended_at, workflow_id, attempt, status, outcome_code)
      select item_id, lease_id, ended_at, workflow_id, attempt, status, outcome_code from receipt`
    await yard.sql`update public.pages set status = 'Queued' where page_id = 1`

    expect((await bind(PAGES, 'retired')).bound).to.include({ added: 1, stuck: 0 })
  })

  it('leaves the progress of another table alone when it was bound to that meanwhile', async () => {
    const other = { ...PAGES, table: 'public.other_pages' }
    await insertPages(yard, 100)
    await yard.sql`create table public.other_pages (like public.pages including all)`
    await yard.sql`
      insert into public.other_pages overriding system value
      select page_id + 1000, url, curation, status, updated_at from public.pages`
    const row = await registerWorkflow(yard.sql, 'rebound')
    let rebound: Promise<unknown> | null = null
    const onSlice = () => {
      rebound ??= stored('rebound').then((now) =>
        bindSource(yard.sql, now, other, { sliceRows: 1 }),
      )
    }
    await bindSource(yard.sql, row, PAGES, { sliceRows: 1, onSlice })
    await rebound
    const { binding, backfill, workflowId } = await stored('rebound')
    const missing = await yard.sql`
      select page_id from public.other_pages
       where not exists (select from fetchyard.item
                          where workflow_id = ${workflowId} and item_key = page_id::text)`
    await yard.sql`drop table public.other_pages`

    expect(binding).to.include({ table: 'public.other_pages' })
    expect(backfill).to.equal(null)
    expect(missing.length, 'rows that nobody enqueues').to.equal(0)
  })

  it('moves to another table without leaving triggers on the former', async () => {
    const name = 'moved'
    await yard.workflow({ name, source: PAGES })
    await yard.sql`create table if not exists public.moved (id bigint primary key, status text)`
    const source: SourceDefinition = {
      ...{ table: 'moved', key: 'id', keyType: 'bigint', status: 'status', payload: [] },
    }
    const workflow = await yard.workflow({ name, source })
    await insertPages(yard, 1)
    await yard.sql`insert into public.moved values (1, 'Queued')`
    expect(await countItems(yard, workflow)).to.equal(1)
  })

  it('leaves a pushed item alone whose key is none of the table', async () => {
    await insertPages(yard, 1)
    const { workflow } = await bind()
    await yard.enqueue(workflow, ['https://pushed.example/', '99999999999999999999', '-1'])
    const nodeId = await yard.node()
    const held = await yard.hold(workflow, nodeId)
    expect(held).to.have.length(4)
    expect(await yard.complete(workflow, nodeId, held)).to.have.length(4)
    expect(await countWords(yard)).to.deep.equal({ Complete: 1 })
  })

  it('knows the living nodes that work a workflow', async () => {
    const { row } = await bind()
    expect(await readWorkers(yard.sql, row.name)).to.have.length(0)
    const plans = { [row.name]: 'workflow' }
    const node = { name: 'n', host: 'h', machine: 'm', pid: 7, pidStarted: '1', plans }
    await yard.store.registerNode({ ...node, nodeId: crypto.randomUUID() }, 60_000)
    expect([...(await readWorkers(yard.sql, row.name))]).to.deep.equal([
      { name: 'n', pid: 7, host: 'h' },
    ])
    const refuse = async () => {
      throw new Error('worked')
    }
    const said = await removeTriggers(yard.sql, row, refuse).catch((error: Error) => error.message)
    expect(said).to.equal('worked')
    expect((await stored(row.name)).binding).to.not.equal(null)
  })
})

describe('bind, by the type of the key', () => {
  const yard = useYard()

  const KEYS: readonly (readonly [SourceDefinition['keyType'], string, string])[] = [
    ['smallint', '7', '-7'],
    ['integer', '2147483647', '-1'],
    ['bigint', '9223372036854775807', '1790000000000000000'],
    ['numeric', '12345678901234567890.5', '0'],
    ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '00000000-0000-0000-0000-000000000000'],
    ['text', `O'Brien \\ "x" \u{1F600}`, 'B'],
  ]
  for (const [keyType, one, other] of KEYS) {
    it(`works rows of before and after with a key of type ${keyType}`, async () => {
      const table = `Keys of.${keyType}`
      await yard.sql.unsafe(`create schema if not exists "Keys of"`)
      await yard.sql.unsafe(`create table "Keys of"."${keyType}" ("The Key" ${keyType} primary key,
        "St""atus" text)`)
      const source: SourceDefinition = {
        ...{ table, key: 'The Key', keyType, status: 'St"atus', payload: ['The Key'] },
      }
      expect(await checkDefinition(yard.sql, { source, sinks: {} })).to.deep.equal([])
      const insert = (key: string) =>
        yard.sql.unsafe(
          `insert into "Keys of"."${keyType}" values ($1::text::${keyType}, 'Queued')`,
          [key],
        )
      await insert(one)
      const workflow = await yard.workflow({ source })
      await insert(other)
      const nodeId = await yard.node()
      const held = await yard.hold(workflow, nodeId)
      expect(held.map(({ itemKey }) => itemKey)).to.have.members([one, other])
      await yard.complete(workflow, nodeId, held)
      const words = await yard.sql.unsafe(`select distinct "St""atus" from "Keys of"."${keyType}"`)
      expect([...words]).to.deep.equal([{ 'St"atus': 'Complete' }])
    })
  }

  it('gives up on a table that is held for ever, and says where to look', async () => {
    await createPages(yard)
    const row = await registerWorkflow(yard.sql, 'hopeless')
    const fast = await yard.sql.begin(async (holder) => {
      await holder`lock table public.pages in row exclusive mode`
      return bindSource(yard.sql, row, PAGES, { lock: { attempts: 2, patienceMs: 10, pauseMs: 1 } })
        .then(() => null)
        .catch((error: unknown) => error)
    })
    expect(hasCode(fast, 'WORKFLOW_BUSY')).to.equal(true)
  })
})
