// What a run of documents came to, in figures and in words.

import { audit } from '../../../src/store/audit.js'
import type { Sql } from '../../../src/store/client.js'
import {
  type DocumentFigures,
  type FailedDocument,
  readDocumentFigures,
  readFailedDocuments,
} from '../../../src/store/documents.js'
import { readRunOutcomes } from '../../../src/store/runs.js'
import type { FinishedRun } from '../finite-run.js'
import { showCount, showSeconds } from '../progress.js'
import { countOutcomes } from '../report.js'
import type { Asked } from './ask.js'

const FAILED_SHOWN = 20

export interface DocumentReport extends Asked, DocumentFigures {
  readonly directory: string
  readonly failed: number
  readonly failedByCode: { readonly [code: string]: number }
  /** The first of them by reference. */
  readonly failures: readonly FailedDocument[]
  readonly durationMs: number
  readonly perMinute: number
  readonly lost: number
  readonly appliedTwice: number
}

export async function reportOf(
  sql: Sql,
  of: {
    readonly runId: number
    readonly directory: string
    readonly asked: Asked
    readonly finished: FinishedRun | null
  },
): Promise<DocumentReport> {
  const { runId, directory, asked, finished } = of
  const { outcomes } = await readRunOutcomes(sql, runId)
  const { failed, failedByCode } = countOutcomes(outcomes)
  const figures = await readDocumentFigures(sql, runId)
  const { lost, appliedTwice } = await audit(sql)
  const durationMs = finished?.durationMs ?? 0
  return {
    ...asked,
    ...figures,
    directory,
    failed,
    failedByCode,
    failures: await readFailedDocuments(sql, { runId, limit: FAILED_SHOWN }),
    durationMs: Math.round(durationMs),
    perMinute: durationMs > 0 ? (figures.saved * 60_000) / durationMs : 0,
    lost,
    appliedTwice,
  }
}

const listed = (counts: { readonly [word: string]: number }) =>
  Object.entries(counts)
    .map(([word, count]) => `${word} ${showCount(count)}`)
    .join(', ')

export function documentLines(report: DocumentReport): readonly string[] {
  const { saved, asked, there, skipped, failed, spoilt, beyond, directory } = report
  const rows: (readonly [string, string])[] = [
    ['saved', `${showCount(saved)} of ${showCount(asked)}, in ${directory}`],
    ['there already', `${showCount(there)}, verified and not asked for`],
    ['failed', failed === 0 ? '0' : `${showCount(failed)} (${listed(report.failedByCode)})`],
    [
      'duration',
      `${showSeconds(report.durationMs / 1_000)}, ${report.perMinute.toFixed(1)} a minute`,
    ],
  ]
  if (skipped > 0) rows.push(['skipped', `${showCount(skipped)}, found whole after a crash`])
  if (spoilt > 0) rows.push(['spoilt', `${showCount(spoilt)} files were missing or altered`])
  if (beyond > 0) rows.push(['beyond', `${showCount(beyond)} more than --max-documents`])
  const contexts = Object.keys(report.byContext).filter((context) => context !== 'none')
  if (contexts.length > 0) {
    rows.push(['by context', listed(report.byContext)], ['by level', listed(report.byLevel)])
    rows.push(['memory', memoryWords(report)])
  }
  rows.push(['lost', showCount(report.lost)], ['applied twice', showCount(report.appliedTwice)])
  return [
    'Done: documents.',
    ...rows.map(([label, words]) => `  ${label.padEnd(13)}  ${words}`),
    ...report.failures.map(({ reference, code, error }) => `  ${reference}: ${code}, ${error}`),
    ...(failed > report.failures.length ? ['  More: fetchyard history documents <reference>'] : []),
  ]
}

function memoryWords({ quarters }: DocumentReport): string {
  const browser = quarters.map(({ browserMb }) => browserMb ?? '?').join(', ')
  const worker = quarters.map(({ workerMb }) => workerMb).join(', ')
  return `browser ${browser} MB and worker ${worker} MB, by quarters of the run`
}
