import type { ClusterFigures, WorkflowFigures } from '../../../src/core/figures.js'
import type { Sql } from '../../../src/store/client.js'
import { readErrorsByCode, readFigures } from '../../../src/store/figures.js'
import type { Budgets } from '../../../src/store/money.js'
import { readBudgets } from '../../../src/store/money.js'
import { readWorkflows } from '../../../src/store/workflows.js'
import { type Command, type Invocation, isGiven } from '../command.js'
import { showSeconds } from '../progress.js'
import { databaseRequest, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'
import { tableLines } from '../table.js'

export const statusCommand: Command = {
  syntax: 'status',
  summary: 'Show how the queue and its nodes stand',
  examples: [
    ['fetchyard status', 'tables for people'],
    ['fetchyard status --json', 'the same for programs'],
  ],
  groups: ['database'],
  flags: { json: { type: 'switch', sentence: 'Print the figures as JSON' } },
  run: runStatus,
}

interface ErrorCount {
  readonly workflow: string
  readonly code: string
  readonly items: number
}

async function runStatus(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const request = databaseRequest(invocation, { purpose: 'status', exclusive: false })
  const { figures, errors, budgets } = await withDatabase(request, async ({ sql }) => ({
    figures: await readFigures(sql),
    errors: await readErrors(sql),
    budgets: await readAllBudgets(sql),
  }))
  if (isGiven(invocation, 'json')) {
    await printJson(streams, { schema: 1, ...figures, errors, budgets })
    return 0
  }
  for (const line of statusLines(figures, errors, budgets)) await print(streams, line)
  return 0
}

async function readErrors(sql: Sql): Promise<readonly ErrorCount[]> {
  const errors: ErrorCount[] = []
  for (const { workflowId, name } of await readWorkflows(sql)) {
    for (const row of await readErrorsByCode(sql, workflowId))
      errors.push({ workflow: name, ...row })
  }
  return errors
}

interface OwnBudgets extends Budgets {
  readonly workflow: string
}

/** Of the workflows that have one. */
async function readAllBudgets(sql: Sql): Promise<readonly OwnBudgets[]> {
  const all: OwnBudgets[] = []
  for (const { workflowId, name } of await readWorkflows(sql)) {
    const budgets = await readBudgets(sql, workflowId)
    if (budgets !== null && budgets.left !== null) all.push({ workflow: name, ...budgets })
  }
  return all
}

const WORKFLOW_HEADINGS = [
  'workflow',
  'queued',
  'processing',
  'delayed',
  'complete',
  'error',
  'retried',
  'oldest',
  'paused',
]

/** The figures as lines of words. */
export function statusLines(
  figures: ClusterFigures,
  errors: readonly ErrorCount[],
  budgets: readonly OwnBudgets[] = [],
): readonly string[] {
  const { workflows, nodes, readAt } = figures
  if (workflows.length === 0) {
    return [
      'No workflow yet. Fill one with fetchyard enqueue contacts FILE, or see fetchyard demo.',
    ]
  }
  const lines = [
    ...tableLines(
      WORKFLOW_HEADINGS,
      workflows.map((own) => workflowRow(own, readAt)),
    ),
  ]
  lines.push('')
  if (nodes.length === 0) lines.push('No node is running. Start one with fetchyard up.')
  else {
    const rows = nodes.map((node) => [node.name, node.pid, node.state, node.leasedItems])
    lines.push(...tableLines(['node', 'pid', 'state', 'leased'], rows))
  }
  if (budgets.length > 0) {
    const rows = budgets.map(budgetRow)
    lines.push('', ...tableLines(['budget of', 'a day', 'in all', 'left'], rows))
  }
  if (errors.length === 0) return lines
  const rows = errors.map((error) => [error.workflow, error.code, error.items])
  return [...lines, '', ...tableLines(['errors of', 'code', 'items'], rows)]
}

function budgetRow({ workflow, perDay, total, left }: OwnBudgets) {
  return [workflow, perDay, total, (left ?? 0) > 0 ? left : `${left}, spent`]
}

function workflowRow(own: WorkflowFigures, readAt: string) {
  return [
    own.workflow,
    own.queued,
    own.processing,
    own.delayed,
    own.complete,
    own.error,
    own.retried,
    ageOf(own.oldestQueuedAt, readAt),
    own.pausedBy.length === 0 ? 'no' : own.pausedBy.join(', '),
  ]
}

function ageOf(instant: string | null, readAt: string): string {
  const ageMs = Date.parse(readAt) - Date.parse(instant ?? '')
  return Number.isFinite(ageMs) ? showSeconds(Math.max(0, ageMs) / 1_000) : '-'
}
