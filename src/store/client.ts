// The connection to Postgres.
//
// Nothing here needs a session: no LISTEN, no advisory lock, no SET, one statement at a time on a
// connection. So the same code works directly and behind a transaction pooler; only named
// statements are given up there, because a pooler hands the next statement to another server
// connection.

import postgres from 'postgres'
import { FetchyardError, messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { ARRAY_TYPES } from './arrays.js'
import { driverTarget } from './embedded.js'
import { encryptionOf, socketMaker } from './socket.js'
import { withoutStaleRows } from './stale-rows.js'
import { withTransactions } from './transactions.js'

export type Sql = postgres.Sql<Record<string, never>>
export type Transaction = postgres.TransactionSql<Record<string, never>>
/** What a statement can be sent through: a pool, or a transaction of one. */
export type Statements = postgres.ISql<Record<string, never>>

/**
 * How statements travel: straight to Postgres, or through a pooler that shares server connections.
 */
export type Pooling = 'direct' | 'transaction'

export interface ConnectOptions {
  readonly url: string
  /** Connections at most. @default LIMITS.databasePoolMax */
  readonly poolMax?: number
  /** 'auto' asks the server once; the others take the operator's word. @default 'auto' */
  readonly pooling?: Pooling | 'auto'
  /** Seconds until a connection that is not made counts as refused. @default 10 */
  readonly connectTimeoutS?: number
}

/** A pool beside the first one. */
export interface PoolOptions {
  readonly max: number
  /**
   * Silence after which a connection counts as dead, in milliseconds. A connection that died
   * without a word would otherwise hold its statement for as long as TCP cares to wait, which is a
   * quarter of an hour, or for ever behind a proxy.
   */
  readonly silenceMs: number
}

export interface Database {
  readonly sql: Sql
  readonly openPool: (pool: PoolOptions) => Sql
  readonly pooling: Pooling
  readonly serverVersion: number
  readonly close: () => Promise<void>
}

/** Oldest server whose SQL we speak. */
const SERVER_VERSION_MIN = 140_000
/** Idle connections are closed before their silence could be taken for death. */
const IDLE_TIMEOUT_S = 8

interface OpenOptions {
  readonly max: number
  readonly silenceMs?: number
}

function open(options: ConnectOptions, pooling: Pooling, pool: OpenOptions): Sql {
  const sql = openDriver(options, pooling, { ...pool, early: 0 })
  // The driver begins a transaction only where a second statement may follow the first at once.
  const openOne = () => openDriver(options, pooling, { ...pool, max: 1, early: 1 })
  return withTransactions(withoutStaleRows(sql), openOne)
}

/**
 * @param pool `early`: statements that are sent on a connection before the one under way is
 * answered. A pooler that hands the connection's server to somebody else at the answer loses the
 * answer of a statement that came before it, and we would wait for it until the silence counts.
 */
function openDriver(
  options: ConnectOptions,
  pooling: Pooling,
  pool: OpenOptions & { readonly early: 0 | 1 },
): Sql {
  const target = driverTarget(options.url)
  const connectTimeoutS = options.connectTimeoutS ?? 10
  const encryption = encryptionOf(options.url)
  const socket = socketMaker({
    encryption,
    timeoutMs: connectTimeoutS * 1_000,
    silenceMs: pool.silenceMs ?? null,
  })
  // The driver's types do not know these options.
  const untyped = { max_pipeline: pool.early, socket }
  return postgres(target.url, {
    ...target.options,
    ...untyped,
    // The socket comes encrypted; the driver must not ask for it once more.
    ...(encryption === null ? {} : { ssl: false }),
    max: pool.max,
    prepare: pooling === 'direct',
    connect_timeout: connectTimeoutS,
    // Spread reconnects, and cap them: a supervisor waits for its database, it does not give up.
    backoff: (tries: number) => Math.min(5, 0.1 * 2 ** tries) * (0.5 + Math.random() / 2),
    idle_timeout: IDLE_TIMEOUT_S,
    fetch_types: false,
    types: ARRAY_TYPES,
    onnotice: () => {},
    connection: { application_name: 'fetchyard' },
    transform: { undefined: null },
  }) as Sql
}

/**
 * A direct connection is told the pid of its server process when it is made; a pooler makes a
 * number up, since it cannot know which server process will serve the next statement.
 */
async function probe(options: ConnectOptions): Promise<{ pooling: Pooling; version: number }> {
  const sql = open(options, 'transaction', { max: 1 })
  try {
    const answer = await sql<{ pid: number; version: string }[]>`
      select pg_backend_pid() as pid, current_setting('server_version_num') as version`
    const told = (answer as unknown as { state?: { pid?: number } }).state?.pid
    const row = answer[0]
    return {
      pooling: row !== undefined && told === row.pid ? 'direct' : 'transaction',
      version: Number(row?.version ?? 0),
    }
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/**
 * Connects and asks what is at the other end.
 *
 * @throws {FetchyardError} DATABASE_UNAVAILABLE when nobody answers, DATABASE_REFUSED when somebody
 * answers and says no (password, database, version).
 */
export async function connect(options: ConnectOptions): Promise<Database> {
  const asked = await probe(options).catch((error: unknown) => {
    throw connectError(options.url, error)
  })
  if (asked.version < SERVER_VERSION_MIN) {
    throw new FetchyardError(
      'DATABASE_REFUSED',
      `Expected Postgres 14 or newer, got server_version_num ${asked.version}. ` +
        'Use a newer server, or unset DATABASE_URL to use the embedded one.',
    )
  }
  const wish = options.pooling ?? 'auto'
  const pooling = wish === 'auto' ? asked.pooling : wish
  const sql = open(options, pooling, { max: options.poolMax ?? LIMITS.databasePoolMax })
  const pools: Sql[] = [sql]
  return {
    sql,
    pooling,
    serverVersion: asked.version,
    openPool: (pool) => {
      const made = open(options, pooling, pool)
      pools.push(made)
      return made
    },
    close: async () => {
      await Promise.all(pools.map((pool) => pool.end({ timeout: 5 })))
    },
  }
}

/** A database URL without its password, for messages. */
export function redactUrl(url: string): string {
  try {
    const parsed = new URL(url)
    if (parsed.password !== '') parsed.password = '***'
    parsed.searchParams.delete('password')
    return parsed.toString()
  } catch {
    return '(a database URL that cannot be read)'
  }
}

/** SQLSTATEs by which a server that answered refuses the connection itself. */
const REFUSALS = new Set(['28000', '28P01', '3D000', '42501'])

function connectError(url: string, error: unknown): FetchyardError {
  const where = redactUrl(url)
  const code = codeOf(error)
  if (code !== null && REFUSALS.has(code)) {
    return new FetchyardError(
      'DATABASE_REFUSED',
      `The database at ${where} refused the connection: ${messageOf(error)} (${code}). ` +
        'Check user, password and database name in DATABASE_URL.',
      { cause: error },
    )
  }
  return new FetchyardError(
    'DATABASE_UNAVAILABLE',
    `The database at ${where} cannot be reached: ${messageOf(error) || code}. ` +
      'Check that it runs and that DATABASE_URL is right, or unset DATABASE_URL to use the embedded one.',
    { cause: error },
  )
}

/** SQLSTATE or driver code of an error; null when it carries none. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** What a failed statement means for the caller. */
export type DatabaseFault = 'transient' | 'data' | 'program'

/** Classes of SQLSTATE that speak about the values sent: the same values fail again. */
const DATA_CLASSES = new Set(['21', '22', '23', '44'])
/** A user's own trigger or constraint function that raises. */
const DATA_CODES = new Set(['P0001', 'P0004', '54000'])
/** Classes that pass by themselves: connection, resources, rollback, operator, system. */
const TRANSIENT_CLASSES = new Set(['08', '53', '40', '55', '57', '58', '25'])
const DRIVER_CODES = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_SILENT',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
])

/**
 * Sorts a failed statement. A transient one may have taken effect (the answer was lost): send the
 * same statement again, or ask the receipts. A data error took no effect and will not.
 */
export function classifyFault(error: unknown): DatabaseFault {
  // Too long a text for one statement: half of it fits.
  if (error instanceof RangeError) return 'data'
  const code = codeOf(error)
  if (code === null) return 'program'
  if (DRIVER_CODES.has(code)) return 'transient'
  const sqlClass = code.slice(0, 2)
  if (code.length === 5 && TRANSIENT_CLASSES.has(sqlClass)) return 'transient'
  if (code.length === 5 && (DATA_CLASSES.has(sqlClass) || DATA_CODES.has(code))) return 'data'
  return 'program'
}
