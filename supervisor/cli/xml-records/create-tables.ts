import { ensureTables } from '../../../src/store/tables.js'
import { targetStatements } from '../../../src/store/target-tables.js'
import { checkTarget, targetTables } from '../../records/target.js'
import { type Invocation, isGiven } from '../command.js'
import { databaseRequest, withDatabase } from '../session.js'
import { print, printJson } from '../streams.js'
import { givenRecords } from './given.js'

/** `records create-tables`: the schema and the tables of a mapping, where they are missing. */
export async function createTables(invocation: Invocation): Promise<number> {
  const { streams } = invocation
  const { origin, schema } = await givenRecords(invocation)
  const tables = targetTables(origin.mapping, schema)
  const statements = targetStatements(schema, tables)
  if (isGiven(invocation, 'print')) {
    for (const statement of statements) await print(streams, `${statement};`)
    return 0
  }
  const request = databaseRequest(invocation, {
    purpose: 'records create-tables',
    exclusive: false,
  })
  await withDatabase(request, async ({ sql }) => {
    await ensureTables(sql, statements)
    // Tables that were there before may be of another shape.
    await checkTarget(sql, origin, schema)
  })
  const names = tables.map(({ table }) => table)
  if (isGiven(invocation, 'json')) await printJson(streams, { schema: 1, tables: names })
  else await print(streams, `Ready: ${names.join(', ')}.`)
  return 0
}
