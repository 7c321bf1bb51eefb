// Words of `--help` that belong to no single command.

import { type ErrorCode, EXIT_CODES, type ExitName } from '../../src/core/errors.js'
import type { Command } from './command.js'

/** What each exit code says to a script. */
export const EXIT_MEANINGS: { readonly [name in ExitName]: string } = {
  ok: 'done',
  unexpected: 'unexpected error, a defect: please report it',
  usage: 'the command line or the input cannot be used',
  problems: 'audit or torture found a broken promise',
  drained: 'a finite run ended well under PM2, which would start it again after 0',
  databaseUnavailable: 'the database cannot be reached',
  dataDirectory: 'the data directory cannot be written or is in use',
  temporary: 'stopped before the end; the same command continues',
  configuration: 'an option, the database or the workflow cannot be used as configured',
}

function isExitName(name: string): name is ExitName {
  return Object.hasOwn(EXIT_CODES, name)
}

export const EXIT_NAMES: readonly ExitName[] = Object.keys(EXIT_CODES).filter(isExitName)

export const EXIT_TABLE = [
  'Exit codes:',
  ...EXIT_NAMES.map((name) => `  ${String(EXIT_CODES[name]).padStart(2)}  ${EXIT_MEANINGS[name]}`),
].join('\n')

function exampleLines(examples: Command['examples']): string {
  const width = Math.max(...examples.map(([line]) => line.length))
  return examples.map(([line, words]) => `  ${line.padEnd(width)}   ${words}`).join('\n')
}

const PRODUCT_EXAMPLES: Command['examples'] = [
  ['fetchyard demo', 'see it work on this machine alone'],
  ['fetchyard run contacts --input pages.csv --output contacts.csv', 'a file to a file'],
  ['fetchyard up', 'work the queue of DATABASE_URL'],
]

/** Help leads with command lines that work; yargs would put them last. */
export function withExamples(help: string, command: Command | undefined): string {
  const examples = exampleLines(command?.examples ?? PRODUCT_EXAMPLES)
  const summary = command === undefined ? '' : `${command.summary}\n\n`
  return `${summary}Examples:\n${examples}\n\n${help}`
}

/** What each error code means, for the reference. */
export const ERROR_MEANINGS: { readonly [code in ErrorCode]: string } = {
  USAGE: 'The command line cannot be understood.',
  INPUT_INVALID: 'The input is missing, cannot be read, or holds no URL.',
  CONFIG_INVALID: 'One or more options break their rules; all are named.',
  DATABASE_UNAVAILABLE: 'The database cannot be reached, or stopped answering.',
  DATABASE_REFUSED: 'The database answered and said no: password, name, version or rights.',
  SCHEMA_NEWER: 'A newer Fetchyard changed the schema in a way that this one would misread.',
  DATA_DIRECTORY: 'The data directory cannot be written, is in use, or holds something else.',
  EMBEDDED_UNSUPPORTED: 'The embedded Postgres cannot run on this system.',
  PORT_IN_USE: 'Something else listens on the port.',
  WORKFLOW_INVALID: 'The workflow module cannot be imported, or exports no valid workflow.',
  WORKFLOW_UNKNOWN: 'There is no workflow of that name.',
  WORKFLOW_BUSY:
    'Its table or its items are in use just now; what was asked for is not done. Try again.',
  WORKFLOW_PAUSED: 'The program paused the workflow itself, for the reason it names.',
  ITEM_UNKNOWN: 'The workflow has no item of that key.',
  BUDGET_SPENT: 'The budget pays for no further call; a larger one continues the run.',
  FENCED: 'This node was fenced and stopped without writing anything; the message says by whom.',
  INTERRUPTED: 'A stop was asked for before the run came to its end.',
}
