// What may leave the process as text: log lines, events on the dashboard, error messages.
//
// Secrets hide in three places: in fields named like secrets, in URLs (user, query, fragment), and
// in words such as `api_key=...` or `Bearer ...`. Whatever is doubtful is removed; a log is copied
// to more places than anyone remembers.

const REDACTED = '[redacted]'

/** Nesting and entries beyond which a logged value is cut off. */
const DEPTH_MAX = 6
const ENTRIES_MAX = 100
const TEXT_MAX = 4_096

const SECRET_WORDS =
  'api[-_]?key|access[-_]?key|authorization|cookie|credentials?|passwd|password|' +
  'private[-_]?key|pwd|secret|session[-_]?id|signature|token'

const SECRET_KEY = new RegExp(SECRET_WORDS, 'i')
const SECRET_ASSIGNMENT = new RegExp(
  `((?:${SECRET_WORDS})["']?\\s{0,3}[=:]\\s{0,3})(?:"[^"]*"|'[^']*'|[^\\s"',;&]+)`,
  'gi',
)
const CREDENTIALS = /\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{6,}/gi
const URL_IN_TEXT = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>\\^`{|}]+/gi

/**
 * Characters that move a terminal's cursor, start a new line or turn the reading direction: a page
 * could forge log lines with them.
 */
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are looked for.
  /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g

/**
 * Makes a text fit for people's eyes: URLs lose user, query and fragment, secrets their values,
 * control characters their effect, and the text what exceeds 4,096 characters.
 */
export function redactText(text: string): string {
  return printable(redactSecrets(text.slice(0, TEXT_MAX)))
}

function redactSecrets(text: string): string {
  return text
    .replace(URL_IN_TEXT, redactUrl)
    .replace(CREDENTIALS, `$1 ${REDACTED}`)
    .replace(SECRET_ASSIGNMENT, `$1${REDACTED}`)
}

function redactUrl(url: string): string {
  const end = url.search(/[?#]/)
  const bare = end === -1 ? url : url.slice(0, end)
  const authority = bare.indexOf('://') + 3
  const path = bare.indexOf('/', authority)
  const at = bare.slice(0, path === -1 ? undefined : path).lastIndexOf('@')
  const shown = at === -1 ? bare : `${bare.slice(0, authority)}${bare.slice(at + 1)}`
  return end === -1 ? shown : `${shown}?${REDACTED}`
}

/** Shows control characters instead of obeying them. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The same for a value of any shape: plain data comes back, with secrets and excess removed. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) return '[deeper]'
  if (value instanceof Error) return redactError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.valueOf()) ? null : value.toISOString()
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) {
    return value.slice(0, ENTRIES_MAX).map((entry) => redactValue(entry, depth + 1))
  }
  return redactFields(value, depth + 1)
}

/** The same for the fields of a log line; a field named like a secret loses its value. */
export function redactFields(fields: object, depth = 0): Record<string, unknown> {
  const entries = Object.entries(fields).slice(0, ENTRIES_MAX)
  return Object.fromEntries(
    entries.map(([key, value]) => [
      printable(key.slice(0, TEXT_MAX)),
      SECRET_KEY.test(key) && isSecretShaped(value) ? REDACTED : redactValue(value, depth),
    ]),
  )
}

/** A count called `tokens` is a figure; a string called `token` is not. */
function isSecretShaped(value: unknown): boolean {
  return value !== null && value !== undefined && !['number', 'boolean'].includes(typeof value)
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const shown: Record<string, unknown> = {
    type: redactText(error.name),
    message: redactText(error.message),
    stack: redactStack(error.stack ?? ''),
  }
  if ('code' in error) shown.code = redactValue(error.code, depth + 1)
  if (error.cause !== undefined) shown.cause = redactValue(error.cause, depth + 1)
  return shown
}

/** A stack keeps its lines; the lines of its message cannot pass for a log line of their own. */
function redactStack(stack: string): string {
  return stack
    .slice(0, TEXT_MAX)
    .split('\n')
    .map((line) => redactText(line).trimStart())
    .join('\n    ')
}
