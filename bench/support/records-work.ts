// Records for the benchmark: tables in a schema, documents in the queue, and what became of them.

import { pathToFileURL } from 'node:url'
import type { Mapping } from '../../src/records/mapping.js'
import { readMappingFile } from '../../src/records/mapping-file.js'
import type { Sql } from '../../src/store/client.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { ensureReceiptPartitions } from '../../src/store/housekeeping.js'
import { migrate } from '../../src/store/migrate.js'
import { createStore } from '../../src/store/store.js'
import { ensureTables } from '../../src/store/tables.js'
import { targetStatements } from '../../src/store/target-tables.js'
import { loadRecords } from '../../supervisor/records/load-records.js'
import { targetTables } from '../../supervisor/records/target.js'
import { applicationXml, MAPPING_PATH, NAMESPACE } from '../../test/support/applications.js'

export const SCHEMA = 'bench'

export async function sampleMapping(): Promise<Mapping> {
  return (await readMappingFile(pathToFileURL(MAPPING_PATH))).mapping
}

/** Brings the database to the first day, with empty tables of the mapping. */
export async function emptyTables(sql: Sql): Promise<void> {
  await sql.unsafe('drop view if exists public.processing_log')
  await sql.unsafe(
    `drop schema if exists fetchyard cascade; drop schema if exists ${SCHEMA} cascade`,
  )
  await migrate(sql)
  await ensureReceiptPartitions(sql)
  await ensureTables(sql, targetStatements(SCHEMA, targetTables(await sampleMapping(), SCHEMA)))
}

const ENTRY = '<Entry at="2026-03-01T09:30:00Z" by="clerk 7">Looked at, nothing to add.</Entry>'

/** A record as it travels, with so many elements that the mapping does not ask for. */
export function payloadOf(id: number, idle = 0): { xml: string; namespaces: { '': string } } {
  const history = idle === 0 ? '' : `<History>${ENTRY.repeat(idle)}</History>`
  const xml = applicationXml(id).replace('<Applicants>', `${history}<Applicants>`)
  return { xml, namespaces: { '': NAMESPACE } }
}

const SLICE = 1_000

/** Puts `count` records into the queue, as an import does. */
export async function enqueueRecords(sql: Sql, count: number, idle = 0): Promise<void> {
  const { definition } = await loadRecords(MAPPING_PATH, '/', SCHEMA)
  const { workflowId } = await createStore(sql).openWorkflow(definition)
  for (let from = 1; from <= count; from += SLICE) {
    const ids = Array.from({ length: Math.min(SLICE, count - from + 1) }, (_, at) => from + at)
    const items = ids.map((id) => ({ key: `bench#${id}`, payload: payloadOf(id, idle), lane: '' }))
    await enqueueItems(sql, { workflowId, items, again: 'never' })
  }
}

export interface Checked {
  readonly missing: number
  readonly duplicates: number
}

/** What is not as it should be, in the tables and in the receipts. */
export async function checkLoaded(sql: Sql, count: number): Promise<Checked> {
  const [rows] = await sql.unsafe<Checked[]>(
    `select $1::int - (select count(distinct application_id) from ${SCHEMA}.address)::int as missing,
            (select count(*) from (select item_id from fetchyard.processing_log
                                    where status = 'success'
                                    group by item_id having count(*) > 1) as twice)::int as duplicates`,
    [count],
  )
  return rows ?? { missing: count, duplicates: 0 }
}
