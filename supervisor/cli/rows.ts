// Result rows as text: CSV by RFC 4180, or a JSON object a line.

import { suggestion } from '../../config/suggest.js'
import { FetchyardError } from '../../src/core/errors.js'

export const ROW_FORMATS = ['csv', 'jsonl'] as const
export type RowFormat = (typeof ROW_FORMATS)[number]

export type ResultRecord = { readonly [column: string]: unknown }

/**
 * The format of an output: as named, or else by the file's extension; CSV for standard output.
 *
 * @throws {FetchyardError} USAGE for another format or extension.
 */
export function rowFormatOf(named: string | null, path: string | null): RowFormat {
  const extension = path === null ? 'csv' : (/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '')
  const word = named ?? (extension === 'ndjson' ? 'jsonl' : extension)
  const found = ROW_FORMATS.find((format) => format === word)
  if (found !== undefined) return found
  const what = named === null ? `Expected --output to end in .csv or .jsonl, got ${path}.` : ''
  throw new FetchyardError(
    'USAGE',
    what || `Expected --format to be csv or jsonl, got ${word}.${suggestion(word, ROW_FORMATS)}`,
  )
}

function fieldText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function csvField(value: unknown): string {
  const text = fieldText(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function csvLine(fields: readonly unknown[]): string {
  return `${fields.map(csvField).join(',')}\r\n`
}

/** What stands before the first row. */
export function rowsHead(format: RowFormat, columns: readonly string[]): string {
  return format === 'csv' ? csvLine(columns) : ''
}

export function rowsText(
  format: RowFormat,
  columns: readonly string[],
  rows: readonly ResultRecord[],
): string {
  if (format === 'jsonl') return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  return rows.map((row) => csvLine(columns.map((column) => row[column]))).join('')
}
