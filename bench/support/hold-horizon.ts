import postgres from 'postgres'
import { driverTarget } from '../../src/store/embedded.js'

/**
 * Opens a transaction that keeps the server from removing any row that dies from now on, as a long
 * report or a forgotten session does. @returns what ends it.
 */
export async function holdHorizon(url: string): Promise<() => Promise<void>> {
  const target = driverTarget(url)
  const sql = postgres(target.url, { ...target.options, max: 1 })
  const session = await sql.reserve()
  await session`begin isolation level repeatable read`
  // The snapshot is taken by the first statement.
  await session`select count(*) from pg_class`
  return async () => {
    await session`commit`
    session.release()
    await sql.end()
  }
}
