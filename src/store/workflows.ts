// Workflows as rows: who is paused and why, and which table is bound to which.

import type { SinkDefinition } from '../core/definition.js'
import type { AlertThresholds } from '../core/figures.js'
import type { StoredSink } from './audit-tables.js'
import { storedSinks } from './audit-tables.js'
import type { Backfill } from './bind.js'
import type { Binding } from './binding.js'
import type { Sql } from './client.js'

export interface WorkflowRow {
  readonly workflowId: number
  readonly name: string
  readonly pausedBy: readonly string[]
  readonly binding: Binding | null
  /** Who named the bound table; null for a workflow that is only pushed to. */
  readonly boundBy: 'module' | 'operator' | null
  readonly backfill: Backfill | null
  readonly concurrency: number | null
  /** Where its results go, as last opened; null when that was never told. */
  readonly sinks: { readonly [sink: string]: StoredSink } | null
}

const COLUMNS = `workflow_id as "workflowId", name, paused_by as "pausedBy", binding,
  bound_by as "boundBy", backfill, concurrency, sinks`

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

/**
 * The row of a workflow that is about to be worked. Waits for whoever is changing its binding: who
 * does so has looked for nodes that work it, and must not miss one that read what was before.
 */
export async function readForOpening(sql: Sql, name: string): Promise<WorkflowRow> {
  const [row] = await sql.unsafe<WorkflowRow[]>(
    `select ${COLUMNS} from fetchyard.workflow where name = $1 for share`,
    [name],
  )
  if (row === undefined) throw new Error(`workflow ${name} vanished while it was opened`)
  return row
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

/** Remembers the thresholds of a workflow's alerts. Written only when they have changed. */
export async function storeAlerts(
  sql: Sql,
  of: { readonly workflowId: number; readonly alerts: AlertThresholds },
): Promise<void> {
  const stored = JSON.stringify(of.alerts)
  await sql`
    update fetchyard.workflow
       set alerts = ${stored}::text::jsonb, updated_at = now()
     where workflow_id = ${of.workflowId} and alerts is distinct from ${stored}::text::jsonb`
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
