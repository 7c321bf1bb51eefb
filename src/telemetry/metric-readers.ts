// Where the values of metrics come from: counters, worker table, figures and status, at a scrape.

import { CLUSTER_ALERTS, WORKFLOW_ALERTS } from '../core/alert-rules.js'
import type { ClusterFigures } from '../core/figures.js'
import { type Counters, EXIT_REASONS, type WorkflowCounters } from './counters.js'
import type { HistogramView } from './histogram.js'
import type { WorkerState } from './live-topics.js'
import type { NodeStatus } from './node-status.js'
import type { WorkerTable } from './worker-table.js'

/** What metrics are read from, at the moment of a scrape. */
export interface MetricsInput {
  readonly counters: Counters
  readonly workers: WorkerTable
  readonly status: NodeStatus
  readonly figures: ClusterFigures | null
  readonly version: string
}

export type Labels = { readonly [label: string]: string }

export interface Reading<Value> {
  readonly labels: Labels
  readonly value: Value
}

export interface MetricRow {
  readonly name: string
  readonly labels: readonly string[]
  readonly help: string
}

export type Metric =
  | (MetricRow & {
      readonly type: 'counter' | 'gauge'
      readonly read: (input: MetricsInput) => readonly Reading<number>[]
    })
  | (MetricRow & {
      readonly type: 'histogram'
      readonly read: (input: MetricsInput) => readonly Reading<HistogramView>[]
    })

/** A value for each workflow. */
export function perWorkflow(figure: (own: WorkflowCounters) => number) {
  return ({ counters }: MetricsInput): Reading<number>[] =>
    [...counters.workflows].map(([workflow, own]) => ({ labels: { workflow }, value: figure(own) }))
}

/** A value for each workflow and key of a count. */
export function perKey(label: string, countsOf: (own: WorkflowCounters) => object) {
  return ({ counters }: MetricsInput): Reading<number>[] =>
    [...counters.workflows].flatMap(([workflow, own]) =>
      Object.entries(countsOf(own)).map(([key, value]) => ({
        labels: { workflow, [label]: key },
        value: Number(value),
      })),
    )
}

/** A value without labels. */
export function single(figure: (input: MetricsInput) => number | null) {
  return (input: MetricsInput): Reading<number>[] => {
    const value = figure(input)
    return value === null ? [] : [{ labels: {}, value }]
  }
}

/** A value for each workflow that the database knows. */
export function fromFigures(
  figure: (own: ClusterFigures['workflows'][number]) => number | null,
): (input: MetricsInput) => Reading<number>[] {
  return ({ figures }) =>
    (figures?.workflows ?? []).flatMap((own) => {
      const value = figure(own)
      return value === null ? [] : [{ labels: { workflow: own.workflow }, value }]
    })
}

/** The worst worker of each workflow. */
export function worstWorker(figure: (worker: WorkerState) => number) {
  return ({ workers }: MetricsInput): Reading<number>[] => {
    const worst = new Map<string, number>()
    for (const worker of workers.liveWorkers()) {
      worst.set(worker.workflow, Math.max(worst.get(worker.workflow) ?? 0, figure(worker)))
    }
    return [...worst].map(([workflow, value]) => ({ labels: { workflow }, value }))
  }
}

export const ITEM_STATES = [
  'queued',
  'processing',
  'delayed',
  'complete',
  'error',
  'cancelled',
] as const

export function items({ figures }: MetricsInput): Reading<number>[] {
  return (figures?.workflows ?? []).flatMap((own) =>
    ITEM_STATES.map((state) => ({
      labels: { workflow: own.workflow, state },
      value: own[state],
    })),
  )
}

/** Of workflows that completed something lately. */
export function latencies({ figures }: MetricsInput): Reading<number>[] {
  return (figures?.workflows ?? []).flatMap(({ workflow, latencyP50Ms, latencyP95Ms }) => {
    if (latencyP50Ms === null || latencyP95Ms === null) return []
    return [
      { labels: { workflow, share: '0.5' }, value: latencyP50Ms / 1_000 },
      { labels: { workflow, share: '0.95' }, value: latencyP95Ms / 1_000 },
    ]
  })
}

/** Known series begin at 0: those of every workflow, and those of nodes and the database. */
export function raisedAlerts({ figures }: MetricsInput): Reading<number>[] {
  if (figures === null) return []
  const reading = (alert: string, workflow: string) => ({
    labels: { alert, workflow },
    value: figures.raised.filter((own) => own.alert === alert && (own.workflow ?? '') === workflow)
      .length,
  })
  return [
    ...figures.workflows.flatMap(({ workflow }) =>
      WORKFLOW_ALERTS.map((alert) => reading(alert, workflow)),
    ),
    ...CLUSTER_ALERTS.map((alert) => reading(alert, '')),
  ]
}

export function nodes({ figures }: MetricsInput): Reading<number>[] {
  return (['alive', 'stale', 'fenced'] as const).map((state) => ({
    labels: { state },
    value: (figures?.nodes ?? []).filter((node) => node.state === state).length,
  }))
}

/** `complete` with `ok` is there from the start, so that a rate over it has a first value. */
export function attempts({ counters }: MetricsInput): Reading<number>[] {
  return [...counters.workflows].flatMap(([workflow, own]) =>
    Object.entries(own.settled).flatMap(([state, counts]) => {
      const shown = state === 'complete' ? { ok: 0, ...counts } : counts
      return Object.entries(shown).map(([code, value]) => ({
        labels: { workflow, state, code },
        value,
      }))
    }),
  )
}

export function workersExited({ counters }: MetricsInput): Reading<number>[] {
  return [...counters.workflows].flatMap(([workflow, own]) =>
    Object.entries(own.workersExited).flatMap(([kind, exits]) =>
      EXIT_REASONS.map((reason) => ({
        labels: { workflow, kind, reason },
        value: exits[reason] ?? 0,
      })),
    ),
  )
}

export function workersNow({ workers }: MetricsInput): Reading<number>[] {
  const counts = new Map<string, Reading<number>>()
  for (const { workflow, kind, state } of workers.liveWorkers()) {
    const key = `${workflow} ${kind} ${state}`
    const labels = { workflow, kind, state }
    counts.set(key, { labels, value: (counts.get(key)?.value ?? 0) + 1 })
  }
  return [...counts.values()]
}

export function slots(figure: 'active' | 'total') {
  return ({ counters, workers }: MetricsInput): Reading<number>[] =>
    [...counters.workflows.keys()].map((workflow) => ({
      labels: { workflow },
      value: workers.slots(workflow)[figure],
    }))
}

export function epochSeconds(instant: string | null): number | null {
  const atMs = Date.parse(instant ?? '')
  return Number.isFinite(atMs) ? atMs / 1_000 : null
}

export function flag(isSet: (status: NodeStatus) => boolean) {
  return single(({ status }) => (isSet(status) ? 1 : 0))
}

/** Label of most metrics. */
export const WORKFLOW = ['workflow'] as const
