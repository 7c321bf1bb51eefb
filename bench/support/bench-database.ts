import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXIT_CODES } from '../../src/core/errors.js'
import { LIMITS } from '../../src/core/limits.js'
import type { Sql } from '../../src/store/client.js'
import { connect } from '../../src/store/client.js'
import { enqueueItems, insertSourceRows } from '../../src/store/enqueue.js'
import { migrate } from '../../src/store/migrate.js'
import { ensureTables } from '../../src/store/tables.js'
import { registerWorkflow } from '../../src/store/workflows.js'
import { startEmbedded } from '../../supervisor/embedded/index.js'
import { loadWorkflow } from '../../supervisor/workflows.js'
import { postmasterPid } from './process-tree.js'

/**
 * A Postgres of the benchmark's own, with the settings of the embedded one, in a directory of its
 * own.
 */
export interface BenchDatabase {
  readonly url: string
  readonly sql: Sql
  readonly postmasterPid: number
  /** As the server names itself. */
  readonly version: string
  readonly close: () => Promise<void>
}

export async function startBenchDatabase(): Promise<BenchDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'fetchyard-bench-'))
  // Run by root, the server has an account of its own, which must be able to enter.
  await chmod(dataDir, 0o711)
  const request = { dataDir, purpose: 'bench', exclusive: true, transport: 'loopback' } as const
  const embedded = await startEmbedded(request)
  const { sql, close } = await connect({ url: embedded.url, poolMax: 2, pooling: 'direct' })
  const [row] = await sql<{ version: string }[]>`
    select 'PostgreSQL ' || current_setting('server_version') || ', synchronous_commit '
           || current_setting('synchronous_commit') as version`
  await migrate(sql)
  const end = async () => {
    await close()
    await embedded.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  // The server would outlive us: it is a daemon.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().finally(() => process.exit(EXIT_CODES.unexpected)))
  }
  return {
    url: embedded.url,
    sql,
    postmasterPid: postmasterPid(embedded.pgDir) ?? 0,
    version: row?.version ?? 'unknown',
    close: end,
  }
}

/** Everything of an earlier round is gone; the next node makes what it needs. */
export async function emptyBenchDatabase(sql: Sql, workflow: string): Promise<void> {
  const { definition } = await loadWorkflow(workflow, '/')
  const tables = Object.values(definition.sinks).map((sink) => sink.table)
  if (definition.source !== undefined) tables.push(definition.source.table)
  for (const table of tables) await sql.unsafe(`drop table if exists ${table} cascade`)
  await sql.unsafe('drop view if exists public.processing_log')
  await sql.unsafe('drop schema if exists fetchyard cascade')
  await migrate(sql)
  await ensureTables(sql, definition.tables ?? [])
}

/**
 * Puts URLs into the queue the way a user does: into the bound table when the workflow has one.
 * A node must have opened the workflow before.
 *
 * @param laneOf the host that an item counts for. Without one it is nobody's: what is measured then
 * is the engine, not the pace of a host.
 */
export async function enqueueUrls(
  sql: Sql,
  workflow: string,
  urls: readonly string[],
  laneOf: (url: string) => string = () => '',
): Promise<void> {
  const { definition } = await loadWorkflow(workflow, '/')
  const { workflowId } = await registerWorkflow(sql, definition.name)
  for (let at = 0; at < urls.length; at += LIMITS.enqueueRowsMax) {
    const slice = urls.slice(at, at + LIMITS.enqueueRowsMax)
    if (definition.source !== undefined) {
      await insertSourceRows(sql, { source: definition.source, urls: slice, again: 'never' })
    } else {
      const items = slice.map((url) => ({ key: url, payload: { url }, lane: laneOf(url) }))
      await enqueueItems(sql, { workflowId, items, again: 'never' })
    }
  }
}
