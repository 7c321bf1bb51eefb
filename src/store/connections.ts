// How many of the server's connections are in use, by whomever.

import type { ConnectionUse } from '../core/connection-use.js'
import type { Sql } from './client.js'

/** Counted from what the server keeps for each database anyway: cheap, and anybody may read it. */
export const CONNECTIONS = `
  select coalesce(sum(numbackends), 0)::int as used,
         current_setting('max_connections')::int as max
    from pg_stat_database`

export async function readConnections(sql: Sql): Promise<ConnectionUse> {
  const rows = await sql.unsafe<ConnectionUse[]>(CONNECTIONS)
  return rows[0] ?? { used: 0, max: 0 }
}
