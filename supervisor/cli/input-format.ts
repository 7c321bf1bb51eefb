// What the text of an input is: lines of URLs, CSV or JSONL; and where in a record its URL stands.

import { LIMITS } from '../../src/core/limits.js'
import { parseUrl } from '../../src/core/parse-url.js'
import type { CsvRecord, Line } from './records.js'
import { splitFields } from './records.js'

export type InputFormat = 'lines' | 'csv' | 'jsonl'

/** A URL of the input, or what is wrong with a line of it. */
export type InputEntry =
  | { readonly line: number; readonly url: string; readonly problem?: never }
  | { readonly line: number; readonly problem: string; readonly url?: never }

const DELIMITERS = [',', ';', '\t'] as const
const URL_COLUMN = 'url'
const SHOWN_CHARS = 80

/** By the name of the file, or else by its first line. */
export function formatOf(name: string, firstLine: string): InputFormat {
  if (/\.(jsonl|ndjson)(\.gz)?$/i.test(name)) return 'jsonl'
  if (/\.(csv|tsv)(\.gz)?$/i.test(name)) return 'csv'
  if (firstLine.trimStart().startsWith('{')) return 'jsonl'
  const fields = splitFields(firstLine, delimiterOf(firstLine)) ?? []
  return fields.length > 1 && urlColumnOf(fields) !== null ? 'csv' : 'lines'
}

/** The delimiter that a first line has most of. */
export function delimiterOf(firstLine: string): string {
  const counts = DELIMITERS.map((delimiter) => firstLine.split(delimiter).length - 1)
  const most = Math.max(...counts)
  return DELIMITERS[counts.indexOf(most)] ?? ','
}

function urlColumnOf(header: readonly string[]): number | null {
  const column = header.findIndex((field) => field.trim().toLowerCase() === URL_COLUMN)
  return column === -1 ? null : column
}

function isWebUrl(text: string): boolean {
  return /^https?:\/\//i.test(text.trim())
}

/** Checks one URL. It is kept as it was written: that is how its user will look for it. */
function readUrl(line: number, given: string): InputEntry {
  const url = given.trim()
  const shown = JSON.stringify(url.slice(0, SHOWN_CHARS))
  if (url.length > LIMITS.urlMax) {
    return { line, problem: `longer than ${LIMITS.urlMax} characters: ${shown}` }
  }
  if (/[\s\0]/.test(url)) return { line, problem: `no URL, it has spaces: ${shown}` }
  if (!isWebUrl(url)) return { line, problem: `no http or https URL: ${shown}` }
  if (parseUrl(url) === null) return { line, problem: `no URL: ${shown}` }
  return { line, url }
}

const TOO_LONG = 'too long to be read, or a quote in it is never closed'

export function readLine({ line, text }: Line): InputEntry | null {
  if (text === null) return { line, problem: TOO_LONG }
  return text.trim() === '' ? null : readUrl(line, text)
}

export function readJsonLine({ line, text }: Line): InputEntry | null {
  if (text === null) return { line, problem: TOO_LONG }
  if (text.trim() === '') return null
  const value = parseJson(text)
  if (typeof value === 'string') return readUrl(line, value)
  if (typeof value !== 'object' || value === null) {
    return { line, problem: `no JSON object: ${JSON.stringify(text.slice(0, SHOWN_CHARS))}` }
  }
  if (!('url' in value) || typeof value.url !== 'string') {
    return { line, problem: 'no text in the field `url`' }
  }
  return readUrl(line, value.url)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads CSV records. Its first ones decide which column holds the URL. */
export class CsvReader {
  #column: number | null = null
  #isFirst = true

  read({ line, fields }: CsvRecord): InputEntry | null {
    const isFirst = this.#isFirst
    this.#isFirst = false
    if (fields === null) return { line, problem: TOO_LONG }
    if (fields.every((field) => field.trim() === '')) return null
    if (isFirst && this.#isHeader(fields)) return null
    this.#column ??= this.#guess(fields)
    const value = this.#column === null ? undefined : fields[this.#column]
    if (value === undefined || value.trim() === '') {
      return { line, problem: 'no column holds a URL' }
    }
    return readUrl(line, value)
  }

  #isHeader(fields: readonly string[]): boolean {
    this.#column = urlColumnOf(fields)
    return this.#column !== null || !fields.some(isWebUrl)
  }

  #guess(fields: readonly string[]): number | null {
    const column = fields.findIndex(isWebUrl)
    if (column !== -1) return column
    return fields.length === 1 ? 0 : null
  }
}
