// What a look at the machine and the database may find, and the judgements that need figures alone.

export type HealthLevel = 'ok' | 'warning' | 'problem'

/** One thing that was looked at. */
export interface Finding {
  /** A short name for programs: `node`, `schema`. */
  readonly check: string
  readonly level: HealthLevel
  /** What is, with its figure. */
  readonly words: string
  /** A command, a statement or a setting that mends it; null where nothing needs to be mended. */
  readonly fix: string | null
}

export function fine(check: string, words: string): Finding {
  return { check, level: 'ok', words, fix: null }
}

export function warning(check: string, words: string, fix: string): Finding {
  return { check, level: 'warning', words, fix }
}

export function problem(check: string, words: string, fix: string): Finding {
  return { check, level: 'problem', words, fix }
}

/** Oldest Node.js that is supported: major and minor number. */
const NODE_MIN = [20, 19] as const

export function judgeNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const isOld = major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])
  const words = `Node.js ${version}`
  if (!isOld) return fine('node', words)
  return problem(
    'node',
    `${words} is older than ${NODE_MIN.join('.')}.`,
    'Install a newer Node.js.',
  )
}

/** Files that a supervisor and a worker have open beside their sockets. */
const FILES_BESIDE_SOCKETS = 256

/** @param limit open files that a process may have; null where it is not known. */
export function judgeOpenFiles(limit: number | null, sockets: number): Finding {
  if (limit === null) return fine('open_files', 'The limit of open files is not known here.')
  const needed = sockets + FILES_BESIDE_SOCKETS
  const words = `${limit} open files a process, ${needed} needed for ${sockets} sockets`
  if (limit >= needed) return fine('open_files', words)
  return problem('open_files', `${words}.`, `ulimit -n ${Math.max(65_536, needed)}`)
}

const MEBIBYTE = 1_048_576

export interface MemoryNeed {
  readonly totalBytes: number
  readonly workers: number
  readonly workerBytesMax: number
}

/** Workers that all grow to their limit should not make the system kill the supervisor. */
export function judgeMemory({ totalBytes, workers, workerBytesMax }: MemoryNeed): Finding {
  const needed = Math.round((workers * workerBytesMax) / MEBIBYTE)
  const words =
    `${Math.round(totalBytes / MEBIBYTE)} MB of memory; ` +
    `${workers} ${workers === 1 ? 'worker' : 'workers'} may take ${needed} MB`
  if (workers * workerBytesMax <= totalBytes) return fine('memory', words)
  return warning('memory', `${words}.`, 'Give --memory a smaller limit, or start fewer workers.')
}

export interface ServerFacts {
  readonly version: string
  readonly isReplica: boolean
  readonly isReadOnly: boolean
  readonly connectionsMax: number
  readonly connectionsUsed: number
  readonly synchronousCommit: string
  readonly fsync: string
  readonly autovacuum: string
  readonly statementTimeoutMs: number
  /** Age of the oldest transaction that keeps vacuum from dead rows, in seconds; null: none. */
  readonly oldestTransactionS: number | null
  readonly oldestTransactionPid: number | null
}

/** Share of its connections from which a server is called nearly full. */
const CONNECTIONS_SHARE_MAX = 0.8
/** Shorter time limits end statements that a healthy queue sends. */
const STATEMENT_TIMEOUT_MS_MIN = 30_000
/** A transaction of this age keeps dead rows of the queue from being removed. */
const TRANSACTION_AGE_S_MAX = 3_600

function judgeWriting({ isReplica, isReadOnly }: ServerFacts): Finding {
  if (isReplica)
    return problem(
      'writing',
      'The server is a replica, or still recovers; it takes no writes.',
      'Point DATABASE_URL at the primary.',
    )
  if (isReadOnly)
    return problem(
      'writing',
      'Transactions are read-only by default.',
      'alter database ... set default_transaction_read_only = off;',
    )
  return fine('writing', 'The server takes writes')
}

