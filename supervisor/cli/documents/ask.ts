// From references to work: what is there and right is left alone, everything else is asked for.

import { resolve } from 'node:path'
import type { Settings } from '../../../config/settings.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { DocumentFiles } from '../../../src/documents/document-files.js'
import type { Sql } from '../../../src/store/client.js'
import {
  askForDocuments,
  readDocumentStatuses,
  type WantedDocument,
} from '../../../src/store/documents.js'
import { joinRun } from '../../../src/store/runs.js'
import type { GivenReference, ReferenceEntry } from './read-references.js'

export interface AskRequest {
  readonly sql: Sql
  readonly settings: Settings
  readonly cwd: string
  readonly workflowId: number
  readonly runId: number
  readonly onBadLine: (line: number, problem: string) => void
  readonly isStopped: () => boolean
}

export interface Asked {
  /** References that were given, each once. */
  readonly given: number
  /** Those whose file is there, byte for byte as it was saved. */
  readonly there: number
  /** Those that were finished before, and whose file is missing, shortened or altered. */
  readonly spoilt: number
  /** Those that this run is about. */
  readonly asked: number
  readonly bad: number
  /** Given, but beyond the bound on documents. */
  readonly beyond: number
}

const SLICE = 500

type Counts = { -readonly [Key in keyof Asked]: Asked[Key] }

export function filesOf(settings: Settings, cwd: string): DocumentFiles {
  return new DocumentFiles({
    directory: resolve(cwd, settings.documentDirectory),
    bytesMin: settings.documentBytesMin,
    bytesMax: settings.documentMb * 1_048_576,
  })
}

/**
 * Asks for the documents of these references.
 *
 * @throws {FetchyardError} INPUT_INVALID when not one line can be used.
 */
export async function askFor(
  entries: AsyncIterable<readonly ReferenceEntry[]>,
  request: AskRequest,
): Promise<Asked> {
  const counts: Counts = { given: 0, there: 0, spoilt: 0, asked: 0, bad: 0, beyond: 0 }
  const seen = new Set<string>()
  let slice: GivenReference[] = []
  for await (const part of entries) {
    for (const entry of part) {
      if ('problem' in entry) {
        counts.bad += 1
        request.onBadLine(entry.line, entry.problem)
      } else if (!seen.has(entry.reference)) {
        seen.add(entry.reference)
        counts.given += 1
        if (slice.push(entry) === SLICE) await askSlice(slice.splice(0), counts, request)
      }
    }
    if (request.isStopped()) return counts
  }
  slice = slice.splice(0)
  if (slice.length > 0) await askSlice(slice, counts, request)
  if (counts.given > 0) return counts
  throw new FetchyardError(
    'INPUT_INVALID',
    'The input holds no reference. Give a reference a line, CSV with a column `reference`, or ' +
      'JSONL with a field `reference`; `url` says where the document is.',
  )
}

async function askSlice(
  slice: readonly GivenReference[],
  counts: Counts,
  request: AskRequest,
): Promise<void> {
  const { sql, settings, workflowId, runId } = request
  const files = filesOf(settings, request.cwd)
  const statuses = await readDocumentStatuses(
    sql,
    slice.map(({ reference }) => reference),
  )
  const wanted: WantedDocument[] = []
  for (const { reference, url } of slice) {
    const status = statuses.get(reference) ?? null
    if (status === 'Complete') {
      if ((await files.findVerified(reference)) !== null) {
        counts.there += 1
        continue
      }
      counts.spoilt += 1
    }
    const turn = counts.asked + wanted.length
    if (turn >= (settings.maxDocuments ?? Number.POSITIVE_INFINITY)) counts.beyond += 1
    else wanted.push({ reference, url, assigned: assignedTo(turn, settings) })
  }
  await askForDocuments(sql, wanted)
  await joinRun(sql, { runId, workflowId, keys: wanted.map(({ reference }) => reference) })
  counts.asked += wanted.length
}

function assignedTo(turn: number, { assign, siteModule, contexts }: Settings): string | null {
  if (assign !== 'round-robin' || siteModule === null) return null
  return `context://${(turn % contexts) + 1}/`
}
