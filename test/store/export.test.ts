import { expect } from 'chai'
import type { SinkDefinition } from '../../src/core/definition.js'
import { exportStatement, readExport } from '../../src/store/export.js'
import { joinRunByUrl, openRun } from '../../src/store/runs.js'
import { useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'
import { createPages, PAGES } from './support/pages.js'

const SINK: SinkDefinition = {
  table: 'public.found',
  columns: { value: 'text', n: 'integer' },
  key: ['page_id', 'value'],
  sourceKeyColumn: 'page_id',
  leaseColumn: 'lease_id',
}

describe('export', () => {
  const yard = useYard()

  beforeEach(async () => {
    await yard.sql`drop table if exists public.found`
    await createPages(yard)
    await yard.sql`
      create table public.found (
        page_id bigint not null, value text not null, n integer, lease_id bigint,
        unique (page_id, value))`
  })

  const fill = async () => {
    const workflow = await yard.workflow({ source: PAGES, sinks: { found: SINK } })
    await yard.sql`
      insert into public.pages (url, curation, status)
      select 'https://host/' || n, 'Selected', 'Queued' from generate_series(1, 3) as n`
    const nodeId = await yard.node()
    const held = await yard.hold(workflow, nodeId)
    const settlements = held.map((item) =>
      settlement(item, {
        rows: {
          found: [
            { value: 'b', n: 2 },
            { value: 'a', n: null },
          ],
        },
      }),
    )
    await yard.settle(workflow, nodeId, settlements)
    return workflow
  }

  const read = async (
    request: Parameters<typeof exportStatement>[0],
    sliceRows?: number,
  ): Promise<unknown[][]> => {
    const slices: unknown[][] = []
    for await (const slice of readExport(yard.sql, exportStatement(request), sliceRows)) {
      slices.push([...slice])
    }
    return slices
  }

  it('writes the source key of each row, and reads it back as the URL, in order', async () => {
    const { workflowId } = await fill()
    const request = { workflowId, source: PAGES, sink: SINK, runId: null }
    expect(exportStatement(request).columns).to.deep.equal(['url', 'value', 'n'])
    const slices = await read(request, 4)
    expect(slices.map((slice) => slice.length)).to.deep.equal([4, 2])
    expect(slices.flat().slice(0, 3)).to.deep.equal([
      { url: 'https://host/1', value: 'a', n: null },
      { url: 'https://host/1', value: 'b', n: 2 },
      { url: 'https://host/2', value: 'a', n: null },
    ])
  })

  it('reads the rows of one run', async () => {
    const { workflowId, binding } = await fill()
    if (binding === null) throw new Error('the workflow is bound')
    const { runId } = await openRun(yard.sql, { workflowId, name: 'one' })
    const urls = ['https://host/2']
    await joinRunByUrl(yard.sql, { runId, workflowId, binding, urlColumn: 'url', urls })
    const rows = (await read({ workflowId, source: PAGES, sink: SINK, runId })).flat()
    expect(rows).to.have.length(2)
  })

  it('reads a sink that knows no source', async () => {
    await yard.sql`insert into public.found values (1, 'x', 1, null)`
    const { sourceKeyColumn: _, ...sink } = SINK
    const request = { workflowId: 1, source: null, sink: { ...sink, key: ['value'] }, runId: null }
    expect((await read(request)).flat()).to.deep.equal([{ value: 'x', n: 1 }])
  })

  it('frees its connection when the reader stops early', async () => {
    const { workflowId } = await fill()
    const statement = exportStatement({ workflowId, source: PAGES, sink: SINK, runId: null })
    for (let reader = 0; reader < 12; reader += 1) {
      for await (const slice of readExport(yard.sql, statement, 1)) {
        expect(slice).to.have.length(1)
        break
      }
    }
    expect((await yard.sql`select 1 as one`)[0]).to.deep.equal({ one: 1 })
  })
})
