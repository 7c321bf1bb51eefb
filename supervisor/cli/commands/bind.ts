// Makes a table of the user's the queue of a workflow, and undoes it.

import { FetchyardError } from '../../../src/core/errors.js'
import type { Backfill } from '../../../src/store/bind.js'
import {
  bindingScript,
  bindSource,
  countLeased,
  readWorkers,
  removeTriggers,
  unbindingScript,
} from '../../../src/store/bind.js'
import { checkDefinition } from '../../../src/store/check-definition.js'
import type { Sql, Transaction } from '../../../src/store/client.js'
import { cancelItems } from '../../../src/store/operate.js'
import type { WorkflowRow } from '../../../src/store/workflows.js'
import { findWorkflow, registerWorkflow } from '../../../src/store/workflows.js'
import { sourceGiven } from '../bind-source.js'
import { type Command, type Invocation, isGiven } from '../command.js'
import { showCount } from '../progress.js'
import { databaseRequest, givenName, givenWorkflowRow, withDatabase } from '../session.js'
import { print, printJson, say } from '../streams.js'

const DRY_RUN = { type: 'switch', sentence: 'Show the SQL, and change nothing' } as const
const JSON_FLAG = { type: 'switch', sentence: 'Print the figures as JSON' } as const

export const bindCommand: Command = {
  syntax: 'bind <workflow>',
  summary: 'Make rows of a table of yours the items of a workflow',
  examples: [
    ['fetchyard bind titles --table app.pages --key id --status fetch_status', 'rows by a word'],
    ['fetchyard bind titles --table app.pages --where "active" --dry-run', 'the SQL of it'],
  ],
  groups: ['database'],
  flags: {
    table: { type: 'text', sentence: 'The table, `name` or `schema.name`' },
    key: { type: 'text', sentence: 'Column that is unique by itself [the primary key]' },
    status: { type: 'text', sentence: 'Column of the words Queued, Processing, ... [status]' },
    where: { type: 'text', sentence: 'SQL condition: which queued rows are picked up [all]' },
    payload: { type: 'text', sentence: 'Columns given to the handler, with commas [all others]' },
    'updated-at': { type: 'text', sentence: 'Column that gets the time of each change of status' },
    lane: { type: 'text', sentence: 'Column of URLs whose host is the lane' },
    'dry-run': DRY_RUN,
    json: JSON_FLAG,
  },
  run: runBind,
}

export const unbindCommand: Command = {
  syntax: 'unbind <workflow>',
  summary: 'Take the triggers of `bind` away, and what waits in the queue with them',
  examples: [['fetchyard unbind titles --dry-run', 'the SQL of it']],
  groups: ['database'],
  flags: { 'dry-run': DRY_RUN, json: JSON_FLAG },
  run: runUnbind,
}

async function runBind(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const request = databaseRequest(invocation, { purpose: 'bind', exclusive: false })
  return withDatabase(request, async ({ sql }) => {
    const { name, source: declared } = await givenName(sql, invocation)
    const source = await sourceGiven(sql, invocation, declared)
    const violations = await checkDefinition(sql, { source, sinks: {} })
    if (violations.length > 0) {
      const words = violations.join('\n- ').replaceAll('`source.', '`')
      throw new FetchyardError('WORKFLOW_INVALID', `The table cannot be bound:\n- ${words}`)
    }
    const known = await findWorkflow(sql, name)
    if (isGiven(invocation, 'dry-run')) {
      if (known === null) await print(streams, `-- 0 stands for the number that ${name} will get.`)
      const script = bindingScript({ workflowId: known?.workflowId ?? 0, name }, source)
      for (const statement of script) await print(streams, `${statement};`)
      return 0
    }
    const row = known ?? (await registerWorkflow(sql, name))
    const refuse = refusalWhileWorked(row, 'bind')
    await refuse(sql)
    refuseOtherTable(row, source.table)
    const onSlice = sayProgress(invocation)
    const bound = await bindSource(sql, row, source, { by: 'operator', onSlice, refuse })
    await tellBound(invocation, { workflow: name, table: source.table, ...bound, source })
    return 0
  })
}

