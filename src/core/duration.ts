// Durations as people write them, in options and in schedules.

const DURATION_UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** An amount with one of these units, or a plain number, in the smallest of them. */
export function readUnits(raw: unknown, units: ReadonlyMap<string, number>): number | undefined {
  if (typeof raw === 'number') return Number.isFinite(raw) ? raw : undefined
  if (typeof raw !== 'string') return undefined
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(raw.trim().toLowerCase()) ?? []
  const scale = units.get(unit ?? '')
  return amount === undefined || scale === undefined ? undefined : Number(amount) * scale
}

/** `500ms`, `30s`, `2m`, `1h`, `30d` or plain milliseconds, as milliseconds; else undefined. */
export function readDuration(raw: unknown): number | undefined {
  const value = readUnits(raw, DURATION_UNITS)
  return value === undefined ? undefined : Math.round(value)
}
