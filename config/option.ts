// What an option is, and the kinds of option there are. A kind knows how to read a value that came
// from a flag, the environment or a file, and what to say when it cannot.

import { isIP } from 'node:net'
import { readDuration } from '../src/core/duration.js'
import { readSizeMb, showDuration, showSizeMb } from './units.js'

export const OPTION_GROUPS = [
  'database',
  'node',
  'work',
  'fetch',
  'politeness',
  'upstream',
  'documents',
  'alert',
  'webhook',
  'web',
  'log',
] as const
export type OptionGroup = (typeof OPTION_GROUPS)[number]

export type OptionType = 'duration' | 'count' | 'factor' | 'size' | 'text' | 'choice' | 'list'

/** What became of reading a value: the value, or the rule that it breaks. */
export type Reading<Value> =
  | { readonly value: Value; readonly rule?: never }
  | { readonly rule: string; readonly value?: never }

/** A name in the environment that means this option although its value is spelt in another way. */
export interface Alias<Value> {
  readonly name: string
  /** Undefined: this value says nothing about the option. */
  readonly read: (text: string) => Reading<Value> | undefined
  /** How its value is spelt, where that differs from the option's own way. */
  readonly note: string
}

export interface Option<Value> {
  readonly group: OptionGroup
  readonly type: OptionType
  /** Without dashes. null: a secret, kept off command lines because others can read them. */
  readonly flag: string | null
  readonly sentence: string
  readonly default: Value
  /** In order of precedence; the first is our own name. */
  readonly environment: readonly string[]
  readonly aliases: readonly Alias<Value>[]
  /** What values are allowed, to follow the word "expected". */
  readonly rule: string
  readonly read: (raw: unknown) => Reading<Value>
  readonly show: (value: Value) => string
}

/** What every option says of itself. */
export interface OptionWords<Value> {
  readonly group: OptionGroup
  /** Flag without dashes, or null for a secret. The environment name follows from `name`. */
  readonly name: string
  readonly isSecret?: boolean
  readonly sentence: string
  readonly default: Value
  /** Further environment names with the same spelling of the value. */
  readonly environment?: readonly string[]
  readonly aliases?: readonly Alias<Value>[]
}

export interface Bounds {
  readonly min: number
  readonly max: number
}

interface Kind<Value> {
  readonly type: OptionType
  readonly rule: string
  readonly parse: (raw: unknown) => Value | undefined
  readonly show: (value: Value) => string
}

export function makeOption<Value>(words: OptionWords<Value>, kind: Kind<Value>): Option<Value> {
  const { type, rule, parse, show } = kind
  return {
    group: words.group,
    type,
    rule,
    show,
    flag: words.isSecret === true ? null : words.name,
    sentence: words.sentence,
    default: words.default,
    environment: [environmentName(words.name), ...(words.environment ?? [])],
    aliases: words.aliases ?? [],
    read: (raw) => {
      const value = parse(raw)
      return value === undefined ? { rule } : { value }
    },
  }
}

/** `item-timeout` is `FETCHYARD_ITEM_TIMEOUT`. */
function environmentName(flag: string): string {
  return `FETCHYARD_${flag.toUpperCase().replaceAll('-', '_')}`
}

function within(value: number | undefined, bounds: Bounds): number | undefined {
  const { min, max } = bounds
  return value !== undefined && value >= min && value <= max ? value : undefined
}

function numberOf(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isFinite(raw) ? raw : undefined
  if (typeof raw !== 'string' || !/^\d+(\.\d+)?$/.test(raw.trim())) return undefined
  return Number(raw)
}

function wholeOf(raw: unknown): number | undefined {
  const value = numberOf(raw)
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined
}

export function duration(words: OptionWords<number> & { readonly bounds: Bounds }): Option<number> {
  const { min, max } = words.bounds
  return makeOption(words, {
    type: 'duration',
    rule: `a duration from ${showDuration(min)} to ${showDuration(max)}, such as 500ms, 30s or 2m`,
    parse: (raw) => within(readDuration(raw), words.bounds),
    show: showDuration,
  })
}

export function count(words: OptionWords<number> & { readonly bounds: Bounds }): Option<number> {
  const { min, max } = words.bounds
  return makeOption(words, {
    type: 'count',
    rule: `a whole number from ${min} to ${max}`,
    parse: (raw) => within(wholeOf(raw), words.bounds),
    show: String,
  })
}

