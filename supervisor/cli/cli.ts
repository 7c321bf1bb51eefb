// A command line from its words to its exit code: the only place where an error becomes one.

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { type Environment, loadConfiguration } from '../../config/load.js'
import { EXIT_CODES, FetchyardError, messageOf } from '../../src/core/errors.js'
import { classifyFault } from '../../src/store/client.js'
import type { Command, World } from './command.js'
import { loadCommandsFor } from './load-commands.js'
import { parseCommandLine } from './parse.js'
import { paint, print, say } from './streams.js'

/** Runs a command line. @returns the exit code; never rejects. */
export async function runCommandLine(words: readonly string[], world: World): Promise<number> {
  try {
    const parsed = parseCommandLine(words, await loadCommandsFor(words))
    if (parsed.kind === 'words') {
      await print(world.streams, parsed.text)
      return EXIT_CODES.ok
    }
    return await runParsed(parsed.command, parsed.given, world)
  } catch (error) {
    return explain(error, world, isDebug(words, world.environment))
  }
}

async function runParsed(
  command: Command,
  given: { readonly [name: string]: unknown },
  world: World,
): Promise<number> {
  const environment = await environmentOf(command, given, world)
  const configuration = await loadConfiguration({
    flags: given,
    environment,
    cwd: world.cwd,
    configPath: typeof given.config === 'string' ? given.config : undefined,
    preferences: command.preferences ?? {},
  })
  const { settings } = configuration
  return command.run({ ...world, environment, configuration, settings, given })
}

/** The environment that counts: what is set wins over the file that `--env-file` names. */
async function environmentOf(
  command: Command,
  given: { readonly [name: string]: unknown },
  world: World,
): Promise<Environment> {
  const path = given['env-file']
  const fromFile = typeof path === 'string' ? await readEnvironmentFile(path, world.cwd) : {}
  const environment = { ...fromFile, ...world.environment }
  const ignored = command.ignoredEnvironment ?? []
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !ignored.includes(name)))
}

async function readEnvironmentFile(path: string, cwd: string): Promise<Environment> {
  const text = await readFile(resolve(cwd, path), 'utf8').catch((error: unknown) => {
    throw new FetchyardError(
      'CONFIG_INVALID',
      `The file ${path} of --env-file cannot be read: ${messageOf(error)}`,
      { cause: error },
    )
  })
  return parseEnv(text)
}

/** Says what went wrong, once and clearly. @returns the exit code. */
function explain(error: unknown, world: World, isVerbose: boolean): number {
  const { streams } = world
  const known = knownError(error)
  const label = paint(streams.stderr, 'red', 'Error')
  if (known === null) {
    say(streams, `${label}: ${messageOf(error)}`)
    say(streams, 'This is a defect of Fetchyard; --log-level debug shows where it happened.')
  } else {
    say(
      streams,
      known.exitCode === EXIT_CODES.temporary ? known.message : `${label}: ${known.message}`,
    )
  }
  if (isVerbose && error instanceof Error) say(streams, error.stack ?? '')
  return known?.exitCode ?? EXIT_CODES.unexpected
}

function knownError(error: unknown): FetchyardError | null {
  if (error instanceof FetchyardError) return error
  if (classifyFault(error) !== 'transient') return null
  return new FetchyardError(
    'DATABASE_UNAVAILABLE',
    `The database stopped answering: ${messageOf(error)}. Run the same command again to continue.`,
    { cause: error },
  )
}

/** Whether stacks are asked for; settings may be what is wrong, so they are not asked. */
function isDebug(words: readonly string[], environment: Environment): boolean {
  const at = words.indexOf('--log-level')
  if (at !== -1) return words[at + 1] === 'debug'
  return words.includes('--log-level=debug') || environment.FETCHYARD_LOG_LEVEL === 'debug'
}
