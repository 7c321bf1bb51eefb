// Orders that only happen when two connections meet at a row, forced by holding its lock.

import type { Sql } from '../../../src/store/client.js'

/** Looks at the server's own account of who waits, at most this often. */
const LOOKS_MAX = 5_000

/** Resolves when `count` statements of this database wait for a lock. */
export async function untilBlocked(sql: Sql, count = 1): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const rows = await sql<{ waiting: number }[]>`
      select count(*)::int as waiting
        from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and state = 'active'`
    if ((rows[0]?.waiting ?? 0) >= count) return
  }
  throw new Error(`expected ${count} statements to wait for a lock`)
}

/**
 * Starts `work` while another connection has done `first` and not yet committed; once the work waits
 * for it, the other connection commits.
 */
export async function behind<T>(
  sql: Sql,
  first: (transaction: Sql) => PromiseLike<unknown>,
  work: () => Promise<T>,
  waiting = 1,
): Promise<T> {
  let started: Promise<T> | null = null
  await sql.begin(async (transaction) => {
    await first(transaction as unknown as Sql)
    started = work()
    started.catch(() => {})
    await untilBlocked(sql, waiting)
  })
  if (started === null) throw new Error('the work was not started')
  return started
}
