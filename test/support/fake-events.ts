// An event bus that remembers what was said.

import type { AnyEvent, EventBus, EventName, EventOf } from '../../src/telemetry/events.js'
import { createEventBus } from '../../src/telemetry/events.js'

export interface RecordedEvents extends EventBus {
  readonly all: readonly AnyEvent[]
  /** The events of one name, in order. */
  readonly of: <Name extends EventName>(name: Name) => readonly EventOf<Name>[]
}

export function recordEvents(): RecordedEvents {
  const bus = createEventBus((error) => {
    throw error
  })
  const all: AnyEvent[] = []
  bus.subscribe((event) => all.push(event))
  return {
    ...bus,
    all,
    of: <Name extends EventName>(name: Name) =>
      all.filter((event): event is AnyEvent & EventOf<Name> => event.name === name),
  }
}
