// What nodes say of themselves with each heartbeat, for the nodes beside them.

import type { Sql } from './client.js'

/** The words of a node as they were stored; another version may have written them. */
export interface StoredReport {
  readonly nodeId: string
  /** Time since the heartbeat that brought it. */
  readonly ageMs: number
  readonly report: unknown
}

/** Reports of all living nodes but one. */
export async function readReports(sql: Sql, except: string): Promise<readonly StoredReport[]> {
  return sql<StoredReport[]>`
    select node_id as "nodeId",
           greatest(0, coalesce((stats ->> 'leaseMs')::float8, 0)
             - 1000 * extract(epoch from alive_until - clock_timestamp()))::float8 as "ageMs",
           stats -> 'live' as report
      from fetchyard.node
     where fenced_at is null and alive_until > clock_timestamp()
       and node_id <> ${except}
       and stats -> 'live' is not null
     order by node_id`
}
