// Imports a source file: its records into the queue, the position with them. Killed at any point,
// the next call goes on after the last record that was committed.

import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { FileSource } from '../../../src/core/definition.js'
import { LIMITS } from '../../../src/core/limits.js'
import type { Json } from '../../../src/core/outcome.js'
import { parseUrl } from '../../../src/core/parse-url.js'
import type { Sql } from '../../../src/store/client.js'
import type { Again } from '../../../src/store/enqueue.js'
import type { ImportItem, ImportRow } from '../../../src/store/imports.js'
import { moveImport, openImport } from '../../../src/store/imports.js'
import { forgetFailures } from '../../../src/store/known-failures.js'
import { fingerprintOf } from '../../records/xml-file.js'
import type { SourcePosition, SourceRecord } from './read-source.js'
import { formatOfSource, readSource, SOURCE_START } from './read-source.js'

export interface SourceImport {
  readonly sql: Sql
  readonly workflowId: number
  readonly source: FileSource
  /** Where the file is on this machine. */
  readonly path: string
  readonly isStopped: () => boolean
  /** The run that the items join; null or none: the import is everybody's. */
  readonly run?: { readonly runId: number; readonly again: Again } | null
  /** Told of the records so far, whenever some of them are in the queue. */
  readonly onStep?: (records: number) => void
}

export interface ImportedSource {
  /** Records read so far, over all calls, and those of them that cannot be used. */
  readonly records: number
  readonly unused: number
  readonly problem: string | null
  /** Items that this call added to the queue. */
  readonly added: number
  /** 'moved': another node imports it at this moment. */
  readonly end: 'finished' | 'stopped' | 'moved'
}

function isPosition(value: unknown): value is SourcePosition {
  return typeof value === 'object' && value !== null && 'offset' in value && 'lines' in value
}

/** The database gives back what we wrote. */
function positionOf({ position }: ImportRow): SourcePosition {
  const stored: unknown = position
  return isPosition(stored) ? stored : SOURCE_START
}

const asJson = (position: SourcePosition): Json => ({
  ...position,
  header: position.header === null ? null : [...position.header],
})

class Importer {
  readonly #of: SourceImport
  readonly #importId: number
  #position: SourcePosition
  #added = 0
  #isMoved = false

  constructor(of: SourceImport, row: ImportRow) {
    this.#of = of
    this.#importId = row.importId
    this.#position = positionOf(row)
  }

  async run(): Promise<ImportedSource> {
    const { path, source, isStopped } = this.#of
    let slice: SourceRecord[] = []
    let bytes = 0
    const from = this.#position
    for await (const records of readSource({ path, format: formatOfSource(source), from })) {
      for (const record of records) {
        slice.push(record)
        bytes += record.bytes
        if (slice.length < LIMITS.importRecordsMax && bytes < LIMITS.importBytesMax) continue
        await this.#commit(slice, false)
        if (this.#isMoved) return this.#outcome('moved')
        slice = []
        bytes = 0
      }
      if (isStopped()) return this.#outcome('stopped')
    }
    await this.#commit(slice, true)
    return this.#outcome(this.#isMoved ? 'moved' : 'finished')
  }

  #outcome(end: ImportedSource['end']): ImportedSource {
    const { records, unused, problem } = this.#position
    return { records, unused, problem, added: this.#added, end }
  }

  async #commit(slice: readonly SourceRecord[], isFinished: boolean): Promise<void> {
    const { sql, workflowId, source, run = null } = this.#of
    const items = slice.flatMap((record) => itemOf(record, source))
    if (run?.again === 'when-finished') {
      const urls = items.flatMap(({ url }) => (url === null ? [] : [url]))
      await forgetFailures(sql, { workflowId, urls })
    }
    const position = slice.at(-1)?.position ?? this.#position
    const added = await moveImport(sql, {
      importId: this.#importId,
      workflowId,
      runId: run?.runId ?? null,
      again: run?.again ?? 'never',
      items: items.map(({ url: _, ...item }) => item),
      recordsBefore: this.#position.records,
      records: position.records,
      position: asJson(position),
      isFinished,
      problem: isFinished ? position.problem : null,
    })
    if (added === null) this.#isMoved = true
    else {
      this.#position = position
      this.#added += added
      this.#of.onStep?.(position.records)
    }
  }
}

interface SourceItem extends ImportItem {
  /** As it is written in the record; null when there is none. */
  readonly url: string | null
}

/** The item of a record; none when it cannot be used. */
export function itemOf(
  { payload, position }: SourceRecord,
  source: FileSource,
): readonly SourceItem[] {
  if (payload === null) return []
  const number = `${basename(source.file)}#${position.records}`
  const named = source.key === undefined ? (payload.url ?? payload.line) : payload[source.key]
  const isText = typeof named === 'string' && named !== ''
  const key = isText || typeof named === 'number' ? String(named) : number
  const given = typeof payload.url === 'string' ? payload.url : ''
  const url = parseUrl(given)
  const lane = url?.hostname ?? ''
  return [{ key: shortened(key), payload, lane, url: url === null ? null : given }]
}

/** A key that is too long ends with its digest: two that differ at their ends alone stay two. */
function shortened(key: string): string {
  if (key.length <= LIMITS.itemKeyMax) return key
  const digest = createHash('sha256').update(key).digest('hex')
  const start = key.slice(0, LIMITS.itemKeyMax - digest.length - 1)
  // The cut may go through a pair of surrogates, half of which Postgres cannot keep.
  return `${start.replace(/[\uD800-\uDBFF]$/, '')}#${digest}`
}

/**
 * Imports a source file, or goes on with it. A file that has changed is read from its beginning,
 * and records whose key was enqueued before are not enqueued again.
 */
export async function importSource(of: SourceImport): Promise<ImportedSource> {
  const { sql, workflowId, source, path, run = null } = of
  const fingerprint = await fingerprintOf(path)
  // A run reads the file for itself: what is in it joins the run, enqueued by whomever before.
  const name = `${source.file} ${fingerprint}${run === null ? '' : ` of run ${run.runId}`}`
  const request = { workflowId, name, fingerprint, start: asJson(SOURCE_START) }
  const row = await openImport(sql, request)
  if (!row.isFinished) return new Importer(of, row).run()
  const { unused, problem } = positionOf(row)
  return { records: row.records, unused, problem, added: 0, end: 'finished' }
}
