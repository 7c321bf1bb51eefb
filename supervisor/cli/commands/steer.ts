import { showDuration } from '../../../config/units.js'
import type { Rollout } from '../../../src/core/cohort-figures.js'
import { readDuration } from '../../../src/core/duration.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { LIMITS } from '../../../src/core/limits.js'
import {
  CONCURRENCY_MAX,
  ROLLOUT_RULE,
  type RolloutOrder,
  readConcurrency,
  readRollout,
  steeringWords,
} from '../../../src/core/steering-words.js'
import type { Sql } from '../../../src/store/client.js'
import { readRollouts } from '../../../src/store/cohorts.js'
import type { Budgets } from '../../../src/store/money.js'
import { readBudgets, setBudgets } from '../../../src/store/money.js'
import { createStore } from '../../../src/store/store.js'
import type { WorkflowRow } from '../../../src/store/workflows.js'
import { createSteeringDesk, type Pace } from '../../steering-desk.js'
import { leftWords } from '../budget-words.js'
import { cohortLines } from '../cohort-table.js'
import type { Command, Invocation } from '../command.js'
import { isGiven, textGiven } from '../command.js'
import { orderer } from '../orderer.js'
import { databaseRequest, givenWorkflowRow, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'

const JSON_FLAG = { type: 'switch', sentence: 'Print what holds now as JSON' } as const

export const rolloutCommand: Command = {
  syntax: 'rollout [workflow] [percent]',
  summary: 'Work a share of the items concurrently, the others one after the other',
  examples: [
    ['fetchyard rollout contacts 10', 'on all nodes within two seconds, without a restart'],
    ['fetchyard rollout contacts 100', 'everything is worked concurrently'],
    [
      'fetchyard rollout contacts sequential',
      'instant rollback: one item at a time in the cluster',
    ],
    ['fetchyard rollout contacts', 'what holds now, and both cohorts side by side'],
    ['fetchyard rollout', 'the same for all workflows'],
  ],
  groups: ['database'],
  flags: { json: JSON_FLAG },
  run: (invocation) => {
    const order = rolloutOrder(textGiven(invocation, 'percent'))
    return order === null ? showRollouts(invocation) : steer(invocation, { steering: order })
  },
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
  readonly steering?: RolloutOrder
  readonly concurrency?: number | null
  readonly pace?: Pace
  readonly budgets?: { readonly perDay?: number | null; readonly total?: number | null }
}

function rolloutOrder(text: string | null): RolloutOrder | null {
  if (text === null) return null
  const order = readRollout(text)
  if (order !== null) return order
  throw new FetchyardError(
    'USAGE',
    `Expected ${ROLLOUT_RULE}, got \`${text}\`. For example: fetchyard rollout contacts 10`,
  )
}

async function showRollouts(invocation: Invocation): Promise<number> {
  const request = databaseRequest(invocation, { purpose: 'rollout', exclusive: false })
  const rollouts = await withDatabase(request, async ({ sql }) => {
    const isAll = textGiven(invocation, 'workflow') === null
    return readRollouts(sql, isAll ? null : (await givenWorkflowRow(sql, invocation)).name)
  })
  if (isGiven(invocation, 'json')) await printJson(invocation.streams, { schema: 1, rollouts })
  else for (const line of rolloutLines(rollouts)) await print(invocation.streams, line)
  return 0
}

function rolloutLines(rollouts: readonly Rollout[]): readonly string[] {
  if (rollouts.length === 0) return ['No workflow yet. Fill one with fetchyard enqueue.']
  return rollouts.flatMap((rollout, index) => [
    ...(index === 0 ? [] : ['']),
    ...cohortLines(rollout),
  ])
}

const CREDITS_MAX = 1_000_000_000

/** @returns the number; null for the word that takes it back, and undefined for what is neither. */
function readWhole(text: string, none: string, max: number): number | null | undefined {
  if (text === none) return null
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0
  return value >= 1 && value <= max ? value : undefined
}

/** What one `name=value` changes; the value `auto` or `off` takes the setting back. */
interface Setting {
  readonly none: string
  /** What may be given, in words. */
  readonly rule: string
  readonly read: (text: string) => Change | undefined
}

const upTo = (max: number) => `N with N from 1 to ${max}`

const SETTINGS: { readonly [name: string]: Setting } = {
  concurrency: {
    none: 'auto',
    rule: upTo(CONCURRENCY_MAX),
    read: (text) => {
      const concurrency = readConcurrency(text)
      return concurrency === undefined ? undefined : { concurrency }
    },
  },
  rate: {
    none: 'auto',
    rule: upTo(LIMITS.ratePerMinuteMax),
    read: (text) => {
      const ratePerMinute = readWhole(text, 'auto', LIMITS.ratePerMinuteMax)
      return ratePerMinute === undefined ? undefined : { pace: { ratePerMinute } }
    },
  },
  'success-pause': {
    none: 'auto',
    rule: `TIME up to ${showDuration(LIMITS.successPauseMsMax)}`,
    read: (text) => {
      const successPauseMs = text === 'auto' ? null : readDuration(text)
      const isFitting =
        successPauseMs === null || Number(successPauseMs) <= LIMITS.successPauseMsMax
      return successPauseMs === undefined || !isFitting ? undefined : { pace: { successPauseMs } }
    },
  },
  'budget-day': {
    none: 'off',
    rule: upTo(CREDITS_MAX),
    read: (text) => {
      const perDay = readWhole(text, 'off', CREDITS_MAX)
      return perDay === undefined ? undefined : { budgets: { perDay } }
    },
  },
  budget: {
    none: 'off',
    rule: upTo(CREDITS_MAX),
    read: (text) => {
      const total = readWhole(text, 'off', CREDITS_MAX)
      return total === undefined ? undefined : { budgets: { total } }
    },
  },
}

function settingChange(text: string | null): Change {
  if (text === null) return {}
  const [name = '', value = ''] = text.split(/=(.*)/s)
  // Names such as `constructor` are members of every object.
  const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined
  const change = setting?.read(value)
  if (change !== undefined) return change
  const known = Object.entries(SETTINGS).map(
    ([known, { none, rule }]) => `${known}=${rule}, or ${known}=${none}`,
  )
  throw new FetchyardError('USAGE', `Expected ${known.join('; ')}; got \`${text}\`.`)
}

async function steer(invocation: Invocation, change: Change): Promise<number> {
  const request = databaseRequest(invocation, { purpose: 'steer', exclusive: false })
  await withDatabase(request, async ({ sql }) => {
    const workflow = await givenWorkflowRow(sql, invocation)
    await apply(sql, workflow, change)
    const now = await readNow(sql, workflow)
    if (change.budgets !== undefined) await recordBudget(sql, workflow, now)
    const { mode, rollout, concurrency, ratePerMinute, successPauseMs } = now
    const { nodes, step, since, by, budgets: budget } = now
    const limits = { concurrency, ratePerMinute, successPauseMs }
    const own = { workflow: workflow.name, mode, rollout, ...limits, nodes, step, since, by }
    if (isGiven(invocation, 'json')) {
      await printJson(invocation.streams, { schema: 1, ...own, budget })
    } else await print(invocation.streams, nowWords(now))
  })
  return 0
}

async function apply(
  sql: Sql,
  { workflowId, name }: WorkflowRow,
  { steering, concurrency, pace, budgets }: Change,
): Promise<void> {
  const desk = createSteeringDesk(createStore(sql))
  if (budgets?.perDay !== undefined) await setBudgets(sql, { workflowId, perDay: budgets.perDay })
  if (budgets?.total !== undefined) {
    // What a run has spent of its budget stays spent when the budget is changed.
    const since = (await readBudgets(sql, workflowId))?.since ?? undefined
    await setBudgets(sql, { workflowId, total: { credits: budgets.total, since } })
  }
  if (steering !== undefined) await desk.setRollout(name, steering, orderer())
  if (concurrency !== undefined) await desk.setConcurrency(name, concurrency, orderer())
  if (pace !== undefined) await desk.setPace(name, pace, orderer())
}

type Now = Rollout & { readonly budgets: Budgets }

async function readNow(sql: Sql, { workflowId, name }: WorkflowRow): Promise<Now> {
  const [now] = await readRollouts(sql, name)
  const budgets = await readBudgets(sql, workflowId)
  if (now !== undefined && budgets !== null) return { ...now, budgets }
  throw new FetchyardError('WORKFLOW_UNKNOWN', `The workflow ${name} is gone.`)
}

async function recordBudget(sql: Sql, { workflowId }: WorkflowRow, now: Now): Promise<void> {
  const { name, via } = orderer()
  const { perDay, total } = now.budgets
  await createStore(sql).storeEvent({
    level: 'info',
    name: 'workflow.steered',
    workflowId,
    nodeId: null,
    message: `by ${name}, ${via}: ${nowWords(now)}`,
    fields: { budgetPerDay: perDay, budget: total, by: name, via },
  })
}

/** What is set for a workflow, with its budgets. */
function nowWords(now: Now): string {
  const { perDay, total, left } = now.budgets
  const parts = [
    ...(total === null ? [] : [`${total} credits in all`]),
    ...(perDay === null ? [] : [`${perDay} credits a day`]),
  ]
  const budget =
    parts.length === 0 ? '' : ` Budget: ${parts.join(' and ')}, ${leftWords(left ?? 0)}.`
  return `${steeringWords(now.workflow, now)}${budget}`
}
