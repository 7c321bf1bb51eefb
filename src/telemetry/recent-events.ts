import type { Clock } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { AnyEvent } from './events.js'
import { createLineBudget } from './line-budget.js'
import { isAtLeast, levelOf, wordsOf } from './lines.js'
import type { EventState, LiveStates } from './live-topics.js'
import { redactText } from './redact.js'

/** Characters of an event's words on the dashboard. */
const WORDS_MAX = 300
/** Events of one name taken up within a second; more of the same tell nothing new. */
const EVENTS_PER_SECOND = 5

/** The last events worth a person's attention: those the log writes at level info or above. */
export interface RecentEvents {
  readonly onEvent: (event: AnyEvent) => void
  /** By number, from 1. The same object until another event arrives. */
  readonly read: () => LiveStates['events']
}

export function createRecentEvents(clock: Clock): RecentEvents {
  const kept: [number: string, event: EventState][] = []
  const budget = createLineBudget({ clock, linesMax: EVENTS_PER_SECOND })
  let taken = 0
  let state: LiveStates['events'] | null = {}
  return {
    onEvent: (event) => {
      // One comes every second while all is well, and would push out what matters.
      if (event.name === 'batch.ended') return
      const level = levelOf(event)
      if (!isAtLeast(level, 'info') || budget(event.name).verdict === 'withhold') return
      taken += 1
      const words = redactText(wordsOf(event)).slice(0, WORDS_MAX)
      const atMs = Math.round(clock.wallMs())
      kept.push([String(taken), { atMs, level, name: event.name, words }])
      if (kept.length > LIMITS.recentEventsMax) kept.shift()
      state = null
    },
    read: () => {
      state ??= Object.fromEntries(kept)
      return state
    },
  }
}
