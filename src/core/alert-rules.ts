// What is worth a person's look, judged from figures of the whole cluster.

import type { AlertTimes, AlertVerdict } from './alert-state.js'
import { type ConnectionUse, CROWDED_SHARE } from './connection-use.js'
import type { AlertThresholds } from './figures.js'

/** What is judged of each workflow. */
export const WORKFLOW_ALERTS = [
  'success_low',
  'errors_high',
  'latency_high',
  'oldest_waits',
  'nothing_moves',
  'reclaims_rising',
  'budget_low',
  'credits_rising',
] as const
export type WorkflowAlert = (typeof WORKFLOW_ALERTS)[number]

/** What is judged of each node, and of the database. */
export const CLUSTER_ALERTS = ['node_lost', 'connections_high'] as const
export type ClusterAlert = (typeof CLUSTER_ALERTS)[number]

export const ALERTS = [...WORKFLOW_ALERTS, ...CLUSTER_ALERTS] as const
export type AlertName = (typeof ALERTS)[number]

/** Figures of one workflow. Counts are of items or attempts, within `ALERT_WINDOWS`. */
export interface WorkflowMeasure {
  readonly workflow: string
  readonly workflowId: number
  /** null: no node that works it has said what they are. */
  readonly thresholds: Partial<AlertThresholds> | null
  readonly queued: number
  readonly processing: number
  readonly delayed: number
  /** Somebody paused it, its schedule waits, or its budget is spent: nothing is expected of it. */
  readonly isHeld: boolean
  readonly oldestWaitsMs: number | null
  /** Whether an item ended within the last half minute. */
  readonly hasMoved: boolean
  readonly completed: number
  readonly failed: number
  /** Attempts; null without an older reading to subtract. */
  readonly attemptsOk: number | null
  readonly attemptsFailed: number | null
  readonly reclaimed: number | null
  /** Upper bound of the time that 95 of 100 items kept, and at most 41 % above it. */
  readonly latencyP95Ms: number | null
  /** Of the budget that is nearest to its end; null without one. */
  readonly budgetSpentPercent: number | null
  readonly creditsNow: number
  readonly resultsNow: number
  readonly creditsBefore: number
  readonly resultsBefore: number
}

export interface NodeMeasure {
  /** Its name and host. */
  readonly node: string
  /** Its lease ran out, or its process was found dead, and none of its name lives on its host. */
  readonly isLost: boolean
  readonly why: string
}

export interface AlertMeasures {
  readonly workflows: readonly WorkflowMeasure[]
  readonly nodes: readonly NodeMeasure[]
  readonly connections: ConnectionUse
}

export interface Judgement extends AlertTimes {
  readonly alert: AlertName
  /** A workflow or a node; empty: the database. */
  readonly subject: string
  readonly workflowId: number | null
  readonly level: 'warn' | 'error'
  readonly verdict: AlertVerdict
  /** What was measured and what the bound is. */
  readonly words: string
}

/** Windows of the figures, in milliseconds. */
export const ALERT_WINDOWS = {
  moved: 30_000,
  reclaims: 120_000,
  ends: 300_000,
  costNow: 900_000,
  /** The hour up to the beginning of `costNow`, less the part that is in it. */
  costBefore: 3_600_000,
} as const

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
/** Fewer items or attempts than this are no measure of anything. */
export const ALERT_ITEMS_MIN = 20
/** Share of a bound below which a figure is well again. */
const WELL_SHARE = 0.8
/** The bucket of a latency is as wide as this factor. */
const LATENCY_BUCKET = Math.SQRT2
/** Share of the database's connections in use below which they are well again. */
const CONNECTIONS_WELL = 0.75

interface Judged {
  readonly verdict: AlertVerdict
  readonly words: string
  /** Where the bound itself is a time. */
  readonly raiseAfterMs?: number
}

interface Rule extends AlertTimes {
  readonly level: 'warn' | 'error'
  readonly judge: (measure: WorkflowMeasure, thresholds: Partial<AlertThresholds>) => Judged
}

const OFF: Judged = { verdict: 'within', words: 'it is not watched any more' }

