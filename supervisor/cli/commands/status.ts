import type { ConnectionUse } from '../../../src/core/connection-use.js'
import { isCrowded } from '../../../src/core/connection-use.js'
import type { ClusterFigures, NodeFigures, WorkflowFigures } from '../../../src/core/figures.js'
import { scheduleWords } from '../../../src/core/schedule.js'
import type { ChoreStatus } from '../../../src/store/chores.js'
import type { StoredLoad } from '../../../src/store/loads.js'
import type { Pause } from '../../../src/store/pauses.js'
import type { ScheduleStatus } from '../../../src/store/schedules.js'
import { errorsOf, type OwnBudgets, readStatus } from '../../../src/store/status.js'
import { leftWords } from '../budget-words.js'
import { type Command, type Invocation, isGiven } from '../command.js'
import { showCount, showSeconds } from '../progress.js'
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

async function runStatus(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const request = databaseRequest(invocation, { purpose: 'status', exclusive: false })
  const status = await withDatabase(request, ({ sql }) => readStatus(sql))
  if (isGiven(invocation, 'json')) {
    await printJson(streams, { ...status })
    return 0
  }
  const lines = [
    ...alertLines(status),
    ...statusLines(status, status.budgets),
    ...pauseLines(status.pauses),
    ...scheduleLines(status.schedules),
    ...choreLines(status.chores),
    ...limitLines(status),
  ]
  for (const line of lines) await print(streams, line)
  return 0
}

/** What was said when workflows were paused; one that nobody explained is in the table alone. */
function pauseLines(pauses: readonly Pause[]): readonly string[] {
  const lines = pauses.flatMap(({ workflow, reason, message, since }) =>
    message === null ? [] : [`${workflow} is paused since ${since}, ${reason}: ${message}`],
  )
  return lines.length === 0 ? [] : ['', ...lines]
}

/** What is beyond its bound, before everything else; nothing when all is well. */
function alertLines({ raised }: ClusterFigures): readonly string[] {
  if (raised.length === 0) return []
  return [...raised.map(({ message, raisedAt }) => `ALERT ${message}, since ${raisedAt}`), '']
}

/** A pass that failed ended at the moment at which it did; those moments are written one by one. */
const SAME_MOMENT_MS = 1_000

/** A line on housekeeping: what it removed last, and what keeps it from going on. */
export function choreLines(chores: readonly ChoreStatus[]): readonly string[] {
  const paused = chores.find(({ pausedWhy }) => pausedWhy !== null)
  if (paused !== undefined) return ['', `Housekeeping is paused by ${paused.pausedWhy}.`]
  const passed = chores.filter(({ passedAt }) => passedAt !== null)
  const last = [...passed].sort((a, b) => passedMs(b) - passedMs(a))[0]?.passedAt
  if (last === null || last === undefined) return []
  const rows = chores.reduce((sum, { passedRows }) => sum + passedRows, 0)
  const failed = passed.filter((chore) => {
    return Date.parse(chore.failedAt ?? '') > passedMs(chore) - SAME_MOMENT_MS
  })
  const removed = `${showCount(rows)} ${rows === 1 ? 'row' : 'rows'}`
  return [
    ...['', `Housekeeping passed last at ${last}; its last passes removed ${removed}.`],
    ...failed.map(({ chore, failure }) => `Housekeeping of ${chore} failed: ${failure}`),
  ]
}

const passedMs = ({ passedAt }: ChoreStatus) => Date.parse(passedAt ?? '')

/** Schedules as lines of words; none when every workflow always works. */
function scheduleLines(schedules: readonly ScheduleStatus[]): readonly string[] {
  if (schedules.length === 0) return []
  const rows = schedules.map((own) => [
    own.workflow,
    scheduleWords(own.definition),
    own.waitingSince === null ? own.nextAt : `waits since ${own.waitingSince}`,
    own.tickedAt,
    own.openInstances,
  ])
  return ['', ...tableLines(['scheduled', 'when', 'next', 'last', 'instances'], rows)]
}

