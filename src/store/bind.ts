// Making a table of the user's a queue, and undoing it. Neither keeps anybody waiting: the triggers
// need a moment in which nobody writes the table, and stand back when they do not get it at once;
// the rows that were there before are enqueued in slices, each a transaction of its own.

import type { SourceDefinition } from '../core/definition.js'
import { LIMITS } from '../core/limits.js'
import { sliceEndStatement, sliceStatement } from './backfill.js'
import type { Binding } from './binding.js'
import { bindingOf, bindingStatements, unbindingStatements } from './binding.js'
import type { Sql, Transaction } from './client.js'
import { quoteTable } from './identifiers.js'
import type { LockPatience } from './table-lock.js'
import { lockTable, withTable } from './table-lock.js'

/** A workflow's row, as far as binding is concerned. */
export interface Bindable {
  readonly workflowId: number
  readonly name: string
  readonly binding: Binding | null
  /** How far the rows of before are enqueued; null when all are. */
  readonly backfill: Backfill | null
}

/** How far the rows of before are enqueued, as stored with the workflow. */
export interface Backfill {
  /** Key of the last row looked at; null before the first. */
  readonly after: string | null
  /** Rows that were enqueued because they were 'Queued' already. */
  readonly added: number
  /** Rows that are 'Processing' with no item under way: left by somebody before us. */
  readonly stuck: number
}

export type Refuse = (transaction: Transaction) => Promise<void>

export interface Bound {
  readonly added: number
  readonly stuck: number
}

/**
 * Version of the triggers that a binding installs, stored with it: a program with other triggers
 * installs its own at the next start. Raised with every change of theirs.
 */
const TRIGGERS_VERSION = 2

const NOTHING: Bound = { added: 0, stuck: 0 }

/**
 * Binds a workflow's table: triggers and the stored binding in one transaction, then the rows that
 * were queued before. A program that dies in between leaves that to the next that opens the
 * workflow; several share it.
 *
 * @param by who names the table: an operator's word counts before that of the workflow's module.
 */
export async function bindSource(
  sql: Sql,
  workflow: Bindable,
  source: SourceDefinition,
  options: {
    readonly by?: 'module' | 'operator'
    readonly onSlice?: (backfill: Backfill) => void
    /** Throws when the binding must not change now; asked under the lock of the workflow's row. */
    readonly refuse?: Refuse
    readonly lock?: LockPatience
    /** Rows of one slice. @default 5,000 */
    readonly sliceRows?: number
  } = {},
): Promise<Bound> {
  const { by = 'module', onSlice, refuse, lock = LIMITS.bindLock, sliceRows } = options
  const binding = { ...bindingOf(source), triggers: TRIGGERS_VERSION }
  const isThere = isSame(workflow.binding, binding)
  if (isThere && workflow.backfill === null) return NOTHING
  if (!isThere) await installTriggers(sql, workflow, { binding, by, refuse, lock })
  return backfill(sql, { workflowId: workflow.workflowId, binding, onSlice, sliceRows })
}

/** Continues what an earlier program began; nothing when all rows are enqueued. */
export async function continueBackfill(sql: Sql, workflow: Bindable): Promise<Bound> {
  const { workflowId, binding } = workflow
  if (binding === null || workflow.backfill === null) return NOTHING
  return backfill(sql, { workflowId, binding })
}

async function installTriggers(
  sql: Sql,
  workflow: Bindable,
  wish: {
    readonly binding: Binding
    readonly by: 'module' | 'operator'
    readonly refuse: Refuse | undefined
    readonly lock: LockPatience
  },
): Promise<void> {
  const { workflowId, name } = workflow
  const { binding, by, lock } = wish
  await withTable(sql, { table: binding.table, lock }, async (transaction) => {
    const [row] = await transaction<{ binding: Binding | null }[]>`
      select binding from fetchyard.workflow where workflow_id = ${workflowId} for no key update`
    // Supervisors that start together take turns here, and the first has done it for all.
    if (isSame(row?.binding ?? null, binding)) return
    await wish.refuse?.(transaction)
    await lockTable(transaction, binding.table)
    const former = row?.binding ?? null
    if (former !== null && quoteTable(former.table) !== quoteTable(binding.table)) {
      await dropTriggers(transaction, name, former)
    }
    for (const statement of bindingStatements(name, workflowId, binding)) {
      await transaction.unsafe(statement)
    }
    await transaction`
      update fetchyard.workflow
         set binding = ${JSON.stringify(binding)}::text::jsonb, bound_by = ${by},
             backfill = '{"after": null, "added": 0, "stuck": 0}', updated_at = now()
       where workflow_id = ${workflowId}`
  })
}

