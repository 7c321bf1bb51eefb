// What each living node said of its work at its last heartbeat.

import type { NodeLoad } from '../core/why-plan.js'
import type { Sql } from './client.js'

export interface StoredLoad extends NodeLoad {
  readonly workflow: string
}

/** Loads of all workflows on all living nodes; a node of another version may say less. */
export async function readLoads(sql: Sql): Promise<readonly StoredLoad[]> {
  return sql<StoredLoad[]>`
    select node.name as node,
           load.workflow,
           coalesce(load.slots, 0) as slots,
           coalesce(load."inFlight", 0) as "inFlight",
           coalesce(load.buffered, 0) as buffered,
           coalesce(load.settling, 0) as settling,
           coalesce(load."limit", load.slots, 0) as "limit",
           coalesce(load.reason, 'configured') as reason,
           coalesce(load."perSecond", 0) as "perSecond",
           coalesce(load."isClogged", false) as "isClogged",
           load."perMinute",
           coalesce(load."successPauseMs", 0) as "successPauseMs",
           load.breaker,
           coalesce(load."lanesOpen", 0) as "lanesOpen",
           coalesce(load.fetches, 0)::float8 as fetches,
           coalesce(load."reusedFetches", 0)::float8 as "reusedFetches"
      from fetchyard.node
     cross join lateral jsonb_to_recordset(
             case jsonb_typeof(node.stats -> 'workflows')
             when 'array' then node.stats -> 'workflows' else '[]' end)
           as load (workflow text, slots integer, "inFlight" integer, buffered integer,
                    settling integer, "limit" integer, reason text, "perSecond" float8,
                    "isClogged" boolean, "perMinute" float8, "successPauseMs" integer,
                    breaker jsonb, "lanesOpen" integer,
                    fetches bigint, "reusedFetches" bigint)
     where node.fenced_at is null and node.alive_until > clock_timestamp()
     order by node.name, load.workflow`
}