/** How a figure of which little is good stands to its bound. */
function upTo(value: number, bound: number): AlertVerdict {
  if (value > bound) return 'beyond'
  return value <= WELL_SHARE * bound ? 'within' : 'between'
}

/** Where there is too little to judge: with nothing to do all is well. */
function unjudged(measure: WorkflowMeasure): Judged {
  const isIdle = measure.queued + measure.processing + measure.delayed === 0
  return isIdle
    ? { verdict: 'within', words: 'nothing is left to do' }
    : { verdict: 'unknown', words: 'too little ended to judge by' }
}

function percent(part: number, whole: number): number {
  return (100 * part) / whole
}

function minutes(durationMs: number): string {
  const value = durationMs / MINUTE_MS
  return value >= 1 ? `${Number(value.toFixed(1))} min` : `${Math.round(durationMs / SECOND_MS)} s`
}

const RULES: { readonly [Alert in WorkflowAlert]: Rule } = {
  success_low: {
    level: 'warn',
    raiseAfterMs: MINUTE_MS,
    clearAfterMs: 2 * MINUTE_MS,
    judge: (measure, { successPercent = null }) => {
      if (successPercent === null) return OFF
      const { attemptsOk: ok, attemptsFailed: failed } = measure
      if (ok === null || failed === null || ok + failed < ALERT_ITEMS_MIN) return unjudged(measure)
      const share = percent(ok, ok + failed)
      const verdict = upTo(100 - share, 100 - successPercent)
      const words =
        `${share.toFixed(1)} % of ${ok + failed} attempts of the last 5 min succeeded, ` +
        `at least ${successPercent} % should`
      return { verdict, words }
    },
  },
  errors_high: {
    level: 'error',
    raiseAfterMs: MINUTE_MS,
    clearAfterMs: 2 * MINUTE_MS,
    judge: (measure, { errorPercent = null }) => {
      if (errorPercent === null) return OFF
      const { completed, failed } = measure
      if (completed + failed < ALERT_ITEMS_MIN) return unjudged(measure)
      const share = percent(failed, completed + failed)
      const words =
        `${share.toFixed(1)} % of ${completed + failed} items of the last 5 min ended in an ` +
        `error, at most ${errorPercent} % may`
      return { verdict: upTo(share, errorPercent), words }
    },
  },
  latency_high: {
    level: 'warn',
    raiseAfterMs: MINUTE_MS,
    clearAfterMs: 2 * MINUTE_MS,
    judge: (measure, { latencyMs = null }) => {
      if (latencyMs === null) return OFF
      const { latencyP95Ms, completed } = measure
      if (latencyP95Ms === null || completed < ALERT_ITEMS_MIN) return unjudged(measure)
      // The bucket says no more than that the time lies within it.
      const isSurely = latencyP95Ms / LATENCY_BUCKET >= latencyMs
      const mayBe: AlertVerdict = latencyP95Ms > latencyMs ? 'between' : 'within'
      const words =
        `95 of 100 items took up to ${minutes(latencyP95Ms)} from selection to result, ` +
        `at most ${minutes(latencyMs)} are allowed`
      return { verdict: isSurely ? 'beyond' : mayBe, words }
    },
  },
  oldest_waits: {
    level: 'warn',
    raiseAfterMs: 30 * SECOND_MS,
    clearAfterMs: MINUTE_MS,
    judge: ({ oldestWaitsMs, isHeld }, { oldestMs = null }) => {
      if (oldestMs === null) return OFF
      if (isHeld) return { verdict: 'within', words: 'nothing is expected of it now' }
      if (oldestWaitsMs === null) return { verdict: 'within', words: 'no item waits' }
      const words =
        `the oldest item has waited ${minutes(oldestWaitsMs)}, at most ${minutes(oldestMs)} ` +
        'are allowed'
      return { verdict: upTo(oldestWaitsMs, oldestMs), words }
    },
  },
  nothing_moves: {
    level: 'error',
    raiseAfterMs: 5 * MINUTE_MS,
    clearAfterMs: 10 * SECOND_MS,
    judge: ({ queued, processing, hasMoved, isHeld }, { stallMs = null }) => {
      if (stallMs === null) return OFF
      const work = queued + processing
      const isStill = work > 0 && !hasMoved && !isHeld
      if (!isStill) return { verdict: 'within', words: work > 0 ? 'items end again' : 'no work' }
      const words =
        `no item ended for ${minutes(stallMs)} while ${work} wait or are worked: ` +
        'fetchyard why says what holds them'
      return { verdict: 'beyond', words, raiseAfterMs: stallMs }
    },
  },
  reclaims_rising: {
    level: 'warn',
    raiseAfterMs: 5 * MINUTE_MS,
    clearAfterMs: 5 * MINUTE_MS,
    judge: (measure, { reclaims = null }) => {
      if (reclaims === null) return OFF
      const { reclaimed } = measure
      if (reclaimed === null) return unjudged(measure)
      const words =
        `${reclaimed} items were taken back from dead workers or nodes within 2 min, and it goes ` +
        `on; at most ${reclaims} may be`
      return { verdict: upTo(reclaimed, reclaims), words }
    },
  },
  budget_low: {
    level: 'warn',
    raiseAfterMs: 0,
    clearAfterMs: MINUTE_MS,
    judge: ({ budgetSpentPercent }, { budgetPercent = null }) => {
      if (budgetPercent === null || budgetSpentPercent === null) return OFF
      const spent = budgetSpentPercent
      const words = `${spent.toFixed(1)} % of the budget is spent`
      // A budget is never won back by a little, only by a new day or a new order.
      return { verdict: spent >= budgetPercent ? 'beyond' : 'within', words }
    },
  },
  credits_rising: {
    level: 'warn',
    raiseAfterMs: 5 * MINUTE_MS,
    clearAfterMs: 10 * MINUTE_MS,
    judge: (measure, { creditsRisePercent = null }) => {
      if (creditsRisePercent === null) return OFF
      const { creditsNow, resultsNow, creditsBefore, resultsBefore } = measure
      const isEnough = resultsNow >= ALERT_ITEMS_MIN && resultsBefore >= ALERT_ITEMS_MIN
      if (!isEnough || creditsBefore === 0) return unjudged(measure)
      const now = creditsNow / resultsNow
      const before = creditsBefore / resultsBefore
      const words =
        `a result costs ${now.toFixed(2)} credits, ${before.toFixed(2)} in the hour before; ` +
        `at most ${creditsRisePercent} % more are allowed`
      return { verdict: upTo(percent(now - before, before), creditsRisePercent), words }
    },
  },
}

