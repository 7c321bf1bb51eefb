// The contenders on Postgres, each in a fresh database of the same server.

import { fileURLToPath } from 'node:url'
import { LIMITS } from '../../src/core/limits.js'
import { audit } from '../../src/store/audit.js'
import type { Database } from '../../src/store/client.js'
import { connect } from '../../src/store/client.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { migrate } from '../../src/store/migrate.js'
import { pauseWorkflow, registerWorkflow, resumeWorkflow } from '../../src/store/workflows.js'
import type { BenchDatabase } from '../support/bench-database.js'
import { benchSettings, forkBenchNode } from '../support/fork-bench-node.js'
import { peerProgram } from '../support/peers.js'
import { NO_OP } from '../support/workflow-path.js'
import { forkContender } from './fork-contender.js'
import { type Contender, type Subject, walPosition } from './run-contender.js'
import { benchItems } from './serve-contender.js'

const programOf = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url))

interface OwnDatabase extends Database {
  readonly url: string
  readonly drop: () => Promise<void>
}

let made = 0

async function makeDatabase(server: BenchDatabase): Promise<OwnDatabase> {
  made += 1
  const name = `contender_${made}`
  await server.sql.unsafe(`create database ${name}`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  const database = await connect({ url: url.href, poolMax: 2, pooling: 'direct' })
  const drop = async () => {
    await database.close()
    await server.sql.unsafe(`drop database ${name} with (force)`)
  }
  return { ...database, url: url.href, drop }
}

/** What all of them have in common. The pages of the fill are in the log once, as in steady work. */
function onPostgres(server: BenchDatabase, { sql }: Database) {
  return {
    serverPid: server.postmasterPid,
    settleDown: async () => {
      await sql`vacuum (analyze)`
    },
    logBytes: () => walPosition(sql),
  }
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 5))
}

interface Program {
  readonly path: string
  readonly args: readonly string[]
  readonly node: string
  /** Expression that is true when nothing is left to be settled. */
  readonly isDone: string
  readonly isMigrated?: boolean
  readonly check?: (database: Database, items: number) => Promise<void>
}

async function startProgram(server: BenchDatabase, of: Program): Promise<Subject> {
  const database = await makeDatabase(server)
  if (of.isMigrated === true) await migrate(database.sql)
  const child = await forkContender(of.path, { args: [database.url, ...of.args], node: of.node })
  const isDone = async () => {
    const [row] = await database.sql.unsafe<{ done: boolean }[]>(`select ${of.isDone} as done`)
    return row?.done === true
  }
  return {
    ...onPostgres(server, database),
    clientPid: child.pid,
    fill: async (items) => {
      await server.sql`checkpoint`
      return child.fill(items)
    },
    drain: async (items) => {
      const firstMs = await child.drain(items)
      await until(isDone)
      return (performance.now() - firstMs) / 1_000
    },
    check: async (items) => {
      if (!(await isDone())) throw new Error(`${of.path} left jobs behind.`)
      await of.check?.(database, items)
    },
    close: async () => {
      await child.stop()
      await database.drop()
    },
  }
}

/** Every item has one receipt, and the queue's own audit finds nothing. */
async function checkReceipts({ sql }: Database, items: number): Promise<void> {
  const [row] = await sql<{ receipts: number }[]>`
    select count(distinct item_id)::int as receipts from fetchyard.processing_log
     where status = 'success'`
  if (row?.receipts !== items) throw new Error(`Expected ${items} receipts, got ${row?.receipts}.`)
  const { isClean, checks } = await audit(sql)
  if (!isClean) throw new Error(`The audit found: ${JSON.stringify(checks)}`)
}

async function startWholePath(
  server: BenchDatabase,
  of: { readonly concurrency: number; readonly execArgv: readonly string[] },
): Promise<Subject> {
  const database = await makeDatabase(server)
  const { sql } = database
  await migrate(sql)
  const { workflowId } = await registerWorkflow(sql, 'no-op')
  const reason = 'the queue is being filled'
  await pauseWorkflow(sql, { workflowId, reason })
  const settings = benchSettings({ databaseUrl: database.url, concurrency: of.concurrency })
  const node = await forkBenchNode({ settings, workflow: NO_OP }, of.execArgv)
  return {
    ...onPostgres(server, database),
    clientPid: node.pid,
    fill: async (items) => {
      await server.sql`checkpoint`
      const startedMs = performance.now()
      for (let at = 0; at < items; at += LIMITS.enqueueRowsMax) {
        const slice = benchItems(at, Math.min(LIMITS.enqueueRowsMax, items - at))
        await enqueueItems(sql, { workflowId, items: slice, again: 'never' })
      }
      return (performance.now() - startedMs) / 1_000
    },
    drain: async (items) => {
      const finished = node.finished(items)
      await resumeWorkflow(sql, { workflowId, reason })
      const { failed, seconds } = await finished
      if (failed > 0) throw new Error(`${failed} items failed.`)
      return seconds
    },
    check: (items) => checkReceipts(database, items),
    close: async () => {
      await node.stop()
      await database.drop()
    },
  }
}

export function ownContenders(
  server: BenchDatabase,
  of: { readonly concurrency: number; readonly execArgv: readonly string[] },
): readonly Contender[] {
  const node = process.execPath
  const store = {
    ...{ path: programOf('store-contender'), args: [], node, isMigrated: true },
    ...{ isDone: 'not exists (select from fetchyard.work_queue)', check: checkReceipts },
  }
  const raw = (kind: string) => () =>
    startProgram(server, {
      ...{ path: programOf('raw-contender'), args: [kind], node },
      isDone: `not exists (select from public.raw_${kind})`,
    })
  return [
    { name: 'raw, a row an item', isOurs: false, isRaw: true, start: raw('row') },
    { name: 'raw, a row per 500 items', isOurs: false, isRaw: true, start: raw('pack') },
    {
      ...{ name: 'Fetchyard, store alone', isOurs: true, isRaw: false },
      start: () => startProgram(server, store),
    },
    {
      ...{ name: 'Fetchyard, whole path', isOurs: true, isRaw: false },
      start: () => startWholePath(server, of),
    },
  ]
}

/** @param node path of the Node that they run with. */
export function postgresPeers(server: BenchDatabase, node: string): readonly Contender[] {
  const peer = (name: string, isDone: string): Contender => ({
    ...{ name, isOurs: false, isRaw: false },
    start: () => startProgram(server, { path: peerProgram(name), args: [], node, isDone }),
  })
  return [
    peer('graphile-worker', 'not exists (select from graphile_worker._private_jobs)'),
    peer(
      'pg-boss',
      `not exists (select from pgboss.job where state < 'completed'::pgboss.job_state)`,
    ),
  ]
}
