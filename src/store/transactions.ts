// Transactions of several statements, each on a connection of its own.
//
// A pool sends a statement when the one before it on the connection is answered, and never earlier.
// A transaction needs a driver that may, so it gets one for itself, which is closed at its end:
// whatever becomes of the transaction, no other statement can come to run inside of it.

import type { Sql } from './client.js'

/** Time for a connection to be closed in good order. */
const END_TIMEOUT_S = 5

/** The same client, whose transactions run on connections that `openOne` makes. */
export function withTransactions(sql: Sql, openOne: () => Sql): Sql {
  const own = new Set<Sql>()
  const begin = async (...words: Parameters<Sql['begin']>) => {
    const one = openOne()
    own.add(one)
    try {
      return await one.begin(...words)
    } finally {
      own.delete(one)
      await one.end({ timeout: END_TIMEOUT_S })
    }
  }
  const end = async (...words: Parameters<Sql['end']>) => {
    await Promise.all([sql, ...own].map((one) => one.end(...words)))
  }
  return new Proxy(sql, {
    get: (target, name) => {
      if (name === 'begin') return begin
      if (name === 'end') return end
      return Reflect.get(target, name)
    },
  })
}
