import { expect } from 'chai'
import { createStore } from '../../src/store/store.js'
import { useDatabase } from '../support/database.js'
import { useDatabaseClock } from '../support/database-clock.js'
import { createTables, SINKS, SOURCE } from './tables.js'

const NODE_ID = '00000000-0000-4000-8000-000000000001'
const SET = '2044-02-29T12:00:00.000001Z'
const SET_US = Date.parse(SET) * 1_000 + 1

/** Every column with a time, of every table in the database. */
const TIME_COLUMNS = `
  select format('%I.%I', columns.table_schema, columns.table_name) as "table",
         format('%I', columns.column_name) as "column"
    from information_schema.columns
    join information_schema.tables using (table_schema, table_name)
   where columns.data_type = 'timestamp with time zone'
     and columns.table_schema in ('fetchyard', 'public')
     and tables.table_type = 'BASE TABLE'`

describe('a database clock that tests set', () => {
  const clocked = useDatabaseClock(useDatabase())

  before(async () => {
    await clocked.setUs(SET_US)
    await createTables(clocked.sql)
  })

  it('stands still at the microsecond it is set to, within a transaction and after it', async () => {
    const rows = await clocked.sql<{ isSet: boolean }[]>`
      select now() = ${SET}::text::timestamptz and clock_timestamp() = ${SET}::text::timestamptz
               as "isSet"
       from pg_sleep(0.01)`
    expect(rows[0]?.isSet).to.equal(true)
    await clocked.setUs(SET_US + 1)
    const later = await clocked.sql<{ us: string }[]>`select test_clock.us(now()) as us`
    expect(later[0]?.us).to.equal(`${SET_US + 1}`)
    await clocked.setUs(SET_US)
  })

  it('is the time of every statement, default, trigger and view of the store', async () => {
    const { sql } = clocked
    const store = createStore(sql)
    const pid = { pid: 1, pidStarted: '7' }
    await store.registerNode({ nodeId: NODE_ID, name: 'n', host: 'h', machine: 'm', ...pid }, 0)
    const workflow = await store.openWorkflow({ name: 'bound', source: SOURCE, sinks: SINKS })
    await sql`
      insert into public.model_pages (url, curation, status) values ('a', 'Selected', 'Queued')`
    const lease = { nodeId: NODE_ID, packsMax: 1, itemsMax: 1, deadlineMs: 0 }
    expect(await store.leasePacks(workflow, lease)).to.have.length(1)
    await sql`
      insert into public.model_pages (url, curation, status) values ('b', 'Selected', 'Queued')`
    await sql`
      insert into fetchyard.processing_log
             (item_id, lease_id, workflow_id, attempt, status, outcome_code, item_key)
      values (0, 0, 0, 0, 'retry', 'dns', 'x')`
    await store.storeEvent({
      ...{ level: 'info', name: 'x', workflowId: null, nodeId: null, message: '', fields: {} },
    })
    await sql`insert into fetchyard.run (workflow_id, name) values (${workflow.workflowId}, 'x')`
    await store.fenceNode({ nodeId: NODE_ID, reason: 'test' })
    expect(await store.ensureReceiptPartitions(), 'partitions from that day on').to.equal(7)
    const strange = await strangeTimes()
    expect(strange).to.deep.equal([{ table: 'public.model_pages', column: 'updated_at' }])
  })

  /** Columns that hold a time which the clock never showed; no time at all is none of its. */
  async function strangeTimes(): Promise<readonly object[]> {
    const columns = await clocked.sql.unsafe<{ table: string; column: string }[]>(TIME_COLUMNS)
    expect(columns.length).to.be.greaterThan(10)
    const strange: object[] = []
    for (const { table, column } of columns) {
      const rows = await clocked.sql.unsafe<{ count: number }[]>(
        `select count(*)::int as count from ${table}
          where ${column} <> now() and isfinite(${column})`,
      )
      if (rows[0]?.count !== 0) strange.push({ table, column })
    }
    return strange
  }
})
