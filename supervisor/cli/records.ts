// Splits text that comes in chunks into lines or CSV records, each with the number of its line.
// What is held at once is one line or record, and its length is bounded.

import { LIMITS } from '../../src/core/limits.js'

/** Characters of one line or record: a URL and a lot of other columns. */
export const RECORD_CHARS_MAX = 32 * LIMITS.urlMax

export interface Line {
  readonly line: number
  /** null: longer than a record may be. */
  readonly text: string | null
}

export interface CsvRecord {
  readonly line: number
  /** null: longer than a record may be, as after a quote that is never closed. */
  readonly fields: readonly string[] | null
}

export class LineSplitter {
  #line = 1
  #rest = ''
  #isTooLong = false

  /** The lines that end in this chunk. */
  push(chunk: string): Line[] {
    const parts = chunk.split('\n')
    const lines: Line[] = []
    for (const [index, part] of parts.entries()) {
      if (index > 0) lines.push(this.#end())
      this.#take(part)
    }
    return lines
  }

  /** The last line, when it has no end. */
  finish(): Line[] {
    return this.#rest === '' && !this.#isTooLong ? [] : [this.#end()]
  }

  #take(part: string): void {
    if (this.#rest.length + part.length > RECORD_CHARS_MAX) {
      this.#isTooLong = true
      this.#rest = ''
    }
    if (!this.#isTooLong) this.#rest += part
  }

  #end(): Line {
    const text = this.#isTooLong ? null : this.#rest.replace(/\r$/, '')
    const ended = { line: this.#line, text }
    this.#line += 1
    this.#rest = ''
    this.#isTooLong = false
    return ended
  }
}

/** RFC 4180 with any delimiter, and lenient: a quote within an unquoted field is text. */
export class CsvSplitter {
  readonly #delimiter: string
  readonly #lines = new LineSplitter()
  #pending: { readonly line: number; readonly text: string } | null = null

  constructor(delimiter: string) {
    this.#delimiter = delimiter
  }

  push(chunk: string): CsvRecord[] {
    return this.#records(this.#lines.push(chunk))
  }

  finish(): CsvRecord[] {
    const records = this.#records(this.#lines.finish())
    if (this.#pending !== null) records.push({ line: this.#pending.line, fields: null })
    this.#pending = null
    return records
  }

  #records(lines: readonly Line[]): CsvRecord[] {
    return lines.flatMap((line) => {
      const record = this.#read(line)
      return record === null ? [] : [record]
    })
  }

  #read({ line, text }: Line): CsvRecord | null {
    const pending = this.#pending
    const whole = pending === null ? text : text === null ? null : `${pending.text}\n${text}`
    const first = pending?.line ?? line
    this.#pending = null
    if (whole === null || whole.length > RECORD_CHARS_MAX) return { line: first, fields: null }
    const fields = splitFields(whole, this.#delimiter)
    if (fields !== null) return { line: first, fields }
    this.#pending = { line: first, text: whole }
    return null
  }
}

/** The fields of a record; null while a quoted field is open at its end. */
export function splitFields(record: string, delimiter: string): readonly string[] | null {
  if (!record.includes('"')) return record.split(delimiter)
  const fields: string[] = []
  let at = 0
  for (;;) {
    const field = record[at] === '"' ? quotedField(record, at) : plainField(record, at, delimiter)
    if (field === null) return null
    const end = record.indexOf(delimiter, field.end)
    // Text between a closing quote and the delimiter belongs to the field.
    const tail = record.slice(field.end, end === -1 ? record.length : end)
    fields.push(field.text + tail)
    if (end === -1) return fields
    at = end + delimiter.length
  }
}

interface Field {
  readonly text: string
  readonly end: number
}

function plainField(record: string, at: number, delimiter: string): Field {
  const end = record.indexOf(delimiter, at)
  const stop = end === -1 ? record.length : end
  return { text: record.slice(at, stop), end: stop }
}

function quotedField(record: string, at: number): Field | null {
  let text = ''
  let from = at + 1
  for (;;) {
    const quote = record.indexOf('"', from)
    if (quote === -1) return null
    text += record.slice(from, quote)
    if (record[quote + 1] !== '"') return { text, end: quote + 1 }
    text += '"'
    from = quote + 2
  }
}
