import { FetchyardError } from '../../../src/core/errors.js'
import type { Sql } from '../../../src/store/client.js'
import type { Steering } from '../../../src/store/steering.js'
import { readSteering, setSteering } from '../../../src/store/steering.js'
import { createStore } from '../../../src/store/store.js'
import type { WorkflowRow } from '../../../src/store/workflows.js'
import { planOf } from '../../workflow-options.js'
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
  ],
  groups: ['database'],
  flags: { json: JSON_FLAG },
  run: (invocation) => steer(invocation, settingChange(textGiven(invocation, 'setting'))),
}

type Change = Omit<Parameters<typeof setSteering>[1], 'workflowId'>

function wholeWithin(text: string, max: number): number | null {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  return value <= max ? value : null
}

function rolloutChange(text: string | null): Change | null {
  if (text === null) return null
  if (text === 'sequential') return { mode: 'sequential', rollout: 0 }
  const percent = wholeWithin(text.replace(/\s*%$/, ''), 100)
  if (percent === null) {
    throw new FetchyardError(
      'USAGE',
      `Expected a percentage from 0 to 100, or the word sequential, got \`${text}\`. ` +
        'For example: fetchyard rollout contacts 10',
    )
  }
  // At 0 % nothing is concurrent on any node; that is what sequential means.
  return percent === 0
    ? { mode: 'sequential', rollout: 0 }
    : { mode: 'concurrent', rollout: percent }
}

function settingChange(text: string | null): Change | null {
  if (text === null) return null
  const value = /^concurrency=(.+)$/.exec(text)?.[1]
  const concurrency = value === 'auto' ? null : wholeWithin(value ?? '', 100_000)
  if (value === undefined || (value !== 'auto' && (concurrency === null || concurrency < 1))) {
    throw new FetchyardError(
      'USAGE',
      `Expected concurrency=N with N from 1 to 100000, or concurrency=auto, got \`${text}\`.`,
    )
  }
  return { concurrency }
}

async function steer(invocation: Invocation, change: Change | null): Promise<number> {
  const request = databaseRequest(invocation, { purpose: 'steer', exclusive: false })
  await withDatabase(request, async ({ sql }) => {
    const workflow = await givenWorkflowRow(sql, invocation)
    const { workflowId, name } = workflow
    const isChanged = change !== null && (await setSteering(sql, { workflowId, ...change }))
    const now = await readSteering(sql, { workflowId, workflow: name, plan: planOf(name) })
    if (now === null) throw new FetchyardError('WORKFLOW_UNKNOWN', `${name} is gone.`)
    if (isChanged) await record(sql, workflow, now)
    if (isGiven(invocation, 'json')) {
      const { mode, rollout, concurrency } = now
      const nodes = now.workers.length
      await printJson(invocation.streams, {
        schema: 1,
        workflow: name,
        mode,
        rollout,
        concurrency,
        nodes,
      })
    } else await print(invocation.streams, steeringWords(name, now))
  })
  return 0
}

async function record(sql: Sql, { workflowId, name }: WorkflowRow, now: Steering): Promise<void> {
  const { mode, rollout, concurrency } = now
  await createStore(sql).storeEvent({
    level: 'info',
    name: 'workflow.steered',
    workflowId,
    nodeId: null,
    message: `by an operator, from the command line: ${steeringWords(name, now)}`,
    fields: { mode, rollout, concurrency },
  })
}

/** What is set for a workflow, in one sentence. */
export function steeringWords(name: string, now: Steering): string {
  const { mode, rollout, concurrency, workers } = now
  const items = concurrency === null ? 'its configured number of' : `${concurrency}`
  const nodes = workers.length === 1 ? '1 node works' : `${workers.length} nodes work`
  if (mode === 'sequential') {
    return `${name} is sequential: one item at a time in the cluster. ${nodes} it.`
  }
  const share =
    rollout === 100 ? 'all items' : `${rollout} % of the items, the others one after the other`
  return `${name} is concurrent for ${share}; each node works ${items} items at once. ${nodes} it.`
}
