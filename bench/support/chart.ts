// Charts of benchmarks as SVG, without a library. Every mark has its figure in a title, so that the
// picture can be read by those who cannot see it.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { niceTicks, type Ticks } from './ticks.js'

export interface Axis {
  readonly label: string
  /** Equal distances for equal ratios. @default false */
  readonly isLog?: boolean
}

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface LineChart {
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
}

export interface Bar {
  readonly name: string
  readonly value: number
  /** Lowest and highest of the rounds, drawn as a whisker. */
  readonly spread?: readonly [min: number, max: number]
  /** Drawn in the strong colour. @default false */
  readonly isOurs?: boolean
}

export interface BarChart {
  readonly title: string
  /** What the bars measure. */
  readonly x: Axis
  readonly bars: readonly Bar[]
}

const WIDTH = 720
const FONT = 'font-family="system-ui, sans-serif"'
const INK = '#1f2933'
const FAINT = '#d8dee4'
const COLOURS = ['#0b6bcb', '#c2410c', '#15803d', '#7c3aed', '#a16207', '#475569'] as const
const PLAIN_BAR = '#8fa3b5'

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function text(
  words: string,
  at: { x: number; y: number; anchor?: 'start' | 'middle' | 'end'; size?: number; turn?: boolean },
): string {
  const { x, y, anchor = 'start', size = 12, turn = false } = at
  const turned = turn ? ` transform="rotate(-90 ${x} ${y})"` : ''
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}" fill="${INK}"${turned}>${escapeText(words)}</text>`
}

function line(from: readonly [number, number], to: readonly [number, number], colour: string) {
  return `<line x1="${round(from[0])}" y1="${round(from[1])}" x2="${round(to[0])}" y2="${round(to[1])}" stroke="${colour}"/>`
}

const round = (value: number): number => Math.round(value * 10) / 10

function svg(title: string, height: number, parts: readonly string[]): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" ${FONT}>`
  const ground = `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`
  const name = text(title, { x: 16, y: 26, size: 15 })
  return [head, `<title>${escapeText(title)}</title>`, ground, name, ...parts, '</svg>', ''].join(
    '\n',
  )
}

/** Where a value stands between two edges of the picture. */
function scaleOf(ticks: Ticks, edges: readonly [number, number]): (value: number) => number {
  const place = (value: number) => (ticks.isLog ? Math.log10(value) : value)
  const [from, to] = [place(ticks.min), place(ticks.max)]
  return (value) => edges[0] + ((place(value) - from) / (to - from)) * (edges[1] - edges[0])
}

const LEFT = 72
const RIGHT = WIDTH - 24
const PLOT = { top: 44, bottom: 320 }

function legend(series: readonly Series[]): readonly string[] {
  return series.map(({ name }, index) => {
    const y = PLOT.bottom + 62 + index * 18
    const swatch = `<rect x="${LEFT}" y="${y - 9}" width="14" height="10" fill="${colourOf(index)}"/>`
    return swatch + text(name, { x: LEFT + 20, y })
  })
}

const colourOf = (index: number): string => COLOURS[index % COLOURS.length] ?? INK

/** @returns the chart as the text of an SVG file. */
export function lineChart({ title, x, y, series }: LineChart): string {
  const points = series.flatMap((one) => one.points)
  const xTicks = niceTicks(
    points.map(([value]) => value),
    x.isLog ?? false,
  )
  const yTicks = niceTicks(
    points.map(([, value]) => value),
    y.isLog ?? false,
  )
  const toX = scaleOf(xTicks, [LEFT, RIGHT])
  const toY = scaleOf(yTicks, [PLOT.bottom, PLOT.top])
  const grid = [
    ...xTicks.at.map(
      (value) =>
        line([toX(value), PLOT.top], [toX(value), PLOT.bottom], FAINT) +
        text(xTicks.format(value), { x: round(toX(value)), y: PLOT.bottom + 18, anchor: 'middle' }),
    ),
    ...yTicks.at.map(
      (value) =>
        line([LEFT, toY(value)], [RIGHT, toY(value)], FAINT) +
        text(yTicks.format(value), { x: LEFT - 8, y: round(toY(value)) + 4, anchor: 'end' }),
    ),
    text(x.label, { x: (LEFT + RIGHT) / 2, y: PLOT.bottom + 38, anchor: 'middle' }),
    text(y.label, { x: 18, y: (PLOT.top + PLOT.bottom) / 2, anchor: 'middle', turn: true }),
  ]
  const drawn = series.map((one, index) => {
    const colour = colourOf(index)
    const places = one.points.map(([px, py]) => [round(toX(px)), round(toY(py))] as const)
    const path = places.map(([px, py]) => `${px},${py}`).join(' ')
    const dots = places.map(([px, py], at) => {
      const [valueX = 0, valueY = 0] = one.points[at] ?? []
      const words = `${one.name}: ${xTicks.format(valueX)}, ${yTicks.format(valueY)}`
      return `<circle cx="${px}" cy="${py}" r="3" fill="${colour}"><title>${escapeText(words)}</title></circle>`
    })
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`
  })
  const height = PLOT.bottom + 62 + series.length * 18
  return svg(title, height, [...grid, ...drawn, ...legend(series)])
}

const BAR = { left: 220, right: WIDTH - 96, top: 44, height: 20, pitch: 30 } as const

/** Horizontal bars from zero. @returns the chart as the text of an SVG file. */
export function barChart({ title, x, bars }: BarChart): string {
  const highest = bars.flatMap(({ value, spread }) => [value, spread?.[1] ?? value])
  const ticks = niceTicks(x.isLog === true ? highest : [0, ...highest], x.isLog ?? false)
  const toX = scaleOf(ticks, [BAR.left, BAR.right])
  const bottom = BAR.top + bars.length * BAR.pitch
  const grid = ticks.at.map(
    (value) =>
      line([toX(value), BAR.top], [toX(value), bottom], FAINT) +
      text(ticks.format(value), { x: round(toX(value)), y: bottom + 18, anchor: 'middle' }),
  )
  const drawn = bars.map(({ name, value, spread = [value, value], isOurs = false }, index) => {
    const y = BAR.top + index * BAR.pitch + (BAR.pitch - BAR.height) / 2
    const middle = y + BAR.height / 2
    const [from, to] = [toX(spread[0]), toX(spread[1])]
    const words = `${name}: ${ticks.format(value)} (${ticks.format(spread[0])} to ${ticks.format(spread[1])})`
    return [
      text(name, { x: BAR.left - 8, y: middle + 4, anchor: 'end' }),
      `<rect x="${BAR.left}" y="${y}" width="${round(Math.max(0, toX(value) - BAR.left))}" height="${BAR.height}" fill="${isOurs ? COLOURS[0] : PLAIN_BAR}"><title>${escapeText(words)}</title></rect>`,
      from === to ? '' : line([from, middle], [to, middle], INK),
      text(ticks.format(value), { x: round(Math.max(to, toX(value))) + 6, y: middle + 4 }),
    ].join('')
  })
  const label = text(x.label, { x: (BAR.left + BAR.right) / 2, y: bottom + 38, anchor: 'middle' })
  return svg(title, bottom + 54, [...grid, ...drawn, label])
}

const IMAGES = fileURLToPath(new URL('../../../docs/images/', import.meta.url))

/** Writes a chart to docs/images. @returns its path. */
export function writeChart(name: string, chart: string): string {
  mkdirSync(IMAGES, { recursive: true })
  const path = join(IMAGES, `${name}.svg`)
  writeFileSync(path, chart)
  return path
}
