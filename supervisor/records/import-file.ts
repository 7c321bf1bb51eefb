// Imports one file: its records into the queue, the position with them. Killed at any point, the
// same call goes on after the last record that was committed.

import { FetchyardError } from '../../src/core/errors.js'
import { LIMITS } from '../../src/core/limits.js'
import type { Json } from '../../src/core/outcome.js'
import type { RecordPayload } from '../../src/records/define.js'
import { DocumentProblem, type SplitPosition, START } from '../../src/records/splitter.js'
import type { Sql } from '../../src/store/client.js'
import { type ImportRow, moveImport, openImport } from '../../src/store/imports.js'
import { type ReadRecord, readRecords } from './read-records.js'
import { fingerprintOf } from './xml-file.js'

export interface ImportRequest {
  readonly sql: Sql
  readonly workflowId: number
  readonly path: string
  /** What the import is called, and its items are numbered after. */
  readonly name: string
  readonly record: readonly string[]
  readonly nests: boolean
  /** The run that the items join; null for none. */
  readonly runId: number | null
  readonly isStopped: () => boolean
  /** Called when records up to this one are committed, with how many of them are new. */
  readonly onStep: (records: number, added: number) => void
  /** Waited for after each step, so that an import gets no further ahead than is wanted. */
  readonly waitForRoom?: () => Promise<void>
}

export interface Imported {
  /** Records of the file so far, over all calls. */
  readonly records: number
  /** Items that this call added to the queue. */
  readonly added: number
  /** Records that were committed by earlier calls. */
  readonly continuedFrom: number
  readonly problem: string | null
  readonly isFinished: boolean
}

/** Records that are read and not committed. */
interface Slice {
  records: ReadRecord[]
  bytes: number
}

function positionOf({ position }: ImportRow): SplitPosition {
  const stored: unknown = position
  // The database gives back what we wrote.
  return isPosition(stored) ? stored : START
}

function isPosition(value: unknown): value is SplitPosition {
  return typeof value === 'object' && value !== null && 'offset' in value && 'ancestors' in value
}

function asJson(position: SplitPosition): Json {
  const { offset, records, ancestors } = position
  return { offset, records, ancestors: ancestors.map((ancestor) => ({ ...ancestor })) }
}

function sizeOf(payload: RecordPayload): number {
  return 'xml' in payload ? payload.xml.length : payload.problem.length
}

class FileImport {
  readonly #request: ImportRequest
  readonly #row: ImportRow
  #position: SplitPosition
  #added = 0

  constructor(request: ImportRequest, row: ImportRow) {
    this.#request = request
    this.#row = row
    this.#position = positionOf(row)
  }

  async run(): Promise<Imported> {
    const slice: Slice = { records: [], bytes: 0 }
    try {
      const { path, record, nests, isStopped } = this.#request
      for await (const records of readRecords({ path, record, nests, from: this.#position })) {
        for (const one of records) {
          slice.records.push(one)
          slice.bytes += sizeOf(one.payload)
          if (!isFull(slice)) continue
          await this.#commit(slice)
          await this.#request.waitForRoom?.()
          if (isStopped()) return this.#outcome({ problem: null, isFinished: false })
        }
        if (isStopped()) return this.#outcome({ problem: null, isFinished: false })
      }
      await this.#commit(slice, { problem: null })
      return this.#outcome({ problem: null, isFinished: true })
    } catch (error) {
      if (!(error instanceof DocumentProblem)) throw error
      await this.#commit(slice, { problem: error.message })
      return this.#outcome({ problem: error.message, isFinished: true })
    }
  }

  #outcome(end: { readonly problem: string | null; readonly isFinished: boolean }): Imported {
    const { records } = this.#position
    return { records, added: this.#added, continuedFrom: this.#row.records, ...end }
  }

  /** Commits what was read; at the end also that it is the end, and why. */
  async #commit(
    slice: Slice,
    end: { readonly problem: string | null } | null = null,
  ): Promise<void> {
    const { sql, workflowId, runId, name, onStep } = this.#request
    const recordsBefore = this.#position.records
    const last = slice.records.at(-1)?.position ?? this.#position
    const items = slice.records.map(({ number, payload }) => itemOf(`${name}#${number}`, payload))
    const problem = end?.problem ?? null
    // The document's own problem is an item like a broken record, so that a receipt tells of it.
    const position = problem === null ? last : { ...last, records: last.records + 1 }
    if (problem !== null) items.push(itemOf(`${name}#${position.records}`, { problem }))
    const added = await moveImport(sql, {
      importId: this.#row.importId,
      workflowId,
      runId,
      items,
      recordsBefore,
      records: position.records,
      position: asJson(position),
      isFinished: end !== null,
      problem,
    })
    if (added === null) throw takenOver(name)
    this.#position = position
    this.#added += added
    slice.records = []
    slice.bytes = 0
    onStep(position.records, added)
  }
}

function isFull(slice: Slice): boolean {
  return slice.records.length >= LIMITS.importRecordsMax || slice.bytes >= LIMITS.importBytesMax
}

function itemOf(key: string, payload: RecordPayload): { key: string; payload: Json } {
  return { key, payload: { ...payload } }
}

function takenOver(name: string): FetchyardError {
  return new FetchyardError(
    'INTERRUPTED',
    `Another process imports ${name} at this moment; nothing was enqueued twice. Run the same ` +
      'command again to see how far it is.',
  )
}

/**
 * Imports a file, or goes on with it.
 *
 * @throws {FetchyardError} INPUT_INVALID when the file is another one than the import began with,
 * INTERRUPTED when another process moves the same import.
 */
export async function importFile(request: ImportRequest): Promise<Imported> {
  const { sql, workflowId, path, name } = request
  const fingerprint = await fingerprintOf(path)
  const start = asJson(START)
  const row = await openImport(sql, { workflowId, name, fingerprint, start })
  if (row.fingerprint !== fingerprint) {
    throw new FetchyardError(
      'INPUT_INVALID',
      `The file ${path} is not the one that was imported as ${name}: it has changed since. ` +
        'Import it under another --name.',
    )
  }
  if (!row.isFinished) return new FileImport(request, row).run()
  const { records, problem } = row
  return { records, added: 0, continuedFrom: records, problem, isFinished: true }
}
