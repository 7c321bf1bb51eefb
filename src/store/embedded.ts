// The few statements that the embedded database needs before anything else can run: is this the
// server we mean, does its database exist, who else is using it.

import postgres from 'postgres'
import { messageOf } from '../core/errors.js'
import { parseUrl } from '../core/parse-url.js'

export interface ServerAddress {
  /** Directory of the Unix socket, or an IP address. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

export type ServerAnswer =
  | {
      readonly kind: 'answered'
      readonly dataDirectory: string
      /** Seconds since 1970, by the server's clock. */
      readonly startedAtSeconds: number
    }
  /** It starts, recovers or stops, and says so. */
  | { readonly kind: 'not-ready'; readonly reason: string }
  /** It is there and does not let us in. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nobody listens, or nobody answers in time. */
  | { readonly kind: 'silent'; readonly reason: string }

/** Asks a server who it is. Never throws: every failure is an answer too. */
export async function askServer(
  address: ServerAddress,
  connectSeconds: number,
): Promise<ServerAnswer> {
  try {
    return await connected(address, connectSeconds, async (sql) => {
      const rows = await sql<{ dataDirectory: string; startedAtSeconds: number }[]>`
        select current_setting('data_directory') as "dataDirectory",
               extract(epoch from pg_postmaster_start_time())::float8 as "startedAtSeconds"
      `
      const row = rows[0]
      if (row === undefined) return { kind: 'refused', reason: 'no row' }
      return { kind: 'answered', ...row }
    })
  } catch (error) {
    return explainFailure(error)
  }
}

/** Creates a database unless it is there. */
export async function ensureDatabase(
  address: ServerAddress,
  name: string,
  connectSeconds: number,
): Promise<void> {
  await connected(address, connectSeconds, async (sql) => {
    const found = await sql`select 1 from pg_database where datname = ${name}`
    if (found.length === 0) await sql`create database ${sql(name)}`
  })
}

/** Counts the clients that are connected to the server, apart from the one that asks. */
export async function countOtherClients(
  address: ServerAddress,
  connectSeconds: number,
): Promise<number> {
  return connected(address, connectSeconds, async (sql) => {
    const rows = await sql<{ clients: number }[]>`
      select count(*)::int as clients
        from pg_stat_activity
       where backend_type = 'client backend'
         and pid <> pg_backend_pid()
    `
    return rows[0]?.clients ?? 0
  })
}

async function connected<T>(
  address: ServerAddress,
  connectSeconds: number,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = postgres({
    ...address,
    database: 'postgres',
    max: 1,
    connect_timeout: connectSeconds,
    fetch_types: false,
    prepare: false,
    ssl: false,
    onnotice: () => {},
    connection: { application_name: 'fetchyard embedded' },
  })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: connectSeconds })
  }
}

/** Class 57P holds "starting up", "shutting down" and "crash shutdown"; 28 is about who we are. */
function explainFailure(error: unknown): ServerAnswer {
  const reason = messageOf(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code.startsWith('57P')) return { kind: 'not-ready', reason }
  if (/^[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE') return { kind: 'refused', reason }
  return { kind: 'silent', reason }
}

/** What the `postgres` driver needs for a database URL: `postgres(target.url, target.options)`. */
export interface DriverTarget {
  readonly url: string
  readonly options: { readonly path?: string }
}

/**
 * Translates a URL with a Unix socket for the driver, which reads sockets from its options only.
 * Both spellings of psql are understood, `postgres://user@%2Fdir/db` and
 * `postgres:///db?host=/dir`; other URLs, and text that is no URL, pass unchanged.
 */
export function driverTarget(url: string): DriverTarget {
  const parsed = parseUrl(url)
  if (parsed === null) return { url, options: {} }
  const host = parsed.searchParams.get('host') ?? decodeURIComponent(parsed.hostname)
  if (!host.startsWith('/')) return { url, options: {} }
  const port = parsed.searchParams.get('port') || parsed.port || '5432'
  parsed.searchParams.delete('host')
  parsed.searchParams.delete('port')
  return { url: withLogin(parsed), options: { path: `${host}/.s.PGSQL.${port}` } }
}

/** A URL without a host cannot hold a user in its usual place, so psql takes it as a parameter. */
function withLogin(parsed: URL): string {
  const user = parsed.searchParams.get('user') ?? decodeURIComponent(parsed.username)
  const password = parsed.searchParams.get('password') ?? decodeURIComponent(parsed.password)
  parsed.searchParams.delete('user')
  parsed.searchParams.delete('password')
  const login = user === '' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`
  return `postgres://${login}localhost${parsed.pathname}${parsed.search}`
}
