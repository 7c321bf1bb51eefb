// What this node says of itself with each heartbeat, and what it hears of the others.

import type { Json } from '../src/core/outcome.js'
import type { Sql } from '../src/store/client.js'
import { readReports } from '../src/store/reports.js'
import { type HeardReport, type NodeReport, readReport } from '../src/telemetry/node-report.js'

/**
 * What a heartbeat carries beside the loads. `leaseMs` tells how long ago it was: the database
 * keeps the end of the lease alone.
 */
export function reportJson(
  report: NodeReport,
  leaseMs: number,
): { readonly [field: string]: Json } {
  const live: Json = JSON.parse(JSON.stringify(report))
  return { leaseMs, live }
}

/** What all living nodes but this one said. */
export async function readHeard(sql: Sql, except: string): Promise<readonly HeardReport[]> {
  const stored = await readReports(sql, except)
  return stored.map(({ nodeId, ageMs, report }) => ({ nodeId, ageMs, report: readReport(report) }))
}
