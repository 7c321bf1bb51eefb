// What other nodes and commands have told since the last reading: the database keeps it for all.

import type { Sql } from '../src/store/client.js'
import { readHeardEvents } from '../src/store/read-events.js'
import type { HeardEvent } from '../src/telemetry/recent-events.js'

/** @returns a reader that goes on where it was; an event may come twice, with its number. */
export function createEventReader(sql: Sql, except: string): () => Promise<readonly HeardEvent[]> {
  let after = '0'
  return async () => {
    const { events, last } = await readHeardEvents(sql, { except, after })
    after = last
    return events.map(({ eventId, at, level, name, workflow, node, message }) => ({
      id: eventId,
      atMs: Date.parse(at),
      level,
      name,
      node,
      words: `${workflow === null ? '' : `${workflow}: `}${name} ${message}`,
    }))
  }
}
