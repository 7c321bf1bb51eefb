// What commands do before and after their own work: open the database, find the workflow, close.

import { resolve } from 'node:path'
import { suggestion } from '../../config/suggest.js'
import { FetchyardError } from '../../src/core/errors.js'
import type { Sql } from '../../src/store/client.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import { createStore } from '../../src/store/store.js'
import { ensureTables } from '../../src/store/tables.js'
import type { WorkflowRow } from '../../src/store/workflows.js'
import { findWorkflow, readWorkflows } from '../../src/store/workflows.js'
import type { DatabaseRequest, OpenDatabase } from '../database.js'
import { openDatabase } from '../database.js'
import type { LoadedWorkflow } from '../node.js'
import { isModulePath, loadWorkflow } from '../workflows.js'
import type { Invocation } from './command.js'
import { textGiven } from './command.js'
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
  const schema = schemaFor(word, invocation)
  return withOverrides(await loadWorkflow(word, invocation.cwd, schema), word, invocation)
}

/** The schema that rows of records go to, by what the file has for their mapping, or for all. */
export function schemaFor(word: string, { settings, configuration }: Invocation): string | null {
  return configuration.workflows.get(word)?.schema ?? settings.schema
}

export function withOverrides(
  workflow: LoadedWorkflow,
  word: string,
  { configuration }: Invocation,
): LoadedWorkflow {
  const { workflows } = configuration
  const overrides = workflows.get(word) ?? workflows.get(workflow.definition.name)
  if (overrides === undefined) return workflow
  return { ...workflow, overrides: { ...workflow.overrides, ...overrides } }
}

/** Makes the tables of a workflow, registers it and binds its source. */
export async function installWorkflow(sql: Sql, workflow: LoadedWorkflow): Promise<WorkflowHandle> {
  await ensureTables(sql, workflow.definition.tables ?? [])
  await workflow.prepare?.(sql)
  return createStore(sql).openWorkflow(workflow.definition)
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
  const names = (await readWorkflows(sql)).map((row) => row.name)
  const known = names.length === 0 ? 'It knows none yet.' : `It knows ${names.join(', ')}.`
  throw new FetchyardError(
    'WORKFLOW_UNKNOWN',
    `The database knows no workflow \`${name}\`.${suggestion(name, names)} ${known}`,
  )
}
