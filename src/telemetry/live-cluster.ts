// What this node tells the others, and what all nodes do together. Other nodes are known by the
// report of their last heartbeat; one that is no longer heard is no longer counted.

import { LIMITS } from '../core/limits.js'
import { createWorkflowCounters } from './counters.js'
import { mergeHistograms } from './histogram.js'
import { type LiveInput, RATE_WINDOW_MS, STEADY_WINDOW_MS } from './live-input.js'
import { heaviestLanes, histogramOf } from './live-lanes.js'
import { attemptsIn, failureCounts, nodeCounts, quantilesOf, round, sum } from './live-readings.js'
import type {
  ClusterShare,
  ClusterWork,
  FailureCounts,
  NodeCounts,
  Slots,
  WorkerState,
} from './live-topics.js'
import type { HeardReport, LaneReading, NodeReport, WorkflowReading } from './node-report.js'
import { perSecond } from './rate-window.js'

/** What this node does now, in the words that it has for others. */
export function ownReport(input: LiveInput, lanes: readonly LaneReading[]): NodeReport {
  const { counters, workers, pulse } = input
  const recent = input.counterWindow.span(RATE_WINDOW_MS)
  const names = new Set([...input.status.workflows, ...counters.workflows.keys()])
  return {
    slots: workers.slots(),
    work: nodeCounts(counters),
    attemptsPerSecond: round(
      perSecond(recent, (reading) => reading.attempts),
      2,
    ),
    requestsPerSecond: round(
      perSecond(recent, (reading) => reading.requests),
      2,
    ),
    ...pulse,
    workflows: Object.fromEntries([...names].map((name) => [name, ownWorkflow(input, name)])),
    workers: toldWorkers(workers.workers()),
    lanes: heaviestLanes(lanes, LIMITS.lanesToldMax),
  }
}

function ownWorkflow(input: LiveInput, name: string): WorkflowReading {
  const { workers, counters } = input
  const steady = input.counterWindow.span(STEADY_WINDOW_MS)
  return {
    slots: workers.slots(name),
    workers: workers.liveWorkers().filter((worker) => worker.workflow === name).length,
    durations: attemptsIn(steady, name).counts,
    failures: failureCounts([counters.workflows.get(name) ?? createWorkflowCounters()]),
  }
}

function toldWorkers(workers: NodeReport['workers']): NodeReport['workers'] {
  const rank = ([, worker]: [string, WorkerState]) => (worker.state === 'exited' ? 1 : 0)
  const told = Object.entries(workers).sort((a, b) => rank(a) - rank(b))
  return Object.fromEntries(told.slice(0, LIMITS.workersToldMax))
}

/** Reports of other nodes that the figures say are alive, with their age as of now. */
export function heardOthers(input: LiveInput): readonly HeardReport[] {
  const alive = new Set(
    (input.figures?.nodes ?? []).flatMap((node) => (node.state === 'alive' ? [node.nodeId] : [])),
  )
  const sinceMs = Math.max(0, input.nowMs - input.heardAtMs)
  return input.heard
    .filter(({ nodeId }) => nodeId !== input.status.nodeId && alive.has(nodeId))
    .map((one) => ({ ...one, ageMs: Math.round(one.ageMs + sinceMs) }))
}

/** All nodes together, for topic `stats`. */
export function clusterWork(own: NodeReport, others: readonly HeardReport[]): ClusterWork {
  const reports = [own, ...others.map(({ report }) => report)]
  const workflows = reports.flatMap((report) => Object.values(report.workflows))
  return {
    nodes: reports.length,
    slots: addSlots(reports),
    ...addCounts(reports.map(({ work }) => work)),
    attemptsPerSecond: round(
      sum(reports, (report) => report.attemptsPerSecond),
      2,
    ),
    requestsPerSecond: round(
      sum(reports, (report) => report.requestsPerSecond),
      2,
    ),
    durations: addDurations(workflows),
    failures: addFailures(workflows),
    heardMs: Math.max(0, ...others.map(({ ageMs }) => ageMs)),
  }
}

/** The nodes that work a workflow together, for topic `workflows`. */
export function clusterShare(
  own: NodeReport,
  others: readonly HeardReport[],
  name: string,
): ClusterShare {
  const reports = [own, ...others.map(({ report }) => report)]
  const shares = reports.flatMap(({ workflows }) => workflows[name] ?? [])
  return {
    nodes: shares.filter(({ workers }) => workers > 0).length,
    slots: addSlots(shares),
    workers: sum(shares, ({ workers }) => workers),
    durations: addDurations(shares),
    failures: addFailures(shares),
  }
}

function addSlots(parts: readonly { readonly slots: Slots }[]): Slots {
  return {
    active: sum(parts, ({ slots }) => slots.active),
    total: sum(parts, ({ slots }) => slots.total),
  }
}

function addCounts(nodes: readonly NodeCounts[]): NodeCounts {
  const requests = sum(nodes, (node) => node.requests)
  // By requests: how many of a node's fetches were reused is not told, only their share.
  const reused = sum(nodes, (node) => (node.reusedRatio ?? 0) * node.requests)
  return {
    attempts: sum(nodes, (node) => node.attempts),
    retries: sum(nodes, (node) => node.retries),
    snoozes: sum(nodes, (node) => node.snoozes),
    rejected: sum(nodes, (node) => node.rejected),
    reclaimed: sum(nodes, (node) => node.reclaimed),
    resultRows: sum(nodes, (node) => node.resultRows),
    requests,
    bytes: sum(nodes, (node) => node.bytes),
    ...(requests > 0 ? { reusedRatio: round(reused / requests, 4) } : {}),
  }
}

function addDurations(parts: readonly WorkflowReading[]) {
  return quantilesOf(mergeHistograms(parts.map(({ durations }) => histogramOf(durations))))
}

function addFailures(parts: readonly WorkflowReading[]): FailureCounts {
  const failures: Record<string, number> = {}
  for (const { failures: own } of parts) {
    for (const [code, count] of Object.entries(own)) failures[code] = (failures[code] ?? 0) + count
  }
  return failures
}
