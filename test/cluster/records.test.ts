// Records through kill -9 at the four moments of an attempt, and over three nodes that divide them
// by partitions: every record's rows are there once, whatever died.

import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import type { Settings } from '../../config/settings.js'
import { readMappingFile } from '../../src/records/mapping-file.js'
import { makePlan } from '../../src/records/plan.js'
import { migrate } from '../../src/store/migrate.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { createStore } from '../../src/store/store.js'
import { ensureTables } from '../../src/store/tables.js'
import { targetStatements } from '../../src/store/target-tables.js'
import type { WorkflowDefinition } from '../../src/workflow/define.js'
import { importFile } from '../../supervisor/records/import-file.js'
import { targetTables } from '../../supervisor/records/target.js'
import {
  applicationXml,
  MAPPING_PATH,
  ROWS_A_RECORD,
  recordsModuleUrl,
  writeApplications,
} from '../support/applications.js'
import { useAudit } from '../support/audited.js'
import { type NodeChild, startNodeChild } from '../support/cluster-child.js'
import { useDatabase } from '../support/database.js'
import { eventually } from '../support/poll.js'

const THREADS: Partial<Settings> = { executor: 'thread', threads: 2, concurrency: 20 }
const RECORDS = 300

describe('records in a cluster', () => {
  const database = useDatabase()
  let directory = ''
  const nodes: NodeChild[] = []
  /** Lets the writers go that a test has held up. */
  let release = () => {}

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fetchyard-records-'))
    await writeApplications(join(directory, 'a.xml'), RECORDS)
    await migrate(database.sql)
  })
  after(() => rm(directory, { recursive: true, force: true }))
  afterEach(async () => {
    release()
    for (const node of nodes) node.signal('SIGKILL')
    await Promise.all(nodes.splice(0).map((node) => node.exited))
  })
  useAudit(database)

  async function start(moduleUrl: string, settings: Partial<Settings> = {}): Promise<NodeChild> {
    const options = {
      databaseUrl: database.url,
      settings: { ...THREADS, ...settings },
      workflows: [{ definitionUrl: moduleUrl }],
    }
    const node = await startNodeChild(options, new Set())
    nodes.push(node)
    return node
  }

  /** Makes the tables of a schema and opens its workflow. */
  async function open(schema: string): Promise<WorkflowHandle> {
    const { mapping } = await readMappingFile(pathToFileURL(MAPPING_PATH))
    await ensureTables(database.sql, targetStatements(schema, targetTables(mapping, schema)))
    const module: { readonly default: WorkflowDefinition } = await import(recordsModuleUrl(schema))
    return createStore(database.sql).openWorkflow(module.default)
  }

  async function enqueue({ workflowId }: WorkflowHandle, name = 'a.xml'): Promise<void> {
    const { mapping } = await readMappingFile(pathToFileURL(MAPPING_PATH))
    const imported = await importFile({
      sql: database.sql,
      workflowId,
      path: join(directory, name),
      name,
      record: makePlan(mapping).record,
      nests: false,
      runId: null,
      isStopped: () => false,
      onStep: () => {},
    })
    expect(imported.isFinished).to.equal(true)
  }

  async function left({ workflowId }: WorkflowHandle): Promise<number> {
    const [row] = await database.sql<{ items: number }[]>`
      select coalesce(sum(cardinality(item_ids)), 0)::int as items
        from fetchyard.work_queue where workflow_id = ${workflowId}`
    return row?.items ?? 0
  }

  async function untilEmpty(workflow: WorkflowHandle): Promise<void> {
    let items = 0
    await eventually(
      { words: 'an empty queue', patienceMs: 60_000, seen: () => items },
      async () => {
        items = await left(workflow)
        return items === 0
      },
    )
  }

  /** Duplicates 0, missing 0: in the tables, and in the receipts. */
  async function expectAll(schema: string, workflow: WorkflowHandle, records: number) {
    const [rows] = await database.sql.unsafe<{ [table: string]: number }[]>(
      `select (select count(*) from ${schema}.application)::int as application,
              (select count(*) from ${schema}.applicant)::int as applicant,
              (select count(*) from ${schema}.address)::int as address,
              (select count(distinct application_id) from ${schema}.address)::int as whole`,
    )
    const children = (records * (ROWS_A_RECORD - 1)) / 2
    expect(rows).to.deep.equal({
      application: records,
      applicant: children,
      address: children,
      whole: records,
    })
    expect(
      await database.sql`
        select item_id from processing_log where status = 'success'
         group by item_id having count(*) > 1`,
    ).to.have.length(0)
    const [receipts] = await database.sql<{ good: number; others: string[] }[]>`
      select count(*) filter (where status = 'success')::int as good,
             array_agg(distinct status) filter (where status not in ('success', 'reclaimed'))
               as others
        from fetchyard.processing_log where workflow_id = ${workflow.workflowId}`
    expect(receipts).to.deep.equal({ good: records, others: null })
  }

  function crashModule(
    schema: string,
    moment: 'before' | 'after',
  ): { url: string; marker: string } {
    const marker = join(directory, `${schema}.died`)
    const url = new URL('../support/handlers/records-crash.js', import.meta.url)
    const records = recordsModuleUrl(schema)
    url.search = String(new URLSearchParams({ records, marker, moment, record: '#150' }))
    return { url: url.href, marker }
  }

  for (const moment of ['before', 'after'] as const) {
    it(`are whole when a node is killed ${moment} a conversion`, async () => {
      const workflow = await open(moment)
      await enqueue(workflow)
      const { url, marker } = crashModule(moment, moment)
      const dead = await start(url)
      expect((await dead.exited).signal).to.equal('SIGKILL')
      expect(existsSync(marker)).to.equal(true)
      expect(await left(workflow)).to.be.above(0)
      await start(url)
      await untilEmpty(workflow)
      await expectAll(moment, workflow, RECORDS)
    })
  }

  /**
   * Holds up the writers of a schema in the middle of their statement, by keys that somebody else
   * is about to insert, until `release`.
   */
  async function holdWriters(schema: string): Promise<void> {
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    await new Promise<void>((resolve, reject) => {
      database.sql
        .begin(async (transaction) => {
          await transaction.unsafe(
            `insert into ${schema}.application (application_id, submitted_at, status, amount, currency)
             select n, now(), '', 0, '' from generate_series(1, ${RECORDS}) as n`,
          )
          resolve()
          await released
          throw new Error('rolled back')
        })
        .catch(reject)
    })
  }

  async function waitingWriters(): Promise<number> {
    const rows = await database.sql`
      select from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like '%patience as materialized%'`
    return rows.length
  }

  it('are whole when a node is killed before its commit, which then never comes', async () => {
    const workflow = await open('lost')
    await enqueue(workflow)
    await holdWriters('lost')
    const dead = await start(recordsModuleUrl('lost'))
    await eventually({ words: 'a settle that waits' }, async () => (await waitingWriters()) > 0)
    dead.signal('SIGKILL')
    await dead.exited
    // The statement gives up by itself: it was not to wait for ever.
    await eventually({ words: 'its end' }, async () => (await waitingWriters()) === 0)
    release()
    expect(await left(workflow)).to.equal(RECORDS)
    await start(recordsModuleUrl('lost'))
    await untilEmpty(workflow)
    await expectAll('lost', workflow, RECORDS)
  })

  it('are whole when a node is killed after its commit, of which it never heard', async () => {
    const workflow = await open('unheard')
    await enqueue(workflow)
    await holdWriters('unheard')
    const dead = await start(recordsModuleUrl('unheard'))
    await eventually({ words: 'a settle that waits' }, async () => (await waitingWriters()) > 0)
    dead.signal('SIGKILL')
    release()
    await dead.exited
    await eventually({ words: 'its commit' }, async () => (await left(workflow)) < RECORDS)
    await start(recordsModuleUrl('unheard'))
    await untilEmpty(workflow)
    await expectAll('unheard', workflow, RECORDS)
  })

  async function workedBy({ workflowId }: WorkflowHandle): Promise<number> {
    const [row] = await database.sql<{ nodes: number }[]>`
      select count(distinct node_id)::int as nodes
        from fetchyard.processing_log where workflow_id = ${workflowId} and status = 'success'`
    return row?.nodes ?? 0
  }

  it('are divided among living nodes, and again when one of them is killed', async () => {
    const workflow = await open('shared')
    const settings = { coordination: 'partitioned', leaseMs: 3_000, heartbeatMs: 500 } as const
    const three = await Promise.all(
      [1, 2, 3].map(() => start(recordsModuleUrl('shared'), settings)),
    )
    await enqueue(workflow)
    await untilEmpty(workflow)
    await expectAll('shared', workflow, RECORDS)
    expect(await workedBy(workflow)).to.equal(3)
    // Its partitions wait for its lease to run out, and then for nothing.
    three[1]?.signal('SIGKILL')
    const later = (id: number) => applicationXml(id + RECORDS)
    await writeApplications(join(directory, 'b.xml'), RECORDS, later)
    await enqueue(workflow, 'b.xml')
    await untilEmpty(workflow)
    await expectAll('shared', workflow, 2 * RECORDS)
  })
})
