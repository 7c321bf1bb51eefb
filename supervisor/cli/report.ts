// The final report of a run: figures, their words, their JSON.

import type { OutcomeCode } from '../../src/core/outcome.js'
import { OUTCOME_CODES, OUTCOMES } from '../../src/core/outcome.js'
import type { RunDetails } from '../../src/core/run-details.js'
import type { RunOutcome } from '../../src/store/runs.js'
import type { SpendRow } from '../../src/store/spend.js'
import type { BillingFigures } from '../demo/simulated-upstream.js'
import { detailLines } from './detail-lines.js'
import { showCount, showSeconds } from './progress.js'

/** Contacts that a demo planted in its pages, and how many of them were found. */
export interface TruthFigures {
  readonly planted: number
  readonly found: number
  /** Found, although no page of the demo holds them. */
  readonly unexpected: number
  /** Pages whose fate was not the one that they were made for. */
  readonly pagesAstray: number
}

export interface RunReport {
  readonly workflow: string
  readonly run: string
  readonly continued: boolean
  readonly items: number
  readonly ok: number
  readonly failed: number
  readonly failedByCode: { readonly [code: string]: number }
  readonly cancelled: number
  /** Attempts that ended in another attempt. */
  readonly retried: number
  /** Rows written by each sink for the items of the run. */
  readonly results: { readonly [sink: string]: number }
  /** Items finished since this command started, and what they took. */
  readonly finishedNow: number
  readonly durationMs: number
  readonly itemsPerSecond: number
  /** Share of the slots that held an item, 0 to 1, while there was work. */
  readonly slotUtilisation: number
  /** Share of the fetches that went over a connection that was open; null without fetches. */
  readonly reusedShare: number | null
  readonly badLines: number
  /** Items given back because their worker or node died: at most these were fetched again. */
  readonly fetchedAgain: number
  /** What the run's items cost since it was started, credits by what became of the calls. */
  readonly spent: SpendFigures
  readonly lost: number
  readonly appliedTwice: number
  readonly isAuditClean: boolean
  readonly truth: TruthFigures | null
  readonly output: string | null
  /** Our books beside those of a demo's simulated API. */
  readonly billing?: BillingFigures | null
  /** What the receipts tell beyond the counts. */
  readonly details?: RunDetails | null
}

/** Credits, and the calls that they paid for. */
export type SpendFigures = Omit<SpendRow, 'name'>

export interface OutcomeCounts {
  readonly ok: number
  readonly failed: number
  readonly cancelled: number
  readonly failedByCode: { readonly [code: string]: number }
}

/** Sums the outcomes of a run by what they mean for it. */
export function countOutcomes(outcomes: readonly RunOutcome[]): OutcomeCounts {
  const failedByCode: Record<string, number> = {}
  let ok = 0
  let failed = 0
  let cancelled = 0
  for (const { status, code, items } of outcomes) {
    if (status === 'success') ok += items
    else if (status === 'cancelled') cancelled += items
    else {
      failed += items
      failedByCode[code] = (failedByCode[code] ?? 0) + items
    }
  }
  return { ok, failed, cancelled, failedByCode }
}

function isOutcomeCode(code: string): code is OutcomeCode {
  return OUTCOME_CODES.some((known) => known === code)
}

function meaningOf(code: string): string {
  return isOutcomeCode(code) ? OUTCOMES[code].meaning : ''
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '' : ` (${((100 * part) / whole).toFixed(1)} %)`
}

type Row = readonly [label: string, words: string]

function failureRows(report: RunReport): Row[] {
  return Object.entries(report.failedByCode).map(
    ([code, items]) => [`  ${code}`, `${showCount(items)}  ${meaningOf(code)}`] as const,
  )
}

function truthRows({ truth }: RunReport): Row[] {
  if (truth === null) return []
  const { planted, found, unexpected, pagesAstray } = truth
  return [
    [
      'contacts planted',
      `${showCount(planted)}, found ${showCount(found)}${percent(found, planted)}, ` +
        `${showCount(unexpected)} unexpected`,
    ],
    ...(pagesAstray === 0
      ? []
      : ([
          ['pages astray', `${showCount(pagesAstray)} did not end as they were made to`],
        ] as const)),
  ]
}

