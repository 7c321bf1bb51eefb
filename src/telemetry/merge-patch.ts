// Differences of live states as JSON merge patches (RFC 7396): a patch holds the keys that changed,
// null for those that went. States therefore hold no null of their own: what is unknown is absent.

/** A value of a live state. Lists are replaced whole. */
export type LiveValue = string | number | boolean | readonly (string | number)[] | LiveState
export interface LiveState {
  readonly [key: string]: LiveValue | undefined
}

export type PatchValue = string | number | boolean | null | readonly (string | number)[] | LivePatch
export interface LivePatch {
  readonly [key: string]: PatchValue
}

/** @returns what turns `previous` into `next`, or undefined when nothing changed. */
export function diff(previous: LiveState, next: LiveState): LivePatch | undefined {
  const patch: Record<string, PatchValue> = {}
  let isChanged = false
  const set = (key: string, value: PatchValue) => {
    patch[key] = value
    isChanged = true
  }
  for (const [key, value] of Object.entries(next)) {
    const before = previous[key]
    if (value === undefined || value === before) continue
    if (isState(value) && isState(before)) {
      const inner = diff(before, value)
      if (inner !== undefined) set(key, inner)
    } else if (!isSame(before, value)) {
      set(key, isState(value) ? (diff({}, value) ?? {}) : value)
    }
  }
  for (const key of Object.keys(previous)) {
    if (previous[key] !== undefined && next[key] === undefined) set(key, null)
  }
  return isChanged ? patch : undefined
}

/** Applies a patch the way every client does. Neither argument is changed. */
export function applyPatch(state: LiveState, patch: LivePatch): LiveState {
  const next: Record<string, LiveValue | undefined> = { ...state }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      delete next[key]
    } else if (isPatch(value)) {
      const before = next[key]
      next[key] = applyPatch(isState(before) ? before : {}, value)
    } else {
      next[key] = value
    }
  }
  return next
}

function isState(value: LiveValue | undefined): value is LiveState {
  return typeof value === 'object' && !Array.isArray(value)
}

function isPatch(value: PatchValue): value is LivePatch {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSame(before: LiveValue | undefined, value: LiveValue): boolean {
  if (!Array.isArray(before) || !Array.isArray(value)) return before === value
  return before.length === value.length && before.every((entry, index) => entry === value[index])
}
