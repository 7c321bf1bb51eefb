import { LIMITS } from '../core/limits.js'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

// The three forms of RFC 9110, 5.6.7. `Date.parse` is no help: it reads '-5' as a day in 2001.
const IMF_FIXDATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/
const RFC_850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/

/** Groups are day, month, year, hour, minute, second. */
function instantOf(groups: readonly (string | undefined)[]): number | undefined {
  const [day, month, year, hour, minute, second] = groups
  const monthIndex = MONTHS.indexOf(month ?? '')
  const shortYear = Number(year)
  // Two digits are the year nearest to ours: nothing in use means the twentieth century.
  const fullYear = (year ?? '').length === 2 ? 2000 + shortYear : shortYear
  if (monthIndex < 0 || Number(day) > 31 || Number(hour) > 23) return undefined
  if (Number(minute) > 59 || Number(second) > 60) return undefined
  return Date.UTC(fullYear, monthIndex, Number(day), Number(hour), Number(minute), Number(second))
}

/** An HTTP date as milliseconds since 1970; undefined when it is none. */
export function parseHttpDate(value: string): number | undefined {
  const text = value.trim()
  const usual = IMF_FIXDATE.exec(text) ?? RFC_850.exec(text)
  if (usual !== null) return instantOf(usual.slice(1))
  const c = ASCTIME.exec(text)
  if (c === null) return undefined
  return instantOf([c[2], c[1], c[6], c[3], c[4], c[5]])
}

export interface RetryAfterContext {
  /** The response's own Date header: the server's clock, so that its skew cancels out. */
  readonly date?: string | undefined
  /** Our wall clock, for responses without a Date. */
  readonly wallMs: number
}

/**
 * How long the server asks us to wait, in milliseconds, at most `LIMITS.retryDelayMsMax`.
 *
 * Undefined for what is no number of seconds and no date, and for what asks for no wait at all
 * (zero or a date that has passed): our own backoff then decides, so that such a server is not
 * hammered.
 */
export function parseRetryAfter(
  value: string | undefined,
  context: RetryAfterContext,
): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  const delayMs = /^\d{1,12}$/.test(text) ? Number(text) * 1_000 : untilDate(text, context)
  if (delayMs === undefined || delayMs <= 0) return undefined
  return Math.min(delayMs, LIMITS.retryDelayMsMax)
}

function untilDate(text: string, context: RetryAfterContext): number | undefined {
  const atMs = parseHttpDate(text)
  if (atMs === undefined) return undefined
  const serverMs = context.date === undefined ? undefined : parseHttpDate(context.date)
  return atMs - (serverMs ?? context.wallMs)
}
