import { availableParallelism, cpus, release, totalmem } from 'node:os'

export { cpuSeconds, postmasterPid, pssBytes, rssBytes } from './process-tree.js'

/** Repeated measurements of one figure. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @throws when there is nothing to describe. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((left, right) => left - right)
  const at = (position: number): number => sorted[position] ?? Number.NaN
  if (sorted.length === 0) throw new Error('Expected at least one value, got none.')
  const half = (sorted.length - 1) / 2
  return {
    median: (at(Math.floor(half)) + at(Math.ceil(half))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  }
}

export function formatSpread(spread: Spread, digits = 1): string {
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) =>
    value.toFixed(digits),
  )
  return `${median} (${min} to ${max})`
}

/** A table in Markdown, its columns as wide as their widest cell. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const lines = [head, ...rows].map((row) => head.map((_name, at) => String(row[at] ?? '')))
  const widths = head.map((_name, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0), 3))
  const draw = (line: readonly string[]): string =>
    `| ${widths.map((width, at) => (line[at] ?? '').padEnd(width)).join(' | ')} |`
  const rule = widths.map((width) => '-'.repeat(width))
  const [first = [], ...rest] = lines
  return [draw(first), draw(rule), ...rest.map(draw)].join('\n')
}

/** What a figure was measured on; without it no figure means anything. */
export interface Machine {
  readonly cores: number
  readonly cpu: string
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  /** As the server names itself; null when the benchmark used no database. */
  readonly postgres: string | null
}

export function describeMachine(postgresVersion: string | null = null): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    postgres: postgresVersion,
  }
}
