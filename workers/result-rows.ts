// What a handler returned, checked and cleaned before it leaves the worker: plain data that
// survives JSON and structured clone, and text that Postgres accepts.

import { LIMITS } from '../src/core/limits.js'
import type { Json, ResultRow, ResultRows } from '../src/core/outcome.js'
import type { SinkDefinition } from '../src/workflow/define.js'
import { WORKER_BOUNDS } from './bounds.js'

type Sinks = { readonly [sink: string]: SinkDefinition }

/** A handler's mistake, told to its author. */
class ResultError extends Error {
  override readonly name = 'ResultError'
}

/**
 * Text without NUL, which Postgres refuses, and without lone surrogates, which JSON cannot carry.
 */
export function cleanText(text: string): string {
  const whole = text.includes('\0') ? text.replaceAll('\0', '') : text
  return whole.replace(/\p{Surrogate}/gu, '\uFFFD')
}

/**
 * The rows to write, by sink. A column that is undefined becomes null.
 *
 * @throws {ResultError} naming sink, row and column of what cannot be written.
 */
export function checkResult(result: unknown, sinks: Sinks): ResultRows {
  if (!isPlain(result)) {
    throw new ResultError(
      `The handler returned ${wordFor(result)}, expected result rows by sink. ` +
        'Return {} when there is nothing to write.',
    )
  }
  const budget = { rows: 0, bytes: 0 }
  const rowsBySink: Record<string, readonly ResultRow[]> = {}
  for (const [name, rows] of Object.entries(result)) {
    const sink = Object.hasOwn(sinks, name) ? sinks[name] : undefined
    if (sink === undefined) throw unknownSink(name, sinks)
    if (!Array.isArray(rows)) {
      throw new ResultError(`Sink ${name} received ${wordFor(rows)}, expected a list of rows.`)
    }
    budget.rows += rows.length
    if (budget.rows > LIMITS.resultRowsMax) {
      throw new ResultError(`More than ${LIMITS.resultRowsMax} result rows for one item.`)
    }
    rowsBySink[name] = rows.map((row: unknown, index) => {
      return cleanRow(row, { sink, at: `${name}[${index}]`, budget })
    })
  }
  return rowsBySink
}

function unknownSink(name: string, sinks: Sinks): ResultError {
  const known = Object.keys(sinks).join(', ') || 'none'
  return new ResultError(
    `The handler returned rows for the unknown sink ${JSON.stringify(name.slice(0, 80))}; ` +
      `the workflow declares: ${known}.`,
  )
}

export interface Place {
  readonly at: string
  readonly budget: { bytes: number }
}

function cleanRow(row: unknown, place: Place & { readonly sink: SinkDefinition }): ResultRow {
  if (!isPlain(row)) throw new ResultError(`${place.at} is ${wordFor(row)}, expected a row.`)
  const clean: Record<string, Json> = {}
  for (const column of Object.keys(row)) {
    if (!Object.hasOwn(place.sink.columns, column)) {
      throw new ResultError(
        `${place.at} has the column ${JSON.stringify(column.slice(0, 80))}, ` +
          `which its sink does not declare (${Object.keys(place.sink.columns).join(', ')}).`,
      )
    }
    spend(place, column.length + 4)
    clean[column] = cleanCell(row[column], column, place)
  }
  return clean
}

/** Most values are scalars, for whose sake no place has to be named. */
function cleanCell(value: unknown, column: string, place: Place): Json {
  if (typeof value === 'string') return cleanString(value, place)
  if (Number.isFinite(value) || value === null) {
    spend(place, 5)
    return typeof value === 'number' ? value : null
  }
  return cleanValue(value, { at: `${place.at}.${column}`, budget: place.budget }, 0)
}

/** A value as plain data. Throws a `ResultError` for what is none, or too much of it. */
export function cleanValue(value: unknown, place: Place, depth: number): Json {
  if (typeof value === 'string') return cleanString(value, place)
  spend(place, 5)
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (depth >= WORKER_BOUNDS.valueDepthMax) {
    throw new ResultError(
      `${place.at} is nested deeper than ${WORKER_BOUNDS.valueDepthMax} levels.`,
    )
  }
  if (Array.isArray(value)) return value.map((entry) => cleanValue(entry, place, depth + 1))
  if (!isPlain(value)) {
    throw new ResultError(
      `${place.at} is ${wordFor(value)}, expected plain data: null, boolean, finite number, ` +
        'string, list or object. Send dates and big numbers as strings.',
    )
  }
  const entries = Object.entries(value).map(([key, entry]): [string, Json] => {
    return [cleanString(key, place), cleanValue(entry, place, depth + 1)]
  })
  return Object.fromEntries(entries)
}

function cleanString(text: string, place: Place): string {
  spend(place, Buffer.byteLength(text) + 3)
  return cleanText(text)
}

function spend(place: Place, bytes: number): void {
  place.budget.bytes += bytes
  if (place.budget.bytes > LIMITS.resultBytesMax) {
    throw new ResultError(`More than ${LIMITS.resultBytesMax} bytes of result rows for one item.`)
  }
}

function isPlain(value: unknown): value is { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function wordFor(value: unknown): string {
  if (value === null || value === undefined) return `${value}`
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return `the number ${value}`
  if (typeof value !== 'object') return `a ${typeof value}`
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== 'Object' ? `a ${name}` : 'an object'
}
