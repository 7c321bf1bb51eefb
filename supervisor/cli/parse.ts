// The command line, read by yargs. It knows names and shapes; values and defaults are elsewhere.

import type { Argv } from 'yargs'
import yargs from 'yargs'
import { OPTION_GROUPS, type Option, type OptionGroup } from '../../config/option.js'
import { OPTIONS, SETTING_NAMES, showDefault } from '../../config/options.js'
import { suggestion } from '../../config/suggest.js'
import { FetchyardError } from '../../src/core/errors.js'
import { version } from '../version.js'
import type { Command } from './command.js'
import { EXIT_TABLE, withExamples } from './help.js'

export type Parsed =
  | { readonly kind: 'words'; readonly text: string }
  | {
      readonly kind: 'command'
      readonly command: Command
      readonly given: { readonly [name: string]: unknown }
    }

const GROUP_TITLES: { readonly [group in OptionGroup]: string } = {
  database: 'Database:',
  node: 'Node:',
  work: 'Work:',
  fetch: 'Fetching:',
  politeness: 'Politeness:',
  upstream: 'Upstream:',
  documents: 'Documents:',
  alert: 'Alerts:',
  webhook: 'Webhook of alerts',
  web: 'Dashboard:',
  log: 'Log:',
}

/** Columns of help, whatever the terminal: two captures of it are the same. */
const HELP_COLUMNS = 100

function addOptions(parser: Argv, groups: readonly OptionGroup[]): Argv {
  let added = parser
  for (const name of SETTING_NAMES) {
    const option: Pick<Option<unknown>, 'group' | 'flag' | 'sentence' | 'type'> = OPTIONS[name]
    if (option.flag === null || !groups.includes(option.group)) continue
    added = added.option(option.flag, {
      type: option.type === 'list' ? 'array' : 'string',
      string: true,
      requiresArg: true,
      describe: `${option.sentence} [${showDefault(name)}]`,
      group: GROUP_TITLES[option.group],
    })
  }
  return added
}

function buildCommand(parser: Argv, command: Command): Argv {
  let built = parser.usage(`Usage: $0 ${command.syntax} [options]`)
  for (const [flag, spec] of Object.entries(command.flags)) {
    built = built.option(flag, {
      type: spec.type === 'switch' ? 'boolean' : 'string',
      ...(spec.type === 'text' ? { requiresArg: true } : {}),
      describe: spec.sentence,
      group: 'Options:',
    })
  }
  const groups = OPTION_GROUPS.filter((group) => group === 'log' || command.groups.includes(group))
  return addOptions(built, groups)
}

/** No command line can hold it, so that it marks what was not written by a person. */
const VEIL = '\0'

/** What follows `--` is an argument, whatever it looks like; yargs would leave it out. */
function veiled(words: readonly string[]): string[] {
  const at = words.indexOf('--')
  if (at === -1) return [...words]
  return [...words.slice(0, at), ...words.slice(at + 1).map((word) => `${VEIL}${word}`)]
}

function unveiled(given: { readonly [name: string]: unknown }): {
  readonly [name: string]: unknown
} {
  const bare = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(bare)
    return typeof value === 'string' ? value.replace(VEIL, '') : value
  }
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, bare(value)]))
}

/**
 * Reads the words after the program's name.
 *
 * @throws {FetchyardError} USAGE for what no command understands.
 */
export function parseCommandLine(words: readonly string[], commands: readonly Command[]): Parsed {
  let chosen: Parsed | null = null
  let parser = baseParser()
  for (const command of commands) {
    parser = parser.command(
      command.syntax,
      command.summary,
      (builder) => buildCommand(builder, command),
      (given) => {
        chosen = { kind: 'command', command, given: unveiled(given) }
      },
    )
  }
  let output = ''
  let failure: string | null = null
  parser.parse(veiled(words), {}, (error, _given, text) => {
    output = text
    if (error !== null && error !== undefined) failure = error.message.replaceAll(VEIL, '')
  })
  if (failure !== null) throw usageError(failure, words, commands)
  if (output === version) return { kind: 'words', text: version }
  if (output !== '') {
    return { kind: 'words', text: withExamples(output, commandIn(words, commands)) }
  }
  if (chosen !== null) return chosen
  const unknown = words.find((word) => !word.startsWith('-'))
  if (unknown !== undefined) throw unknownCommand(unknown, commands)
  return { kind: 'words', text: withExamples(helpOf(parser), undefined) }
}

function baseParser(): Argv {
  return yargs()
    .scriptName('fetchyard')
    .usage('Usage: $0 <command> [options]')
    .locale('en')
    .wrap(HELP_COLUMNS)
    .version(version)
    .parserConfiguration({
      'camel-case-expansion': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
    })
    .strict()
    .exitProcess(false)
    .option('config', {
      type: 'string',
      requiresArg: true,
      describe: 'Configuration file, instead of the nearest fetchyard.config.{js,mjs,json}',
    })
    .option('env-file', {
      type: 'string',
      requiresArg: true,
      describe: 'File with names for the environment; no such file is read otherwise',
    })
    .epilogue(EXIT_TABLE)
}

function helpOf(parser: Argv): string {
  let text = ''
  parser.showHelp((help) => {
    text = help
  })
  return text
}

/** The command that the words name: the first of them that is no option. */
function commandIn(words: readonly string[], commands: readonly Command[]): Command | undefined {
  const first = words.find((word) => !word.startsWith('-'))
  return commands.find((command) => nameOf(command) === first)
}

function nameOf(command: Command): string {
  return command.syntax.split(' ')[0] ?? ''
}

function unknownCommand(word: string, commands: readonly Command[]): FetchyardError {
  const names = commands.map(nameOf)
  return new FetchyardError(
    'USAGE',
    `There is no command \`${word}\`.${suggestion(word, names)} ` +
      `Commands: ${names.join(', ')}. See fetchyard --help.`,
  )
}

/** Words that a command understands, for whoever misspelt one. */
function flagsOf(command: Command): readonly string[] {
  const options = SETTING_NAMES.map((name) => OPTIONS[name]).filter(
    ({ group }) => group === 'log' || command.groups.includes(group),
  )
  const own = Object.keys(command.flags)
  return [...own, ...options.flatMap(({ flag }) => (flag === null ? [] : [flag])), 'config']
}

function usageError(
  message: string,
  words: readonly string[],
  commands: readonly Command[],
): FetchyardError {
  const command = commandIn(words, commands)
  if (command === undefined) {
    const [unknown] = words.filter((word) => !word.startsWith('-'))
    if (unknown !== undefined) return unknownCommand(unknown, commands)
  }
  const flags = command === undefined ? [] : flagsOf(command)
  const unknown = /^Unknown arguments?: (.+)$/.exec(message)?.[1]?.split(', ')[0]
  const help = `See fetchyard ${command === undefined ? '' : `${nameOf(command)} `}--help.`
  if (unknown === undefined) return new FetchyardError('USAGE', `${message}. ${help}`)
  const isFlag = words.some((word) => word.startsWith(`--${unknown}`))
  const what = isFlag ? `option \`--${unknown}\`` : `argument \`${unknown}\``
  const meant = isFlag ? suggestion(unknown, flags).replace('`', '`--') : ''
  return new FetchyardError('USAGE', `Unknown ${what}.${meant} ${help}`)
}
