// Puts flags, environment, file and defaults together. Nothing is half right: either all settings
// are good, or one error names every violation with its origin.

import { FetchyardError } from '../src/core/errors.js'
import { type Fields, isFields } from '../src/core/fields.js'
import { type ConfigFile, findConfigFile } from './file.js'
import type { Option } from './option.js'
import { OPTIONS, SETTING_NAMES } from './options.js'
import {
  checkRules,
  type Found,
  put,
  reportUnknown,
  type Writable,
  widened,
  withOrigin,
} from './reading.js'
import type { SettingName, Settings } from './settings.js'
import { suggestion } from './suggest.js'
import { readWorkflowEntries } from './workflows.js'

export type Environment = { readonly [name: string]: string | undefined }
/** Values by flag, without dashes. What was not given is not there. */
export type Flags = { readonly [flag: string]: unknown }

export interface SettingsSources {
  readonly flags: Flags
  readonly environment: Environment
  /** Where the search for a configuration file begins. */
  readonly cwd: string
  /** Configuration file to read instead of looking for one. */
  readonly configPath?: string | undefined
  /** Values that a command prefers to the general defaults. */
  readonly preferences?: Partial<Settings>
}

export interface Configuration {
  readonly settings: Settings
  /** What a workflow has for itself, by its name or module path. */
  readonly workflows: ReadonlyMap<string, Partial<Settings>>
  /** Names and module paths that the file lists: all that a node works. null: it lists none. */
  readonly listed: readonly string[] | null
  /** Where each value comes from: `--lease`, a name of the environment, a file, or 'default'. */
  readonly origins: { readonly [name in SettingName]: string }
  readonly file: string | null
}

/**
 * Loads the settings: flag before environment before file before default.
 *
 * @throws {FetchyardError} CONFIG_INVALID naming every violation.
 */
export async function loadConfiguration(sources: SettingsSources): Promise<Configuration> {
  const file = await findConfigFile({ cwd: sources.cwd, path: sources.configPath })
  return assemble(sources, file)
}

/** Assembles the settings from sources that are all at hand. Pure. */
export function assemble(sources: SettingsSources, file: ConfigFile | null): Configuration {
  const violations: string[] = []
  const fields = fileFields(file, violations)
  const origins: Partial<Record<SettingName, string>> = {}
  const settings: Partial<Writable<Settings>> = {}
  for (const name of SETTING_NAMES) {
    const found = lookUp(name, sources, { fields, path: file?.path ?? '' })
    origins[name] = found?.origin ?? 'default'
    put(settings, name, found, { violations, preferences: sources.preferences ?? {} })
  }
  violations.push(...misspeltEnvironment(sources.environment))
  const entries = readWorkflowEntries(fields.workflows, file?.path ?? '', violations)
  const { own: workflows, listed } = entries
  if (!isWhole(settings) || !isOriginOfAll(origins)) throw invalid(violations)
  checkRules(settings, { origins, violations })
  for (const [workflow, own] of workflows) {
    const combined = { ...settings, ...own }
    const originsThere = withOrigin(origins, own, `${file?.path}, workflows.${workflow}`)
    if (violations.length === 0) checkRules(combined, { origins: originsThere, violations })
  }
  if (violations.length > 0) throw invalid(violations)
  return { settings, workflows, listed, origins, file: file?.path ?? null }
}

function lookUp(
  name: SettingName,
  sources: SettingsSources,
  file: { readonly fields: Fields; readonly path: string },
): Found | null {
  const option: Option<unknown> = widened(name)
  const { flag, read } = option
  if (flag !== null && sources.flags[flag] !== undefined) {
    return { raw: sources.flags[flag], origin: `--${flag}`, read }
  }
  const set = fromEnvironment(option, sources.environment)
  if (set !== null) return set
  if (!Object.hasOwn(file.fields, name)) return null
  return { raw: file.fields[name], origin: file.path, read }
}

/** Our own name first, then switches of other spellings, then other names. */
function fromEnvironment(option: Option<unknown>, environment: Environment): Found | null {
  const [own, ...others] = option.environment
  const names = [own, ...option.aliases.map((alias) => alias.name), ...others]
  for (const name of names) {
    const raw = name === undefined ? undefined : environment[name]
    if (name === undefined || raw === undefined || raw === '') continue
    const alias = option.aliases.find((one) => one.name === name)
    if (alias === undefined) return { raw, origin: name, read: option.read }
    const reading = alias.read(raw)
    if (reading !== undefined) return { raw, origin: name, read: () => reading }
  }
  return null
}

function fileFields(file: ConfigFile | null, violations: string[]): Fields {
  if (file === null || file.content === undefined) return {}
  if (!isFields(file.content)) {
    violations.push(`Expected ${file.path} to hold an object of options.`)
    return {}
  }
  const known = [...SETTING_NAMES, 'workflows']
  reportUnknown(file.content, { known, where: file.path, violations })
  return file.content
}

const OWN_NAMES = SETTING_NAMES.map((name) => OPTIONS[name].environment[0] ?? '')

/** A name of ours that means nothing but is nearly one that does. Others may be somebody else's. */
function misspeltEnvironment(environment: Environment): readonly string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith('FETCHYARD_') && !name.startsWith('FETCHYARD_TEST_'))
    .filter((name) => !OWN_NAMES.includes(name) && suggestion(name, OWN_NAMES) !== '')
    .map((name) => `Unknown option \`${name}\` in the environment.${suggestion(name, OWN_NAMES)}`)
}

function isWhole(settings: Partial<Settings>): settings is Settings {
  return SETTING_NAMES.every((name) => settings[name] !== undefined)
}

function isOriginOfAll(
  origins: Partial<Record<SettingName, string>>,
): origins is Record<SettingName, string> {
  return SETTING_NAMES.every((name) => origins[name] !== undefined)
}

function invalid(violations: readonly string[]): FetchyardError {
  const [only = ''] = violations
  const words =
    violations.length === 1
      ? only
      : `${violations.length} options cannot be used:\n- ${violations.join('\n- ')}`
  return new FetchyardError('CONFIG_INVALID', words)
}
