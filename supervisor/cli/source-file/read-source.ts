// A source file, plain or packed by gzip, record by record, from any record on: where a record ends
// is known in unpacked bytes, so that reading can go on there.

import { extname } from 'node:path'
import type { FileFormat, FileSource } from '../../../src/core/definition.js'
import { FetchyardError } from '../../../src/core/errors.js'
import { LIMITS } from '../../../src/core/limits.js'
import type { Json } from '../../../src/core/outcome.js'
import { isPackedFile, unpacked } from '../../records/packed-file.js'
import { delimiterOf } from '../input-format.js'
import { splitFields } from '../records.js'

/** Behind a record. */
export interface SourcePosition {
  readonly offset: number
  readonly lines: number
  readonly records: number
  /** Of CSV, once it was read. */
  readonly header: readonly string[] | null
  readonly delimiter: string
  /** Records that cannot be used, and what is wrong with the first of them. */
  readonly unused: number
  readonly problem: string | null
}

export const SOURCE_START: SourcePosition = {
  offset: 0,
  lines: 0,
  records: 0,
  header: null,
  delimiter: ',',
  unused: 0,
  problem: null,
}

export interface SourceRecord {
  /** null: it cannot be used. */
  readonly payload: { readonly [field: string]: Json } | null
  readonly bytes: number
  /** Where the next one begins. */
  readonly position: SourcePosition
}

const FORMATS: ReadonlyMap<string, FileFormat> = new Map([
  ['.csv', 'csv'],
  ['.tsv', 'csv'],
  ['.ndjson', 'ndjson'],
  ['.jsonl', 'ndjson'],
])

export function formatOfSource({ file, format }: FileSource): FileFormat {
  const plain = file.replace(/\.gz$/i, '')
  return format ?? FORMATS.get(extname(plain).toLowerCase()) ?? 'lines'
}

const LF = 0x0a

interface RawLine {
  /** null: longer than a record may be. */
  readonly text: string | null
  /** Bytes with its end. */
  readonly bytes: number
}

/** Lines of a file with their length in bytes; the last one may have no end. */
async function* readLines(path: string, from: number): AsyncGenerator<RawLine[]> {
  let parts: Buffer[] = []
  let bytes = 0
  const end = (): RawLine => {
    const isTooLong = bytes > LIMITS.sourceRecordBytesMax
    const text = isTooLong
      ? null
      : Buffer.concat(parts)
          .toString('utf8')
          .replace(/\r?\n?$/, '')
    const line = { text, bytes }
    parts = []
    bytes = 0
    return line
  }
  const take = (part: Buffer) => {
    bytes += part.length
    // What is too long is counted and not kept.
    if (bytes <= LIMITS.sourceRecordBytesMax) parts.push(part)
    else parts = []
  }
  for await (const whole of unpacked(path, await isPackedFile(path), from)) {
    const lines: RawLine[] = []
    let at = 0
    for (let lf = whole.indexOf(LF); lf !== -1; lf = whole.indexOf(LF, at)) {
      take(whole.subarray(at, lf + 1))
      lines.push(end())
      at = lf + 1
    }
    take(whole.subarray(at))
    yield lines
  }
  if (bytes > 0) yield [end()]
}

type Fields = SourceRecord['payload']

/** One record's text as fields; a text is what is wrong with it. */
function readJson(text: string): Fields | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'it is no JSON'
  }
  if (typeof value === 'string') return readText(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is no object'
  const fields: { readonly [field: string]: Json } = { ...value }
  return fields
}

function readText(text: string): Fields {
  return /^https?:\/\//i.test(text) ? { url: text } : { line: text }
}

class SourceReader {
  readonly #format: FileFormat
  #position: SourcePosition
  /** A record that has begun and goes on in the next line. */
  #open: { readonly text: string; readonly bytes: number; readonly lines: number } | null = null

  constructor(format: FileFormat, from: SourcePosition) {
    this.#format = format
    this.#position = from
  }

