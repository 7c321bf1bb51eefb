import type { WorkflowFigures } from '../core/figures.js'
import { createWorkflowCounters } from './counters.js'
import { clusterShare, clusterWork } from './live-cluster.js'
import { type LiveInput, RATE_WINDOW_MS, STEADY_WINDOW_MS } from './live-input.js'
import {
  durationsOf,
  failureCounts,
  figuresOf,
  itemCounts,
  nodeCounts,
  oldestQueuedMs,
  round,
  sum,
} from './live-readings.js'
import type { Durations, LiveStates, NodeState, StatsState, WorkflowState } from './live-topics.js'
import type { HeardReport, NodeReport } from './node-report.js'
import { clusterState, FIGURES_OLD_MS, problemsOf, unfinished } from './node-status.js'
import { perSecond } from './rate-window.js'

/** All nodes as they are now, or were heard last. */
export interface LiveNodes {
  readonly own: NodeReport
  readonly others: readonly HeardReport[]
}

/** The state of topic `stats`. */
export function statsState(input: LiveInput, nodes: LiveNodes): StatsState {
  const { nowMs, startedMs, counters, status, figures, audit } = input
  const recent = input.counterWindow.span(RATE_WINDOW_MS)
  const steady = input.counterWindow.span(STEADY_WINDOW_MS)
  const all = figuresOf(figures)
  const figuresAgeMs = ageMs(nowMs, input.figuresAtMs)
  const workerDeaths = (steady?.later.workerDeaths ?? 0) - (steady?.earlier.workerDeaths ?? 0)
  return {
    state: clusterState(status, figures),
    nodeId: status.nodeId,
    startedAtMs: input.startedWallMs,
    uptimeMs: Math.round(nowMs - startedMs),
    items: itemCounts(all),
    ...flow(input),
    attemptsPerSecond: round(
      perSecond(recent, (reading) => reading.attempts),
      2,
    ),
    requestsPerSecond: round(
      perSecond(recent, (reading) => reading.requests),
      2,
    ),
    slots: input.workers.slots(),
    node: nodeCounts(counters),
    cluster: clusterWork(nodes.own, nodes.others),
    durations: durationsOf(steady),
    failures: failureCounts(counters.workflows.values()),
    retried: sum(all, (workflow) => workflow.retried),
    reclaimed: sum(all, (workflow) => workflow.reclaimed),
    problems: problemsOf({ status, figures, figuresAgeMs, workerDeaths, nowMs }),
    liveClients: status.liveClients,
    ...known({
      figuresAgeMs,
      heartbeatAgeMs: ageMs(nowMs, status.heartbeatAtMs),
      audit: audit ?? undefined,
    }),
  }
}

/** The state of topic `workflows`: those the database or this node knows. */
export function workflowsState(input: LiveInput, nodes: LiveNodes): LiveStates['workflows'] {
  const names = new Set([
    ...input.status.workflows,
    ...figuresOf(input.figures).map((own) => own.workflow),
    ...input.counters.workflows.keys(),
  ])
  for (const { report } of nodes.others) {
    for (const name in report.workflows) names.add(name)
  }
  return Object.fromEntries(
    [...names].sort().map((name) => [name, workflowState(input, nodes, name)]),
  )
}

function workflowState(input: LiveInput, nodes: LiveNodes, name: string): WorkflowState {
  const own = figuresOf(input.figures, name)
  const counters = input.counters.workflows.get(name) ?? createWorkflowCounters()
  const { finished: _, errorsPerSecond: __, ...flowing } = flow(input, name)
  return {
    ...itemCounts(own),
    retried: sum(own, (figures) => figures.retried),
    reclaimed: sum(own, (figures) => figures.reclaimed),
    pausedBy: own.flatMap((figures) => figures.pausedBy),
    latency: latencyOf(own[0]),
    errors: own[0]?.errors ?? {},
    ...flowing,
    slots: input.workers.slots(name),
    workers: input.workers.liveWorkers().filter((worker) => worker.workflow === name).length,
    durations: durationsOf(input.counterWindow.span(STEADY_WINDOW_MS), name),
    failures: failureCounts([counters]),
    cluster: clusterShare(nodes.own, nodes.others, name),
  }
}

