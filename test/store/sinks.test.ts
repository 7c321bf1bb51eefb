import { expect } from 'chai'
import type { SinkDefinition } from '../../src/core/definition.js'
import type { ResultRow } from '../../src/core/outcome.js'
import type { HeldItem } from '../../src/core/settlement.js'
import { classifyFault } from '../../src/store/client.js'
import { useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'

const SINK: SinkDefinition = {
  table: 'public.results',
  columns: { kind: 'text', value: 'text', score: 'real' },
  key: ['kind', 'value'],
  leaseColumn: 'lease_id',
}

describe('settleItems, result rows', () => {
  const yard = useYard()

  beforeEach(async () => {
    await yard.sql`drop table if exists public.results, public."Odd ""Table"" "`
    await yard.sql`
      create table public.results (
        kind text not null, value text not null, score real check (score >= 0), lease_id bigint,
        unique (kind, value))`
  })

  const withRows = (held: HeldItem, rows: readonly ResultRow[]) =>
    settlement(held, { rows: { results: rows } })
  const stored = () => yard.sql`select * from public.results order by kind, value`

  it('writes the rows of complete items with the lease that proves them', async () => {
    const { workflow, nodeId, held } = await yard.leased(2, { sinks: { results: SINK } })
    const settlements = held.map((item, index) =>
      withRows(item, [{ kind: 'email', value: `${index}@example.org`, score: 0.5 }]),
    )
    await yard.settle(workflow, nodeId, settlements)
    expect([...(await stored())]).to.deep.equal(
      held.map((item, index) => ({
        kind: 'email',
        value: `${index}@example.org`,
        score: 0.5,
        lease_id: item.leaseId,
      })),
    )
  })

  it('writes no row of an item that is not complete, or not ours', async () => {
    const { workflow, nodeId, held } = await yard.leased(2, { sinks: { results: SINK } })
    const [one, two] = held
    if (one === undefined || two === undefined) throw new Error('two items were expected')
    const row = { kind: 'email', value: 'a@example.org', score: null }
    await yard.settle(workflow, nodeId, [
      { ...withRows(one, [row]), event: 'discard', code: 'parse' },
      { ...withRows(two, [row]), leaseId: '999999999' },
    ])
    expect(await stored()).to.have.length(0)
  })

  it('leaves a row that is there as it is, with ignore', async () => {
    const { workflow, nodeId, first } = await yard.leased(1, { sinks: { results: SINK } })
    await yard.sql`insert into public.results values ('email', 'a', 1, null)`
    await yard.settle(workflow, nodeId, [
      withRows(first, [{ kind: 'email', value: 'a', score: 2 }]),
    ])
    expect((await stored())[0]).to.include({ score: 1, lease_id: null })
  })

  it('overwrites a row that is there, with update', async () => {
    const sink: SinkDefinition = { ...SINK, onConflict: 'update' }
    const { workflow, nodeId, first } = await yard.leased(1, { sinks: { results: sink } })
    await yard.sql`insert into public.results values ('email', 'a', 1, null)`
    await yard.settle(workflow, nodeId, [
      withRows(first, [{ kind: 'email', value: 'a', score: 2 }]),
    ])
    expect((await stored())[0]).to.include({ score: 2, lease_id: first.leaseId })
  })

  it('keeps the columns of a row that is there which others write', async () => {
    const sink: SinkDefinition = { ...SINK, onConflict: 'update', keep: ['score'] }
    const { workflow, nodeId, first } = await yard.leased(1, { sinks: { results: sink } })
    await yard.sql`insert into public.results values ('email', 'a', 1, null)`
    await yard.settle(workflow, nodeId, [
      withRows(first, [
        { kind: 'email', value: 'a', score: 2 },
        { kind: 'email', value: 'b', score: 3 },
      ]),
    ])
    const rows = await stored()
    expect(rows.find(({ value }) => value === 'a')).to.include({
      score: 1,
      lease_id: first.leaseId,
    })
    expect(rows.find(({ value }) => value === 'b')).to.include({ score: 3 })
  })

  for (const onConflict of ['ignore', 'update'] as const) {
    it(`writes a natural key once that comes twice in a statement, with ${onConflict}`, async () => {
      const sink: SinkDefinition = { ...SINK, onConflict }
      const { workflow, nodeId, held } = await yard.leased(3, { sinks: { results: sink } })
      const same = { kind: 'phone', value: '+1', score: 1 }
      await yard.settle(
        workflow,
        nodeId,
        held.map((item) => withRows(item, [same, same])),
      )
      expect(await stored()).to.have.length(1)
    })
  }

  it('gives columns their declared types, and null to what is missing', async () => {
    await yard.sql`
      create table public."Odd ""Table"" " (
        "Key Col" uuid primary key, big bigint, whole integer, yes boolean, at timestamptz,
        day date, doc jsonb, amount numeric, ratio double precision)`
    const sink: SinkDefinition = {
      table: 'public.Odd "Table" ',
      key: ['Key Col'],
      columns: {
        'Key Col': 'uuid',
        big: 'bigint',
        whole: 'integer',
        yes: 'boolean',
        at: 'timestamptz',
        day: 'date',
        doc: 'jsonb',
        amount: 'numeric',
        ratio: 'double precision',
      },
    }
    const { workflow, nodeId, held } = await yard.leased(2, { sinks: { 'odd sink; --': sink } })
    const [one, two] = held
    if (one === undefined || two === undefined) throw new Error('two items were expected')
    const full = {
      'Key Col': 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      big: '9007199254740993',
      whole: -5,
      yes: true,
      at: '2026-11-22T10:00:00Z',
      day: '2026-11-22',
      doc: { list: [1, 'two', null] },
      amount: 12.34,
      ratio: 0.1,
    }
    const bare = { 'Key Col': 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12' }
    await yard.settle(workflow, nodeId, [
      settlement(one, { rows: { 'odd sink; --': [full] } }),
      settlement(two, { rows: { 'odd sink; --': [bare] } }),
    ])
    const rows = await yard.sql`
      select *, at::text as at, day::text as day from public."Odd ""Table"" " order by "Key Col"`
    expect(rows[0]).to.deep.include({
      big: '9007199254740993',
      whole: -5,
      yes: true,
      day: '2026-11-22',
      doc: { list: [1, 'two', null] },
      amount: '12.34',
      ratio: 0.1,
    })
    expect(rows[1]).to.include({ big: null, doc: null, at: null })
  })

  it('writes odd text as it is', async () => {
    const { workflow, nodeId, first } = await yard.leased(1, { sinks: { results: SINK } })
    const value = `'"\\u0041 \u{1F468}\u200d\u{1F469} \uFFFD \u202e $1 {} \t\n`
    await yard.settle(workflow, nodeId, [withRows(first, [{ kind: 'x', value, score: null }])])
    expect((await stored())[0]).to.include({ value })
  })

  const refusals: readonly { readonly what: string; readonly row: ResultRow }[] = [
    { what: 'a check constraint', row: { kind: 'x', value: 'x', score: -1 } },
    { what: 'a missing value', row: { kind: 'x', value: null, score: 1 } },
    { what: 'a value of another type', row: { kind: 'x', value: 'x', score: 'much' } },
    { what: 'a NUL', row: { kind: 'x', value: 'a\0b', score: 1 } },
    { what: 'a lone surrogate', row: { kind: 'x', value: 'a\ud800', score: 1 } },
  ]
  for (const { what, row } of refusals) {
    it(`writes nothing at all when the database refuses ${what}, and calls it a data fault`, async () => {
      const { workflow, nodeId, held } = await yard.leased(2, { sinks: { results: SINK } })
      const good = { kind: 'good', value: 'good', score: 1 }
      const error = await yard
        .settle(
          workflow,
          nodeId,
          held.map((item, index) => withRows(item, [index === 0 ? good : row])),
        )
        .catch((thrown: unknown) => thrown)
      expect(classifyFault(error)).to.equal('data')
      expect(await stored()).to.have.length(0)
      expect(await yard.receipts(workflow)).to.have.length(0)
      expect((await yard.packs(workflow))[0]?.item_ids).to.have.length(2)
      expect(await yard.complete(workflow, nodeId, held), 'they are still ours').to.have.length(2)
    })
  }

  it('calls a missing table or column a fault of the program', async () => {
    const sink: SinkDefinition = { ...SINK, columns: { ...SINK.columns, nowhere: 'text' } }
    const { workflow, nodeId, held } = await yard.leased(1, { sinks: { results: sink } })
    const error = await yard.complete(workflow, nodeId, held).catch((thrown: unknown) => thrown)
    expect(classifyFault(error)).to.equal('program')
  })

  it('lets a later sink refer to rows that an earlier one writes', async () => {
    await yard.sql`drop table if exists public.leaf, public.stem`
    await yard.sql`create table public.stem (stem_key text primary key)`
    await yard.sql`
      create table public.leaf (leaf_key text primary key, stem_key text references public.stem)`
    const sinks: { readonly [sink: string]: SinkDefinition } = {
      leaf: {
        table: 'leaf',
        columns: { leaf_key: 'text', stem_key: 'text' },
        key: ['leaf_key'],
      },
      stem: { table: 'stem', columns: { stem_key: 'text' }, key: ['stem_key'] },
    }
    const { workflow, nodeId, first } = await yard.leased(1, { sinks })
    const rows = { leaf: [{ leaf_key: 'l', stem_key: 's' }], stem: [{ stem_key: 's' }] }
    expect(await yard.settle(workflow, nodeId, [settlement(first, { rows })])).to.have.length(1)
  })
})
