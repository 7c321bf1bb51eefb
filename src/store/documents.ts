// Documents by their references: asking for them, and what became of those of a run.

import { assert } from '../core/assert.js'
import { LIMITS } from '../core/limits.js'
import type { Sql, Statements } from './client.js'

export interface WantedDocument {
  readonly reference: string
  readonly url: string | null
  /** Context that it is assigned to, as a lane; null: none. */
  readonly assigned: string | null
}

/** The status of each of these references that is known. */
export async function readDocumentStatuses(
  sql: Statements,
  references: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = await sql<{ reference: string; status: string | null }[]>`
    select reference, document_status as status
      from public.documents
     where reference = any (${references as string[]}::text[])`
  return new Map(rows.map(({ reference, status }) => [reference, status]))
}

/**
 * Asks for documents, those that were finished before included. What is queued or being worked is
 * left as it is.
 *
 * @returns how many are asked for by this call.
 */
export async function askForDocuments(
  sql: Sql,
  wanted: readonly WantedDocument[],
): Promise<number> {
  assert(wanted.length <= LIMITS.enqueueRowsMax, 'an insert is sliced by its caller')
  if (wanted.length === 0) return 0
  const given = JSON.stringify(wanted)
  // Inserted without a status first: the trigger sees a row become 'Queued' in either case.
  await sql`
    insert into public.documents (reference, url)
    select reference, url
      from jsonb_to_recordset(${given}::text::jsonb) as given (reference text, url text)
        on conflict (reference) do nothing`
  const rows = await sql`
    update public.documents as owned
       set document_status = 'Queued',
           url = coalesce(given.url, owned.url),
           assigned = given.assigned,
           updated_at = now()
      from jsonb_to_recordset(${given}::text::jsonb)
           as given (reference text, url text, assigned text)
     where owned.reference = given.reference
       and (owned.document_status is null
            or owned.document_status in ('Complete', 'Error', 'Cancelled'))
    returning 1`
  return rows.length
}

export interface FailedDocument {
  readonly reference: string
  readonly code: string
  readonly error: string | null
}

export interface DocumentFigures {
  readonly saved: number
  readonly skipped: number
  readonly bytes: number
  readonly byLevel: { readonly [level: string]: number }
  readonly byContext: { readonly [context: string]: number }
  /** Memory while documents were saved: middle value in each quarter of the run, in megabytes. */
  readonly quarters: readonly { readonly browserMb: number | null; readonly workerMb: number }[]
}

/** What became of the documents of a run. */
export async function readDocumentFigures(sql: Sql, runId: number): Promise<DocumentFigures> {
  const rows = await sql<
    { outcome: string; level: string; context: string; n: number; b: number }[]
  >`
    with own as materialized (
      select file.*
        from fetchyard.run_item
        join fetchyard.item using (item_id)
        join public.document_files as file on file.reference = item.item_key
        join public.documents as owned on owned.reference = file.reference
       where run_item.run_id = ${runId} and owned.document_status = 'Complete'
    )
    select outcome, coalesce(level, 'none') as level, coalesce(context::text, 'none') as context,
           count(*)::int as n, sum(bytes)::float8 as b
      from own group by 1, 2, 3 order by 3, 2`
  const quarters = await sql<{ browserMb: number | null; workerMb: number }[]>`
    with own as materialized (
      select file.browser_mb, file.worker_mb, ntile(4) over (order by file.saved_at) as quarter
        from fetchyard.run_item
        join fetchyard.item using (item_id)
        join public.document_files as file on file.reference = item.item_key
       where run_item.run_id = ${runId} and file.outcome = 'saved'
    )
    select percentile_disc(0.5) within group (order by browser_mb) as "browserMb",
           percentile_disc(0.5) within group (order by worker_mb) as "workerMb"
      from own group by quarter order by quarter`
  const saved = rows.filter(({ outcome }) => outcome === 'saved')
  return {
    saved: sumOf(saved),
    skipped: sumOf(rows) - sumOf(saved),
    bytes: rows.reduce((sum, { b }) => sum + b, 0),
    byLevel: countBy(saved, ({ level }) => level),
    byContext: countBy(saved, ({ context }) => context),
    quarters,
  }
}

type Counted = { readonly n: number }

const sumOf = (rows: readonly Counted[]) => rows.reduce((sum, { n }) => sum + n, 0)

function countBy<Row extends Counted>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): { readonly [key: string]: number } {
  const counts: { [key: string]: number } = {}
  for (const row of rows) counts[keyOf(row)] = (counts[keyOf(row)] ?? 0) + row.n
  return counts
}

/** Documents of a run that failed for good, and why; at most `limit` of them. */
export async function readFailedDocuments(
  sql: Sql,
  request: { readonly runId: number; readonly limit: number },
): Promise<readonly FailedDocument[]> {
  return sql<FailedDocument[]>`
    select receipt.item_key as reference, receipt.outcome_code as code, receipt.error
      from fetchyard.run_item
      join fetchyard.processing_log as receipt using (item_id)
     where run_item.run_id = ${request.runId} and receipt.status = 'error'
     order by receipt.item_key
     limit ${request.limit}`
}

/** Files of the ledger, in the order of their references, after one of them. */
export async function readLedgerPage(
  sql: Statements,
  request: { readonly after: string; readonly limit: number },
): Promise<readonly { readonly reference: string; readonly sha256: string }[]> {
  return sql<{ reference: string; sha256: string }[]>`
    select file.reference, file.sha256
      from public.document_files as file
      join public.documents as owned using (reference)
     where owned.document_status = 'Complete' and file.reference > ${request.after}
     order by file.reference
     limit ${request.limit}`
}
