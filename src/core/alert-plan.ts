// From judgements and the states that stand in the database to the changes to be written there.

import {
  ALERTS,
  type AlertMeasures,
  type AlertName,
  type Judgement,
  judgeAll,
} from './alert-rules.js'
import { type AlertState, nextAlertState, toldChange } from './alert-state.js'

/** An alert that is not quiet, as the database has it. */
export interface StoredAlert {
  readonly alert: string
  readonly subject: string
  readonly workflowId: number | null
  readonly state: Exclude<AlertState, 'quiet'>
  readonly level: 'warn' | 'error'
  /** When it entered its state, as the database writes it: the proof of what was read. */
  readonly since: string
  /** For how long it has been in it. */
  readonly waitedMs: number
}

export interface AlertChange {
  readonly alert: string
  readonly subject: string
  readonly workflowId: number | null
  readonly level: 'warn' | 'error'
  readonly from: AlertState
  readonly to: AlertState
  /** What `from` was read with; null: there was no row. */
  readonly since: string | null
  /** What people are told, where they are. */
  readonly told: 'raised' | 'cleared' | null
  readonly message: string
}

/** What an alert is called for people. */
const TITLES: Readonly<Record<AlertName, string>> = {
  success_low: 'too few attempts succeed',
  errors_high: 'too many errors',
  latency_high: 'results come late',
  oldest_waits: 'items wait too long',
  nothing_moves: 'nothing moves',
  reclaims_rising: 'workers or nodes die again and again',
  budget_low: 'the budget is nearly spent',
  credits_rising: 'results get dearer',
  node_lost: 'the node is lost',
  connections_high: 'few database connections are left',
}

const isAlertName = (name: string): name is AlertName => ALERTS.some((known) => known === name)

/** The name of an alert for people; its code where another version wrote it. */
export function alertTitle(alert: string): string {
  return isAlertName(alert) ? TITLES[alert] : alert
}

function messageOf(judged: Judgement, told: AlertChange['told']): string {
  const who = judged.subject === '' ? '' : `${judged.subject}: `
  const title = alertTitle(judged.alert)
  return told === 'cleared'
    ? `${who}no longer "${title}" (${judged.words})`
    : `${who}${title} (${judged.words})`
}

const keyOf = ({ alert, subject }: { alert: string; subject: string }) => `${alert} ${subject}`

/** What is not measured any more is well: a node that is forgotten, an alert of another version. */
function forgotten(stored: StoredAlert): Judgement {
  const { subject, workflowId, level } = stored
  const alert = isAlertName(stored.alert) ? stored.alert : 'node_lost'
  return {
    ...{ alert, subject, workflowId, level, verdict: 'within', words: 'it is not known any more' },
    ...{ raiseAfterMs: 0, clearAfterMs: 0 },
  }
}

function changeOf(judged: Judgement, stored: StoredAlert | undefined): AlertChange | null {
  const { subject, workflowId, level, verdict, raiseAfterMs, clearAfterMs } = judged
  const from = stored?.state ?? 'quiet'
  const waitedMs = stored?.waitedMs ?? 0
  const next = nextAlertState(from, verdict, { raiseAfterMs, clearAfterMs, waitedMs })
  if (next === from) return null
  const told = toldChange(from, next)
  return {
    ...{ alert: stored?.alert ?? judged.alert, subject, workflowId, level, from, to: next, told },
    since: stored?.since ?? null,
    message: messageOf(judged, told),
  }
}

/** The changes that a reading of figures and states asks for; most often none. */
export function planAlerts(
  measures: AlertMeasures,
  stored: readonly StoredAlert[],
): readonly AlertChange[] {
  const states = new Map(stored.map((own) => [keyOf(own), own]))
  const judgements = judgeAll(measures)
  const judged = new Set(judgements.map(keyOf))
  const gone = stored.filter((own) => !judged.has(keyOf(own)))
  return [
    ...judgements.map((own) => changeOf(own, states.get(keyOf(own)))),
    ...gone.map((own) => changeOf(forgotten(own), own)),
  ].filter((change) => change !== null)
}
