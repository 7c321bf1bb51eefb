import { expect } from 'chai'
import type { SinkDefinition, SourceDefinition } from '../../src/core/definition.js'
import { checkDefinition } from '../../src/store/check-definition.js'
import { useYard } from '../support/factory.js'
import { createPages, PAGES } from './support/pages.js'

const SINK: SinkDefinition = {
  table: 'public.results',
  columns: { url: 'text', words: 'integer' },
  key: ['page_id', 'url'],
  leaseColumn: 'lease_id',
  sourceKeyColumn: 'page_id',
}

describe('checkDefinition', () => {
  const yard = useYard()

  before(async () => {
    await createPages(yard)
    await yard.sql`
      create table public.results (
        page_id bigint not null, url text not null, words integer, lease_id bigint,
        created_at timestamptz not null default now(), unique (url, page_id))`
    await yard.sql`
      create table public.picky (url text primary key, name text not null, part text)`
    await yard.sql`create unique index on public.picky (part) where part <> ''`
    await yard.sql`create view public.looking as select * from public.results`
    await yard.sql`create type public.mood as enum ('Queued', 'Processing', 'Done')`
    await yard.sql`
      create table public.moods (
        id integer primary key, mood public.mood, at timestamptz unique, twin text, fixed char(4) unique)`
    await yard.sql`create table public.pairs (a integer, b integer, status text, primary key (a, b))`
  })

  const check = (parts: { source?: Partial<SourceDefinition>; sink?: Partial<SinkDefinition> }) =>
    checkDefinition(yard.sql, {
      source: { ...PAGES, ...parts.source },
      sinks: { results: { ...SINK, ...parts.sink } },
    })

  it('has nothing against what fits, a partitioned table among it', async () => {
    expect(await check({})).to.deep.equal([])
    await yard.sql`
      create table public.parted (id bigint, status text, primary key (id)) partition by hash (id)`
    const source = { table: 'parted', key: 'id', keyType: 'bigint', status: 'status', payload: [] }
    const only = { source: { ...source, keyType: 'bigint' } as const, sinks: {} }
    expect(await checkDefinition(yard.sql, only)).to.deep.equal([])
  })

  const mood = { table: 'moods', key: 'id', keyType: 'integer', status: 'mood' } as const
  const rest = { where: 'true', updatedAt: 'at', payload: [], insert: {} } as const
  const columns = { urlColumn: 'twin', laneColumn: 'twin' } as const
  const refused: readonly (readonly [Parameters<typeof check>[0], RegExp])[] = [
    [
      { sink: { table: 'public.reslts' } },
      /`sinks\.results\.table`.*exists, got "public\.reslts".*`tables`/,
    ],
    [{ sink: { table: 'looking' } }, /`sinks\.results\.table`: expected a table.*is a view/],
    [
      { sink: { columns: { url: 'text', wrods: 'integer' } } },
      /`sinks\.results\.columns`.*got "wrods"\. It has: page_id, url, words/,
    ],
    [{ sink: { leaseColumn: 'lease' } }, /`sinks\.results\.leaseColumn`: .*got "lease"/],
    [{ sink: { sourceKeyColumn: 'page' } }, /`sinks\.results\.sourceKeyColumn`: .*got "page"/],
    [
      { sink: { key: ['url'] } },
      /`sinks\.results\.key`.*unique together, got url\. Add `unique \("url"\)`/,
    ],
    [
      { sink: { columns: { url: 'text', words: 'uuid' } } },
      /`sinks\.results`: public\.results refuses.*"words" is of type integer but/,
    ],
    [{ source: { table: 'app.pages' } }, /`source\.table`: expected a table that exists/],
    [{ source: { key: 'id' } }, /`source\.key`: expected a column of public\.pages, got "id"/],
    [{ source: { keyType: 'integer' } }, /`source\.keyType`: expected 'bigint'.*got 'integer'/],
    [{ source: { key: 'curation' } }, /`source\.key`: expected a column that is unique by itself/],
    [{ source: { status: 'state' } }, /`source\.status`: expected a column/],
    [{ source: { updatedAt: 'changed' } }, /`source\.updatedAt`/],
    [{ source: { payload: ['url', 'titel'] } }, /`source\.payload`.*got "titel"/],
    [{ source: { payload: { titel: 'text' } } }, /`source\.payload`.*got "titel"/],
    [{ source: { laneColumn: 'host' } }, /`source\.laneColumn`/],
    [{ source: { insert: { kind: 'x' } } }, /`source\.insert`.*got "kind"/],
    [{ source: { urlColumn: 'curation' } }, /`source\.urlColumn`: expected a column with a unique/],
    [{ source: { where: "curaton = 'x'" } }, /`source\.where`.*column "curaton" does not exist/],
    [{ source: { where: 'true --' } }, /`source\.where`.*syntax error/],
    [{ source: { status: 'updated_at' } }, /`source\.status`: the database refuses its words/],
    [
      { source: { ...mood, ...rest, ...columns, urlColumn: 'at', statusType: 'public.mood' } },
      /`source\.status`.*mood lacks Complete, Error/,
    ],
    [{ source: { ...mood, ...rest, ...columns, key: 'at' } }, /same in every session, got "at"/],
    [
      { source: { ...mood, ...rest, ...columns, key: 'fixed' } },
      /same in every session.*character/,
    ],
    [
      { source: { table: 'pairs', key: 'a', keyType: 'integer', status: 'status' } },
      /unique by itself/,
    ],
  ]
  for (const [parts, words] of refused) {
    it(`refuses by ${words}`, async () => {
      const violations = await check(parts)
      expect(violations.join('\n')).to.match(words)
    })
  }

  it('asks for columns that the table requires, and for a whole unique index', async () => {
    const sink: SinkDefinition = { table: 'picky', columns: { url: 'text' }, key: ['url'] }
    const found = await checkDefinition(yard.sql, { sinks: { picky: sink } })
    expect(found).to.have.length(1)
    expect(found[0]).to.match(/`sinks\.picky\.columns`: expected to fill "name", which picky/)
    const columns = { url: 'text', name: 'text', part: 'text' } as const
    const partly = await checkDefinition(yard.sql, {
      sinks: { picky: { ...sink, columns, key: ['part'] } },
    })
    expect(partly[0]).to.match(/`sinks\.picky\.key`: expected columns that picky keeps unique/)
  })
})
