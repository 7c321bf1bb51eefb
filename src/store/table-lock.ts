// A lock of a table that somebody else lives from.

import { setTimeout as pause } from 'node:timers/promises'
import { FetchyardError } from '../core/errors.js'
import type { Sql, Transaction } from './client.js'
import { codeOf } from './client.js'
import { quoteTable } from './identifiers.js'

/** How often a lock is tried for, how long a try keeps others waiting, and the pause after it. */
export interface LockPatience {
  readonly attempts: number
  readonly patienceMs: number
  readonly pauseMs: number
}

/** Waits for writers that are at it, and keeps new ones waiting: for a moment only. */
export async function lockTable(transaction: Transaction, table: string): Promise<void> {
  await transaction.unsafe(`lock table ${quoteTable(table)} in share row exclusive mode`)
}

const LOCK_NOT_AVAILABLE = '55P03'
const DEADLOCK = '40P01'

/**
 * Runs `change`, which locks a table, and stands back when it does not get the lock at once: behind
 * a long transaction of the table's users everybody else would wait with us.
 */
export async function withTable(
  sql: Sql,
  on: { readonly table: string; readonly lock: LockPatience },
  change: (transaction: Transaction) => Promise<void>,
): Promise<void> {
  const { attempts, patienceMs, pauseMs } = on.lock
  for (let attempt = 1; ; attempt += 1) {
    try {
      await sql.begin(async (transaction) => {
        await transaction.unsafe(`set local lock_timeout = ${patienceMs}`)
        await change(transaction)
      })
      return
    } catch (error) {
      const code = codeOf(error)
      if (code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK) throw error
      if (attempt === attempts) throw heldTable(on.table, error)
    }
    await pause(pauseMs)
  }
}

function heldTable(table: string, cause: unknown): FetchyardError {
  return new FetchyardError(
    'WORKFLOW_BUSY',
    `The table ${table} is held by transactions of its users that do not end, so that its ` +
      'triggers cannot be changed. Look for them in pg_stat_activity, and try again.',
    { cause },
  )
}
