// The records of a file, one after the other, each as what goes into the queue for it and the
// position after it.

import type { RecordPayload } from '../../src/records/define.js'
import { decodeBytes } from '../../src/records/encoding.js'
import {
  DocumentProblem,
  RecordSplitter,
  type SplitPosition,
  type SplitRecord,
  START,
} from '../../src/records/splitter.js'
import { openXmlFile, readXml } from './xml-file.js'

export interface ReadRecord {
  /** Its number in the document, from 1. */
  readonly number: number
  readonly payload: RecordPayload
  readonly position: SplitPosition
}

export interface ReadRequest {
  readonly path: string
  /** Expanded names from the document's root to a record. */
  readonly record: readonly string[]
  readonly nests: boolean
  /** @default the beginning */
  readonly from?: SplitPosition
}

/** What goes into the queue: the text of the record, and the prefixes that are in scope of it. */
function payloadOf(record: SplitRecord, label: string): RecordPayload {
  if (record.bytes === undefined) return { problem: record.problem }
  const decoded = decodeBytes(record.bytes, label)
  if ('problem' in decoded) return decoded
  const { namespaces } = record
  const isBare = Object.keys(namespaces).length === 0
  return isBare ? { xml: decoded.text } : { xml: decoded.text, namespaces }
}

/**
 * Reads the records of a file from a position on, in slices as they come out of it.
 *
 * @throws {DocumentProblem} when the document cannot be read any further; everything before was
 * given.
 */
export async function* readRecords(request: ReadRequest): AsyncGenerator<readonly ReadRecord[]> {
  const { path, record, nests, from = START } = request
  const file = await openXmlFile(path)
  const splitter = new RecordSplitter({ path: record, nests, from })
  const read = (records: readonly SplitRecord[]) =>
    records.map((one) => ({
      number: one.position.records,
      payload: payloadOf(one, file.label),
      position: one.position,
    }))
  try {
    for await (const bytes of readXml(file, from.offset)) {
      const records = splitter.push(bytes)
      if (records.length > 0) yield read(records)
    }
    yield read(splitter.end())
  } catch (error) {
    if (!(error instanceof DocumentProblem)) throw error
    yield read(splitter.take())
    throw error
  }
}
