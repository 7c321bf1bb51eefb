// Where a person's orders to a running cluster are carried out, whichever way they come: command
// line, dashboard, HTTP. An order changes the workflow's row, which every node reads within a
// second, and leaves an event that names who gave it.

import type { Rollout } from '../src/core/cohort-figures.js'
import { FetchyardError } from '../src/core/errors.js'
import type { RolloutOrder } from '../src/core/steering-words.js'
import { steeringWords } from '../src/core/steering-words.js'
import { explainWorkflow, type Verdict } from '../src/core/why-plan.js'
import type { Store } from '../src/store/store.js'
import type { WorkflowRow } from '../src/store/workflows.js'
import type { EventBus } from '../src/telemetry/events.js'
import { unknownWorkflow } from './unknown-workflow.js'

/** Who gives an order, as far as that is known. */
export interface Orderer {
  /** Such as `anna on yard-1`. */
  readonly name: string
  /** Such as `from the command line`. */
  readonly via: string
}

/** What an order did. */
export interface Carried {
  readonly isChanged: boolean
  /** How the workflow stands now. */
  readonly now: Rollout
  readonly words: string
}

/** What is not given stays; null goes back to what each node is configured for. */
export interface Pace {
  readonly ratePerMinute?: number | null
  readonly successPauseMs?: number | null
}

export interface SteeringDesk {
  readonly setRollout: (name: string, order: RolloutOrder, by: Orderer) => Promise<Carried>
  /** null: back to what each node is configured for. */
  readonly setConcurrency: (name: string, items: number | null, by: Orderer) => Promise<Carried>
  readonly setPace: (name: string, pace: Pace, by: Orderer) => Promise<Carried>
  readonly pause: (name: string, by: Orderer) => Promise<Carried>
  readonly resume: (name: string, by: Orderer) => Promise<Carried>
  readonly rollouts: () => Promise<readonly Rollout[]>
  readonly why: () => Promise<readonly Verdict[]>
}

/** What the desk needs of the store. */
export type DeskStore = Pick<
  Store,
  | 'findWorkflow'
  | 'readWorkflows'
  | 'setSteering'
  | 'pauseWorkflow'
  | 'resumeWorkflow'
  | 'readRollouts'
  | 'readFigures'
  | 'readLoads'
  | 'readSchedules'
  | 'storeEvent'
>

/** Reason under which a person holds a workflow back. */
export const OPERATOR = 'operator'

/**
 * @param emit tells this process about orders as well; the command line has nobody to tell.
 * @param nodeId the node that emits: it shows its own events already when it reads them again.
 */
export function createSteeringDesk(
  store: DeskStore,
  emit: EventBus['emit'] = () => {},
  nodeId: string | null = null,
): SteeringDesk {
  const parts = { store, emit, nodeId }
  return {
    setRollout: (name, order, by) => steer(parts, { name, by, change: order }),
    setConcurrency: (name, items, by) => steer(parts, { name, by, change: { concurrency: items } }),
    setPace: (name, pace, by) => steer(parts, { name, by, change: pace }),
    pause: (name, by) => pause(parts, name, by),
    resume: (name, by) => resume(parts, name, by),
    rollouts: () => store.readRollouts(),
    why: () => why(store),
  }
}

interface Parts {
  readonly store: DeskStore
  readonly emit: EventBus['emit']
  readonly nodeId: string | null
}

const saidBy = ({ name, via }: Orderer) => `by ${name}, ${via}`

/**
 * @throws {FetchyardError} WORKFLOW_UNKNOWN
 */
async function rowOf(store: DeskStore, name: string): Promise<WorkflowRow> {
  const found = await store.findWorkflow(name)
  if (found !== null) return found
  const rows = await store.readWorkflows()
  throw unknownWorkflow(
    name,
    rows.map((row) => row.name),
  )
}

async function standing(store: DeskStore, name: string): Promise<Rollout> {
  const [now] = await store.readRollouts(name)
  if (now !== undefined) return now
  throw new FetchyardError('WORKFLOW_UNKNOWN', `The workflow ${name} is gone.`)
}

async function steer(
  { store, emit, nodeId }: Parts,
  order: {
    readonly name: string
    readonly by: Orderer
    readonly change: Partial<RolloutOrder> & Pace & { readonly concurrency?: number | null }
  },
): Promise<Carried> {
  const { name, by, change } = order
  const { workflowId } = await rowOf(store, name)
  const who = saidBy(by)
  const isChanged = await store.setSteering({ workflowId, ...change, by: who.slice(3) })
  const now = await standing(store, name)
  const words = steeringWords(name, now)
  if (isChanged) {
    const { mode, rollout, concurrency, ratePerMinute, successPauseMs, step } = now
    const limits = { concurrency, ratePerMinute, successPauseMs }
    const fields = { mode, rollout, ...limits, step, by: by.name, via: by.via }
    const level = 'info'
    const message = `${who}: ${words}`
    emit('workflow.steered', { workflow: name, by: by.name, message })
    const event = { name: 'workflow.steered', workflowId, nodeId } as const
    await store.storeEvent({ level, ...event, message, fields })
  }
  return { isChanged, now, words }
}

async function pause({ store, emit, nodeId }: Parts, name: string, by: Orderer): Promise<Carried> {
  const { workflowId } = await rowOf(store, name)
  const isChanged = await store.pauseWorkflow({ workflowId, reason: OPERATOR })
  const go = `Go on with fetchyard resume ${name}.`
  const words = `${name} is paused${isChanged ? '' : ' already'}. ${go}`
  if (isChanged) {
    emit('workflow.paused', { workflow: name, reason: `${OPERATOR}: ${saidBy(by)}` })
    await store.storeEvent({
      level: 'info',
      name: 'workflow.paused',
      workflowId,
      nodeId,
      message: saidBy(by),
      fields: { reason: OPERATOR, by: by.name, via: by.via },
    })
  }
  return { isChanged, now: await standing(store, name), words }
}

async function resume({ store, emit, nodeId }: Parts, name: string, by: Orderer): Promise<Carried> {
  const { workflowId, pausedBy } = await rowOf(store, name)
  const isChanged = await store.resumeWorkflow({ workflowId, reason: null })
  const reasons = pausedBy.join(', ')
  const words = isChanged
    ? `${name} runs again; it was paused by ${reasons}.`
    : `${name} was not paused.`
  if (isChanged) {
    emit('workflow.resumed', { workflow: name, reason: `${saidBy(by)}; was paused by ${reasons}` })
    await store.storeEvent({
      level: 'info',
      name: 'workflow.resumed',
      workflowId,
      nodeId,
      message: saidBy(by),
      fields: { reason: reasons, by: by.name, via: by.via },
    })
  }
  return { isChanged, now: await standing(store, name), words }
}

async function why(store: DeskStore): Promise<readonly Verdict[]> {
  const [loads, { workflows }, schedules] = [
    await store.readLoads(),
    await store.readFigures(),
    await store.readSchedules(),
  ]
  return workflows.map((own) =>
    explainWorkflow(
      own,
      loads.filter(({ workflow }) => workflow === own.workflow),
      schedules.find(({ workflow }) => workflow === own.workflow),
    ),
  )
}
