import { barChart, writeChart } from '../support/chart.js'
import { formatSpread, type Spread, spreadOf } from '../support/measure.js'
import type { Contender, Run } from './run-contender.js'

/** The peer that others are measured by. */
const YARDSTICK = 'graphile-worker'
const MICROSECONDS = 1e6

interface Figure {
  readonly of: (run: Run) => number
  readonly digits: number
}

const FIGURES = {
  rate: { of: (run) => run.items / run.seconds, digits: 0 },
  client: { of: (run) => (run.clientCpuSeconds * 10_000) / run.items, digits: 3 },
  server: { of: (run) => (run.serverCpuSeconds * 10_000) / run.items, digits: 3 },
  log: { of: (run) => run.logBytes / run.items, digits: 0 },
  fill: { of: (run) => run.items / run.fillSeconds, digits: 0 },
} as const satisfies Record<string, Figure>

function spreadOfRuns(runs: readonly Run[], name: string, figure: Figure): Spread | null {
  const values = runs.filter((run) => run.contender === name).map(figure.of)
  return values.length === 0 ? null : spreadOf(values)
}

/** A contender's rate over the yardstick's of the same round. */
function ratioOf(runs: readonly Run[], name: string): Spread | null {
  const own = runs.filter((run) => run.contender === name)
  const others = runs.filter((run) => run.contender === YARDSTICK)
  if (own.length === 0 || own.length !== others.length) return null
  const rate = FIGURES.rate.of
  return spreadOf(own.map((run, round) => rate(run) / rate(others[round] ?? run)))
}

const cell = (spread: Spread | null, digits: number): string =>
  spread === null ? '' : formatSpread(spread, digits)

/** The table of a report. */
export function reportQueue(contenders: readonly Contender[], runs: readonly Run[]) {
  const figure = (name: string, key: keyof typeof FIGURES): string =>
    cell(spreadOfRuns(runs, name, FIGURES[key]), FIGURES[key].digits)
  return {
    head: [
      ...['', 'jobs/s', `of ${YARDSTICK}`, 'client CPU s / 10,000', 'server CPU s / 10,000'],
      ...['log bytes a job', 'enqueued/s'],
    ],
    rows: contenders.map(({ name }) => [
      name,
      figure(name, 'rate'),
      cell(ratioOf(runs, name), 2),
      ...(['client', 'server', 'log', 'fill'] as const).map((key) => figure(name, key)),
    ]),
    notes: [
      'Median (lowest to highest) of the rounds. The log is the WAL, or the append-only file of Redis.',
      'Aims: store 2.0 and whole path 1.0 of graphile-worker; server CPU 0.1 s; 180 bytes of WAL.',
    ],
  }
}

/** Redraws the pictures. */
export function chartQueue(contenders: readonly Contender[], runs: readonly Run[]): void {
  const chart = (figure: Figure, of: { file: string; title: string; label: string }): void => {
    const bars = contenders.flatMap(({ name, isOurs }) => {
      const spread = spreadOfRuns(runs, name, figure)
      if (spread === null) return []
      const { median, min, max } = spread
      return [{ name, value: median, spread: [min, max] as const, isOurs }]
    })
    writeChart(of.file, barChart({ title: of.title, x: { label: of.label }, bars }))
  }
  const rates = { ...FIGURES.rate }
  chart(rates, {
    file: 'queue-rates',
    title: 'Jobs that do nothing, a second',
    label: 'jobs a second',
  })
  chart(
    { of: (run) => (run.serverCpuSeconds * MICROSECONDS) / run.items, digits: 1 },
    {
      file: 'queue-server-cpu',
      title: 'CPU time of the database for a job',
      label: 'microseconds',
    },
  )
  chart(FIGURES.log, {
    file: 'queue-log-bytes',
    title: 'Log written for a job',
    label: 'bytes',
  })
}
