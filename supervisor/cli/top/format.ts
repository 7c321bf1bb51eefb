// Figures as they stand on the screen.

import { showCount, showSeconds } from '../progress.js'

export { showCount }

/** What stands where a figure is not known. */
export const UNKNOWN = '-'

type Figure = number | undefined

export const showFigure = (value: Figure): string =>
  value === undefined ? UNKNOWN : showCount(value)

export function showRate(value: Figure): string {
  if (value === undefined) return UNKNOWN
  const places = value >= 100 || value === 0 ? 0 : value >= 10 ? 1 : 2
  return `${value.toFixed(places)}/s`
}

/** A share from 0 to 1. It says 100 % only when nothing is missing. */
export function showShare(ratio: Figure): string {
  if (ratio === undefined) return UNKNOWN
  return ratio === 1 ? '100 %' : `${(Math.floor(ratio * 1_000) / 10).toFixed(1)} %`
}

export function showMs(durationMs: Figure): string {
  if (durationMs === undefined) return UNKNOWN
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`
  if (durationMs < 10_000) return `${(durationMs / 1_000).toFixed(1)} s`
  return showSeconds(durationMs / 1_000)
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function showBytes(bytes: Figure): string {
  if (bytes === undefined) return UNKNOWN
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1_024 ** step
  return `${amount.toFixed(step === 0 || amount >= 100 ? 0 : 1)} ${UNITS[step]}`
}

/** `3/16`. */
export const showSlots = (active: Figure, total: Figure): string =>
  `${showFigure(active)}/${showFigure(total)}`

const BLOCKS = '▁▂▃▄▅▆▇█'

/**
 * The last figures as blocks, the newest at the right, as high as the highest; a blank where a
 * figure was not known.
 */
export function sparkline(figures: readonly (number | null)[], columns: number): string {
  const shown = columns > 0 ? figures.slice(-columns) : []
  const most = Math.max(0, ...shown.map((figure) => figure ?? 0))
  const blocks = shown.map((figure) => {
    if (figure === null) return ' '
    if (most === 0 || figure <= 0) return BLOCKS[0]
    const level = Math.ceil((figure / most) * (BLOCKS.length - 1))
    return BLOCKS[level]
  })
  return blocks.join('')
}

/** A figure and the second it is of. */
export type Point = readonly [second: number, figure: number | null]

/** So many figures at most: those of neighbouring seconds are told by their mean. */
export function thinned(points: readonly Point[], columns: number): readonly (number | null)[] {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) return []
  const step = Math.ceil((last[0] - first[0] + 1) / Math.max(1, columns))
  const groups = new Map<number, number[]>()
  for (const [second, figure] of points) {
    // By the clock, so that a figure stays in its column until the column moves.
    const column = Math.floor(second / step)
    const group = groups.get(column) ?? []
    if (figure !== null) group.push(figure)
    groups.set(column, group)
  }
  return [...groups.values()].map((group) => {
    return group.length === 0 ? null : group.reduce((sum, one) => sum + one, 0) / group.length
  })
}

/** Characters that steer a terminal, or turn the direction of text, are not let through. */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '·')
}
