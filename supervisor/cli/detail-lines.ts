// What is known of a run beyond its counts, as lines for a terminal.

import { adviseOn } from '../../src/core/run-advice.js'
import type { HostFigures, Percentiles, RatePart, RunDetails } from '../../src/core/run-details.js'
import { slotShareOf } from '../../src/core/run-details.js'
import { printable } from '../../src/telemetry/redact.js'
import { showCount, showSeconds } from './progress.js'
import { tableLines } from './table.js'

const BLOCKS = '▁▂▃▄▅▆▇█'
const BAR_CELLS = 30
const HOST_COLUMNS = 60

/** Heights of figures as one line; what is nothing is a space. */
export function sparkline(figures: readonly number[]): string {
  const most = Math.max(...figures, 0)
  return figures
    .map((figure) => {
      if (figure <= 0) return ' '
      return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor((BLOCKS.length * figure) / most))]
    })
    .join('')
}

/** A duration as people read it: milliseconds below a second, then one place. */
export function showMs(durationMs: number | null): string {
  if (durationMs === null) return '-'
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`
  if (durationMs < 60_000) return `${(durationMs / 1_000).toFixed(1)} s`
  return showSeconds(durationMs / 1_000)
}

/** Items a second in each part of the run. */
export function ratesOf({ rate, workedMs }: Pick<RunDetails, 'rate' | 'workedMs'>) {
  const partS = Math.max(workedMs, 1) / 1_000 / Math.max(rate.length, 1)
  const perSecond = (figure: (part: RatePart) => number) => rate.map((part) => figure(part) / partS)
  return { ok: perSecond(({ ok }) => ok), failed: perSecond(({ failed }) => failed) }
}

function rateLines(details: RunDetails): readonly string[] {
  if (details.workedMs === 0) return []
  const { ok, failed } = ratesOf(details)
  const all = ok.map((own, index) => own + (failed[index] ?? 0))
  const most = Math.max(...all)
  return [
    `Rate over ${showSeconds(details.workedMs / 1_000)}, at most ${most.toFixed(1)} items/s`,
    `  ended   ${sparkline(all)}`.trimEnd(),
    ...(failed.some((own) => own > 0) ? [`  failed  ${sparkline(failed)}`.trimEnd()] : []),
    '',
  ]
}

const PERCENTILES = [
  ['p50', 'p50Ms'],
  ['p90', 'p90Ms'],
  ['p95', 'p95Ms'],
  ['p99', 'p99Ms'],
  ['most', 'maxMs'],
] as const

function durationLines({ attempt, latency }: RunDetails): readonly string[] {
  if (attempt.p50Ms === null) return []
  const row = (name: string, own: Percentiles) => [
    name,
    ...PERCENTILES.map(([, key]) => showMs(own[key])),
  ]
  const heads = ['completed items', ...PERCENTILES.map(([name]) => name)]
  const rows = [row('attempt', attempt), row('selection to result', latency)]
  return [...tableLines(heads, rows), '']
}

function tryLines({ tries }: RunDetails): readonly string[] {
  const most = Math.max(...tries.map(({ items }) => items))
  if (tries.length < 2) return []
  const width = Math.max(...tries.map(({ items }) => showCount(items).length))
  return [
    'Items by the attempts that they took',
    ...tries.map(({ attempts, items }) => {
      const bar = '█'.repeat(Math.max(1, Math.round((BAR_CELLS * items) / most)))
      return `  ${String(attempts).padStart(2)}  ${showCount(items).padStart(width)}  ${bar}`
    }),
    '',
  ]
}

/** Hosts come from URLs that anybody may have written. */
export function showHost(host: string): string {
  const shown = printable(host)
  return shown.length <= HOST_COLUMNS ? shown : `${shown.slice(0, HOST_COLUMNS - 1)}…`
}

function hostLines(title: string, hosts: readonly HostFigures[]): readonly string[] {
  if (hosts.length === 0) return []
  const rows = hosts.map(({ host, items, failed, p50Ms, p95Ms }) => [
    ...[showHost(host), items, failed, showMs(p50Ms), showMs(p95Ms)],
  ])
  return [...tableLines([title, 'items', 'failed', 'p50', 'p95'], rows), '']
}

function nextLines(details: RunDetails): readonly string[] {
  const advice = adviseOn(details)
  if (advice.length === 0) return []
  return ['What to do next', ...advice.map((words) => `  - ${printable(words)}`), '']
}

/** How busy the slots were over all commands that worked the run. */
export function slotWords({ stretches }: Pick<RunDetails, 'stretches'>): string {
  const share = slotShareOf(stretches)
  return share === null ? 'not known' : `${(100 * share).toFixed(0)} % busy`
}

/** Parts with an empty line between them. */
export function detailLines(details: RunDetails): readonly string[] {
  const lines = [
    ...rateLines(details),
    ...durationLines(details),
    ...tryLines(details),
    ...hostLines('slowest hosts', details.slowest),
    ...hostLines('worst hosts', details.worst),
    ...nextLines(details),
  ]
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}
