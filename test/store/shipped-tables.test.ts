// The tables that ship: made as often as one likes, over those of earlier versions, and with the
// words that people and operators use.

import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { ensureTables } from '../../src/store/tables.js'
import contacts from '../../src/workflows/contacts.js'
import deepScan from '../../src/workflows/deep-scan.js'
import domainExtraction from '../../src/workflows/domain-extraction.js'
import sitemap from '../../src/workflows/sitemap.js'
import sitemapFile from '../../src/workflows/sitemap-file.js'
import { useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'

const ALL = [deepScan, domainExtraction, sitemap, sitemapFile, contacts]

/** `pages` as it was before a sitemap wrote to it. */
const OLD_PAGES = `
create table public.pages (
  page_id bigint generated always as identity primary key,
  url text not null unique,
  page_curation_status text not null default 'New',
  page_processing_status text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
)`

const OPERATORS_SQL = [
  'SELECT deep_scan_status, COUNT(*) FROM place GROUP BY deep_scan_status;',
  'SELECT domain_extraction_status, COUNT(*) FROM local_business GROUP BY domain_extraction_status;',
  "SELECT COUNT(*) FROM place WHERE deep_scan_status = 'Error' AND updated_at > NOW() - INTERVAL '24 hours';",
  "SELECT COUNT(*) FROM local_business WHERE domain_extraction_status = 'Error' AND updated_at > NOW() - INTERVAL '24 hours';",
]

describe('the tables of the shipped workflows', () => {
  const yard = useYard()
  const words = async (statement: string) => {
    const rows = await yard.sql.unsafe<{ word: string | null }[]>(statement)
    return rows.map(({ word }) => word)
  }

  before(async () => {
    await yard.sql.unsafe(OLD_PAGES)
    await yard.sql.unsafe("insert into public.pages (url) values ('https://old.example/')")
  })

  it('are made by programs that start at once, over older ones, and then left alone', async () => {
    const makeAll = () => Promise.all(ALL.map(({ tables = [] }) => ensureTables(yard.sql, tables)))
    await makeAll()
    await makeAll()
    expect(
      await words("select domain as word from pages where url = 'https://old.example/'"),
    ).to.deep.equal([null])
  })

  it('take no lock on a table that is there', async () => {
    const { tables = [] } = sitemapFile
    await yard.sql.begin(async (transaction) => {
      await transaction`lock table public.pages in row exclusive mode`
      await yard.sql.begin(async (other) => {
        await other`set local lock_timeout = '1s'`
        for (const statement of tables) {
          // Of an index that is there Postgres says so only after it has locked the table.
          if (!/create index/.test(statement)) await other.unsafe(statement)
        }
      })
    })
  })

  it('are bound by their workflows', async () => {
    for (const { name, source, sinks } of ALL) {
      const handle = await yard.store.openWorkflow({ name, source, sinks })
      expect(handle.binding?.table, name).to.equal(source?.table)
    }
  })

  it('answer the statements that operators run', async () => {
    for (const statement of OPERATORS_SQL) await yard.sql.unsafe(statement)
  })

  const QUEUES = [
    ['place', 'place_id', "'ChIJ_selected'", 'deep_scan_status', 'curation_status'],
    ['domains', 'domain, display_name', "'a.com', 'a.com'", 'sitemap_status', 'curation_status'],
    ['pages', 'url', "'https://a.com/'", 'page_processing_status', 'page_curation_status'],
  ] as const
  for (const [table, columns, values, status, curation] of QUEUES) {
    it(`queue a row of ${table} when a person selects it, and not again afterwards`, async () => {
      await yard.sql.unsafe(`insert into ${table} (${columns}) values (${values})`)
      const key = columns.split(',')[0]
      const where = `where ${key} = ${values.split(',')[0]}`
      const read = () => words(`select ${status} as word from ${table} ${where}`)
      expect(await read()).to.deep.equal([null])
      await yard.sql.unsafe(`update ${table} set ${curation} = 'Selected' ${where}`)
      expect(await read()).to.deep.equal(['Queued'])
      await yard.sql.unsafe(`update ${table} set ${status} = 'Cancelled' ${where}`)
      await yard.sql.unsafe(`update ${table} set ${curation} = 'Selected' ${where}`)
      expect(await read()).to.deep.equal(['Cancelled'])
    })
  }

  it('keep what others wrote about a business that is scanned again', async () => {
    const handle = await yard.store.openWorkflow(deepScan)
    const nodeId = await yard.node()
    const scan = async (website: string) => {
      await yard.sql`
        insert into place (place_id, deep_scan_status) values ('ChIJ_again', 'Queued')
            on conflict (place_id) do update set deep_scan_status = 'Queued'`
      const held = await yard.hold(handle, nodeId, { itemsMax: 10 })
      const rows = [{ website, raw: {}, curation_status: 'New', domain_extraction_status: null }]
      const ends = held.map((item) =>
        item.itemKey === 'ChIJ_again'
          ? settlement(item, { rows: { businesses: rows } })
          : settlement(item, { event: 'discard', code: 'http_4xx' }),
      )
      await yard.settle(handle, nodeId, ends)
    }
    const read = () =>
      words(`select concat_ws(' ', website, curation_status, domain_extraction_status) as word
               from local_business where place_id = 'ChIJ_again'`)
    await scan('https://one.com/')
    expect(await read()).to.deep.equal(['https://one.com/ New'])
    await yard.sql`update local_business set curation_status = 'Archived'`
    await scan('https://two.com/')
    expect(await read(), 'a person’s word').to.deep.equal(['https://two.com/ Archived'])
  })

  it('queue a business again whose website has become another one', async () => {
    const read = () =>
      words(`select domain_extraction_status as word from local_business
              where place_id = 'ChIJ_moving'`)
    await yard.sql`
      insert into local_business (place_id, website, raw, domain_extraction_status)
      values ('ChIJ_moving', 'https://one.com/', '{}', 'Error')`
    await yard.sql`update local_business set website = 'https://one.com/', rating = 5`
    expect(await read()).to.deep.equal(['Error'])
    await yard.sql`update local_business set website = 'https://two.com/'`
    expect(await read()).to.deep.equal(['Queued'])
  })
})
