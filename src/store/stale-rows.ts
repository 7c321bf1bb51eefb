// Keeps rows of a dead connection out of the next answer.
//
// The driver collects rows in a result that it replaces when an answer is complete. A connection
// that dies in the middle of one leaves its rows there, and the first statement after the reconnect
// gets them before its own: a lease would bring items that were lost with their answer, a heartbeat
// more than the one row that says all is well. How many rows are its own, the answer itself counts.

import type { Sql } from './client.js'

interface Answer extends Array<unknown> {
  count: number | null
}

/** The part of the driver's query that takes the answer. */
interface OpenQuery {
  resolve: (answer: unknown) => unknown
}

function isAnswer(value: unknown): value is Answer {
  return Array.isArray(value) && 'count' in value && 'command' in value
}

function isOpenQuery(value: unknown): value is OpenQuery {
  return value instanceof Promise && 'resolve' in value && typeof value.resolve === 'function'
}

/**
 * The rows of the statement itself: the last ones, as many as its answer counts. Of several
 * statements in one text, nobody here asks for more than the last.
 */
function ownRows(answer: unknown): unknown {
  // An answer that was complete but for its last word is kept as a result before ours.
  const own =
    Array.isArray(answer) && !isAnswer(answer) && answer.length > 0 && answer.every(isAnswer)
      ? answer.at(-1)
      : answer
  if (!isAnswer(own) || own.count === null) return own
  if (own.length > own.count) own.splice(0, own.length - own.count)
  return own
}

function guarded<Query>(query: Query): Query {
  if (!isOpenQuery(query)) return query
  const { resolve } = query
  query.resolve = (answer) => resolve(ownRows(answer))
  return query
}

/** The same client, whose statements outside of transactions answer with their own rows alone. */
export function withoutStaleRows(sql: Sql): Sql {
  return new Proxy(sql, {
    apply: (target, self, words) => guarded(Reflect.apply(target, self, words)),
    get: (target, name) => {
      if (name !== 'unsafe') return Reflect.get(target, name)
      return (...words: Parameters<Sql['unsafe']>) => guarded(target.unsafe(...words))
    },
  })
}
