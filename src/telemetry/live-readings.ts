// Readings of cumulative figures and what is derived from two of them.

import type { ClusterFigures, WorkflowFigures } from '../core/figures.js'
import type { OutcomeCode } from '../core/outcome.js'
import { type Counters, totalOf, type WorkflowCounters } from './counters.js'
import {
  copyHistogram,
  type HistogramView,
  histogramSince,
  mergeHistograms,
  quantileMs,
} from './histogram.js'
import type { Durations, FailureCounts, ItemCounts, NodeCounts } from './live-topics.js'
import type { Span } from './rate-window.js'

/** The counters' figures that rates are taken of, at one instant. */
export interface CounterReading {
  readonly attempts: number
  readonly requests: number
  readonly workerDeaths: number
  readonly durations: ReadonlyMap<string, HistogramView>
}

export function readCounters(counters: Counters): CounterReading {
  const workflows = [...counters.workflows.values()]
  return {
    attempts: sum(workflows, attemptsOf),
    requests: sum(workflows, (workflow) => workflow.requests),
    workerDeaths: sum(workflows, deathsOf),
    durations: new Map(
      [...counters.workflows].map(([name, own]) => [name, copyHistogram(own.durations)]),
    ),
  }
}

/** Attempts that ended; what was given back unworked was none. */
function attemptsOf(workflow: WorkflowCounters): number {
  const { complete, retry, snooze, discard, rejected } = workflow.settled
  return sum([complete, retry, snooze, discard, rejected], totalOf)
}

function deathsOf(workflow: WorkflowCounters): number {
  return sum(Object.values(workflow.workersExited), (exits) => {
    return (exits.signal ?? 0) + (exits.exit_code ?? 0)
  })
}

/** Quantiles of the attempts between two readings, of one workflow or of all. */
export function durationsOf(span: Span<CounterReading> | undefined, workflow?: string): Durations {
  return quantilesOf(attemptsIn(span, workflow))
}

/** The attempts between two readings by their time, of one workflow or of all. */
export function attemptsIn(
  span: Span<CounterReading> | undefined,
  workflow?: string,
): HistogramView {
  if (span === undefined) return mergeHistograms([])
  const names = workflow === undefined ? [...span.later.durations.keys()] : [workflow]
  return mergeHistograms(names.flatMap((name) => recentOf(span, name)))
}

export function quantilesOf(recent: HistogramView): Durations {
  const p50Ms = quantileMs(recent, 0.5)
  const p95Ms = quantileMs(recent, 0.95)
  if (p50Ms === undefined || p95Ms === undefined) return {}
  return { p50Ms: Math.round(p50Ms), p95Ms: Math.round(p95Ms) }
}

function recentOf(span: Span<CounterReading>, workflow: string): HistogramView[] {
  const later = span.later.durations.get(workflow)
  if (later === undefined) return []
  const earlier = span.earlier.durations.get(workflow)
  return [earlier === undefined ? later : histogramSince(earlier, later)]
}

export function nodeCounts(counters: Counters): NodeCounts {
  const workflows = [...counters.workflows.values()]
  const fetches = sum(workflows, (workflow) => workflow.fetches)
  const reused = sum(workflows, (workflow) => workflow.reusedFetches)
  return {
    attempts: sum(workflows, attemptsOf),
    retries: sum(workflows, (workflow) => totalOf(workflow.settled.retry)),
    snoozes: sum(workflows, (workflow) => totalOf(workflow.settled.snooze)),
    rejected: sum(workflows, (workflow) => totalOf(workflow.settled.rejected)),
    reclaimed: sum(workflows, (workflow) => totalOf(workflow.reclaimedItems)),
    resultRows: sum(workflows, (workflow) => workflow.resultRows),
    requests: sum(workflows, (workflow) => workflow.requests),
    bytes: sum(workflows, (workflow) => workflow.bytes),
    ...(fetches > 0 ? { reusedRatio: round(reused / fetches, 4) } : {}),
  }
}

/** Attempts that ended in a retry, a snooze or a discard, by code. */
export function failureCounts(workflows: Iterable<WorkflowCounters>): FailureCounts {
  const failures: { [Code in OutcomeCode]?: number } = {}
  for (const { settled } of workflows) {
    for (const counts of [settled.retry, settled.snooze, settled.discard]) {
      let code: OutcomeCode
      for (code in counts) failures[code] = (failures[code] ?? 0) + (counts[code] ?? 0)
    }
  }
  return failures
}

/** Items by state over some workflows. */
export function itemCounts(workflows: readonly WorkflowFigures[]): ItemCounts {
  return {
    queued: sum(workflows, (workflow) => workflow.queued),
    processing: sum(workflows, (workflow) => workflow.processing),
    delayed: sum(workflows, (workflow) => workflow.delayed),
    complete: sum(workflows, (workflow) => workflow.complete),
    error: sum(workflows, (workflow) => workflow.error),
    cancelled: sum(workflows, (workflow) => workflow.cancelled),
  }
}

/** The figures of one workflow, or of all when none is named. */
export function figuresOf(
  figures: ClusterFigures | null | undefined,
  workflow?: string,
): readonly WorkflowFigures[] {
  const all = figures?.workflows ?? []
  return workflow === undefined ? all : all.filter((own) => own.workflow === workflow)
}

/** Age of the oldest item that could be leased; both instants are the database's. */
export function oldestQueuedMs(
  figures: ClusterFigures | null,
  workflow?: string,
): number | undefined {
  if (figures === null) return undefined
  const ages = figuresOf(figures, workflow).flatMap((own) => {
    const ageMs = Date.parse(figures.readAt) - Date.parse(own.oldestQueuedAt ?? '')
    return Number.isFinite(ageMs) ? [Math.max(0, Math.round(ageMs))] : []
  })
  return ages.length === 0 ? undefined : Math.max(...ages)
}

export function sum<Entry>(entries: readonly Entry[], figure: (entry: Entry) => number): number {
  return entries.reduce((total, entry) => total + figure(entry), 0)
}

export function round(value: number, places: number): number {
  const scale = 10 ** places
  return Math.round(value * scale) / scale
}
