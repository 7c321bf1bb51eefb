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

/** An event that another node, or a command, has kept in the database. */
export interface HeardEvent extends Omit<EventState, 'node'> {
  /** Its number there; the same event may be heard more than once. */
  readonly id: string
  /** Name of the node that told it; null: no node did. */
  readonly node: string | null
}

/** Numbers of heard events that are remembered: more than are read twice. */
const REMEMBERED_MAX = 1_000

/**
 * The last events worth a person's attention: those the log writes at level info or above, and what
 * the rest of the cluster has kept.
 */
export interface RecentEvents {
  readonly onEvent: (event: AnyEvent) => void
  readonly onHeard: (events: readonly HeardEvent[]) => void
  /** By number, from 1. The same object until another event arrives. */
  readonly read: () => LiveStates['events']
}

export function createRecentEvents(clock: Clock): RecentEvents {
  const kept: [number: string, event: EventState][] = []
  const budget = createLineBudget({ clock, linesMax: EVENTS_PER_SECOND })
  const heard = new Set<string>()
  let taken = 0
  let state: LiveStates['events'] | null = {}
  const keep = ({ words, ...event }: EventState) => {
    taken += 1
    kept.push([String(taken), { ...event, words: redactText(words).slice(0, WORDS_MAX) }])
    if (kept.length > LIMITS.recentEventsMax) kept.shift()
    state = null
  }
  return {
    onEvent: (event) => {
      // One comes every second while all is well, and would push out what matters.
      if (event.name === 'batch.ended') return
      const level = levelOf(event)
      if (!isAtLeast(level, 'info') || budget(event.name).verdict === 'withhold') return
      const atMs = Math.round(clock.wallMs())
      keep({ atMs, level, name: event.name, words: wordsOf(event) })
    },
    onHeard: (events) => {
      for (const { id, node, ...event } of events) {
        if (heard.has(id)) continue
        heard.add(id)
        keep(node === null ? event : { ...event, node })
      }
      for (const id of heard) {
        if (heard.size <= REMEMBERED_MAX) break
        heard.delete(id)
      }
    },
    read: () => {
      state ??= Object.fromEntries(kept)
      return state
    },
  }
}
