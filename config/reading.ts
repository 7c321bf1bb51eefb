// How a value of an option is read from where it was found, and how what is wrong with it is said.

import type { Fields } from '../src/core/fields.js'
import type { Option, Reading } from './option.js'
import { OPTIONS, showSetting } from './options.js'
import { CROSS_RULES } from './rules.js'
import type { SettingName, Settings } from './settings.js'
import { suggestion } from './suggest.js'

export interface Found {
  readonly raw: unknown
  readonly origin: string
  readonly read: (raw: unknown) => Reading<unknown>
}

export type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

export function put<Name extends SettingName>(
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

/** An option whose value's type does not matter here. */
export function widened(name: SettingName): Option<unknown> {
  const option = OPTIONS[name]
  return { ...option, show: () => '' }
}

export function reportUnknown(
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

/** Where the values of settings come from, by setting. */
export type Origins = { readonly [name in SettingName]: string }

export function checkRules(
  settings: Settings,
  report: { readonly origins: Origins; readonly violations: string[] },
): void {
  for (const rule of CROSS_RULES.filter((one) => one.isBroken(settings))) {
    const { setting } = rule
    report.violations.push(
      `Expected \`${labelOf(setting)}\` to be ${rule.expected(settings)}, got ` +
        `${showSetting(setting, settings[setting])} (${originWords(report.origins[setting])}).`,
    )
  }
}

/** The same origins, but for the settings that something has for itself. */
export function withOrigin(origins: Origins, own: Partial<Settings>, origin: string): Origins {
  return { ...origins, ...Object.fromEntries(Object.keys(own).map((name) => [name, origin])) }
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