function latencyOf(own: WorkflowFigures | undefined): Durations {
  return known({
    p50Ms: own?.latencyP50Ms ?? undefined,
    p95Ms: own?.latencyP95Ms ?? undefined,
  })
}

type Flow = Pick<
  StatsState,
  'finished' | 'completedRatio' | 'ratePerSecond' | 'errorsPerSecond' | 'etaMs' | 'oldestQueuedMs'
>

/** How items flow through one workflow or all, by the cluster's figures. */
function flow(input: LiveInput, workflow?: string): Flow {
  const items = itemCounts(figuresOf(input.figures, workflow))
  const before = itemCounts(figuresOf(input.baseline, workflow))
  const completed = Math.max(0, items.complete - before.complete)
  const finished = completed + Math.max(0, items.error - before.error)
  const recent = rates(input, RATE_WINDOW_MS, workflow)
  const steady = rates(input, STEADY_WINDOW_MS, workflow)
  return {
    finished,
    ...known({
      ratePerSecond: recent && round(recent.finished, 2),
      errorsPerSecond: recent && round(recent.errors, 2),
      completedRatio: finished > 0 ? round(completed / finished, 4) : undefined,
      // No ETA is better than a wrong one.
      etaMs: steady?.finished
        ? Math.round((unfinished(items) / steady.finished) * 1_000)
        : undefined,
      oldestQueuedMs: oldestQueuedMs(input.figures, workflow),
    }),
  }
}

/** Items finished and failed a second; undefined while there are no two figures or they are old. */
export function rates(
  input: LiveInput,
  windowMs: number,
  workflow?: string,
): { readonly finished: number; readonly errors: number } | undefined {
  const figuresAgeMs = ageMs(input.nowMs, input.figuresAtMs)
  if (figuresAgeMs === undefined || figuresAgeMs > FIGURES_OLD_MS) return undefined
  const span = input.clusterWindow.span(windowMs)
  if (span === undefined) return undefined
  const errors = perSecond(span, (figures) => itemCounts(figuresOf(figures, workflow)).error)
  const completes = perSecond(span, (figures) => itemCounts(figuresOf(figures, workflow)).complete)
  return { errors, finished: completes + errors }
}

/** The state of topic `nodes`. Others are as their last heartbeat told. */
export function nodesState(input: LiveInput, { own, others }: LiveNodes): LiveStates['nodes'] {
  const { status, figures } = input
  const nodes: Record<string, NodeState> = {}
  for (const node of figures?.nodes ?? []) {
    const startedAtMs = Date.parse(node.startedAt)
    const isSelf = node.nodeId === status.nodeId
    const heard = others.find(({ nodeId }) => nodeId === node.nodeId)
    const heartbeatAgeMs = isSelf ? ageMs(input.nowMs, status.heartbeatAtMs) : heard?.ageMs
    nodes[node.nodeId] = {
      name: node.name,
      host: node.host,
      pid: node.pid,
      state: node.state,
      startedAtMs: Number.isFinite(startedAtMs) ? startedAtMs : 0,
      leasedItems: node.leasedItems,
      refused: Object.fromEntries(node.refused.map(({ module, reason }) => [module, reason])),
      isSelf,
      workers: isSelf ? input.workers.workers() : (heard?.report.workers ?? {}),
      ...known({ heartbeatAgeMs }),
      ...toldBy(isSelf ? own : heard?.report),
    }
  }
  return nodes
}

function toldBy(report: NodeReport | undefined): Partial<NodeState> {
  if (report === undefined) return {}
  const { memoryBytes, eventLoopDelayMs, slots, attemptsPerSecond } = report
  return { memoryBytes, eventLoopDelayMs, slots, attemptsPerSecond }
}

function ageMs(nowMs: number, thenMs: number | null): number | undefined {
  return thenMs === null ? undefined : Math.max(0, Math.round(nowMs - thenMs))
}

/** Leaves out what is unknown: live states hold no null. */
function known<Values extends object>(
  values: Values,
): { [Key in keyof Values]?: NonNullable<Values[Key]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof Values]?: NonNullable<Values[Key]> }
}
