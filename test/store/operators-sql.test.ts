// The statements operators already run, as their authors wrote them, on the tables that ship.

import { expect } from 'chai'
import type { WorkflowHandle } from '../../src/store/store.js'
import contacts from '../../src/workflows/contacts.js'
import { useYard } from '../support/factory.js'
import { settlement } from '../support/values.js'

const CONTACTS_BY_MINUTE = `
SELECT DATE_TRUNC('minute', created_at) AS minute, COUNT(*) AS contacts_created
  FROM contacts WHERE created_at > NOW() - INTERVAL '30 minutes' GROUP BY minute ORDER BY minute DESC;`

const PAGES_BY_STATUS = `
SELECT page_processing_status, COUNT(*) AS count, MAX(updated_at) AS latest_update
  FROM pages WHERE page_curation_status = 'Selected' GROUP BY page_processing_status;`

const TOTALS = `
SELECT COUNT(*) AS total_contacts, MAX(created_at) AS latest_contact,
       (SELECT COUNT(*) FROM pages WHERE page_curation_status = 'Selected' AND page_processing_status = 'Queued') AS queued_pages
  FROM contacts;`

const DUPLICATES = `
SELECT item_id FROM processing_log WHERE status = 'success' GROUP BY item_id HAVING COUNT(*) > 1;`

describe('the SQL that operators run', () => {
  const yard = useYard()
  let workflow: WorkflowHandle
  let nodeId: string

  before(async () => {
    for (const table of contacts.tables ?? []) await yard.sql.unsafe(table)
    const { name, source, sinks = {} } = contacts
    workflow = await yard.store.openWorkflow({ name, source, sinks })
    nodeId = await yard.node()
    await yard.sql`
      insert into pages (url, page_curation_status, page_processing_status)
      select 'https://host.example/' || n, 'Selected', 'Queued' from generate_series(1, 10) as n`
    await yard.sql`insert into pages (url) values ('https://host.example/not-selected')`
    const held = await yard.hold(workflow, nodeId, { itemsMax: 6 })
    const row = { kind: 'email', value: 'a@host.example', found_in: 'text', confidence: 0.9 }
    await yard.settle(
      workflow,
      nodeId,
      held
        .slice(0, 4)
        .map((item, index) =>
          index < 3
            ? settlement(item, { rows: { contacts: [row] } })
            : settlement(item, { event: 'discard', code: 'http_4xx' }),
        ),
    )
  })

  it('counts contacts by minute', async () => {
    const rows = await yard.sql.unsafe<{ contacts_created: string }[]>(CONTACTS_BY_MINUTE)
    expect(rows.reduce((sum, row) => sum + Number(row.contacts_created), 0)).to.equal(3)
  })

  it('counts pages by status', async () => {
    const rows =
      await yard.sql.unsafe<{ page_processing_status: string; count: string }[]>(PAGES_BY_STATUS)
    const counts = Object.fromEntries(
      rows.map((row) => [row.page_processing_status, Number(row.count)]),
    )
    expect(counts).to.deep.equal({ Queued: 4, Processing: 2, Complete: 3, Error: 1 })
  })

  it('totals contacts and queued pages', async () => {
    const [row] = await yard.sql.unsafe<{ total_contacts: string; queued_pages: string }[]>(TOTALS)
    expect(row).to.include({ total_contacts: '3', queued_pages: '4' })
  })

  it('finds no item that succeeded twice', async () => {
    const rows = await yard.sql.begin(async (transaction) => {
      await transaction`set local search_path = fetchyard, public`
      return transaction.unsafe(DUPLICATES)
    })
    expect([...rows]).to.deep.equal([])
  })

  it('finds the log without a schema before its name, as it is written', async () => {
    const rows = await yard.sql.unsafe(DUPLICATES)
    expect([...rows]).to.deep.equal([])
  })
})
