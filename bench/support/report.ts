// How a benchmark tells its figures: a table for people, or one JSON object.

import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { Machine } from './measure.js'
import { formatTable } from './measure.js'

export interface Report {
  readonly title: string
  readonly machine: Machine
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Sentences below the table. */
  readonly notes: readonly string[]
  /** Every measured figure, for `--json`. */
  readonly figures: unknown
}

export function printReport(report: Report, isJson: boolean): void {
  const { title, machine, head, rows, notes, figures } = report
  const load = loadavg().map((value) => value.toFixed(1))
  if (isJson) {
    process.stdout.write(`${JSON.stringify({ title, machine, load, figures })}\n`)
    return
  }
  const { cores, cpu, memoryGiB, system, node, postgres } = machine
  const on = `${cores} cores (${cpu}), ${memoryGiB} GiB, ${system}, Node ${node}, ${postgres}`
  const lines = [title, '', formatTable(head, rows), '', ...notes, '', `On ${on}.`]
  process.stdout.write(`${lines.join('\n')}\nLoad averages at the end: ${load.join(', ')}.\n`)
}

/** A line for who waits. */
export function say(words: string): void {
  process.stderr.write(`${words}\n`)
}

/**
 * Reads `--name value` for whole numbers, and flags without a value such as `--json`.
 *
 * @throws when a value is no whole number of at least 1.
 */
export function readNumbers<Name extends string>(
  defaults: Readonly<Record<Name, number>>,
  texts: readonly string[] = [],
  flags: readonly string[] = [],
): {
  numbers: Record<Name, number>
  text: (name: string) => string | null
  has: (flag: string) => boolean
  isJson: boolean
} {
  const strings = [...Object.keys(defaults), ...texts]
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(strings.map((name) => [name, { type: 'string' as const }])),
      ...Object.fromEntries(flags.map((name) => [name, { type: 'boolean' as const }])),
      json: { type: 'boolean', default: false },
    },
  })
  const given = new Map<string, unknown>(Object.entries(values))
  const numbers: Record<Name, number> = { ...defaults }
  for (const name in defaults) {
    const value = given.get(name)
    if (typeof value === 'string') numbers[name] = wholeNumber(name, value)
  }
  return {
    numbers,
    text: (name) => {
      const value = given.get(name)
      return typeof value === 'string' ? value : null
    },
    has: (flag) => given.get(flag) === true,
    isJson: given.get('json') === true,
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1) return value
  throw new Error(`Expected --${name} to be a whole number of at least 1, got ${text}.`)
}
