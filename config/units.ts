// Sizes as people write them, and how durations and sizes are shown.

import { readUnits } from '../src/core/duration.js'

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['m', 1],
  ['mb', 1],
  ['g', 1_024],
  ['gb', 1_024],
])

/** `512mb`, `2gb` or plain megabytes, as megabytes; undefined for anything else. */
export function readSizeMb(raw: unknown): number | undefined {
  const value = readUnits(raw, SIZE_UNITS)
  return value === undefined ? undefined : Math.round(value)
}

export function showDuration(durationMs: number): string {
  if (durationMs >= 172_800_000 && durationMs % 86_400_000 === 0)
    return `${durationMs / 86_400_000} d`
  if (durationMs >= 3_600_000 && durationMs % 3_600_000 === 0) return `${durationMs / 3_600_000} h`
  if (durationMs >= 60_000 && durationMs % 60_000 === 0) return `${durationMs / 60_000} min`
  if (durationMs >= 1_000 && durationMs % 100 === 0) return `${durationMs / 1_000} s`
  return `${durationMs} ms`
}

export function showSizeMb(sizeMb: number): string {
  return sizeMb >= 1_024 && sizeMb % 1_024 === 0 ? `${sizeMb / 1_024} GB` : `${sizeMb} MB`
}
