// A Postgres of one suite's own, which may be restarted under its clients.

import { chmod, mkdtemp, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before } from 'mocha'
import postgres from 'postgres'
import type { Sql } from '../../src/store/client.js'
import type { EmbeddedDatabase } from '../../supervisor/embedded/index.js'
import { startEmbedded } from '../../supervisor/embedded/index.js'
import { readPostmasterFile } from '../../supervisor/embedded/postmaster.js'
import type { Account } from '../../supervisor/embedded/program.js'
import { runProgram } from '../../supervisor/embedded/program.js'
import type { TestDatabase } from './database.js'

export interface OwnServer extends TestDatabase {
  /** Ends the server as a power failure would, and starts it again. */
  readonly crash: () => Promise<void>
}

export function useOwnServer(): OwnServer {
  let current: { readonly embedded: EmbeddedDatabase; readonly sql: Sql } | null = null
  let dataDir = ''
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'fetchyard-test-'))
    // Run by root, the server has an account of its own, which must be able to enter.
    await chmod(dataDir, 0o711)
    const options = { dataDir, purpose: 'test', exclusive: true, transport: 'loopback' } as const
    const embedded = await startEmbedded(options)
    current = { embedded, sql: postgres(embedded.url, { max: 4, onnotice: () => {} }) }
  })
  after(async () => {
    await current?.sql.end({ timeout: 1 })
    await current?.embedded.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
  const ready = () => {
    if (current === null) throw new Error('The server exists inside of tests and hooks only.')
    return current
  }
  return {
    get url() {
      return ready().embedded.url
    },
    get sql() {
      return ready().sql
    },
    crash: () => restartAtOnce(ready().embedded.pgDir),
  }
}

export interface EmbeddedGuest extends TestDatabase {
  readonly dataDir: string
}

/** The embedded database as a guest sees it, of which a supervisor may be the owner. */
export function useEmbeddedGuest(): EmbeddedGuest {
  let current: { readonly embedded: EmbeddedDatabase; readonly sql: Sql } | null = null
  let dataDir = ''
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'fetchyard-test-'))
    await chmod(dataDir, 0o711)
    const embedded = await startEmbedded({ dataDir, purpose: 'test', exclusive: false })
    current = { embedded, sql: postgres({ ...embedded.connection, max: 4, onnotice: () => {} }) }
  })
  after(async () => {
    await current?.sql.end({ timeout: 1 })
    await current?.embedded.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
  const ready = () => {
    if (current === null) throw new Error('The database exists inside of tests and hooks only.')
    return current
  }
  return {
    get url() {
      return ready().embedded.url
    },
    get sql() {
      return ready().sql
    },
    get dataDir() {
      return dataDir
    },
  }
}

/** Restarts by the `pg_ctl` that stands beside the running server's program. */
async function restartAtOnce(pgDir: string): Promise<void> {
  const file = await readPostmasterFile(pgDir)
  const program = await readlink(`/proc/${file?.pid ?? 0}/exe`)
  const end = await runProgram({
    file: join(dirname(program), 'pg_ctl'),
    args: ['restart', '-m', 'immediate', '-w', '-l', 'pg.log'],
    account: await ownerOf(pgDir),
    cwd: pgDir,
    environment: { PGDATA: pgDir },
  })
  if (end.code !== 0) throw new Error(`pg_ctl restart failed: ${end.stderr}${end.stdout}`)
}

async function ownerOf(path: string): Promise<Account | null> {
  const { uid, gid } = await stat(path)
  return uid === process.getuid?.() ? null : { name: `uid ${uid}`, uid, gid }
}
