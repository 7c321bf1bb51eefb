// What a command is: words for its help, the options it listens to, and a function. The function
// gets everything it may touch, returns an exit code, and throws a FetchyardError for what went wrong.

import type { Configuration, Environment } from '../../config/load.js'
import type { OptionGroup } from '../../config/option.js'
import type { Settings } from '../../config/settings.js'
import type { Clock } from '../../src/core/clock.js'
import type { SignalSource } from '../signals.js'
import type { Streams } from './streams.js'

export interface FlagSpec {
  readonly type: 'text' | 'switch'
  readonly sentence: string
}

export interface Command {
  /** `run <workflow>`: the name, then arguments; `[word]` may be left out, `[word..]` repeats. */
  readonly syntax: string
  readonly summary: string
  /** Command lines that work, each with what it does. */
  readonly examples: readonly (readonly [line: string, words: string])[]
  /** Groups of options that the command listens to, beside those of the log. */
  readonly groups: readonly OptionGroup[]
  readonly flags: { readonly [flag: string]: FlagSpec }
  /** Values that this command prefers to the general defaults. */
  readonly preferences?: Partial<Settings>
  /** Names of the environment that this command must not obey. */
  readonly ignoredEnvironment?: readonly string[]
  readonly run: (invocation: Invocation) => Promise<number>
}

/** What surrounds every command. */
export interface World {
  readonly streams: Streams
  readonly environment: Environment
  readonly cwd: string
  readonly clock: Clock
  readonly signals: SignalSource
  /** Sends a word to the process manager, where there is one. */
  readonly notifyManager: (word: 'ready') => void
}

export interface Invocation extends World {
  readonly configuration: Configuration
  readonly settings: Settings
  /** Arguments and flags of the command itself, by name. */
  readonly given: { readonly [name: string]: unknown }
}

export function textGiven(invocation: Invocation, name: string): string | null {
  const value = invocation.given[name]
  return typeof value === 'string' && value !== '' ? value : null
}

export function wordsGiven(invocation: Invocation, name: string): readonly string[] {
  const value = invocation.given[name]
  return Array.isArray(value) ? value.map(String) : []
}

export function isGiven(invocation: Invocation, name: string): boolean {
  return invocation.given[name] === true
}

/** Whether PM2 started us. It starts a process again that ended with 0. */
export function isUnderPm2(environment: Environment): boolean {
  return environment.pm_id !== undefined
}
