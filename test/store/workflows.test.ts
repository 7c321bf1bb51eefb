import { expect } from 'chai'
import type { SinkDefinition } from '../../src/core/definition.js'
import { useYard } from '../support/factory.js'

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
