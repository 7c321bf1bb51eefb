import { expect } from 'chai'
import type { SourceDefinition } from '../../src/core/definition.js'
import { classifyFault } from '../../src/store/client.js'
import { insertSourceRows } from '../../src/store/enqueue.js'
import { settlementsText } from '../../src/store/settlement-text.js'
import { useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'
import { behind } from './support/locks.js'
import { countItems, countWords, createPages, insertPages, PAGES } from './support/pages.js'

describe('bound tables of other shapes', () => {
  const yard = useYard()

  const work = async (source: SourceDefinition, insert: string) => {
    const workflow = await yard.workflow({ source })
    await yard.sql.unsafe(insert)
    const nodeId = await yard.node()
    const packs = await yard.lease(workflow, nodeId)
    const held = packs.flatMap((pack) =>
      pack.items.map((item) => ({ ...item, packId: pack.packId, leaseId: pack.leaseId })),
    )
    const counts = { attempt: 0, snoozes: 0, crashes: 0, lonelyCrashes: 0 }
    const settlements = held.map((item) => settlement({ ...item, ...counts }))
    await yard.settle(workflow, nodeId, settlements)
    return held
  }

  it('may have uuid keys, another schema, quoted and mixed-case names, and an enum of words', async () => {
    await yard.sql.unsafe(`
      create schema "Other Schema";
      create type "Other Schema"."Word's" as enum
        ('Queued', 'Processing', 'Complete', 'Error', 'Cancelled');
      create table "Other Schema"."Place ""X""" (
        "Id" uuid primary key, "The ""Status""" "Other Schema"."Word's", "Payload'Col" text)`)
    const source: SourceDefinition = {
      table: 'Other Schema.Place "X"',
      key: 'Id',
      keyType: 'uuid',
      status: 'The "Status"',
      statusType: `"Other Schema"."Word's"`,
      payload: ["Payload'Col"],
    }
    const id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
    const held = await work(
      source,
      `insert into "Other Schema"."Place ""X""" values ('${id}', 'Queued', 'it''s')`,
    )
    expect(held[0]).to.deep.include({ itemKey: id, payload: { "Payload'Col": "it's" }, lane: '' })
    const rows = await yard.sql.unsafe(
      `select "The ""Status"""::text as word from "Other Schema"."Place ""X"""`,
    )
    expect(rows[0]).to.deep.equal({ word: 'Complete' })
  })

  it('may have text keys of any text', async () => {
    await yard.sql`create table public.named (name text primary key, status text)`
    const source: SourceDefinition = {
      table: 'named',
      key: 'name',
      keyType: 'text',
      status: 'status',
      payload: [],
    }
    const held = await work(
      source,
      `insert into public.named values ('O''Brien \\ \u{1F600}', 'Queued')`,
    )
    expect(held.map((item) => item.itemKey)).to.deep.equal(["O'Brien \\ \u{1F600}"])
    expect((await yard.sql`select status from public.named`)[0]).to.deep.equal({
      status: 'Complete',
    })
  })

  it('lets one workflow feed the table of another', async () => {
    await createPages(yard)
    const feeder = await yard.leased(1, {
      sinks: {
        pages: {
          table: 'public.pages',
          columns: { url: 'text', curation: 'text', status: 'text' },
          key: ['url'],
        },
      },
    })
    const fed = await yard.workflow({ source: PAGES })
    const rows = { pages: [{ url: 'spawned', curation: 'Selected', status: 'Queued' }] }
    await yard.settle(feeder.workflow, feeder.nodeId, [settlement(feeder.first, { rows })])
    expect(await countItems(yard, fed)).to.equal(1)
  })

  it('lets two workflows share a table by columns of their own', async () => {
    await yard.sql`create table public.shared (id bigint primary key, one text, two text)`
    const source = (status: string): SourceDefinition => ({
      table: 'shared',
      key: 'id',
      keyType: 'bigint',
      status,
      payload: [],
    })
    const one = await yard.workflow({ source: source('one') })
    const two = await yard.workflow({ source: source('two') })
    await yard.sql`insert into public.shared values (1, 'Queued', 'Queued')`
    const nodeId = await yard.node()
    await yard.complete(one, nodeId, await yard.hold(one, nodeId))
    expect((await yard.sql`select one, two from public.shared`)[0]).to.deep.equal({
      one: 'Complete',
      two: 'Queued',
    })
    expect(await countItems(yard, two)).to.equal(1)
  })
})

describe('binding a table', () => {
  const yard = useYard()

  beforeEach(() => createPages(yard))

  it('enqueues what was queued before, by slices, and binds once', async () => {
    await insertPages(yard, 5_100)
    await yard.sql`update public.pages set curation = 'New' where page_id <= 50`
    const workflow = await yard.workflow({ name: 'early', source: PAGES })
    expect(await countItems(yard, workflow)).to.equal(5_050)
    await yard.workflow({ name: 'early', source: PAGES })
    expect(await countItems(yard, workflow)).to.equal(5_050)
  })

  it('follows a binding that changed', async () => {
    await insertPages(yard, 2)
    const source = { ...PAGES, where: "curation = 'Never'" }
    const workflow = await yard.workflow({ name: 'changed', source })
    expect(await countItems(yard, workflow)).to.equal(0)
    await yard.workflow({ name: 'changed', source: PAGES })
    expect(await countItems(yard, workflow)).to.equal(2)
  })

  it('is done by many supervisors at once as if by one', async () => {
    await insertPages(yard, 300)
    const handles = await Promise.all(
      Array.from({ length: 6 }, () => yard.workflow({ name: 'at-once', source: PAGES })),
    )
    const [workflow] = handles
    if (workflow === undefined) throw new Error('a workflow was expected')
    expect(await countItems(yard, workflow)).to.equal(300)
    await insertPages(yard, 10)
    expect(await countItems(yard, workflow)).to.equal(310)
  })
})

describe('a bound table, when owner and queue meet at a row', () => {
  const yard = useYard()

  beforeEach(() => createPages(yard))

  it('keeps the owner’s Queued when it came before the settle, and works it again', async () => {
    const workflow = await yard.workflow({ source: PAGES })
    await insertPages(yard, 1)
    const nodeId = await yard.node()
    const held = await yard.hold(workflow, nodeId)
    await behind(
      yard.sql,
      (owner) => owner`update public.pages set status = 'Queued'`,
      () => yard.complete(workflow, nodeId, held),
    )
    expect(await countWords(yard)).to.deep.equal({ Queued: 1 })
    expect(await yard.hold(workflow, nodeId)).to.have.length(1)
  })

  it('works a row again whose owner’s Queued waited for the settle', async () => {
    const workflow = await yard.workflow({ source: PAGES })
    await insertPages(yard, 1)
    const nodeId = await yard.node()
    const held = await yard.hold(workflow, nodeId)
    const { settleStatement } = workflow
    const text = settlementsText(held.map((item) => settlement(item)))
    await behind(
      yard.sql,
      (settler) => settler.unsafe(settleStatement, [nodeId, text]),
      () => yard.sql`update public.pages set status = 'Queued'`.execute(),
    )
    expect(await countWords(yard)).to.deep.equal({ Queued: 1 })
    expect(await countItems(yard, workflow)).to.equal(2)
    expect(await yard.hold(workflow, nodeId)).to.have.length(1)
  })
})

describe('a bound table that refuses', () => {
  const yard = useYard()

  it('fails as a passing fault while its owner holds the row, and works once it is free', async () => {
    await createPages(yard)
    const workflow = await yard.workflow({ source: PAGES })
    await insertPages(yard, 1)
    const nodeId = await yard.node()
    const held = await yard.hold(workflow, nodeId)
    const fault = await yard.sql.begin(async (owner) => {
      await owner`select from public.pages for update`
      return yard.complete(workflow, nodeId, held).catch(classifyFault)
    })
    expect(fault).to.equal('transient')
    expect(await yard.complete(workflow, nodeId, held)).to.have.length(1)
    expect(await countWords(yard)).to.deep.equal({ Complete: 1 })
  })

  it('still gets a receipt for an item whose last word its column does not know', async () => {
    await yard.sql`create table public.narrow (id bigint primary key,
      status text check (status in ('Queued', 'Processing', 'Complete')))`
    const source: SourceDefinition = {
      ...{ table: 'narrow', key: 'id', keyType: 'bigint', status: 'status', payload: [] },
    }
    const workflow = await yard.workflow({ source })
    await yard.sql`insert into public.narrow values (1, 'Queued')`
    const nodeId = await yard.node()
    const [held] = await yard.hold(workflow, nodeId)
    if (held === undefined) throw new Error('nothing was leased')
    const settlements = [settlement(held, { event: 'discard', code: 'parse' })]
    const request = { nodeId, settlements }
    const refusal = await yard.store.settleItems(workflow, request).catch(classifyFault)
    expect(refusal).to.equal('data')
    const applied = await yard.store.settleItems(workflow, { ...request, isBare: true })
    expect([...applied]).to.deep.equal([held.itemId])
    expect(Object.values(await yard.words(workflow))).to.deep.equal(['Error'])
    // The audit tells of the word that could not be written.
    yard.damage()
  })
})

describe('insertSourceRows', () => {
  const yard = useYard()

  beforeEach(() => createPages(yard))

  it('inserts URLs once, queued, and asks finished ones again only when told', async () => {
    const workflow = await yard.workflow({ source: PAGES })
    const insert = (urls: readonly string[], again: 'never' | 'when-finished' = 'never') =>
      insertSourceRows(yard.sql, { source: PAGES, urls, again })
    expect(await insert(['https://a/', 'https://b/', 'https://a/'])).to.equal(2)
    const nodeId = await yard.node()
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    expect(await insert(['https://a/', 'https://c/'])).to.equal(1)
    expect(await insert(['https://a/', 'https://c/'], 'when-finished')).to.equal(1)
    expect(await countItems(yard, workflow)).to.equal(4)
    expect(await countWords(yard)).to.deep.equal({ Complete: 1, Queued: 2 })
  })

  it('fills columns of other types than text', async () => {
    await yard.sql`create type public.word as enum ('Queued', 'Processing', 'Complete', 'Error')`
    await yard.sql`
      create table public.typed (
        id bigint generated always as identity primary key, url text unique,
        status public.word, depth integer)`
    const source: SourceDefinition = {
      ...{ table: 'typed', key: 'id', keyType: 'bigint', status: 'status', payload: ['url'] },
      statusType: 'public.word',
      urlColumn: 'url',
      insert: { status: 'Queued', depth: '3' },
    }
    const workflow = await yard.workflow({ source })
    const request = { source, urls: ['https://a/'], again: 'when-finished' } as const
    expect(await insertSourceRows(yard.sql, request)).to.equal(1)
    const nodeId = await yard.node()
    await yard.complete(workflow, nodeId, await yard.hold(workflow, nodeId))
    expect(await insertSourceRows(yard.sql, request)).to.equal(1)
    expect(await countItems(yard, workflow)).to.equal(2)
  })
})
