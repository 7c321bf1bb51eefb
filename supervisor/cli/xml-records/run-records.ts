// `records run`: imports files and works their records to the end, both at once. Run again, it
// continues.

import { FetchyardError } from '../../../src/core/errors.js'
import { audit } from '../../../src/store/audit.js'
import type { Sql } from '../../../src/store/client.js'
import { openRun, readRunOutcomes } from '../../../src/store/runs.js'
import type { OpenDatabase } from '../../database.js'
import { listenForStop, type StopListener } from '../../signals.js'
import { type Invocation, isGiven } from '../command.js'
import { type FinishedRun, finishedExit, workRun } from '../finite-run.js'
import { showCount, showSeconds } from '../progress.js'
import { countOutcomes } from '../report.js'
import { databaseRequest, installToWork, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'
import { feedRecords } from './feed-records.js'
import { givenFiles, givenRecords } from './given.js'

interface RecordsReport {
  readonly workflow: string
  readonly records: number
  readonly ok: number
  readonly failed: number
  readonly failedByCode: { readonly [code: string]: number }
  readonly finishedNow: number
  readonly durationMs: number
  readonly recordsPerSecond: number
  readonly lost: number
  readonly appliedTwice: number
}

export async function runRecords(invocation: Invocation): Promise<number> {
  const { streams, signals, clock } = invocation
  const stop = listenForStop({ source: signals, clock })
  try {
    const request = databaseRequest(invocation, { purpose: 'records run', exclusive: true })
    const report = await withDatabase(request, (database) =>
      workFiles({ invocation, database, stop }),
    )
    if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, ...report })
    else for (const line of linesOf(report)) await print(streams, line)
    return finishedExit(invocation)
  } finally {
    stop.close()
  }
}

async function workFiles(parts: {
  readonly invocation: Invocation
  readonly database: OpenDatabase
  readonly stop: StopListener
}): Promise<RecordsReport> {
  const { invocation, database, stop } = parts
  const { sql } = database
  const workflow = await givenRecords(invocation)
  const files = await givenFiles(invocation)
  const handle = await installToWork(sql, workflow, invocation)
  const isStopped = () => stop.request() !== null
  const { workflowId } = handle
  const name = `records ${files.map((file) => file.name).join(' ')}`.slice(0, 200)
  const { runId } = await openRun(sql, { workflowId, name })
  const feed = feedRecords({ invocation, sql, records: workflow, handle, files, runId, isStopped })
  try {
    // A file that cannot be imported is told before a node is started for it.
    await feed.begun
    if (isStopped()) {
      throw new FetchyardError('INTERRUPTED', 'Stopped; run the same command again to continue.')
    }
    const { settings } = invocation
    const running = { invocation, settings, database, workflow, handle, runId, stop, feed }
    const finished = await workRun({ ...running, log: 'auto' })
    return await reportOf(sql, runId, { workflow: workflow.definition.name, finished })
  } finally {
    await feed.stop().catch(() => {})
  }
}

async function reportOf(
  sql: Sql,
  runId: number,
  { workflow, finished }: { readonly workflow: string; readonly finished: FinishedRun },
): Promise<RecordsReport> {
  const { outcomes } = await readRunOutcomes(sql, runId)
  const { ok, failed, failedByCode } = countOutcomes(outcomes)
  const { lost, appliedTwice } = await audit(sql)
  const { durationMs, finishedNow, progress } = finished
  const recordsPerSecond = durationMs > 0 ? (finishedNow * 1_000) / durationMs : 0
  const counts = { ok, failed, failedByCode, finishedNow, lost, appliedTwice }
  return { workflow, records: progress.total, ...counts, durationMs, recordsPerSecond }
}

function linesOf(report: RecordsReport): readonly string[] {
  const { workflow, records, ok, failed, failedByCode, durationMs, recordsPerSecond } = report
  const codes = Object.entries(failedByCode).map(([code, count]) => `${code} ${showCount(count)}`)
  const rows = [
    ['records ok', `${showCount(ok)} of ${showCount(records)}`],
    [
      'failed',
      codes.length === 0 ? showCount(failed) : `${showCount(failed)} (${codes.join(', ')})`,
    ],
    ['duration', `${showSeconds(durationMs / 1_000)}, ${recordsPerSecond.toFixed(1)} records/s`],
    ['lost', showCount(report.lost)],
    ['applied twice', showCount(report.appliedTwice)],
  ] as const
  const hint =
    failed === 0 ? [] : [`Why: fetchyard history ${workflow} <record>, or fetchyard status.`]
  return [
    `Done: ${workflow}.`,
    ...rows.map(([label, words]) => `  ${label.padEnd(13)}  ${words}`),
    ...hint,
  ]
}
