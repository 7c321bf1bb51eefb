// Looks at a database before `fetchyard torture` does anything to it, and refuses what may not be
// tortured.

import { FetchyardError } from '../../src/core/errors.js'
import { parseUrl } from '../../src/core/parse-url.js'
import { codeOf, connect, type Sql } from '../../src/store/client.js'
import { readFigures } from '../../src/store/figures.js'
import { readDatabaseName } from '../../src/store/torture.js'
import { type Permission, refusalOf, type TortureTarget } from '../torture/refusal.js'

/** SQLSTATEs of a database without our schema, or with one of an older program. */
const NO_SCHEMA = new Set(['3F000', '42P01', '42703'])

/** Looks without changing anything: a schema is neither made nor brought up to date. */
export async function lookAtTarget(url: string, ownWorkflow: string): Promise<TortureTarget> {
  const database = await connect({ url, poolMax: 1 })
  try {
    return await readTarget(database.sql, url, ownWorkflow)
  } finally {
    await database.close()
  }
}

export async function readTarget(
  sql: Sql,
  url: string,
  ownWorkflow: string,
): Promise<TortureTarget> {
  const { database, user } = await readDatabaseName(sql)
  const figures = await readFigures(sql).catch((error: unknown) => {
    if (NO_SCHEMA.has(codeOf(error) ?? '')) return null
    throw error
  })
  const others = figures?.workflows.filter(({ workflow }) => workflow !== ownWorkflow) ?? []
  const living = figures?.nodes.filter(({ state }) => state === 'alive') ?? []
  return {
    host: decodeURIComponent(parseUrl(url)?.hostname ?? ''),
    user,
    database,
    finishedElsewhere: others.reduce((sum, flow) => sum + flow.complete + flow.error, 0),
    livingNodes: living.map(({ name, host, pid }) => `${name} (pid ${pid} on ${host})`),
  }
}

/** @throws {FetchyardError} USAGE for another name than the given one, else CONFIG_INVALID. */
export function refuseTarget(target: TortureTarget, permission: Permission): void {
  const refusal = refusalOf(target, permission)
  if (refusal === null) return
  throw new FetchyardError(
    refusal.kind === 'misnamed' ? 'USAGE' : 'CONFIG_INVALID',
    refusal.message,
  )
}