function judgeWorkflow(measure: WorkflowMeasure): readonly Judgement[] {
  const { workflow: subject, workflowId, thresholds } = measure
  return WORKFLOW_ALERTS.map((alert) => {
    const { judge, level, raiseAfterMs, clearAfterMs } = RULES[alert]
    const judged = judge(measure, thresholds ?? {})
    return { alert, subject, workflowId, level, raiseAfterMs, clearAfterMs, ...judged }
  })
}

function judgeNode({ node, isLost, why }: NodeMeasure): Judgement {
  return {
    ...{ alert: 'node_lost', subject: node, workflowId: null, level: 'error' },
    ...{ raiseAfterMs: 10 * SECOND_MS, clearAfterMs: 0 },
    verdict: isLost ? 'beyond' : 'within',
    words: isLost ? why : 'a node of its name lives again',
  }
}

function judgeConnections({ used, max }: ConnectionUse): Judgement {
  const share = max > 0 ? used / max : 0
  const quiet: AlertVerdict = share <= CONNECTIONS_WELL ? 'within' : 'between'
  return {
    ...{ alert: 'connections_high', subject: '', workflowId: null, level: 'warn' },
    ...{ raiseAfterMs: MINUTE_MS, clearAfterMs: MINUTE_MS },
    verdict: share > CROWDED_SHARE ? 'beyond' : quiet,
    words: `the database has ${used} of ${max} connections in use`,
  }
}

/** Judges everything that was measured. */
export function judgeAll(measures: AlertMeasures): readonly Judgement[] {
  return [
    ...measures.workflows.flatMap(judgeWorkflow),
    ...measures.nodes.map(judgeNode),
    judgeConnections(measures.connections),
  ]
}