/** Takes the triggers away; the queue's items and the table's words stay as they are. */
export async function removeTriggers(sql: Sql, workflow: Bindable, refuse: Refuse): Promise<void> {
  const { workflowId, name, binding } = workflow
  if (binding === null) return
  const { table } = binding
  await withTable(sql, { table, lock: LIMITS.bindLock }, async (transaction) => {
    await transaction`
      select from fetchyard.workflow where workflow_id = ${workflowId} for no key update`
    await refuse(transaction)
    await dropTriggers(transaction, name, binding)
    await transaction`
      update fetchyard.workflow
         set binding = null, bound_by = null, backfill = null, updated_at = now()
       where workflow_id = ${workflowId}`
  })
}

async function dropTriggers(
  transaction: Transaction,
  name: string,
  binding: Binding,
): Promise<void> {
  const table = quoteTable(binding.table)
  const [found] = await transaction<{ isThere: boolean }[]>`
    select to_regclass(${table}) is not null as "isThere"`
  // A table that was dropped took its triggers along.
  if (found?.isThere === true) await lockTable(transaction, binding.table)
  for (const statement of unbindingStatements(name, found?.isThere === true ? binding : null)) {
    await transaction.unsafe(statement)
  }
}

/** Enqueues the rows of before, slice by slice, together with whoever else is at it. */
async function backfill(
  sql: Sql,
  of: {
    readonly workflowId: number
    readonly binding: Binding
    readonly onSlice?: ((backfill: Backfill) => void) | undefined
    readonly sliceRows?: number | undefined
  },
): Promise<Bound> {
  const { workflowId } = of
  let last: Bound = NOTHING
  for (;;) {
    const done = await sql.begin(async (transaction) => {
      const [row] = await transaction<{ binding: Binding | null; backfill: Backfill | null }[]>`
        select binding, backfill from fetchyard.workflow
         where workflow_id = ${workflowId} for no key update`
      // Bound elsewhere between two slices: the progress is that of the other table now.
      const progress = isSame(row?.binding ?? null, of.binding) ? (row?.backfill ?? null) : null
      return progress === null ? null : enqueueSlice(transaction, { ...of, progress })
    })
    if (done === null) return last
    last = done
    of.onSlice?.(done)
    if (done.after === null) return last
  }
}

/** @returns how far it is now; `after` is null when that was the last slice. */
async function enqueueSlice(
  transaction: Transaction,
  of: {
    readonly workflowId: number
    readonly binding: Binding
    readonly progress: Backfill
    readonly sliceRows?: number | undefined
  },
): Promise<Backfill> {
  const { workflowId, binding, progress, sliceRows = LIMITS.enqueueRowsMax } = of
  const { after } = progress
  const [end] = await transaction.unsafe<{ key: string }[]>(
    sliceEndStatement(binding, { isFirst: after === null }),
    [sliceRows - 1, ...(after === null ? [] : [after])],
  )
  const upto = end?.key ?? null
  const bounds = [after, upto].filter((bound) => bound !== null)
  const [slice] = await transaction.unsafe<{ added: number; stuck: number }[]>(
    sliceStatement(workflowId, binding, { isFirst: after === null, isLast: upto === null }),
    bounds,
  )
  const now = {
    after: upto,
    added: progress.added + (slice?.added ?? 0),
    stuck: progress.stuck + (slice?.stuck ?? 0),
  }
  await transaction`
    update fetchyard.workflow
       set backfill = ${upto === null ? null : JSON.stringify(now)}::text::jsonb
     where workflow_id = ${workflowId}`
  return now
}

/** Nodes that live and work a workflow: their statements know its binding. */
export async function readWorkers(
  sql: Sql | Transaction,
  workflow: string,
): Promise<readonly { readonly name: string; readonly pid: number; readonly host: string }[]> {
  return sql<{ name: string; pid: number; host: string }[]>`
    select name, pid, host from fetchyard.node
     where fenced_at is null and alive_until > clock_timestamp() and plans ? ${workflow}`
}

/** Items of a workflow that are leased. */
export async function countLeased(sql: Sql | Transaction, workflowId: number): Promise<number> {
  const rows = await sql<{ items: number }[]>`
    select coalesce(sum(cardinality(item_ids)), 0)::int as items
      from fetchyard.work_queue where workflow_id = ${workflowId} and lease_id is not null`
  return rows[0]?.items ?? 0
}

/** What binding runs, for people: the triggers, and how rows of before are enqueued. */
export function bindingScript(
  workflow: { readonly workflowId: number; readonly name: string },
  source: SourceDefinition,
): readonly string[] {
  const { workflowId, name } = workflow
  const binding = bindingOf(source)
  return [
    `lock table ${quoteTable(binding.table)} in share row exclusive mode`,
    ...bindingStatements(name, workflowId, binding),
    sliceStatement(workflowId, binding, { isFirst: false, isLast: false }).trim(),
  ]
}

/** What unbinding runs, for people. */
export function unbindingScript(name: string, binding: Binding): readonly string[] {
  return [
    `lock table ${quoteTable(binding.table)} in share row exclusive mode`,
    ...unbindingStatements(name, binding),
  ]
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
}

/** The same with the keys of its objects in order, to compare with what jsonb made of it. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, entry]) => [key, sorted(entry)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
