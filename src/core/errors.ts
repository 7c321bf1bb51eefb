/**
 * Exit codes of every command. `docs/reference.md` carries the same table; a test compares them.
 */
export const EXIT_CODES = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  problems: 3,
  drained: 4,
  databaseUnavailable: 69,
  dataDirectory: 73,
  temporary: 75,
  configuration: 78,
} as const
export type ExitName = keyof typeof EXIT_CODES

export const ERROR_CODES = [
  'USAGE',
  'INPUT_INVALID',
  'CONFIG_INVALID',
  'DATABASE_UNAVAILABLE',
  'DATABASE_REFUSED',
  'SCHEMA_NEWER',
  'DATA_DIRECTORY',
  'EMBEDDED_UNSUPPORTED',
  'PORT_IN_USE',
  'WORKFLOW_INVALID',
  'WORKFLOW_UNKNOWN',
  'WORKFLOW_PAUSED',
  'WORKFLOW_BUSY',
  'ITEM_UNKNOWN',
  'BUDGET_SPENT',
  'FENCED',
  'INTERRUPTED',
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

/** The exit code a command ends with when this error reaches `main`. */
const EXIT_OF: Readonly<Record<ErrorCode, ExitName>> = {
  USAGE: 'usage',
  INPUT_INVALID: 'usage',
  CONFIG_INVALID: 'configuration',
  DATABASE_UNAVAILABLE: 'databaseUnavailable',
  DATABASE_REFUSED: 'configuration',
  SCHEMA_NEWER: 'configuration',
  DATA_DIRECTORY: 'dataDirectory',
  EMBEDDED_UNSUPPORTED: 'configuration',
  PORT_IN_USE: 'configuration',
  WORKFLOW_INVALID: 'configuration',
  WORKFLOW_UNKNOWN: 'usage',
  WORKFLOW_PAUSED: 'temporary',
  WORKFLOW_BUSY: 'temporary',
  ITEM_UNKNOWN: 'usage',
  BUDGET_SPENT: 'temporary',
  FENCED: 'temporary',
  INTERRUPTED: 'temporary',
}

/**
 * An operating error: expected, named, handled. The message names the value, the rule and the fix.
 * Programmer errors are assertions and stop the process.
 */
export class FetchyardError extends Error {
  override readonly name = 'FetchyardError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  get exitCode(): number {
    return EXIT_CODES[EXIT_OF[this.code]]
  }
}

/**
 * Compares by code, never by class: structured clone and a second copy of the package both lose the
 * class.
 */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** The words of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
