import { lineChart, writeChart } from '../support/chart.js'
import { spreadOf } from '../support/measure.js'

/** A statement, and how much was done before it. */
export interface Sample {
  readonly done: number
  readonly ms: number
  readonly items: number
}

/** One drain. */
export interface Size {
  readonly items: number
  readonly isHeld: boolean
  readonly seconds: number
  readonly serverCpuSeconds: number
  readonly walBytes: number
  readonly leases: readonly Sample[]
  readonly settles: readonly Sample[]
  /** Items enqueued a second, by slices. */
  readonly fillRates: readonly number[]
  /** To free what a node leased by one statement and died with. */
  readonly reclaimMs: number
  /** A sweep that finds nothing, after the drain. */
  readonly idleSweepMs: number
}

const TENTHS = 10
const MICROSECONDS = 1e6

/** Median time of an item, in microseconds, in one part of a drain. */
function partOf(samples: readonly Sample[], items: number, part: number, parts: number): number {
  const inPart = samples.filter(({ done }) => Math.floor((done * parts) / items) === part)
  if (inPart.length === 0) return Number.NaN
  return spreadOf(inPart.map(({ ms, items: count }) => (ms * 1_000) / count)).median
}

/** What the last tenth costs, in times of the first. */
function growthOf(samples: readonly Sample[], items: number): string {
  const first = partOf(samples, items, 0, TENTHS)
  const last = partOf(samples, items, TENTHS - 1, TENTHS)
  const ratio = last / first
  return Number.isNaN(ratio) ? '' : `${first.toFixed(1)}, ${last.toFixed(1)}: ${ratio.toFixed(2)}`
}

function enqueueGrowth(rates: readonly number[]): string {
  const tenth = Math.max(1, Math.floor(rates.length / TENTHS))
  const first = spreadOf(rates.slice(0, tenth)).median
  const last = spreadOf(rates.slice(-tenth)).median
  return `${first.toFixed(0)}, ${last.toFixed(0)}`
}

/** The rate of a held drain over that of the free one before it. */
function ofFree(size: Size, all: readonly Size[]): string {
  const free = all.find(({ items, isHeld }) => items === size.items && !isHeld)
  return size.isHeld && free !== undefined ? (free.seconds / size.seconds).toFixed(2) : ''
}

/** The table of a report. */
export function reportGrowth(measured: readonly Size[]) {
  return {
    head: [
      ...['queued', 'horizon', 'items/s', 'held / free', 'lease, us an item: first, last tenth'],
      ...['settle, us an item', 'server CPU, us an item', 'WAL bytes an item', 'enqueued/s'],
      ...['reclaim of 2,048 items, ms', 'sweep that finds nothing, ms'],
    ],
    rows: measured.map((size) => [
      String(size.items),
      size.isHeld ? 'held' : 'free',
      (size.items / size.seconds).toFixed(0),
      ofFree(size, measured),
      growthOf(size.leases, size.items),
      growthOf(size.settles, size.items),
      ((size.serverCpuSeconds * MICROSECONDS) / size.items).toFixed(1),
      (size.walBytes / size.items).toFixed(0),
      enqueueGrowth(size.fillRates),
      size.reclaimMs.toFixed(1),
      size.idleSweepMs.toFixed(1),
    ]),
    notes: [
      'Two figures are medians of the first and the last tenth of a drain; the third is their ratio.',
      'Aims: 0.95 of the free rate with the horizon held; last tenth of a lease within 1.1 of the first.',
    ],
  }
}

const CHART_PARTS = 20

/** Redraws the picture of the largest size. */
export function chartGrowth(measured: readonly Size[]): void {
  const items = Math.max(...measured.map((size) => size.items))
  const series = measured
    .filter((size) => size.items === items)
    .flatMap((size) =>
      (['leases', 'settles'] as const).map((kind) => ({
        name: `${kind === 'leases' ? 'lease' : 'settle'}, horizon ${size.isHeld ? 'held' : 'free'}`,
        points: Array.from(
          { length: CHART_PARTS },
          (_, part) =>
            [
              ((part + 0.5) * items) / CHART_PARTS,
              partOf(size[kind], items, part, CHART_PARTS),
            ] as const,
        ).filter(([, us]) => Number.isFinite(us)),
      })),
    )
  writeChart(
    'queue-growth',
    lineChart({
      title: 'Time of lease and settle while a queue is drained to its end',
      x: { label: 'items drained' },
      y: { label: 'microseconds an item' },
      series,
    }),
  )
}
