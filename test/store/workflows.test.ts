import { expect } from 'chai'
import type { SinkDefinition } from '../../src/core/definition.js'
import { useYard } from '../support/factory.js'
import { countItems, createPages, insertPages, PAGES } from './support/pages.js'

describe('workflows', () => {
  const yard = useYard()

  it('registers a name once, also when many do at once', async () => {
    const handles = await Promise.all(
      Array.from({ length: 6 }, () => yard.workflow({ name: 'same-name' })),
    )
    expect(new Set(handles.map((handle) => handle.workflowId))).to.have.property('size', 1)
  })

  it('remembers where results go, and writes that only when it has changed', async () => {
    const sink = { table: 'public.found', columns: { value: 'text' }, key: ['value'] } as const
    const open = (sinks: { readonly [sink: string]: SinkDefinition }) =>
      yard.workflow({ name: 'with-sinks', sinks })
    const version = async () => {
      const [row] = await yard.sql`
        select xmin::text from fetchyard.workflow where name = 'with-sinks'`
      return row?.xmin
    }
    const stored = async () => (await yard.store.findWorkflow('with-sinks'))?.sinks

    await open({ found: { ...sink, leaseColumn: 'lease_id' } })
    const before = await version()
    expect(await stored()).to.deep.equal({
      found: { table: 'public.found', key: ['value'], leaseColumn: 'lease_id' },
    })
    await open({ found: { ...sink, leaseColumn: 'lease_id' } })
    expect(await version(), 'opened again').to.equal(before)
    await open({ found: { ...sink, sourceKeyColumn: 'page_id' } })
    expect(await stored()).to.deep.equal({
      found: { table: 'public.found', key: ['value'], sourceKeyColumn: 'page_id' },
    })
    await open({})
    expect(await stored()).to.deep.equal({})
  })

  it('installs its own triggers where those of an earlier program stand', async () => {
    await createPages(yard)
    const workflow = await yard.workflow({ name: 'bound-early', source: PAGES })
    // What an earlier program left: its binding names no version, and its handler does other things.
    await yard.sql`
      update fetchyard.workflow set binding = binding - 'triggers'
       where workflow_id = ${workflow.workflowId}`
    await yard.sql`
      create or replace function fetchyard.on_bound_early_queued() returns trigger
      language plpgsql as $$ begin return null; end $$`
    await insertPages(yard, 2)
    expect(await countItems(yard, workflow)).to.equal(0)

    await yard.workflow({ name: 'bound-early', source: PAGES })

    expect(await countItems(yard, workflow), 'rows that waited').to.equal(2)
    await insertPages(yard, 1)
    expect(await countItems(yard, workflow), 'rows that came later').to.equal(3)
  })

  it('does not know a workflow that nobody registered', async () => {
    expect(await yard.store.findWorkflow('nobody')).to.equal(null)
  })

  it('holds a workflow by reasons, each once, until the last is lifted', async () => {
    const { workflowId, name } = await yard.workflow()
    const reasons = async () => (await yard.store.findWorkflow(name))?.pausedBy
    expect(await yard.store.pauseWorkflow({ workflowId, reason: 'operator' })).to.equal(true)
    expect(await yard.store.pauseWorkflow({ workflowId, reason: 'operator' })).to.equal(false)
    expect(await yard.store.pauseWorkflow({ workflowId, reason: 'crash' })).to.equal(true)
    expect(await reasons()).to.deep.equal(['operator', 'crash'])
    expect(await yard.store.resumeWorkflow({ workflowId, reason: 'operator' })).to.equal(true)
    expect(await reasons()).to.deep.equal(['crash'])
    expect(await yard.store.resumeWorkflow({ workflowId, reason: null })).to.equal(true)
    expect(await reasons()).to.deep.equal([])
  })

  it('says that a reason was not there to lift', async () => {
    const { workflowId } = await yard.workflow()
    expect(await yard.store.resumeWorkflow({ workflowId, reason: 'absent' })).to.equal(false)
    await yard.store.pauseWorkflow({ workflowId, reason: 'operator' })
    expect(await yard.store.resumeWorkflow({ workflowId, reason: 'absent' })).to.equal(false)
  })
})
