// Gathers the figures of a finished run from the database.

import { audit } from '../../src/store/audit.js'
import type { Sql } from '../../src/store/client.js'
import { exportStatement } from '../../src/store/export.js'
import { countResults } from '../../src/store/results.js'
import { readRunDetails } from '../../src/store/run-details.js'
import { readRunOutcomes } from '../../src/store/runs.js'
import { readRunSpend } from '../../src/store/spend.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import type { WorkflowDefinition } from '../../src/workflow/define.js'
import type { BillingFigures } from '../demo/simulated-upstream.js'
import type { FinishedRun } from './finite-run.js'
import { countOutcomes, type RunReport, type SpendFigures, type TruthFigures } from './report.js'

export interface ReportRequest {
  readonly sql: Sql
  readonly definition: Pick<WorkflowDefinition<never>, 'name' | 'source' | 'sinks'>
  readonly handle: WorkflowHandle
  readonly run: { readonly runId: number; readonly name: string; readonly continued: boolean }
  readonly watched: FinishedRun
  readonly badLines: number
  readonly truth: TruthFigures | null
  readonly output: string | null
  /** Our books beside those of a simulated API. @default none */
  readonly billing?: BillingFigures | null
}

async function countSinks(request: ReportRequest): Promise<{ [sink: string]: number }> {
  const { sql, definition, handle, run } = request
  const counts: { [sink: string]: number } = {}
  for (const [name, sink] of Object.entries(definition.sinks)) {
    const source = definition.source ?? null
    const { workflowId } = handle
    const statement = exportStatement({ workflowId, source, sink, runId: run.runId })
    counts[name] = await countResults(sql, statement)
  }
  return counts
}

/** What a run cost so far. */
export async function readSpentOfRun(sql: Sql, runId: number): Promise<SpendFigures> {
  const row = await readRunSpend(sql, runId)
  const { calls = 0, credits = 0, useful = 0, failed = 0, crashed = 0, unsure = 0 } = row ?? {}
  return { calls, credits, useful, failed, crashed, unsure }
}

export async function makeReport(request: ReportRequest): Promise<RunReport> {
  const { sql, definition, run, watched } = request
  const { outcomes, retries, reclaims } = await readRunOutcomes(sql, run.runId)
  const results = await countSinks(request)
  const promises = await audit(sql)
  const { durationMs, finishedNow } = watched
  return {
    workflow: definition.name,
    run: run.name,
    continued: run.continued,
    items: watched.progress.total,
    ...countOutcomes(outcomes),
    retried: retries,
    results,
    finishedNow,
    durationMs: Math.round(durationMs),
    itemsPerSecond: durationMs > 0 ? (finishedNow * 1_000) / durationMs : 0,
    slotUtilisation: watched.slotUtilisation,
    reusedShare: watched.reusedShare,
    badLines: request.badLines,
    fetchedAgain: reclaims,
    spent: await readSpentOfRun(sql, run.runId),
    lost: promises.lost,
    appliedTwice: promises.appliedTwice,
    isAuditClean: promises.isClean,
    truth: request.truth,
    output: request.output,
    billing: request.billing ?? null,
    details: await readRunDetails(sql, run.runId),
  }
}
