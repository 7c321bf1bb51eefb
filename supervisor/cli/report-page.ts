// The final report as one HTML file: nothing is loaded from anywhere, nothing in it runs, and every
// word of foreign origin is text.

import { OUTCOME_CODES, OUTCOMES } from '../../src/core/outcome.js'
import { adviseOn } from '../../src/core/run-advice.js'
import type { HostFigures, Percentiles, RunDetails } from '../../src/core/run-details.js'
import { printable } from '../../src/telemetry/redact.js'
import { ratesOf, showHost, showMs, slotWords } from './detail-lines.js'
import { showCount, showSeconds } from './progress.js'
import type { SpendFigures } from './report.js'

/** What a page shows of a run. */
export interface PageFigures {
  readonly details: RunDetails
  readonly spent: SpendFigures
  readonly lost: number
  readonly appliedTwice: number
  readonly madeAt: string
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text for HTML, with control characters shown instead of obeyed. */
function esc(text: string | number): string {
  return printable(String(text)).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --ok: #2a8a4a; --bad: #c0392b; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 2rem; padding: 0; list-style: none; }
.figures b { display: block; font-size: 1.3rem; }
svg { width: 100%; height: 8rem; } .ok { fill: var(--ok); } .bad { fill: var(--bad); }
.bar { background: var(--ok); height: .8rem; display: block; }
`

const CHART_HEIGHT = 100

/** Bars of the rate: what failed stands on what was completed. */
function chart(details: RunDetails): string {
  const { ok, failed } = ratesOf(details)
  const most = Math.max(...ok.map((own, index) => own + (failed[index] ?? 0)), 0)
  if (most === 0) return '<p>No item ended.</p>'
  const height = (perSecond: number) => (CHART_HEIGHT * perSecond) / most
  const bars = ok.map((own, index) => {
    const [good, bad] = [height(own), height(failed[index] ?? 0)]
    const bar = (kind: string, top: number, tall: number) =>
      `<rect class="${kind}" x="${index + 0.1}" width=".8" y="${(CHART_HEIGHT - top).toFixed(2)}" ` +
      `height="${tall.toFixed(2)}"/>`
    return `${bar('ok', good, good)}${bar('bad', good + bad, bad)}`
  })
  const words = `at most ${most.toFixed(1)} items/s over ${showSeconds(details.workedMs / 1_000)}`
  return (
    `<svg viewBox="0 0 ${ok.length} ${CHART_HEIGHT}" preserveAspectRatio="none" role="img" ` +
    `aria-label="${esc(words)}">${bars.join('')}</svg><p>${esc(words)}</p>`
  )
}

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const head = heads.map((own) => `<th scope="col">${esc(own)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.map((own) => `<td>${esc(own)}</td>`).join('')}</tr>`)
  return `<table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`
}

function section(title: string, body: string): string {
  return `<section><h2>${esc(title)}</h2>${body}</section>`
}

function meaningOf(code: string): string {
  const known = OUTCOME_CODES.find((own) => own === code)
  return known === undefined ? '' : OUTCOMES[known].meaning
}

function outcomeTable({ outcomes }: RunDetails): string {
  const rows = outcomes.map(({ status, code, items }) => [
    ...[status, code, showCount(items), meaningOf(code)],
  ])
  return table(['ended as', 'code', 'items', 'meaning'], rows)
}

function percentileTable({ attempt, latency }: RunDetails): string {
  const row = (name: string, own: Percentiles) => [
    ...[name, showMs(own.p50Ms), showMs(own.p90Ms), showMs(own.p95Ms)],
    ...[showMs(own.p99Ms), showMs(own.maxMs)],
  ]
  const heads = ['completed items', 'p50', 'p90', 'p95', 'p99', 'most']
  return table(heads, [row('attempt', attempt), row('selection to result', latency)])
}

function hostTable(hosts: readonly HostFigures[]): string {
  const rows = hosts.map(({ host, items, failed, p50Ms, p95Ms }) => [
    ...[showHost(host), showCount(items), showCount(failed), showMs(p50Ms), showMs(p95Ms)],
  ])
  return table(['host', 'items', 'failed', 'p50', 'p95'], rows)
}

function tryTable({ tries }: RunDetails): string {
  const most = Math.max(...tries.map(({ items }) => items), 1)
  const rows = tries.map(({ attempts, items }) => {
    const width = ((100 * items) / most).toFixed(1)
    return (
      `<tr><td>${attempts}</td><td>${esc(showCount(items))}</td>` +
      `<td style="width:60%"><span class="bar" style="width:${width}%"></span></td></tr>`
    )
  })
  return `<table><thead><tr><th scope="col">attempts</th><th scope="col">items</th><td></td></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function spendTable({ calls, credits, useful, failed, crashed, unsure }: SpendFigures): string {
  return table(
    ['', 'credits'],
    [
      ['all', showCount(credits)],
      ['for pages', showCount(useful)],
      ['lost to failures', showCount(failed)],
      ['lost to crashes', showCount(crashed)],
      ['of them at most, not known', showCount(unsure)],
      ['calls', showCount(calls)],
    ],
  )
}

function figureList(page: PageFigures): string {
  const { details, lost, appliedTwice } = page
  const sum = (status: string) =>
    details.outcomes.filter((own) => own.status === status).reduce((all, own) => all + own.items, 0)
  const figures: readonly (readonly [string, string])[] = [
    ['items', showCount(details.items)],
    ['completed', showCount(sum('success'))],
    ['failed', showCount(sum('error'))],
    ['still open', showCount(details.open)],
    ['worked', showSeconds(details.workedMs / 1_000)],
    ['slots', slotWords(details)],
    ['tried again', showCount(details.retried)],
    ['fetched again, at most', showCount(details.reclaimed)],
    ['lost', showCount(lost)],
    ['applied twice', showCount(appliedTwice)],
  ]
  const shown = figures.map(([name, value]) => `<li><b>${esc(value)}</b>${esc(name)}</li>`)
  return `<ul class="figures">${shown.join('')}</ul>`
}

function advice(details: RunDetails): string {
  const found = adviseOn(details)
  if (found.length === 0) return '<p>Nothing needs to be done.</p>'
  return `<ul>${found.map((words) => `<li>${esc(words)}</li>`).join('')}</ul>`
}

/** The whole document. */
export function reportPage(page: PageFigures): string {
  const { details, spent, madeAt } = page
  const { workflow, run, startedAt, endedAt, slowest, worst } = details
  const title = esc(`${workflow}, run ${run}`)
  const sections = [
    section('What to do next', advice(details)),
    section('Rate over time', chart(details)),
    section('Outcomes', outcomeTable(details)),
    section('Durations', percentileTable(details)),
    section('Attempts that items took', tryTable(details)),
    ...(slowest.length > 0 ? [section('Slowest hosts', hostTable(slowest))] : []),
    ...(worst.length > 0 ? [section('Worst hosts', hostTable(worst))] : []),
    ...(spent.calls > 0 ? [section('Credits', spendTable(spent))] : []),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
<p>Started ${esc(startedAt)}, last end ${esc(endedAt ?? 'none yet')}, written ${esc(madeAt)}.</p>
${figureList(page)}
${sections.join('\n')}
</body>
</html>
`
}
