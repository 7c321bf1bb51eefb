// Imports: a file's records on their way into the queue. The position and the items before it move
// together, so that an import that was killed goes on where its items end, and enqueues none twice.

import { assert } from '../core/assert.js'
import { LIMITS } from '../core/limits.js'
import type { Json } from '../core/outcome.js'
import type { Sql } from './client.js'
import { type Again, enqueueItems } from './enqueue.js'
import { joinRun } from './runs.js'

export interface ImportRow {
  readonly importId: number
  /** Of the file, as it was when the import began. */
  readonly fingerprint: string
  /** As the splitter gave it. */
  readonly position: Json
  readonly records: number
  readonly problem: string | null
  readonly isFinished: boolean
}

const COLUMNS = `import_id as "importId", fingerprint, position, records::int as records, problem,
  finished_at is not null as "isFinished"`

/** Finds or makes the import of this name. */
export async function openImport(
  sql: Sql,
  request: {
    readonly workflowId: number
    readonly name: string
    readonly fingerprint: string
    readonly start: Json
  },
): Promise<ImportRow> {
  const { workflowId, name, fingerprint, start } = request
  await sql`
    insert into fetchyard.import (workflow_id, name, fingerprint, position)
    values (${workflowId}, ${name}, ${fingerprint}, ${JSON.stringify(start)}::text::jsonb)
        on conflict (workflow_id, name) do nothing`
  const rows = await sql.unsafe<ImportRow[]>(
    `select ${COLUMNS} from fetchyard.import where workflow_id = $1 and name = $2`,
    [workflowId, name],
  )
  const [row] = rows
  if (row === undefined) throw new Error(`the import ${name} vanished while it was opened`)
  return row
}

export interface ImportItem {
  readonly key: string
  readonly payload: Json
  /** @default '' */
  readonly lane?: string
}

export interface ImportStep {
  readonly importId: number
  readonly workflowId: number
  /** The run that the items join; null for none. */
  readonly runId: number | null
  /** Whether items that are finished are asked for again. @default 'never' */
  readonly again?: Again
  readonly items: readonly ImportItem[]
  /** Records before this step: whoever else has moved the import meanwhile has another number. */
  readonly recordsBefore: number
  readonly records: number
  readonly position: Json
  readonly isFinished: boolean
  readonly problem: string | null
}

/**
 * Moves an import by one step, items and position in one transaction.
 *
 * @returns items that are new to the queue; null when another process has moved it, and nothing was
 * written.
 */
export async function moveImport(sql: Sql, step: ImportStep): Promise<number | null> {
  const { importId, workflowId, runId, items, recordsBefore, records, position } = step
  const { again = 'never' } = step
  assert(items.length <= LIMITS.enqueueRowsMax, 'an import is moved in steps')
  return sql.begin(async (transaction) => {
    // First, so that a second importer waits here and then finds another number.
    const moved = await transaction`
      update fetchyard.import
         set records = ${records}, position = ${JSON.stringify(position)}::text::jsonb,
             problem = ${step.problem}, moved_at = now(),
             finished_at = case when ${step.isFinished} then now() end
       where import_id = ${importId} and records = ${recordsBefore} and finished_at is null
      returning import_id`
    if (moved.length === 0) return null
    const rows = items.map((item) => ({ lane: '', ...item }))
    const added = await enqueueItems(transaction, { workflowId, items: rows, again })
    const keys = items.map(({ key }) => key)
    if (runId !== null) await joinRun(transaction, { runId, workflowId, keys })
    return added
  }) as Promise<number | null>
}

/** Whether so little of a workflow waits or is under way that an import may add to it. */
export async function hasRoom(sql: Sql, workflowId: number): Promise<boolean> {
  const [ahead] = await sql<{ items: number; packs: number }[]>`
    select coalesce(sum(items), 0)::int as items, count(*)::int as packs
      from (select cardinality(item_ids) as items from fetchyard.work_queue
             where workflow_id = ${workflowId} limit ${LIMITS.importAheadPacksMax}) as pack`
  if (ahead === undefined) return true
  return ahead.items < LIMITS.importAheadMax && ahead.packs < LIMITS.importAheadPacksMax
}