export function factor(words: OptionWords<number> & { readonly bounds: Bounds }): Option<number> {
  const { min, max } = words.bounds
  return makeOption(words, {
    type: 'factor',
    rule: `a number from ${min} to ${max}`,
    parse: (raw) => within(numberOf(raw), words.bounds),
    show: String,
  })
}

export function size(words: OptionWords<number> & { readonly bounds: Bounds }): Option<number> {
  const { min, max } = words.bounds
  return makeOption(words, {
    type: 'size',
    rule: `a size from ${showSizeMb(min)} to ${showSizeMb(max)}, such as ${min}mb`,
    parse: (raw) => within(readSizeMb(raw), words.bounds),
    show: showSizeMb,
  })
}

export function choice<Word extends string>(
  words: OptionWords<Word> & { readonly choices: readonly Word[] },
): Option<Word> {
  return makeOption(words, {
    type: 'choice',
    rule: `one of ${words.choices.join(', ')}`,
    parse: (raw) => words.choices.find((word) => word === raw),
    show: (word) => word,
  })
}

/** Text that must match; `rule` says in words what does. */
export function text(
  words: OptionWords<string> & { readonly pattern: RegExp; readonly rule: string },
): Option<string> {
  return makeOption(words, {
    type: 'text',
    rule: words.rule,
    parse: (raw) => (typeof raw === 'string' && words.pattern.test(raw) ? raw : undefined),
    show: (value) => (words.isSecret === true ? 'a secret' : value),
  })
}

const TOGGLE_WORDS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...[true, 'on', 'true', 'yes', '1'].map((word) => [word, true] as const),
  ...[false, 'off', 'false', 'no', '0'].map((word) => [word, false] as const),
])

/** On or off. */
export function toggle(words: OptionWords<boolean>): Option<boolean> {
  return makeOption(words, {
    type: 'choice',
    rule: 'on or off',
    parse: (raw) => TOGGLE_WORDS.get(typeof raw === 'string' ? raw.trim().toLowerCase() : raw),
    show: (value) => (value ? 'on' : 'off'),
  })
}

/** An option that may be unset, which `none` says in words. */
export function optional<Value>(
  option: Option<Value>,
  none: { readonly meaning: string; readonly word?: string },
): Option<Value | null> {
  const { word } = none
  const rule = word === undefined ? option.rule : `${option.rule}, or ${word}`
  return {
    ...option,
    aliases: [],
    rule,
    default: null,
    read: (raw) => {
      if (raw === null || (word !== undefined && raw === word)) return { value: null }
      const reading = option.read(raw)
      return reading.rule === undefined ? reading : { rule }
    },
    show: (value) => (value === null ? none.meaning : option.show(value)),
  }
}

/** The same option with a default that is a value. */
export function withDefault<Value>(option: Option<Value>, value: Value): Option<Value> {
  return { ...option, default: value }
}

/** Words for the ranges that people allow most. Link-local addresses are in none of them. */
const RANGE_WORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
])

function rangesOf(part: string): readonly string[] | undefined {
  const known = RANGE_WORDS.get(part)
  if (known !== undefined) return known
  const [address = '', prefix, ...rest] = part.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return undefined
  const bitsMax = version === 4 ? 32 : 128
  if (prefix === undefined) return [`${address}/${bitsMax}`]
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bitsMax ? [part] : undefined
}

function readRanges(raw: unknown): readonly string[] | undefined {
  const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
  const ranges: string[] = []
  for (const entry of given) {
    if (typeof entry !== 'string') return undefined
    for (const part of entry.split(',').map((one) => one.trim())) {
      if (part === '') continue
      const found = rangesOf(part)
      if (found === undefined) return undefined
      ranges.push(...found)
    }
  }
  return ranges
}

/** Address ranges: a list in a file; separated by commas, or given again, elsewhere. */
export function ranges(words: OptionWords<readonly string[]>): Option<readonly string[]> {
  return makeOption(words, {
    type: 'list',
    rule: 'address ranges such as 10.1.0.0/16, or the words loopback and private',
    parse: readRanges,
    show: (value) => (value.length === 0 ? 'none' : value.join(', ')),
  })
}