  /** The record that ends with this line, when one does. */
  read({ text: given, bytes: own }: RawLine): SourceRecord | null {
    const open = this.#open
    const isFirst = this.#position.offset === 0 && open === null
    const line = isFirst && given !== null ? withoutMark(given) : given
    const text = line === null || open === null ? line : `${open.text}\n${line}`
    const bytes = own + (open?.bytes ?? 0)
    const lines = 1 + (open?.lines ?? 0)
    this.#open = null
    if (text === null || bytes > LIMITS.sourceRecordBytesMax) {
      return this.#end(bytes, lines, 'it is too long, or a quote in it is never closed')
    }
    if (text.trim() === '') return this.#skip(bytes, lines)
    if (this.#format !== 'csv') {
      return this.#end(bytes, lines, this.#format === 'ndjson' ? readJson(text) : readText(text))
    }
    return this.#readCsv(text, bytes, lines)
  }

  finish(): SourceRecord | null {
    const open = this.#open
    this.#open = null
    return open === null ? null : this.#end(open.bytes, open.lines, 'a quote is never closed')
  }

  #readCsv(text: string, bytes: number, lines: number): SourceRecord | null {
    const { header, delimiter } = this.#position
    const split = splitFields(text, header === null ? delimiterOf(text) : delimiter)
    if (split === null) {
      this.#open = { text, bytes, lines }
      return null
    }
    if (header === null) {
      const names = split.map((name) => name.trim())
      this.#position = { ...this.#position, header: names, delimiter: delimiterOf(text) }
      return this.#skip(bytes, lines)
    }
    if (split.length !== header.length) {
      const words = `it has ${split.length} fields, and the header ${header.length}`
      return this.#end(bytes, lines, words)
    }
    return this.#end(
      bytes,
      lines,
      Object.fromEntries(header.map((name, n) => [name, split[n] ?? ''])),
    )
  }

  #skip(bytes: number, lines: number): null {
    const { offset, lines: before } = this.#position
    this.#position = { ...this.#position, offset: offset + bytes, lines: before + lines }
    return null
  }

  #end(bytes: number, lines: number, found: Fields | string): SourceRecord {
    const { records, unused, problem, lines: before } = this.#position
    this.#skip(bytes, lines)
    const fit = typeof found === 'string' || canBeKept(found) ? found : UNKEEPABLE_WORDS
    const words = typeof fit === 'string' ? fit : null
    this.#position = {
      ...this.#position,
      records: records + 1,
      unused: unused + (words === null ? 0 : 1),
      problem: problem ?? (words === null ? null : `line ${before + 1}: ${words}`),
    }
    const payload = typeof fit === 'string' ? null : fit
    return { payload, bytes, position: this.#position }
  }
}

const UNKEEPABLE_WORDS = 'it holds a NUL, or half of a pair of surrogates'

/** JSON may say what Postgres cannot keep, and shows it as an escape. One would fail its slice. */
function canBeKept(fields: Fields): boolean {
  return !/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(JSON.stringify(fields))
}

/** UTF-8 alone is read; its mark is dropped. */
function withoutMark(text: string): string {
  if (!/^\uFFFD\uFFFD/.test(text)) return text.replace(/^\uFEFF/, '')
  throw new FetchyardError('INPUT_INVALID', 'The source file is no UTF-8 text: convert it first.')
}

/** Reads records from a position on; each slice is what one chunk of the file held. */
export async function* readSource(of: {
  readonly path: string
  readonly format: FileFormat
  readonly from: SourcePosition
}): AsyncGenerator<readonly SourceRecord[]> {
  const reader = new SourceReader(of.format, of.from)
  for await (const lines of readLines(of.path, of.from.offset)) {
    yield lines.map((line) => reader.read(line)).filter((record) => record !== null)
  }
  const last = reader.finish()
  if (last !== null) yield [last]
}
