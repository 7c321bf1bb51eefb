// References from a file or from standard input: a line each, CSV with a column `reference`, or
// JSONL with a field of that name. A column or field `url` says where the document is.

import { LIMITS } from '../../../src/core/limits.js'
import { decoded, type Input } from '../input.js'
import { delimiterOf } from '../input-format.js'
import { CsvSplitter, LineSplitter } from '../records.js'

export interface GivenReference {
  readonly line: number
  readonly reference: string
  readonly url: string | null
}

export type ReferenceEntry = GivenReference | { readonly line: number; readonly problem: string }

type Pieces = (text: string | null) => readonly ReferenceEntry[]

/** Entry by entry; each slice is what one chunk of the input held. */
export async function* readReferences(input: Input): AsyncGenerator<readonly ReferenceEntry[]> {
  let read: Pieces | null = null
  let head = ''
  for await (const text of decoded(input.chunks)) {
    if (read !== null) {
      yield read(text)
      continue
    }
    head += text
    if (!/\S[^\n]*\n/.test(head) && head.length < LIMITS.urlMax * 32) continue
    read = readerFor(head)
    yield read(head)
  }
  if (read === null) {
    read = readerFor(head)
    yield read(head)
  }
  yield read(null)
}

/** null ends the input. */
function readerFor(head: string): Pieces {
  const firstLine = /[^\n]*\S[^\n]*/.exec(head)?.[0] ?? ''
  const names = firstLine.trim().split(delimiterOf(firstLine)).map(nameOf)
  if (names.includes('reference') && !firstLine.trimStart().startsWith('{')) {
    return csvReader(delimiterOf(firstLine))
  }
  const lines = new LineSplitter()
  return (text) =>
    (text === null ? lines.finish() : lines.push(text)).flatMap((piece) => {
      if (piece.text === null) return [{ line: piece.line, problem: 'too long to be read' }]
      if (piece.text.trim() === '') return []
      return [lineEntry(piece.line, piece.text.trim())]
    })
}

const nameOf = (field: string) => field.trim().replaceAll('"', '').toLowerCase()

function csvReader(delimiter: string): Pieces {
  const splitter = new CsvSplitter(delimiter)
  let columns: readonly string[] | null = null
  return (text) =>
    (text === null ? splitter.finish() : splitter.push(text)).flatMap(({ line, fields }) => {
      if (fields === null) return [{ line, problem: 'too long to be read' }]
      if (fields.every((field) => field.trim() === '')) return []
      if (columns === null) {
        columns = fields.map(nameOf)
        return []
      }
      const fieldOf = (name: string) => fields[columns?.indexOf(name) ?? -1]?.trim() ?? ''
      return [entryOf(line, fieldOf('reference'), fieldOf('url'))]
    })
}

function lineEntry(line: number, text: string): ReferenceEntry {
  if (!text.startsWith('{')) return entryOf(line, text, /^https?:\/\//i.test(text) ? text : '')
  try {
    const value: unknown = JSON.parse(text)
    const fields = new Map(Object.entries(Object(value)))
    const textOf = (name: string) => {
      const field = fields.get(name)
      return typeof field === 'string' || typeof field === 'number' ? String(field).trim() : ''
    }
    return entryOf(line, textOf('reference'), textOf('url'))
  } catch {
    return { line, problem: 'no JSON object' }
  }
}

function entryOf(line: number, reference: string, url: string): ReferenceEntry {
  if (reference === '') return { line, problem: 'it holds no reference' }
  if (reference.length > LIMITS.itemKeyMax || reference.includes('\0')) {
    return { line, problem: 'the reference is too long, or no text' }
  }
  return { line, reference, url: url === '' ? null : url }
}
