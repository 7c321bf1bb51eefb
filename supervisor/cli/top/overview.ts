// The first page: how the run stands, fifteen minutes of it, and what to look at.

import type { LiveState } from '../../../src/telemetry/merge-patch.js'
import { counts, group, list, num, word } from './fields.js'
import {
  type Point,
  showFigure,
  showMs,
  showRate,
  showShare,
  showSlots,
  sparkline,
  thinned,
} from './format.js'
import { bold, dim, green, type Line, red, type Span, yellow } from './lines.js'

export interface Topics {
  readonly [topic: string]: LiveState
}

const LABEL_COLUMNS = 10
const FIGURE_COLUMNS = 26
const SPARK_COLUMNS_MAX = 120

const label = (words: string): Span => dim(words.padEnd(LABEL_COLUMNS))

/** A row of figures, each with its name. */
const row = (...cells: readonly (readonly [name: string, figure: Span])[]): Line =>
  cells.flatMap(([name, figure]) => {
    const text = typeof figure === 'string' ? figure : figure.text
    const rest = ' '.repeat(Math.max(2, FIGURE_COLUMNS - LABEL_COLUMNS - [...text].length))
    return [label(name), figure, rest]
  })

/** Items that have ended, and all that there are. */
export function progressOf(stats: LiveState | undefined) {
  const of = (state: string) => num(stats, 'items', state) ?? 0
  const done = of('complete') + of('error') + of('cancelled')
  const all = done + of('queued') + of('processing') + of('delayed')
  return { done, all, share: all === 0 ? undefined : done / all }
}

/** Slots over all nodes; of this one where the supervisor is too old to know more. */
export function slotsOf(stats: LiveState | undefined) {
  const of = (field: string) => num(stats, 'cluster', 'slots', field) ?? num(stats, 'slots', field)
  return { active: of('active'), total: of('total') }
}

export function overview({ stats, history }: Topics, columns: number): readonly Line[] {
  return [...figureRows(stats), [], ...sparkRows(history, columns), [], ...problemRows(stats)]
}

function figureRows(stats: LiveState | undefined): readonly Line[] {
  const { done, all, share } = progressOf(stats)
  const slots = slotsOf(stats)
  const durations = (field: string) =>
    num(stats, 'cluster', 'durations', field) ?? num(stats, 'durations', field)
  return [
    [label('done'), bold(`${showFigure(done)} of ${showFigure(all)}`), `   ${showShare(share)}`],
    row(
      ['rate', bold(showRate(num(stats, 'ratePerSecond')))],
      ['errors', alarm(showRate(num(stats, 'errorsPerSecond')), num(stats, 'errorsPerSecond'))],
      ['ok', showShare(num(stats, 'completedRatio'))],
    ),
    row(
      ['in flight', showSlots(slots.active, slots.total)],
      ['queued', showFigure(num(stats, 'items', 'queued'))],
      ['delayed', showFigure(num(stats, 'items', 'delayed'))],
    ),
    row(
      ['oldest', showMs(num(stats, 'oldestQueuedMs'))],
      ['ETA', showMs(num(stats, 'etaMs'))],
      ['nodes', showFigure(num(stats, 'cluster', 'nodes'))],
    ),
    row(
      ['p50', showMs(durations('p50Ms'))],
      ['p95', showMs(durations('p95Ms'))],
      ['attempts', showRate(num(stats, 'cluster', 'attemptsPerSecond'))],
    ),
    row(
      ['failed', alarm(showFigure(num(stats, 'items', 'error')), num(stats, 'items', 'error'))],
      ['retried', showFigure(num(stats, 'retried'))],
      ['reclaimed', showFigure(num(stats, 'reclaimed'))],
    ),
    row(
      ['lost', verdict(num(stats, 'audit', 'lost'))],
      ['twice', verdict(num(stats, 'audit', 'appliedTwice'))],
      ['refetched', showFigure(num(stats, 'audit', 'fetchedAgain'))],
    ),
  ]
}

const alarm = (text: string, figure: number | undefined): Span =>
  figure === undefined || figure === 0 ? text : yellow(text)

/** What must be 0, as the last audit found it. */
function verdict(figure: number | undefined): Span {
  if (figure === undefined) return 'no audit'
  return figure === 0 ? green('0') : red(showFigure(figure))
}

const SPARKS = [
  ['items/s', 0, showRate],
  ['errors/s', 1, showRate],
  ['in flight', 2, showFigure],
  ['p95', 3, showMs],
] as const

function sparkRows(history: LiveState | undefined, columns: number): readonly Line[] {
  const seconds = Object.keys(history ?? {}).map(Number)
  const sorted = seconds.filter(Number.isFinite).sort((a, b) => a - b)
  const room = Math.min(SPARK_COLUMNS_MAX, columns - LABEL_COLUMNS - FIGURE_COLUMNS)
  return SPARKS.map(([name, at, show]) => {
    const points = sorted.map((second): Point => {
      const figure = Number(list(history, String(second))[at] ?? -1)
      return [second, figure < 0 ? null : figure]
    })
    const known = points.flatMap(([, figure]) => (figure === null ? [] : [figure]))
    const now = known.at(-1)
    const most = known.length === 0 ? undefined : Math.max(...known)
    const spark = sparkline(thinned(points, room), room).padStart(Math.max(0, room))
    return [label(name), spark, `  ${show(now)}`, dim(`  max ${show(most)}`)]
  })
}

function problemRows(stats: LiveState | undefined): readonly Line[] {
  const problems = list(stats, 'problems').map(String)
  const failures = counts(stats, 'cluster', 'failures').slice(0, 6)
  const words = failures.map(([code, count]) => `${code} ${showFigure(count)}`).join('  ')
  return [
    ...(problems.length === 0
      ? [[green('No problem.')]]
      : problems.map((problem): Line => [red('! '), problem])),
    ...(words === '' ? [] : [[label('failures'), words]]),
  ]
}

/** The state of the cluster, painted by how good it is. */
export function stateSpan(stats: LiveState | undefined): Span {
  const state = word(stats, 'state') ?? 'unknown'
  if (['running', 'idle', 'waiting'].includes(state)) return green(state)
  return ['fenced', 'held', 'halt'].includes(state) ? red(state) : yellow(state)
}

/** The name of the node that tells. */
export function selfName(topics: Topics): string {
  const self = group(topics.nodes).find(([, node]) => node.isSelf === true)
  return self === undefined ? '' : (word(self[1], 'name') ?? '')
}
