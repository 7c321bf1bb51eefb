import type { Sql } from './client.js'
import type { ExportStatement } from './export.js'

/** How many rows an export has. */
export async function countResults(sql: Sql, statement: ExportStatement): Promise<number> {
  const rows = await sql.unsafe<{ rows: number }[]>(
    `select count(*)::float8 as rows from (${statement.text}) as result (${statement.columns
      .map((_, index) => `c${index}`)
      .join(', ')})`,
  )
  return rows[0]?.rows ?? 0
}

export interface RunItemEnd {
  readonly key: string
  /** The URL in the item's payload; null when it has none. */
  readonly url: string | null
  readonly status: 'success' | 'error' | 'cancelled'
  readonly code: string
}

/** How each finished item of a run ended. Holds them all at once: for runs that fit in memory. */
export async function readRunItems(sql: Sql, runId: number): Promise<readonly RunItemEnd[]> {
  return sql<RunItemEnd[]>`
    select item.item_key as key, item.payload ->> 'url' as url, receipt.status,
           receipt.outcome_code as code
      from fetchyard.run_item
      join fetchyard.item using (item_id)
      join (select item_id, status, outcome_code from fetchyard.processing_log
             union all
            select item_id, status, outcome_code from fetchyard.ending) as receipt using (item_id)
     where run_item.run_id = ${runId}
       and receipt.status in ('success', 'error', 'cancelled')`
}

/** The id of a run by its name; null when there is none. */
export async function findRun(
  sql: Sql,
  of: { readonly workflowId: number; readonly name: string },
): Promise<number | null> {
  const rows = await sql<{ runId: number }[]>`
    select run_id as "runId" from fetchyard.run
     where workflow_id = ${of.workflowId} and name = ${of.name}`
  return rows[0]?.runId ?? null
}