function refuseOtherTable({ name, binding }: WorkflowRow, table: string): void {
  if (binding === null || binding.table === table) return
  throw new FetchyardError(
    'USAGE',
    `${name} is bound to ${binding.table}. Unbind it first: fetchyard unbind ${name}`,
  )
}

/**
 * A node that works the workflow knows the binding of before, and would not write words back. Asked
 * at once, and again under the lock of the workflow's row, which nodes wait for when they open it.
 */
function refusalWhileWorked(row: WorkflowRow, verb: string) {
  return async (sql: Sql | Transaction): Promise<void> => {
    const workers = await readWorkers(sql, row.name)
    const leased = await countLeased(sql, row.workflowId)
    if (workers.length === 0 && leased === 0) return
    const who = workers.map(({ name, pid, host }) => `${name} (pid ${pid} on ${host})`).join(', ')
    throw new FetchyardError(
      'WORKFLOW_BUSY',
      workers.length > 0
        ? `${row.name} is worked by ${who}. Stop it, ${verb}, and start it again.`
        : `${showCount(leased)} items of ${row.name} are held by a node that died. Start a node, ` +
            `which takes them back, stop it, and ${verb} then.`,
    )
  }
}

const SAY_EVERY_MS = 2_000

function sayProgress({ streams, clock }: Invocation): (backfill: Backfill) => void {
  let saidMs = clock.nowMs()
  return ({ added, after }) => {
    if (after === null || clock.nowMs() - saidMs < SAY_EVERY_MS) return
    saidMs = clock.nowMs()
    say(streams, `Enqueued ${showCount(added)} rows so far, up to ${after}.`)
  }
}

async function tellBound(
  invocation: Invocation,
  done: {
    readonly workflow: string
    readonly table: string
    readonly added: number
    readonly stuck: number
    readonly source: { readonly status: string }
  },
): Promise<void> {
  const { streams } = invocation
  const { source, ...figures } = done
  if (isGiven(invocation, 'json')) {
    await printJson(streams, { schema: 1, ...figures })
    return
  }
  const { workflow, table, added, stuck } = done
  await print(streams, `Bound ${workflow} to ${table}: ${showCount(added)} rows enqueued.`)
  if (stuck === 0) return
  const word = source.status
  await print(
    streams,
    `${showCount(stuck)} rows are 'Processing' from before, and nobody works them. To have them ` +
      `done: update ${table} set ${word} = 'Queued' where ${word} = 'Processing'`,
  )
}

async function runUnbind(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const request = databaseRequest(invocation, { purpose: 'unbind', exclusive: false })
  return withDatabase(request, async ({ sql }) => {
    const row = await givenWorkflowRow(sql, invocation)
    const { binding, name, workflowId } = row
    if (binding === null) throw new FetchyardError('USAGE', `${name} is bound to no table.`)
    if (isGiven(invocation, 'dry-run')) {
      for (const statement of unbindingScript(name, binding)) await print(streams, `${statement};`)
      return 0
    }
    const refuse = refusalWhileWorked(row, 'unbind')
    await refuse(sql)
    // Without the table's words: a row that was not done yet stays 'Queued', as its owner has it.
    // Killed in between, the command finds the binding and does it again.
    const reason = `unbound from ${binding.table}`
    const waiting = { workflowId, binding: null, keys: null, reason }
    const before = await cancelItems(sql, waiting)
    await removeTriggers(sql, row, refuse)
    const removed = before + (await cancelItems(sql, waiting))
    if (isGiven(invocation, 'json')) {
      await printJson(streams, { schema: 1, workflow: name, table: binding.table, removed })
      return 0
    }
    const items = `${showCount(removed)} items that waited are out of the queue`
    await print(streams, `Unbound ${name} from ${binding.table}: ${items}.`)
    if (row.boundBy === 'module') {
      say(streams, 'Its module names the table: the next start binds it again.')
    }
    return 0
  })
}
