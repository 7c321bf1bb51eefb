// What commands do before and after their own work: open the database, find the workflow, close.

import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SourceDefinition } from '../../src/core/definition.js'
import { FetchyardError, messageOf } from '../../src/core/errors.js'
import { checkDefinition, isRefusedStatement } from '../../src/store/check-definition.js'
import type { Sql } from '../../src/store/client.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { createStore } from '../../src/store/store.js'
import { ensureTables } from '../../src/store/tables.js'
import type { WorkflowRow } from '../../src/store/workflows.js'
import { findWorkflow, readWorkflows, storeAlerts } from '../../src/store/workflows.js'
import type { DatabaseRequest, OpenDatabase } from '../database.js'
import { openDatabase } from '../database.js'
import type { LoadedWorkflow } from '../node.js'
import { unknownWorkflow } from '../unknown-workflow.js'
import { alertsOf } from '../workflow-options.js'
import { isModulePath } from '../workflows.js'
import type { Invocation } from './command.js'
import { textGiven } from './command.js'
import { configuredWorkflow } from './configured.js'
import { say } from './streams.js'

/** The database that a command's settings mean. */
export function databaseRequest(
  invocation: Invocation,
  use: { readonly purpose: string; readonly exclusive: boolean },
): DatabaseRequest {
  const { settings, cwd, streams } = invocation
  return {
    databaseUrl: settings.databaseUrl,
    dataDir: resolve(cwd, settings.dataDir),
    pooling: settings.pooling,
    poolMax: settings.poolMax,
    onProgress: (message) => say(streams, message),
    ...use,
  }
}

/** Opens the database for `work` and closes it whatever becomes of that. */
export async function withDatabase<T>(
  request: DatabaseRequest,
  work: (database: OpenDatabase) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(request)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** The workflow that the command's argument names, with what the file has for it. */
export async function givenWorkflow(invocation: Invocation): Promise<LoadedWorkflow> {
  const word = textGiven(invocation, 'workflow') ?? ''
  return configuredWorkflow(word, invocation)
}

/**
 * Makes the tables of a workflow, holds its definition against the tables that are there, registers
 * it and binds its source.
 *
 * @throws {FetchyardError} WORKFLOW_INVALID naming everything that does not fit.
 */
export async function installWorkflow(sql: Sql, workflow: LoadedWorkflow): Promise<WorkflowHandle> {
  const { definition } = workflow
  const where = `The workflow ${definition.name} in ${originOf(workflow)}`
  await ensureTables(sql, definition.tables ?? []).catch((error: unknown) => {
    if (!isRefusedStatement(error)) throw error
    const words = `\`tables\`: the database refuses a statement: ${messageOf(error)}.`
    throw new FetchyardError('WORKFLOW_INVALID', `${where} is not valid: ${words}`)
  })
  // First, since it knows the line of a mapping where the definition's fields come from.
  await workflow.prepare?.(sql)
  const row = await findWorkflow(sql, definition.name)
  const source = row?.boundBy === 'operator' ? undefined : definition.source
  const violations = await checkDefinition(sql, { source, sinks: definition.sinks })
  if (violations.length > 0) {
    throw new FetchyardError(
      'WORKFLOW_INVALID',
      `${where} does not fit the database:\n- ${violations.join('\n- ')}`,
    )
  }
  return createStore(sql).openWorkflow(definition)
}

/** Installs a workflow that this process will work, and keeps the bounds of its alerts. */
export async function installToWork(
  sql: Sql,
  workflow: LoadedWorkflow,
  { settings }: Invocation,
): Promise<WorkflowHandle> {
  const handle = await installWorkflow(sql, workflow)
  const alerts = alertsOf({ ...settings, ...workflow.overrides })
  await storeAlerts(sql, { workflowId: handle.workflowId, alerts })
  return handle
}

/** Where a workflow's module is, as people know it; of records, where their mapping is. */
export function originOf({ moduleUrl, origin }: LoadedWorkflow): string {
  if (origin !== undefined) return origin.path
  return moduleUrl.startsWith('file:') ? fileURLToPath(moduleUrl) : moduleUrl
}

/**
 * The name that the argument means, and the source that its module declares. A workflow that the
 * database knows needs no module here.
 */
export async function givenName(
  sql: Sql,
  invocation: Invocation,
): Promise<{ readonly name: string; readonly source: SourceDefinition | undefined }> {
  const word = textGiven(invocation, 'workflow') ?? ''
  try {
    const { definition } = await givenWorkflow(invocation)
    return { name: definition.name, source: definition.source }
  } catch (error) {
    if (isModulePath(word) || (await findWorkflow(sql, word)) === null) throw error
    return { name: word, source: undefined }
  }
}

/**
 * The row of the workflow that the argument names, for commands that need no module of it.
 *
 * @throws {FetchyardError} WORKFLOW_UNKNOWN when the database knows none of that name.
 */
export async function givenWorkflowRow(sql: Sql, invocation: Invocation): Promise<WorkflowRow> {
  const word = textGiven(invocation, 'workflow') ?? ''
  const isPath = isModulePath(word)
  const name = isPath ? (await givenWorkflow(invocation)).definition.name : word
  const found = await findWorkflow(sql, name)
  if (found !== null) return found
  const rows = await readWorkflows(sql)
  throw unknownWorkflow(
    name,
    rows.map((row) => row.name),
  )
}
