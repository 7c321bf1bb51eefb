// A real Postgres for the tests: one server for the whole run, a fresh database for every suite.

import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'mocha'
import postgres from 'postgres'
import type { Sql } from '../../src/store/client.js'
import { driverTarget } from '../../src/store/embedded.js'
import { startEmbedded } from '../../supervisor/embedded/index.js'

interface Server {
  readonly url: string
  readonly stop: () => Promise<void>
}

let server: Promise<Server> | null = null

// Registered while the first test file loads, so it belongs to the root suite and runs last.
after(async () => {
  if (server !== null) await (await server).stop()
})

/** Connections of one suite's client. */
const POOL_MAX = 10

export interface TestDatabase {
  /** URL of the suite's own database; the driver, psql and child processes can all use it. */
  readonly url: string
  readonly sql: Sql
}

/**
 * Gives the surrounding `describe` an empty database of its own, and fails it when a connection
 * was left idle in a transaction. Set FETCHYARD_TEST_DATABASE_URL to use a server that runs.
 */
export function useDatabase(): TestDatabase {
  const name = `fetchyard_test_${process.pid}_${randomBytes(4).toString('hex')}`
  let current: { readonly url: string; readonly sql: Sql } | null = null
  before(async () => {
    server ??= startServer()
    const { url: serverUrl } = await server
    await withClient(serverUrl, (sql) => sql`create database ${sql(name)}`)
    const url = urlWithDatabase(serverUrl, name)
    current = { url, sql: openClient(url, POOL_MAX) }
  })
  after(async () => {
    if (current === null || server === null) return
    const { url: serverUrl } = await server
    const idle = await withClient(serverUrl, (sql) => idleInTransaction(sql, name))
    await current.sql.end({ timeout: 1 })
    await withClient(serverUrl, (sql) => sql`drop database ${sql(name)} with (force)`)
    if (idle.length > 0) throw new Error(`Left idle in a transaction: ${idle.join('; ')}`)
  })
  const ready = () => {
    if (current === null) throw new Error('The database exists inside of tests and hooks only.')
    return current
  }
  return {
    get url() {
      return ready().url
    },
    get sql() {
      return ready().sql
    },
  }
}

async function startServer(): Promise<Server> {
  const given = process.env.FETCHYARD_TEST_DATABASE_URL
  if (given !== undefined && given !== '') return { url: given, stop: async () => {} }
  const dataDir = await mkdtemp(join(tmpdir(), 'fetchyard-test-'))
  // Run by root, the server has an account of its own, which must be able to enter.
  await chmod(dataDir, 0o711)
  // On loopback, because its URL can be given to every client as it is.
  const options = { dataDir, purpose: 'test', exclusive: true, transport: 'loopback' } as const
  const embedded = await startEmbedded(options)
  return {
    url: embedded.url,
    stop: async () => {
      await embedded.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

function openClient(url: string, max: number): Sql {
  const target = driverTarget(url)
  return postgres(target.url, { ...target.options, max, onnotice: () => {} })
}

async function withClient<T>(url: string, work: (sql: Sql) => PromiseLike<T>): Promise<T> {
  const sql = openClient(url, 1)
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

async function idleInTransaction(sql: Sql, database: string): Promise<string[]> {
  const rows = await sql<{ query: string }[]>`
    select query
      from pg_stat_activity
     where datname = ${database}
       and state like 'idle in transaction%'
  `
  return rows.map((row) => row.query)
}

function urlWithDatabase(url: string, database: string): string {
  const parsed = new URL(url)
  parsed.pathname = `/${database}`
  return parsed.toString()
}
