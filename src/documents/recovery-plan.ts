// What is tried next for a document that failed, as a pure decision. Each level costs more than the
// one before it, and takes more away that may be in the way.

export const LEVELS = ['first', 'retry', 'recover', 'tab', 'context', 'browser'] as const
export type Level = (typeof LEVELS)[number]

/** What of the browser is gone, seen when a try failed. */
export type Dead = 'nothing' | 'tab' | 'context' | 'browser'

export interface TryState {
  /** The highest level that was tried for the document's own sake. */
  readonly level: Level
  /** Parts that died under it and were replaced, which may be another document's doing. */
  readonly deaths: number
}

export interface NextTry extends TryState {
  /** What is done before the try. */
  readonly action: Level
}

/** Parts that may die under one attempt. */
export const DEATHS_MAX = 5

export const FIRST_TRY: NextTry = { level: 'first', deaths: 0, action: 'first' }

const rank = (level: Level) => LEVELS.indexOf(level)

/**
 * The next try, or null when none is left on this node: then the queue has it tried again, here or
 * elsewhere.
 *
 * A part that died is replaced without a step on the ladder: five documents share a browser, and
 * four of them had no part in its death. A step that stood still is followed by a new tab at least,
 * since what stands still may wake up and act.
 */
export function planRecovery(
  state: TryState,
  failure: {
    readonly dead: Dead
    readonly stoodStill: boolean
    /** It is about what came, not about how: a browser was not in the way. */
    readonly isOfDocument: boolean
  },
): NextTry | null {
  const { dead, stoodStill, isOfDocument } = failure
  if (dead !== 'nothing' && state.deaths < DEATHS_MAX) {
    return { level: state.level, deaths: state.deaths + 1, action: dead }
  }
  const next = LEVELS[rank(state.level) + 1]
  if (next === undefined || (isOfDocument && rank(next) > rank('tab'))) return null
  const level = stoodStill && rank(next) < rank('tab') ? 'tab' : next
  return { level, deaths: state.deaths, action: level }
}
