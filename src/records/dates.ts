// Dates as documents write them: ISO 8601 and XML Schema by default, other orders by a pattern.

export const ZONE = /^(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/
export const ZONE_RULE = 'an offset such as +01:00, or Z'
export const DATE_FORMAT_RULE =
  'a pattern of yyyy, MM, dd, HH, mm, ss and XXX (the offset), each once, such as dd.MM.yyyy HH:mm'

const FIELDS = ['yyyy', 'MM', 'dd', 'HH', 'mm', 'ss', 'XXX'] as const
type Field = (typeof FIELDS)[number]
const TOKEN = /yyyy|MM|dd|HH|mm|ss|XXX|[A-Za-z]|[^A-Za-z]+/g

export interface DateFormat {
  readonly pattern: RegExp
  readonly fields: readonly Field[]
}

const WIDTHS: { readonly [field in Field]: string } = {
  yyyy: '(\\d{4})',
  MM: '(\\d{1,2})',
  dd: '(\\d{1,2})',
  HH: '(\\d{1,2})',
  mm: '(\\d{1,2})',
  ss: '(\\d{1,2})',
  XXX: '(Z|[+-]\\d{2}:\\d{2})',
}

const formats = new Map<string, DateFormat | null>()

/** The reader for a pattern; null when it is none. Patterns are few and remembered. */
export function readDateFormat(text: string): DateFormat | null {
  const known = formats.get(text)
  if (known !== undefined) return known
  const made = makeFormat(text)
  formats.set(text, made)
  return made
}

function makeFormat(text: string): DateFormat | null {
  const fields: Field[] = []
  let pattern = ''
  for (const [token] of text.matchAll(TOKEN)) {
    const field = FIELDS.find((known) => known === token)
    if (field !== undefined) {
      if (fields.includes(field)) return null
      fields.push(field)
      pattern += WIDTHS[field]
    } else if (/^[A-Za-z]$/.test(token) && token !== 'T') return null
    else pattern += token.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  }
  const isWhole = (['yyyy', 'MM', 'dd'] as const).every((field) => fields.includes(field))
  return isWhole ? { fields, pattern: new RegExp(`^${pattern}$`) } : null
}

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?)?(Z|[+-]\d{2}:\d{2})?$/

interface Parts {
  readonly date: string
  readonly time: string | null
  readonly zone: string | null
}

const two = (text: string | undefined) => (text ?? '0').padStart(2, '0')

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Reckoned, since a `Date` made for every date of every record takes ten times as long. */
function isRealDate(year: number, month: number, day: number): boolean {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = month === 2 && isLeap ? 29 : (MONTH_DAYS[month - 1] ?? 0)
  // Postgres has no year 0.
  return year >= 1 && day >= 1 && day <= days
}

function partsOf(text: string, format: string | null): Parts | null {
  const found = format === null ? isoFields(text) : patternFields(text, format)
  if (found === null) return null
  const [year, month, day, hour, minute, second, fraction, zone] = found
  if (!isRealDate(Number(year), Number(month), Number(day))) return null
  const date = `${year}-${two(month)}-${two(day)}`
  if (hour === undefined) return { date, time: null, zone: zone ?? null }
  const isTime = Number(hour) < 24 && Number(minute ?? 0) < 60 && Number(second ?? 0) < 60
  if (!isTime) return null
  const time = `${two(hour)}:${two(minute)}:${two(second)}${fraction ?? ''}`
  return { date, time, zone: zone ?? null }
}

type FieldTexts = readonly (string | undefined)[]

function isoFields(text: string): FieldTexts | null {
  const match = ISO.exec(text)
  return match === null ? null : match.slice(1)
}

function patternFields(text: string, format: string): FieldTexts | null {
  const reader = readDateFormat(format)
  const match = reader?.pattern.exec(text)
  if (reader === null || match === null || match === undefined) return null
  const of = (field: Field) => {
    const at = reader.fields.indexOf(field)
    return at === -1 ? undefined : match[at + 1]
  }
  return [of('yyyy'), of('MM'), of('dd'), of('HH'), of('mm'), of('ss'), undefined, of('XXX')]
}

/** A date as Postgres reads it, or null when the text is none. */
export function readDate(text: string, format: string | null): string | null {
  return partsOf(text, format)?.date ?? null
}

/** An instant as Postgres reads it, or what is wrong. */
export function readInstant(
  text: string,
  { format, zone }: { readonly format: string | null; readonly zone: string | null },
): { readonly value: string } | { readonly problem: string } {
  const parts = partsOf(text, format)
  if (parts === null) return { problem: format === null ? 'an ISO 8601 instant' : `\`${format}\`` }
  const offset = parts.zone ?? zone
  if (offset === null) {
    return { problem: 'an instant with its offset (or a `zone` in the mapping)' }
  }
  return { value: `${parts.date}T${parts.time ?? '00:00:00'}${offset}` }
}
