// A database that is there: what its server allows, how far away it is, the state of the schema.

import { FetchyardError } from '../../src/core/errors.js'
import type { Finding } from '../../src/core/health.js'
import {
  fine,
  judgeRoundTrips,
  judgeServer,
  judgeSkew,
  problem,
  warning,
} from '../../src/core/health.js'
import type { ConnectOptions, Database, Pooling, Sql } from '../../src/store/client.js'
import { connect, redactUrl } from '../../src/store/client.js'
import { pendingMigrations } from '../../src/store/migrate.js'
import type { Rights } from '../../src/store/server-facts.js'
import {
  readRights,
  readServerFacts,
  readServerTimeMs,
  readUnvacuumed,
} from '../../src/store/server-facts.js'

const ROUND_TRIPS = 11

/** Looks into the database of a URL; changes nothing there. */
export async function examineDatabase(
  options: ConnectOptions & { readonly poolMax: number },
): Promise<readonly Finding[]> {
  let database: Database
  try {
    // Asked, whatever the settings say: they are what is examined.
    database = await connect({ ...options, poolMax: 1, pooling: 'auto' })
  } catch (error) {
    if (!(error instanceof FetchyardError)) throw error
    return [problem('reachable', error.message, `psql '${redactUrl(options.url)}' -c 'select 1'`)]
  }
  try {
    return [
      fine('reachable', `${redactUrl(options.url)} answers`),
      judgePooling(database.pooling, options.pooling ?? 'auto'),
      ...judgeServer(await readServerFacts(database.sql), options.poolMax),
      ...(await examineDistance(database.sql)),
      ...(await examineSchema(database.sql)),
    ]
  } finally {
    await database.close()
  }
}

function judgePooling(found: Pooling, wish: Pooling | 'auto'): Finding {
  const words =
    found === 'direct' ? 'Connections are direct' : 'A pooler in transaction mode is in between'
  if (wish !== 'direct' || found === 'direct') return fine('pooling', words)
  const mistake = `${words}, while --pooling says direct: prepared statements would fail.`
  return problem('pooling', mistake, 'Leave --pooling at auto.')
}

async function examineDistance(sql: Sql): Promise<readonly Finding[]> {
  const tripsMs: number[] = []
  let skewMs = 0
  for (let trip = 0; trip < ROUND_TRIPS; trip += 1) {
    const sentMs = performance.now()
    const sentAtMs = Date.now()
    const serverMs = await readServerTimeMs(sql)
    const tripMs = performance.now() - sentMs
    // The shortest trip leaves the least room for an error.
    if (trip === 0 || tripMs < Math.min(...tripsMs)) skewMs = sentAtMs + tripMs / 2 - serverMs
    tripsMs.push(tripMs)
  }
  return [judgeRoundTrips(tripsMs), judgeSkew(skewMs)]
}

async function examineSchema(sql: Sql): Promise<readonly Finding[]> {
  const rights = await readRights(sql)
  const refused = judgeRights(rights)
  if (refused !== null) return [refused]
  const findings: Finding[] = [fine('rights', `${rights.user} may use what it needs`)]
  try {
    findings.push(judgeMigrations(await pendingMigrations(sql), rights.hasSchema))
  } catch (error) {
    if (!(error instanceof FetchyardError)) throw error
    findings.push(problem('schema', error.message, 'npm install fetchyard@latest'))
  }
  for (const { table, remedy } of await readUnvacuumed(sql)) {
    findings.push(problem('vacuum', `Autovacuum is turned off for ${table}.`, remedy))
  }
  return findings
}

function judgeRights(rights: Rights): Finding | null {
  const { user, database, hasSchema, mayCreateSchema, closedTables } = rights
  if (!hasSchema && !mayCreateSchema)
    return problem(
      'rights',
      `${user} may not create the schema fetchyard in ${database}.`,
      `grant create on database "${database}" to "${user}";`,
    )
  if (closedTables.length > 0)
    return problem(
      'rights',
      `${user} may not read and write ${closedTables.join(', ')}.`,
      `grant usage on schema fetchyard to "${user}"; ` +
        `grant select, insert, update, delete on all tables in schema fetchyard to "${user}";`,
    )
  return null
}

function judgeMigrations(pending: readonly { readonly id: number }[], hasSchema: boolean): Finding {
  if (pending.length === 0) return fine('schema', 'The schema is up to date')
  const words = hasSchema
    ? `The schema lacks ${pending.length} migrations of this version.`
    : 'There is no schema yet; the first start makes it.'
  return warning('schema', words, 'fetchyard migrate')
}
