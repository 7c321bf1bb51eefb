// The audit after every test: what a test did to the queue, whatever it was about, broke no promise.

import { afterEach, beforeEach } from 'mocha'
import { audit } from '../../src/store/audit.js'
import type { Sql } from '../../src/store/client.js'

export interface Audited {
  /** Set by a test that damages the tables on purpose; holds until its end. */
  isDamaged: boolean
}

/**
 * Ends every test of the surrounding `describe` with an audit, which must be clean. Hooks run in
 * the order of registration: call it after those that end what works on the queue.
 */
export function useAudit(database: { readonly sql: Sql }): Audited {
  const audited: Audited = { isDamaged: false }
  beforeEach(() => {
    audited.isDamaged = false
  })
  afterEach(async () => {
    if (!audited.isDamaged) await assertClean(database.sql)
  })
  return audited
}

async function assertClean(sql: Sql): Promise<void> {
  const [found] = await sql<{ isThere: boolean }[]>`
    select to_regclass('fetchyard.item') is not null as "isThere"`
  // A test that never opened the database has no queue to audit.
  if (found?.isThere !== true) return
  const { checks } = await audit(sql)
  const broken = checks.filter((check) => check.violations > 0)
  if (broken.length === 0) return
  throw new Error(`The test leaves broken promises: ${JSON.stringify(broken, null, 1)}`)
}
