// Workflows as rows: who is paused and why, and which table is bound to which.

import type { SinkDefinition, SourceDefinition } from '../core/definition.js'
import type { StoredSink } from './audit-tables.js'
import { storedSinks } from './audit-tables.js'
import type { Binding } from './binding.js'
import { backfillStatement, bindingOf, bindingStatements } from './binding.js'
import type { Sql } from './client.js'

export interface WorkflowRow {
  readonly workflowId: number
  readonly name: string
  readonly pausedBy: readonly string[]
  readonly binding: Binding | null
  readonly concurrency: number | null
  /** Where its results go, as last opened; null when that was never told. */
  readonly sinks: { readonly [sink: string]: StoredSink } | null
}

const COLUMNS = `workflow_id as "workflowId", name, paused_by as "pausedBy", binding, concurrency,
  sinks`

export async function readWorkflows(sql: Sql): Promise<readonly WorkflowRow[]> {
  return sql.unsafe<WorkflowRow[]>(`select ${COLUMNS} from fetchyard.workflow order by workflow_id`)
}

export async function findWorkflow(sql: Sql, name: string): Promise<WorkflowRow | null> {
  const rows = await sql.unsafe<WorkflowRow[]>(
    `select ${COLUMNS} from fetchyard.workflow where name = $1`,
    [name],
  )
  return rows[0] ?? null
}

/** Finds or makes the row of a workflow. */
export async function registerWorkflow(sql: Sql, name: string): Promise<WorkflowRow> {
  const found = await findWorkflow(sql, name)
  if (found !== null) return found
  await sql`insert into fetchyard.workflow (name) values (${name}) on conflict (name) do nothing`
  const made = await findWorkflow(sql, name)
  if (made === null) throw new Error(`workflow ${name} vanished while it was registered`)
  return made
}

/** Remembers where a workflow's results go, for the audit. Written only when it has changed. */
export async function storeSinks(
  sql: Sql,
  workflow: WorkflowRow,
  sinks: { readonly [sink: string]: SinkDefinition },
): Promise<void> {
  const stored = JSON.stringify(storedSinks(sinks))
  await sql`
    update fetchyard.workflow
       set sinks = ${stored}::text::jsonb, updated_at = now()
     where workflow_id = ${workflow.workflowId}
       and sinks is distinct from ${stored}::text::jsonb`
}

/** Spreads what is enqueued from now on; what is queued keeps its partition, and has an owner. */
export async function storePartitions(
  sql: Sql,
  workflow: WorkflowRow,
  partitions: number,
): Promise<void> {
  await sql`
    update fetchyard.workflow set partitions = ${partitions}, updated_at = now()
     where workflow_id = ${workflow.workflowId} and partitions <> ${partitions}`
}

/**
 * Version of the triggers that a binding installs, stored with it: a program with other triggers
 * installs its own at the next start. Raised with every change of theirs.
 */
const TRIGGERS_VERSION = 2

/** Rounds of a backfill that may find rows and add none. */
const IDLE_ROUNDS_MAX = 100
/** Rows enqueued by one statement when a table that already holds rows is bound. */
const BACKFILL_ROWS = 5_000

/**
 * Binds a workflow's table: triggers, the rows that were queued before, and then the stored
 * binding. It comes last, so that a boot that dies in between leaves the whole of it to the next.
 *
 * @returns rows that were enqueued because they were 'Queued' already.
 */
export async function bindSource(
  sql: Sql,
  workflow: WorkflowRow,
  source: SourceDefinition,
): Promise<number> {
  const binding = { ...bindingOf(source), triggers: TRIGGERS_VERSION }
  if (JSON.stringify(sorted(workflow.binding)) === JSON.stringify(sorted(binding))) return 0
  await installTriggers(sql, workflow, binding)
  const added = await backfill(sql, workflow.workflowId, binding)
  await sql`
    update fetchyard.workflow
       set binding = ${JSON.stringify(binding)}::text::jsonb, updated_at = now()
     where workflow_id = ${workflow.workflowId}`
  return added
}

/**
 * Supervisors that start together take turns at the workflow's row: Postgres refuses to replace a
 * function that somebody else is replacing. The lock lets enqueues pass.
 */
async function installTriggers(sql: Sql, workflow: WorkflowRow, binding: Binding): Promise<void> {
  const { workflowId, name } = workflow
  await sql.begin(async (transaction) => {
    // Behind a long query on the table everybody else would have to wait with us.
    await transaction`set local lock_timeout = '5s'`
    await transaction`
      select from fetchyard.workflow where workflow_id = ${workflowId} for no key update`
    for (const statement of bindingStatements(name, workflowId, binding)) {
      await transaction.unsafe(statement)
    }
  })
}

async function backfill(sql: Sql, workflowId: number, binding: Binding): Promise<number> {
  let total = 0
  for (let idleRounds = 0; idleRounds < IDLE_ROUNDS_MAX; ) {
    const rows = await sql.unsafe<{ found: number; added: number }[]>(
      backfillStatement(workflowId, binding),
      [BACKFILL_ROWS],
    )
    const { found, added } = rows[0] ?? { found: 0, added: 0 }
    total += added
    if (found === 0) return total
    // Rows that were found and not added were added by another boot that binds the same table; the
    // next round passes them over. Were they found again and again, something else would be wrong.
    idleRounds = added === 0 ? idleRounds + 1 : 0
  }
  return total
}

/** The same object with its keys in order, for comparison with what jsonb made of it. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Adds a reason to stop leasing. @returns whether it was new. */
export async function pauseWorkflow(
  sql: Sql,
  pause: { readonly workflowId: number; readonly reason: string },
): Promise<boolean> {
  const rows = await sql`
    update fetchyard.workflow
       set paused_by = array_append(paused_by, ${pause.reason}), updated_at = now()
     where workflow_id = ${pause.workflowId} and not (${pause.reason} = any (paused_by))
    returning workflow_id`
  return rows.length === 1
}

/** Takes reasons away, all of them when none is named. @returns whether any was there. */
export async function resumeWorkflow(
  sql: Sql,
  resume: { readonly workflowId: number; readonly reason: string | null },
): Promise<boolean> {
  const rows = await sql`
    update fetchyard.workflow
       set paused_by = case when ${resume.reason}::text is null then '{}'
                            else array_remove(paused_by, ${resume.reason}::text) end,
           updated_at = now()
     where workflow_id = ${resume.workflowId}
       and case when ${resume.reason}::text is null then paused_by <> '{}'
                else ${resume.reason}::text = any (paused_by) end
    returning workflow_id`
  return rows.length === 1
}