function judgeConnections(facts: ServerFacts, poolMax: number): Finding {
  const { connectionsMax, connectionsUsed } = facts
  const words = `${connectionsUsed} of ${connectionsMax} connections in use; a node takes ${poolMax}`
  if (connectionsUsed + poolMax > connectionsMax)
    return problem(
      'connections',
      `${words}, which are not there.`,
      'Raise max_connections, close what is idle, or put a pooler in front.',
    )
  if (connectionsUsed > CONNECTIONS_SHARE_MAX * connectionsMax)
    return warning(
      'connections',
      `${words}: more than ${CONNECTIONS_SHARE_MAX * 100} %.`,
      'Look in pg_stat_activity who has them (application_name, state).',
    )
  return fine('connections', words)
}

function judgeDurability({ synchronousCommit, fsync }: ServerFacts): Finding {
  if (fsync !== 'on')
    return problem(
      'durability',
      'fsync is off: a crash of the machine may destroy the database.',
      'alter system set fsync = on; select pg_reload_conf();',
    )
  if (synchronousCommit === 'off')
    return warning(
      'durability',
      'synchronous_commit is off: a crash of the server forgets the last results, which are then ' +
        'fetched and paid for again.',
      'alter database ... set synchronous_commit = on;',
    )
  return fine('durability', `synchronous_commit is ${synchronousCommit}, fsync on`)
}

function judgeStatementTimeout({ statementTimeoutMs }: ServerFacts): Finding {
  const check = 'statement_timeout'
  if (statementTimeoutMs === 0) return fine(check, 'No statement_timeout')
  const words = `statement_timeout is ${statementTimeoutMs / 1_000} s`
  if (statementTimeoutMs >= STATEMENT_TIMEOUT_MS_MIN) return fine(check, words)
  return warning(
    check,
    `${words}: statements that wait for a busy server would be ended and sent again.`,
    "alter role ... set statement_timeout = '60s';",
  )
}

function judgeVacuum({ autovacuum, ...facts }: ServerFacts): Finding {
  if (autovacuum !== 'on')
    return problem(
      'vacuum',
      'autovacuum is off: dead rows of the queue are never removed, and leasing slows down.',
      'alter system set autovacuum = on; select pg_reload_conf();',
    )
  const { oldestTransactionS: age, oldestTransactionPid: pid } = facts
  if (age !== null && age > TRANSACTION_AGE_S_MAX)
    return warning(
      'vacuum',
      `A transaction of ${Math.round(age / 60)} min (pid ${pid}) keeps dead rows from being removed.`,
      `select pg_terminate_backend(${pid});`,
    )
  return fine('vacuum', 'autovacuum is on, and no old transaction is in its way')
}

export function judgeServer(facts: ServerFacts, poolMax: number): readonly Finding[] {
  return [
    fine('server', `PostgreSQL ${facts.version}`),
    judgeWriting(facts),
    judgeConnections(facts, poolMax),
    judgeDurability(facts),
    judgeStatementTimeout(facts),
    judgeVacuum(facts),
  ]
}

/** Round trips above this leave a worker waiting for its database. */
const ROUND_TRIP_MS_MAX = 50

export function judgeRoundTrips(tripsMs: readonly number[]): Finding {
  const sorted = [...tripsMs].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  const show = (ms: number) => `${ms.toFixed(1)} ms`
  const words = `A round trip takes ${show(at(0.5))} (p50), ${show(at(0.95))} (p95)`
  if (at(0.5) <= ROUND_TRIP_MS_MAX) return fine('round_trip', words)
  return warning('round_trip', `${words}.`, 'Run the nodes near the database.')
}

/** Differences of clocks that people notice when they compare logs. */
const SKEW_MS_MAX = 1_000

/** Nothing depends on it: the database's clock decides every expiry. */
export function judgeSkew(skewMs: number): Finding {
  const by = `${Math.abs(Math.round(skewMs))} ms ${skewMs < 0 ? 'behind' : 'before'} the database's`
  if (Math.abs(skewMs) <= SKEW_MS_MAX) return fine('clock', `This machine's clock is ${by}`)
  return warning(
    'clock',
    `This machine's clock is ${by}: no lease depends on it, but times in logs do.`,
    'timedatectl set-ntp true',
  )
}