function resultRows({ results }: RunReport): Row[] {
  return Object.entries(results).map(([sink, rows]) => [sink, showCount(rows)] as const)
}

function reuseRows({ reusedShare }: RunReport): Row[] {
  if (reusedShare === null) return []
  return [['connections', `reused for ${(100 * reusedShare).toFixed(0)} % of the fetches`]]
}

function billingRows({ billing = null }: RunReport): Row[] {
  if (billing === null) return []
  const { billed, billedUnheard, isAgreed, calls, refused, inFlightMax, plan } = billing
  const verdict = isAgreed ? 'our books agree' : 'OUR BOOKS DIFFER'
  return [
    [
      'billed by the API',
      `${showCount(billed)} by its own count, ${showCount(billedUnheard)} of it for calls given up: ` +
        verdict,
    ],
    [
      'calls it took',
      `${showCount(calls)}, at most ${inFlightMax} at once of ${plan}, ${showCount(refused)} ` +
        'refused (429)',
    ],
  ]
}

/** Nothing where no call went to an upstream that charges. */
function spendRows({ spent, results }: RunReport): Row[] {
  const { calls, credits, useful, failed, crashed, unsure } = spent
  if (calls === 0) return []
  const rows = Object.values(results).reduce((sum, count) => sum + count, 0)
  const each = rows === 0 ? '' : `, ${(credits / rows).toFixed(2)} for each result`
  const bound = unsure === 0 ? '' : `; of them at most ${showCount(unsure)} that nobody knows of`
  return [
    ['calls', showCount(calls)],
    ['credits', `${showCount(credits)}${each}${bound}`],
    [
      '  of that',
      `${showCount(useful)} for pages, ${showCount(failed)} lost to failures, ` +
        `${showCount(crashed)} to crashes`,
    ],
  ]
}

/** The report as lines of words. */
export function reportLines(report: RunReport): readonly string[] {
  const { items, ok, failed } = report
  const rows: Row[] = [
    ['pages ok', `${showCount(ok)} of ${showCount(items)}${percent(ok, items)}`],
    ['failed', showCount(failed)],
    ...failureRows(report),
    ...(report.cancelled > 0 ? ([['cancelled', showCount(report.cancelled)]] as const) : []),
    ['retried', `${showCount(report.retried)} attempts`],
    ...resultRows(report),
    ...truthRows(report),
    [
      'duration',
      `${showSeconds(report.durationMs / 1_000)}, ${report.itemsPerSecond.toFixed(1)} pages/s, ` +
        `slots busy ${(100 * report.slotUtilisation).toFixed(0)} %`,
    ],
    ...reuseRows(report),
    ['fetched again', showFetchedAgain(report.fetchedAgain)],
    ...spendRows(report),
    ...billingRows(report),
    ['lost', showCount(report.lost)],
    ['applied twice', showCount(report.appliedTwice)],
    ...(report.badLines > 0 ? ([['lines not used', showCount(report.badLines)]] as const) : []),
    ...(report.output === null ? [] : ([['written to', report.output]] as const)),
  ]
  const width = Math.max(...rows.map(([label]) => label.length))
  const { details = null } = report
  return [
    headline(report),
    ...rows.map(([label, words]) => `  ${label.padEnd(width)}  ${words}`),
    ...(details === null ? [] : ['', ...detailLines(details)]),
  ]
}

function headline(report: RunReport): string {
  const { items, failed, workflow, run } = report
  const name = `${workflow}, run ${run}`
  if (items === 0) return `Nothing to do for ${name}.`
  if (failed === items) return `All ${showCount(items)} items failed: ${name}.`
  return `Done: ${name}${report.continued ? ' (continued)' : ''}.`
}

/** What was leased to the dead may not have been begun: the figure is a bound, and nought is nought. */
function showFetchedAgain(items: number): string {
  return items === 0 ? '0' : `at most ${showCount(items)}, after a worker or node died`
}
