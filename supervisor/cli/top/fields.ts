// Reading figures out of live states. What is not there is undefined: an older supervisor may not
// know a field yet, and what is unknown is absent.

import type { LiveState, LiveValue } from '../../../src/telemetry/merge-patch.js'

type State = LiveState | undefined

function valueAt(state: State, path: readonly string[]): LiveValue | undefined {
  let value: LiveValue | undefined = state
  for (const key of path) {
    if (!isState(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

function isState(value: LiveValue | undefined): value is LiveState {
  return typeof value === 'object' && !Array.isArray(value)
}

export function num(state: State, ...path: string[]): number | undefined {
  const value = valueAt(state, path)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

export function word(state: State, ...path: string[]): string | undefined {
  const value = valueAt(state, path)
  return typeof value === 'string' ? value : undefined
}

export function isOn(state: State, ...path: string[]): boolean {
  return valueAt(state, path) === true
}

export function list(state: State, ...path: string[]): readonly (string | number)[] {
  const value = valueAt(state, path)
  return Array.isArray(value) ? value : []
}

/** The states in a state, by key. */
export function group(state: State, ...path: string[]): readonly (readonly [string, LiveState])[] {
  const value = valueAt(state, path)
  if (!isState(value)) return []
  return Object.entries(value).flatMap(([key, entry]) => (isState(entry) ? [[key, entry]] : []))
}

/** Counts by key, the greatest first. */
export function counts(state: State, ...path: string[]): readonly (readonly [string, number])[] {
  const value = valueAt(state, path)
  if (!isState(value)) return []
  return Object.entries(value)
    .flatMap(([key, entry]) => (typeof entry === 'number' ? [[key, entry] as const] : []))
    .sort((a, b) => b[1] - a[1])
}
