// `records import`: the records of files into the queue of a mapping's workflow. Killed, the same
// command goes on where the last committed record ends.

import { FetchyardError } from '../../../src/core/errors.js'
import { makePlan } from '../../../src/records/plan.js'
import type { Sql } from '../../../src/store/client.js'
import type { WorkflowHandle } from '../../../src/store/store.js'
import { type Imported, importFile } from '../../records/import-file.js'
import type { LoadedRecords } from '../../records/load-records.js'
import { listenForStop } from '../../signals.js'
import { type Invocation, isGiven } from '../command.js'
import { showCount } from '../progress.js'
import { databaseRequest, installWorkflow, withDatabase } from '../session.js'
import { print, printJson, say } from '../streams.js'
import { type GivenFile, givenFiles, givenRecords } from './given.js'

const SAY_EVERY_MS = 5_000

export interface ImportTotals {
  readonly files: number
  readonly records: number
  readonly added: number
  readonly problems: readonly { readonly name: string; readonly problem: string }[]
}

export interface FilesRequest {
  readonly invocation: Invocation
  readonly sql: Sql
  readonly records: LoadedRecords
  readonly handle: WorkflowHandle
  readonly files: readonly GivenFile[]
  readonly runId: number | null
  readonly isStopped: () => boolean
  readonly onAdded?: (items: number) => void
  readonly tell: (words: string) => void
  /** Tells now and then how far it is, where nothing else does. */
  readonly tellsSteps: boolean
  readonly waitForRoom?: () => Promise<void>
}

/**
 * Imports files one after the other.
 *
 * @throws {FetchyardError} INTERRUPTED when a stop was asked for before their end.
 */
export async function importFiles(request: FilesRequest): Promise<ImportTotals> {
  const { files } = request
  const totals = { files: 0, records: 0, added: 0 }
  const problems: { name: string; problem: string }[] = []
  for (const file of files) {
    const done = await importOne(request, file)
    totals.records += done.records
    totals.added += done.added
    if (!done.isFinished) throw interrupted(totals.records)
    totals.files += 1
    if (done.problem === null) continue
    problems.push({ name: file.name, problem: done.problem })
    const at = `after ${showCount(done.records)} records`
    request.tell(`${file.name} ends early, ${at}: ${done.problem}.`)
  }
  return { ...totals, problems }
}

function interrupted(records: number): FetchyardError {
  return new FetchyardError(
    'INTERRUPTED',
    `Stopped after ${showCount(records)} records; run the same command again to continue.`,
  )
}

async function importOne(request: FilesRequest, file: GivenFile): Promise<Imported> {
  const { invocation, sql, records, handle, runId, isStopped, waitForRoom } = request
  const { clock } = invocation
  const { mapping } = records.origin
  let saidMs = clock.nowMs()
  const done = await importFile({
    sql,
    workflowId: handle.workflowId,
    ...file,
    record: makePlan(mapping).record,
    nests: mapping.nests,
    runId,
    isStopped,
    ...(waitForRoom === undefined ? {} : { waitForRoom }),
    onStep: (count, added) => {
      request.onAdded?.(added)
      if (!request.tellsSteps || clock.nowMs() - saidMs < SAY_EVERY_MS) return
      saidMs = clock.nowMs()
      request.tell(`${file.name}: ${showCount(count)} records so far.`)
    },
  })
  if (done.continuedFrom > 0 && done.added > 0) {
    request.tell(`${file.name}: continued after ${showCount(done.continuedFrom)} records.`)
  }
  return done
}

export async function importRecords(invocation: Invocation): Promise<number> {
  const { streams, signals, clock } = invocation
  const records = await givenRecords(invocation)
  const files = await givenFiles(invocation)
  const stop = listenForStop({ source: signals, clock })
  try {
    const request = databaseRequest(invocation, { purpose: 'records import', exclusive: false })
    const totals = await withDatabase(request, async ({ sql }) => {
      const handle = await installWorkflow(sql, records)
      const isStopped = () => stop.request() !== null
      const tell = (words: string) => say(streams, words)
      const own = { handle, files, runId: null, isStopped, tell, tellsSteps: true }
      return importFiles({ invocation, sql, records, ...own })
    })
    const workflow = records.definition.name
    if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, workflow, ...totals })
    else {
      const { added, files: count } = totals
      const all = `${showCount(totals.records)} records of ${showCount(count)} files`
      await print(streams, `Enqueued ${showCount(added)} of ${all} for ${workflow}.`)
    }
    return 0
  } finally {
    stop.close()
  }
}
