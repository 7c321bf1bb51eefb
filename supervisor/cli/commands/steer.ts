import { readDuration, showDuration } from '../../../config/units.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { LIMITS } from '../../../src/core/limits.js'
import type { Sql } from '../../../src/store/client.js'
import type { Budgets } from '../../../src/store/money.js'
import { readBudgets, setBudgets } from '../../../src/store/money.js'
import type { Steering, SteeringChange } from '../../../src/store/steering.js'
import { readSteering, setSteering } from '../../../src/store/steering.js'
import { createStore } from '../../../src/store/store.js'
import type { WorkflowRow } from '../../../src/store/workflows.js'
import type { Command, Invocation } from '../command.js'
import { isGiven, textGiven } from '../command.js'
import { databaseRequest, givenWorkflowRow, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'

const JSON_FLAG = { type: 'switch', sentence: 'Print what holds now as JSON' } as const

export const rolloutCommand: Command = {
  syntax: 'rollout <workflow> [percent]',
  summary: 'Work a share of the items concurrently, the others one after the other',
  examples: [
    ['fetchyard rollout contacts 10', 'on all nodes within two seconds, without a restart'],
    ['fetchyard rollout contacts 100', 'everything is worked concurrently'],
    [
      'fetchyard rollout contacts sequential',
      'instant rollback: one item at a time in the cluster',
    ],
    ['fetchyard rollout contacts', 'says what holds now'],
  ],
  groups: ['database'],
  flags: { json: JSON_FLAG },
  run: (invocation) => steer(invocation, rolloutChange(textGiven(invocation, 'percent'))),
}

export const setCommand: Command = {
  syntax: 'set <workflow> [setting]',
  summary: 'Change how a workflow is worked, on all nodes and without a restart',
  examples: [
    ['fetchyard set contacts concurrency=20', 'items at once on each node, up to its slots'],
    ['fetchyard set contacts concurrency=auto', 'back to what each node is configured for'],
    ['fetchyard set contacts rate=120', 'items started in a minute in the whole cluster, evenly'],
    ['fetchyard set contacts success-pause=2s', 'each slot rests so long after a success'],
    ['fetchyard set contacts budget=20000', 'credits in all since the budget of a run began'],
    [
      'fetchyard set contacts budget-day=50000',
      'credits a day for the whole cluster; off lifts it',
    ],
  ],
  groups: ['database'],
  flags: { json: JSON_FLAG },
  run: (invocation) => steer(invocation, settingChange(textGiven(invocation, 'setting'))),
}

interface Change {
  readonly steering?: Omit<SteeringChange, 'workflowId'>
  readonly budgets?: { readonly perDay?: number | null; readonly total?: number | null }
}

function wholeWithin(text: string, max: number): number | null {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  return value <= max ? value : null
}

const SEQUENTIAL: Change = { steering: { mode: 'sequential', rollout: 0 } }

function rolloutChange(text: string | null): Change {
  if (text === null) return {}
  if (text === 'sequential') return SEQUENTIAL
  const percent = wholeWithin(text.replace(/\s*%$/, ''), 100)
  if (percent === null) {
    throw new FetchyardError(
      'USAGE',
      `Expected a percentage from 0 to 100, or the word sequential, got \`${text}\`. ` +
        'For example: fetchyard rollout contacts 10',
    )
  }
  // At 0 % nothing is concurrent on any node; that is what sequential means.
  return percent === 0 ? SEQUENTIAL : { steering: { mode: 'concurrent', rollout: percent } }
}

interface Setting {
  /** The value that takes the setting back. */
  readonly none: string
  readonly max: number
  /** Whether it is a duration, which may be none at all. @default false */
  readonly isDuration?: boolean
  readonly change: (value: number | null) => Change
}

/** What one `name=value` changes. */
const SETTINGS: { readonly [name: string]: Setting } = {
  concurrency: {
    none: 'auto',
    max: 100_000,
    change: (value) => ({ steering: { concurrency: value } }),
  },
  rate: {
    none: 'auto',
    max: LIMITS.ratePerMinuteMax,
    change: (value) => ({ steering: { ratePerMinute: value } }),
  },
  'success-pause': {
    none: 'auto',
    max: LIMITS.successPauseMsMax,
    isDuration: true,
    change: (value) => ({ steering: { successPauseMs: value } }),
  },
  'budget-day': {
    none: 'off',
    max: 1_000_000_000,
    change: (value) => ({ budgets: { perDay: value } }),
  },
  budget: {
    none: 'off',
    max: 1_000_000_000,
    change: (value) => ({ budgets: { total: value } }),
  },
}

function settingValue(text: string, { max, isDuration = false }: Setting): number | null {
  if (!isDuration) return wholeWithin(text, max) || null
  const value = readDuration(text)
  return value !== undefined && value <= max ? value : null
}

function settingWords(name: string, { none, max, isDuration = false }: Setting): string {
  if (isDuration) return `${name}=TIME up to ${showDuration(max)}, or ${name}=${none}`
  return `${name}=N with N from 1 to ${max}, or ${name}=${none}`
}

function settingChange(text: string | null): Change {
  if (text === null) return {}
  const [name = '', value = ''] = text.split(/=(.*)/s)
  const setting = SETTINGS[name]
  if (setting !== undefined) {
    if (value === setting.none) return setting.change(null)
    const given = settingValue(value, setting)
    if (given !== null) return setting.change(given)
  }
  const known = Object.entries(SETTINGS).map(([known, one]) => settingWords(known, one))
  throw new FetchyardError('USAGE', `Expected ${known.join('; ')}; got \`${text}\`.`)
}

async function steer(invocation: Invocation, change: Change): Promise<number> {
  const request = databaseRequest(invocation, { purpose: 'steer', exclusive: false })
  await withDatabase(request, async ({ sql }) => {
    const workflow = await givenWorkflowRow(sql, invocation)
    const isChanged = await apply(sql, workflow, change)
    const now = await readNow(sql, workflow)
    if (isChanged) await record(sql, workflow, now)
    const { mode, rollout, concurrency, ratePerMinute, successPauseMs, workers } = now
    const pace = { ratePerMinute, successPauseMs }
    const own = {
      ...{ workflow: workflow.name, mode, rollout, concurrency, ...pace },
      nodes: workers.length,
    }
    const budget = now.budgets
    if (isGiven(invocation, 'json')) {
      await printJson(invocation.streams, { schema: 1, ...own, budget })
    } else await print(invocation.streams, steeringWords(workflow.name, now))
  })
  return 0
}

/** @returns whether anything changed. */
async function apply(
  sql: Sql,
  { workflowId }: WorkflowRow,
  { steering, budgets }: Change,
): Promise<boolean> {
  if (budgets?.perDay !== undefined) await setBudgets(sql, { workflowId, perDay: budgets.perDay })
  if (budgets?.total !== undefined) {
    // What a run has spent of its budget stays spent when the budget is changed.
    const since = (await readBudgets(sql, workflowId))?.since ?? undefined
    await setBudgets(sql, { workflowId, total: { credits: budgets.total, since } })
  }
  const isSteered = steering !== undefined && (await setSteering(sql, { workflowId, ...steering }))
  return isSteered || budgets !== undefined
}

type Now = Steering & { readonly budgets: Budgets }

async function readNow(sql: Sql, { workflowId, name }: WorkflowRow): Promise<Now> {
  const now = await readSteering(sql, { workflowId, workflow: name, plan: '' })
  const budgets = await readBudgets(sql, workflowId)
  if (now !== null && budgets !== null) return { ...now, budgets }
  throw new FetchyardError('WORKFLOW_UNKNOWN', `The workflow ${name} is gone.`)
}

async function record(sql: Sql, { workflowId, name }: WorkflowRow, now: Now): Promise<void> {
  const { mode, rollout, concurrency, ratePerMinute, successPauseMs, budgets } = now
  const pace = { ratePerMinute, successPauseMs }
  await createStore(sql).storeEvent({
    level: 'info',
    name: 'workflow.steered',
    workflowId,
    nodeId: null,
    message: `by an operator, from the command line: ${steeringWords(name, now)}`,
    fields: {
      ...{ mode, rollout, concurrency, ...pace },
      ...{ budgetPerDay: budgets.perDay, budget: budgets.total },
    },
  })
}

/** What is set for a workflow, in one sentence. */
function steeringWords(name: string, now: Now): string {
  const { mode, rollout, concurrency, workers } = now
  const items = concurrency === null ? 'its configured number of' : `${concurrency}`
  const nodes = workers.length === 1 ? '1 node works' : `${workers.length} nodes work`
  const { perDay, total, left } = now.budgets
  const parts = [
    ...(total === null ? [] : [`${total} credits in all`]),
    ...(perDay === null ? [] : [`${perDay} credits a day`]),
  ]
  const budget = parts.length === 0 ? '' : ` Budget: ${parts.join(' and ')}, ${left ?? 0} left.`
  const rest = `${nodes} it.${paceWords(now)}${budget}`
  if (mode === 'sequential') {
    return `${name} is sequential: one item at a time in the cluster. ${rest}`
  }
  const share =
    rollout === 100 ? 'all items' : `${rollout} % of the items, the others one after the other`
  return `${name} is concurrent for ${share}; each node works ${items} items at once. ${rest}`
}

/** What is set about its pace; what nodes are configured for is not known here. */
function paceWords({ ratePerMinute, successPauseMs }: Now): string {
  const rate = ratePerMinute === null ? '' : ` Rate: ${ratePerMinute} a minute in the cluster.`
  if (successPauseMs === null) return rate
  return `${rate} Each slot rests ${showDuration(successPauseMs)} after a success.`
}
