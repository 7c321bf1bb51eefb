import type { Json, SentRows } from './outcome.js'

/** Bytes of a value as JSON, roughly: enough to bound what is held and sent at once. */
function sizeOf(value: Json): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value !== 'object' || value === null) return 8
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + sizeOf(one) + 1, 2)
  let size = 2
  for (const [key, one] of Object.entries(value)) size += key.length + 4 + sizeOf(one)
  return size
}

/** Bytes of result rows as JSON, roughly. */
export function resultBytes(rows: SentRows): number {
  let bytes = 0
  for (const sinkRows of Object.values(rows)) {
    for (const row of sinkRows) bytes += sizeOf(row)
  }
  return bytes
}
