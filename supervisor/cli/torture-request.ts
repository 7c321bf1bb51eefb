// What `fetchyard torture` is asked for: its flags, read and checked; and the command line of the
// supervisors it starts.

import type { OptionGroup } from '../../config/option.js'
import { OPTIONS, SETTING_NAMES } from '../../config/options.js'
import type { Settings } from '../../config/settings.js'
import { suggestion } from '../../config/suggest.js'
import { FetchyardError } from '../../src/core/errors.js'
import { type Random, randomInteger } from '../../src/core/random.js'
import { FAULT_KINDS, type FaultName, isFaultName, TORTURE_FAULTS } from '../torture/faults.js'
import { type Invocation, textGiven } from './command.js'

export interface TortureWish {
  readonly seed: number
  readonly durationMs: number
  readonly nodes: number
  readonly waitingMin: number
  readonly kinds: readonly FaultName[]
  /** Kinds that cannot be had, each with the reason. */
  readonly leftOut: readonly string[]
}

const SEED_MAX = 2 ** 32 - 1
const SECONDS_DEFAULT = 60
const SECONDS_MAX = 24 * 3_600
const NODES = { min: 1, max: 16, default: 2 }
const ITEMS = { min: 10, max: 5_000, default: 400 }

export function readWish(
  invocation: Invocation,
  of: { readonly random: Random; readonly hasOwnItems: boolean },
): TortureWish {
  const minutes = wholeNumber(invocation, 'minutes', { min: 1, max: SECONDS_MAX / 60 })
  const seconds = wholeNumber(invocation, 'seconds', { min: 5, max: SECONDS_MAX })
  if (minutes !== null && seconds !== null) {
    throw new FetchyardError('USAGE', 'Expected --minutes or --seconds, got both.')
  }
  const seed = wholeNumber(invocation, 'seed', { min: 0, max: SEED_MAX })
  const chosen = chosenKinds(textGiven(invocation, 'faults'))
  const missing = chosen.filter((kind) => !of.hasOwnItems && FAULT_KINDS[kind].need === 'own-items')
  return {
    seed: seed ?? randomInteger(of.random, { min: 0, max: SEED_MAX }),
    durationMs: (seconds ?? (minutes === null ? SECONDS_DEFAULT : minutes * 60)) * 1_000,
    nodes: wholeNumber(invocation, 'nodes', NODES) ?? NODES.default,
    waitingMin: wholeNumber(invocation, 'items', ITEMS) ?? ITEMS.default,
    kinds: chosen.filter((kind) => !missing.includes(kind)),
    leftOut: missing.map((kind) => `${kind}: needs items of the built-in workflow`),
  }
}

function wholeNumber(
  invocation: Invocation,
  flag: string,
  bounds: { readonly min: number; readonly max: number },
): number | null {
  const text = textGiven(invocation, flag)
  if (text === null) return null
  const value = Number(text)
  if (Number.isInteger(value) && value >= bounds.min && value <= bounds.max) return value
  throw new FetchyardError(
    'USAGE',
    `Expected --${flag} to be a whole number from ${bounds.min} to ${bounds.max}, got ${text}.`,
  )
}

function chosenKinds(text: string | null): readonly FaultName[] {
  if (text === null) return TORTURE_FAULTS
  const words = text.split(',').map((word) => word.trim())
  const kinds = words.map((word) => {
    if (isFaultName(word) && TORTURE_FAULTS.includes(word)) return word
    throw new FetchyardError(
      'USAGE',
      `There is no fault \`${word}\`.${suggestion(word, TORTURE_FAULTS)} ` +
        `Faults: ${TORTURE_FAULTS.join(', ')}.`,
    )
  })
  return [...new Set(kinds)]
}

const PASSED_GROUPS: readonly OptionGroup[] = ['node', 'work', 'fetch']

/** Every option of work as a flag: what the command was given holds for its supervisors, too. */
export function flagsOf(settings: Settings): readonly string[] {
  return SETTING_NAMES.flatMap((name) => {
    const { flag, group } = OPTIONS[name]
    const value: unknown = settings[name]
    if (flag === null || !PASSED_GROUPS.includes(group) || value === null) return []
    const values = Array.isArray(value) ? value : [value]
    return values.flatMap((one) => [`--${flag}`, String(one)])
  })
}

/** The command that makes the same choices again. */
export function replayWords(invocation: Invocation, wish: TortureWish): string {
  const words = ['fetchyard torture']
  const workflow = textGiven(invocation, 'workflow')
  if (workflow !== null) words.push(workflow)
  words.push(`--seconds ${wish.durationMs / 1_000}`, `--seed ${wish.seed}`)
  for (const flag of ['nodes', 'items', 'faults', 'database', 'restart-command', 'input']) {
    const text = textGiven(invocation, flag)
    if (text !== null)
      words.push(`--${flag} ${/^[\w.,/-]+$/.test(text) ? text : JSON.stringify(text)}`)
  }
  return words.join(' ')
}
