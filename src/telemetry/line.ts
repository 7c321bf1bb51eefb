import type { EventName, EventOf, LogLevel } from './events.js'

/** How much an event matters, and what it says to people. */
export interface Line<Event> {
  readonly level: LogLevel | ((event: Event) => LogLevel)
  readonly words: (event: Event) => string
}

export type Lines = { readonly [Name in EventName]: Line<EventOf<Name>> }
