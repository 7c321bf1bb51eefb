// PgBouncer in transaction mode, in front of the tests' server.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before } from 'mocha'
import postgres from 'postgres'
import { chooseAccount } from '../../supervisor/embedded/account.js'
import { freePort } from '../../supervisor/embedded/address.js'
import { eventually } from './poll.js'

/** Debian puts it where the search path of ordinary users does not look. */
const PLACES = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin']
/** Fewer than the clients have: server connections must be shared for the run to go on. */
const SERVER_CONNECTIONS = 3

export interface Pooler {
  /** The same database, reached through the pooler. */
  readonly url: string
  readonly stop: () => Promise<void>
}

/**
 * Skips the suite, with a word, where there is no PgBouncer; in continuous integration its absence
 * is a failure.
 */
export function usePgBouncer(): { readonly program: string } {
  let program: string | null = null
  before(async function () {
    program = await findPgBouncer()
    if (program !== null) return
    if (process.env.CI) throw new Error('Expected pgbouncer to be installed, found none.')
    process.stdout.write('      skipped: pgbouncer is not installed (apt-get install pgbouncer)\n')
    this.skip()
  })
  return {
    get program() {
      if (program === null) throw new Error('There is no pgbouncer.')
      return program
    },
  }
}

/** @returns the path of the program, or null where there is none. */
export async function findPgBouncer(): Promise<string | null> {
  for (const place of PLACES) {
    const path = join(place, 'pgbouncer')
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return null
}

/**
 * Starts a pooler for the database of a URL, as an unprivileged user when we are root; on a free
 * port unless one is given.
 *
 * @param poolSize connections to the server.
 */
export async function startPgBouncer(
  program: string,
  databaseUrl: string,
  givenPort?: string,
  poolSize = SERVER_CONNECTIONS,
): Promise<Pooler> {
  const directory = await mkdtemp(join(tmpdir(), 'fetchyard-pgbouncer-'))
  const port = Number(givenPort ?? (await freePort()))
  const account = await chooseAccount(null)
  const config = join(directory, 'pgbouncer.ini')
  await writeFile(config, configText(databaseUrl, port, poolSize))
  if (account !== null) await chown(directory, account.uid, account.gid)
  await chmod(directory, 0o755)
  const child = spawn(program, ['--quiet', config], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
  })
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${port}`
  const stop = () => end(child, directory)
  await untilAnswers(url.toString(), child).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return { url: url.toString(), stop }
}

function configText(databaseUrl: string, port: number, poolSize: number): string {
  const { hostname, port: serverPort, username, password, pathname } = new URL(databaseUrl)
  const server = {
    host: hostname,
    port: serverPort || '5432',
    dbname: pathname.slice(1),
    user: decodeURIComponent(username),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  }
  const target = Object.entries(server).map(([name, value]) => `${name}=${value}`)
  return [
    '[databases]',
    `* = ${target.join(' ')}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    `default_pool_size = ${poolSize}`,
    'max_client_conn = 100',
    '',
  ].join('\n')
}

async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  const sql = postgres(url, { max: 1, prepare: false, onnotice: () => {} })
  try {
    await eventually({ words: 'an answer through pgbouncer' }, () => {
      if (child.exitCode !== null) throw new Error(`pgbouncer ended with code ${child.exitCode}.`)
      return sql`select 1`.then(
        () => true,
        () => false,
      )
    })
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function end(child: ChildProcess, directory: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  await rm(directory, { recursive: true, force: true })
}