const WORKFLOW_HEADINGS = [
  'workflow',
  'queued',
  'processing',
  'delayed',
  'complete',
  'error',
  'retried',
  'rate',
  'p50',
  'p95',
  'oldest',
  'paused',
]

/** The figures as lines of words. */
export function statusLines(
  figures: ClusterFigures,
  budgets: readonly OwnBudgets[] = [],
): readonly string[] {
  const { workflows, nodes, readAt } = figures
  const refused = refusedLines(nodes)
  if (workflows.length === 0) {
    const words = 'Fill one with fetchyard enqueue contacts FILE, or see fetchyard demo.'
    return [`No workflow yet. ${words}`, ...refused]
  }
  const lines = [
    ...tableLines(
      WORKFLOW_HEADINGS,
      workflows.map((own) => workflowRow(own, readAt)),
    ),
  ]
  for (const { workflow, backfill, boundTable } of workflows) {
    if (backfill === null) continue
    const added = showCount(backfill.added)
    lines.push(`${workflow}: rows of ${boundTable} are being enqueued, ${added} so far`)
  }
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
  lines.push(...refused)
  const errors = errorsOf(figures)
  if (errors.length === 0) return lines
  const rows = errors.map((error) => [error.workflow, error.code, error.items])
  return [...lines, '', ...tableLines(['errors of', 'code', 'items'], rows)]
}

/** What each node works at once and what keeps it from more, and how full the database is. */
function limitLines(limits: {
  readonly loads: readonly StoredLoad[]
  readonly connections: ConnectionUse
}): readonly string[] {
  const { loads, connections } = limits
  const { used, max } = connections
  const full = isCrowded(connections) ? '; concurrency grows no further' : ''
  const database = ['', `The database has ${used} of ${max} connections in use${full}.`]
  if (loads.length === 0) return database
  const head = ['works', 'node', 'in flight', 'limit', 'held by', 'reused']
  const rows = loads.map((load) => [
    ...[load.workflow, load.node, load.inFlight, load.limit, heldBy(load)],
    load.fetches === 0 ? '-' : `${((100 * load.reusedFetches) / load.fetches).toFixed(0)} %`,
  ])
  return ['', ...tableLines(head, rows), ...database]
}

/** Hosts that fail again and again are left alone, which is no limit of the workflow's. */
function heldBy({ reason, lanesOpen }: StoredLoad): string {
  if (lanesOpen === 0) return reason
  return `${reason}; breaker of ${lanesOpen} host${lanesOpen === 1 ? '' : 's'}`
}

function budgetRow({ workflow, perDay, total, left }: OwnBudgets) {
  return [workflow, perDay, total, (left ?? 0) > 0 ? left : leftWords(left ?? 0)]
}

/** Workflows that a living node was asked to work and could not start. */
function refusedLines(nodes: readonly NodeFigures[]): readonly string[] {
  const lines = nodes
    .filter((node) => node.state !== 'fenced')
    .flatMap((node) =>
      node.refused.map(({ module, reason }) => `${module} is refused by ${node.name}: ${reason}`),
    )
  return lines.length === 0 ? [] : ['', ...lines]
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
    own.perSecond === 0 ? '-' : `${own.perSecond.toFixed(own.perSecond < 10 ? 2 : 0)}/s`,
    latencyOf(own.latencyP50Ms),
    latencyOf(own.latencyP95Ms),
    ageOf(own.oldestQueuedAt, readAt),
    own.pausedBy.length === 0 ? 'no' : own.pausedBy.join(', '),
  ]
}

/** An upper bound, and said to be one. */
function latencyOf(durationMs: number | null): string {
  if (durationMs === null) return '-'
  if (durationMs < 1_000) return `< ${Math.ceil(durationMs)} ms`
  return `< ${showSeconds(Math.ceil(durationMs / 1_000))}`
}

function ageOf(instant: string | null, readAt: string): string {
  const ageMs = Date.parse(readAt) - Date.parse(instant ?? '')
  return Number.isFinite(ageMs) ? showSeconds(Math.max(0, ageMs) / 1_000) : '-'
}
