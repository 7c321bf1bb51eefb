import type { MonotonicMs } from '../core/clock.js'
import type { ClusterFigures, WorkflowFigures } from '../core/figures.js'
import type { AnyEvent } from './events.js'
import type { ClusterState } from './live-topics.js'

/** Figures older than this are called old: they are read about once a second. */
export const FIGURES_OLD_MS = 5_000
/** How long a failed settle statement stays a problem after it was last seen. */
const SETTLE_FAILURE_VISIBLE_MS = 30_000

/** This node in its own eyes, folded from its events. */
export interface NodeStatus {
  readonly nodeId: string
  readonly workflows: readonly string[]
  readonly stage: 'starting' | 'running' | 'quiesce' | 'drain' | 'halt' | 'stopped'
  readonly fencedBecause: string | null
  readonly isTrusted: boolean
  readonly heartbeatAtMs: MonotonicMs | null
  /** Wall clock of the last heartbeat, for metrics. */
  readonly heartbeatWallMs: number | null
  /** What the last heartbeat failed with; null once one succeeded. */
  readonly heartbeatFailure: string | null
  readonly settleFailure: { readonly atMs: MonotonicMs; readonly message: string } | null
  readonly liveClients: number
}

export const INITIAL_NODE_STATUS: NodeStatus = {
  nodeId: '',
  workflows: [],
  stage: 'starting',
  fencedBecause: null,
  isTrusted: true,
  heartbeatAtMs: null,
  heartbeatWallMs: null,
  heartbeatFailure: null,
  settleFailure: null,
  liveClients: 0,
}

/** The status after an event. Most events change nothing and return the status they were given. */
export function statusAfter(
  status: NodeStatus,
  event: AnyEvent,
  now: { readonly nowMs: MonotonicMs; readonly wallMs: number },
): NodeStatus {
  switch (event.name) {
    case 'supervisor.started':
      return { ...status, stage: 'running', nodeId: event.nodeId, workflows: event.workflows }
    case 'supervisor.stopping':
      return { ...status, stage: event.stage }
    case 'supervisor.stopped':
      return { ...status, stage: 'stopped' }
    case 'supervisor.fenced':
      return { ...status, fencedBecause: event.reason }
    case 'node.trust_lost':
      return { ...status, isTrusted: false }
    case 'node.trust_regained':
      return { ...status, isTrusted: true }
    case 'heartbeat.sent': {
      const beat = { heartbeatAtMs: now.nowMs, heartbeatWallMs: now.wallMs }
      return { ...status, ...beat, heartbeatFailure: null }
    }
    case 'heartbeat.failed':
      return { ...status, heartbeatFailure: event.message }
    case 'settle.failed':
      return { ...status, settleFailure: { atMs: now.nowMs, message: event.message } }
    case 'live.client_connected':
    case 'live.client_closed':
      return { ...status, liveClients: event.clients }
    default:
      return status
  }
}

/** One word for what the supervisor is doing; what stops it outranks what it works on. */
export function clusterState(status: NodeStatus, figures: ClusterFigures | null): ClusterState {
  if (status.fencedBecause !== null) return 'fenced'
  if (status.stage !== 'running') return status.stage
  if (!status.isTrusted) return 'held'
  const workflows = figures?.workflows ?? []
  if (workflows.some(isWorking)) return 'running'
  if (workflows.some((workflow) => !isPaused(workflow) && workflow.delayed > 0)) return 'waiting'
  return workflows.some((workflow) => isPaused(workflow) && unfinished(workflow) > 0)
    ? 'paused'
    : 'idle'
}

function isWorking(workflow: WorkflowFigures): boolean {
  return workflow.processing > 0 || (!isPaused(workflow) && workflow.queued > 0)
}

function isPaused(workflow: WorkflowFigures): boolean {
  return workflow.pausedBy.length > 0
}

/** Items that have not reached a final state. */
export function unfinished(
  items: Pick<WorkflowFigures, 'queued' | 'processing' | 'delayed'>,
): number {
  return items.queued + items.processing + items.delayed
}

export interface ProblemInput {
  readonly status: NodeStatus
  readonly figures: ClusterFigures | null
  readonly figuresAgeMs: number | undefined
  /** Workers that ended unexpectedly within the last minute. */
  readonly workerDeaths: number
  readonly nowMs: MonotonicMs
}

/** What an operator should look at, in words, worst first; empty when all is well. */
export function problemsOf(input: ProblemInput): readonly string[] {
  const { status, figures, figuresAgeMs, workerDeaths, nowMs } = input
  const problems: string[] = []
  if (status.fencedBecause !== null) problems.push(`Fenced: ${status.fencedBecause}`)
  if (!status.isTrusted) {
    problems.push('Work is held: heartbeats do not reach the database, leases are not trusted')
  }
  if (status.heartbeatFailure !== null) problems.push(`Heartbeats fail: ${status.heartbeatFailure}`)
  const settle = status.settleFailure
  if (settle !== null && nowMs - settle.atMs < SETTLE_FAILURE_VISIBLE_MS) {
    problems.push(`Settling failed: ${settle.message}`)
  }
  if (figuresAgeMs !== undefined && figuresAgeMs > FIGURES_OLD_MS) {
    problems.push(`Figures are ${Math.round(figuresAgeMs / 1_000)} s old: they cannot be read`)
  }
  if (workerDeaths > 0) {
    const words = workerDeaths === 1 ? '1 worker' : `${workerDeaths} workers`
    problems.push(`${words} died within the last minute`)
  }
  for (const node of figures?.nodes ?? []) {
    for (const { module } of node.state === 'fenced' ? [] : node.refused) {
      problems.push(`${module} was refused by ${node.name}: see fetchyard status`)
    }
    if (node.state === 'stale') problems.push(`Node ${node.name} on ${node.host} went silent`)
  }
  for (const workflow of figures?.workflows ?? []) {
    if (isPaused(workflow)) {
      problems.push(`${workflow.workflow} is paused: ${workflow.pausedBy.join(', ')}`)
    }
  }
  for (const { message } of figures?.raised ?? []) problems.push(`Alert: ${message}`)
  return problems
}

export type Readiness =
  | { readonly isReady: true }
  | { readonly isReady: false; readonly reason: string }

/** Whether the supervisor takes work, and why not. */
export function readinessOf(status: NodeStatus): Readiness {
  if (status.fencedBecause !== null) return { isReady: false, reason: 'fenced by another node' }
  if (status.stage === 'starting') return { isReady: false, reason: 'starting' }
  if (status.stage === 'stopped') return { isReady: false, reason: 'stopped' }
  if (status.stage !== 'running') return { isReady: false, reason: `draining (${status.stage})` }
  if (!status.isTrusted) return { isReady: false, reason: 'heartbeats do not reach the database' }
  return { isReady: true }
}
