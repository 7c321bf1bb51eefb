const W3C =
  /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?)?)?$/i
const RFC_822 =
  /^(?:[a-z]{3,9},?\s+)?(\d{1,2})\s+([a-z]{3})[a-z]*\.?\s+(\d{4}|\d{2})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(Z|GMT|UTC?|[+-]\d{4})?/i
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const YEAR_MIN = 1990
const YEAR_MAX = 2100

/**
 * When a page was changed, as sitemaps (W3C datetime), RSS (RFC 822) and Atom write it, as ISO 8601
 * in UTC; null for what is no date. What names no zone is taken for UTC.
 */
export function readLastmod(text: string): string | null {
  const trimmed = text.trim().slice(0, 64)
  const w3c = W3C.exec(trimmed)
  if (w3c !== null) {
    const [, year, month = '1', day = '1', hour = '0', minute = '0', second = '0', zone] = w3c
    return instant([year, month, day, hour, minute, second], zone)
  }
  const mail = RFC_822.exec(trimmed)
  if (mail === null) return null
  const [, day, name = '', year = '', hour, minute, second = '0', zone] = mail
  const month = MONTHS.indexOf(name.toLowerCase()) + 1
  const full = year.length === 2 ? `20${year}` : year
  return instant([full, String(month), day, hour, minute, second], zone)
}

function instant(parts: readonly (string | undefined)[], zone: string | undefined): string | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number)
  const isDate = year >= YEAR_MIN && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1
  if (!isDate || hour > 24 || minute > 59 || second > 60) return null
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  // The thirtieth of February has become the second of March.
  if (hour < 24 && date.getUTCDate() !== day) return null
  return new Date(date.getTime() - offsetMs(zone)).toISOString()
}

function offsetMs(zone: string | undefined): number {
  const found = /^([+-])(\d{2}):?(\d{2})$/.exec(zone ?? '')
  if (found === null) return 0
  const minutes = Number(found[2]) * 60 + Number(found[3])
  return (found[1] === '-' ? -1 : 1) * minutes * 60_000
}
