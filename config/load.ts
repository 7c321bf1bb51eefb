// Puts flags, environment, file and defaults together. Nothing is half right: either all settings
// are good, or one error names every violation with its origin.

import { FetchyardError } from '../src/core/errors.js'
import { type ConfigFile, findConfigFile } from './file.js'
import type { Option, Reading } from './option.js'
import { OPTIONS, SETTING_NAMES, showSetting, WORKFLOW_SETTING_NAMES } from './options.js'
import { CROSS_RULES } from './rules.js'
import type { SettingName, Settings } from './settings.js'
import { suggestion } from './suggest.js'

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
  /** What a workflow has for itself, by its name. */
  readonly workflows: ReadonlyMap<string, Partial<Settings>>
  /** Where each value comes from: `--lease`, a name of the environment, a file, or 'default'. */
  readonly origins: { readonly [name in SettingName]: string }
  readonly file: string | null
}

interface Found {
  readonly raw: unknown
  readonly origin: string
  readonly read: (raw: unknown) => Reading<unknown>
}

type Fields = { readonly [field: string]: unknown }
type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

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
  const workflows = workflowSettings(fields.workflows, file, violations)
  if (!isWhole(settings) || !isOriginOfAll(origins)) throw invalid(violations)
  checkRules(settings, { origins, violations })
  for (const [workflow, own] of workflows) {
    const combined = { ...settings, ...own }
    const originsThere = withOrigin(origins, own, `${file?.path}, workflows.${workflow}`)
    if (violations.length === 0) checkRules(combined, { origins: originsThere, violations })
  }
  if (violations.length > 0) throw invalid(violations)
  return { settings, workflows, origins, file: file?.path ?? null }
}

function put<Name extends SettingName>(
  settings: Partial<Writable<Settings>>,
  name: Name,
  found: Found | null,
  given: { readonly violations: string[]; readonly preferences: Partial<Settings> },
): void {
  const option: Option<Settings[Name]> = OPTIONS[name]
  const preferred: Settings[Name] | undefined = given.preferences[name]
  settings[name] = preferred ?? option.default
  if (found === null) return
  const reading = found.read(found.raw)
  if (reading.rule === undefined) {
    // The reader that was found is this option's own, or that of one of its aliases.
    settings[name] = reading.value as Settings[Name]
  } else {
    given.violations.push(
      `Expected \`${labelOf(name)}\` to be ${reading.rule}, got ${showRaw(name, found.raw)} ` +
        `(${originWords(found.origin)}).`,
    )
  }
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

/** An option whose value's type does not matter here. */
function widened(name: SettingName): Option<unknown> {
  const option = OPTIONS[name]
  return { ...option, show: () => '' }
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

function workflowSettings(
  value: unknown,
  file: ConfigFile | null,
  violations: string[],
): ReadonlyMap<string, Partial<Settings>> {
  const workflows = new Map<string, Partial<Settings>>()
  if (value === undefined) return workflows
  const path = file?.path ?? ''
  if (!isFields(value)) {
    violations.push(`Expected \`workflows\` to be an object by workflow (from ${path}).`)
    return workflows
  }
  for (const [workflow, own] of Object.entries(value)) {
    const where = `${path}, workflows.${workflow}`
    if (!isFields(own)) {
      violations.push(`Expected \`workflows.${workflow}\` to be an object of options.`)
      continue
    }
    reportUnknown(own, { known: WORKFLOW_SETTING_NAMES, where, violations })
    const settings: Partial<Writable<Settings>> = {}
    for (const name of WORKFLOW_SETTING_NAMES) {
      if (!Object.hasOwn(own, name)) continue
      const found = { raw: own[name], origin: where, read: widened(name).read }
      put(settings, name, found, { violations, preferences: {} })
    }
    workflows.set(workflow, settings)
  }
  return workflows
}

function reportUnknown(
  fields: Fields,
  expected: {
    readonly known: readonly string[]
    readonly where: string
    readonly violations: string[]
  },
): void {
  const { known, where, violations } = expected
  for (const field of Object.keys(fields)) {
    if (known.includes(field)) continue
    violations.push(`Unknown option \`${field}\` (in ${where}).${suggestion(field, known)}`)
  }
}

const OWN_NAMES = SETTING_NAMES.map((name) => OPTIONS[name].environment[0] ?? '')

/** A name of ours that means nothing but is nearly one that does. Others may be somebody else's. */
function misspeltEnvironment(environment: Environment): readonly string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith('FETCHYARD_') && !name.startsWith('FETCHYARD_TEST_'))
    .filter((name) => !OWN_NAMES.includes(name) && suggestion(name, OWN_NAMES) !== '')
    .map((name) => `Unknown option \`${name}\` in the environment.${suggestion(name, OWN_NAMES)}`)
}

function checkRules(
  settings: Settings,
  report: {
    readonly origins: { readonly [name in SettingName]: string }
    readonly violations: string[]
  },
): void {
  for (const rule of CROSS_RULES.filter((one) => one.isBroken(settings))) {
    const { setting } = rule
    report.violations.push(
      `Expected \`${labelOf(setting)}\` to be ${rule.expected(settings)}, got ` +
        `${showSetting(setting, settings[setting])} (${originWords(report.origins[setting])}).`,
    )
  }
}

function originWords(origin: string): string {
  return origin === 'default' ? 'the default' : `from ${origin}`
}

/** The name people know an option by: its flag, or its name in the environment. */
function labelOf(name: SettingName): string {
  return OPTIONS[name].flag ?? OPTIONS[name].environment[0] ?? name
}

/** A value in a message. Secrets are not shown. */
function showRaw(name: SettingName, raw: unknown): string {
  if (OPTIONS[name].flag === null) return 'something else'
  const text = typeof raw === 'string' ? `"${raw}"` : JSON.stringify(raw)
  return text === undefined ? typeof raw : text.slice(0, 100)
}

function withOrigin(
  origins: { readonly [name in SettingName]: string },
  own: Partial<Settings>,
  origin: string,
): { readonly [name in SettingName]: string } {
  return { ...origins, ...Object.fromEntries(Object.keys(own).map((name) => [name, origin])) }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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
