// The tables of workflows, and the view by which operators read the receipts.

import { FetchyardError, messageOf } from '../core/errors.js'
import type { Sql } from './client.js'
import { codeOf } from './client.js'

/** Two programs may create the same table at once; `if not exists` does not see the other's. */
const RACE_CODES = new Set(['23505', '42P06', '42P07', '42710', '40P01'])
const TRIES_MAX = 3
const INSUFFICIENT_PRIVILEGE = '42501'

/**
 * Runs a workflow's statements, which create what is missing, in one transaction. Beside them goes
 * the view `public.processing_log`, unless something of that name is there.
 *
 * @throws {FetchyardError} DATABASE_REFUSED when the database's user may not create tables.
 */
export async function ensureTables(sql: Sql, statements: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await createAll(sql, statements)
    } catch (error) {
      const code = codeOf(error)
      if (code !== null && RACE_CODES.has(code) && tries < TRIES_MAX) continue
      throw code === INSUFFICIENT_PRIVILEGE ? mayNotCreate(error) : error
    }
  }
}

async function createAll(sql: Sql, statements: readonly string[]): Promise<void> {
  await sql.begin(async (transaction) => {
    // Tables without a schema are looked up in public, so they have to be made there. A user whose
    // name is that of a schema, as in the embedded database, would make them in that one.
    await transaction`
      select set_config('search_path', 'public, ' || current_setting('search_path'), true)`
    for (const statement of statements) await transaction.unsafe(statement)
    const [found] = await transaction<{ isThere: boolean }[]>`
      select to_regclass('public.processing_log') is not null as "isThere"`
    if (found?.isThere === true) return
    await transaction`
      create view public.processing_log as select * from fetchyard.processing_log`
  })
}

function mayNotCreate(error: unknown): FetchyardError {
  return new FetchyardError(
    'DATABASE_REFUSED',
    `The database's user may not create what the workflow needs: ${messageOf(error)}. ` +
      'Run `grant create on schema public to <user>` as an owner, or `fetchyard migrate` as one.',
    { cause: error },
  )
}
