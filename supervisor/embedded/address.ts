import { createHash, randomBytes } from 'node:crypto'
import { chmod, chown, lstat, mkdir, rm } from 'node:fs/promises'
import { createServer, type ListenOptions } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerAddress } from '../../src/store/embedded.js'
import { EMBEDDED_BOUNDS } from './bounds.js'
import type { Account } from './program.js'

/** Where a server listens: one Unix socket, or one port of the loopback interface. */
export type Listener =
  | { readonly kind: 'socket'; readonly directory: string; readonly port: number }
  | { readonly kind: 'loopback'; readonly port: number }

export const DATABASE_NAME = 'fetchyard'
export const USER_NAME = 'fetchyard'
export const LOOPBACK = '127.0.0.1'

/** Part of the socket's name alone: its directory belongs to one server. */
const SOCKET_PORT = 5_432

/**
 * Chooses where the server will listen. A Unix socket can be reached by its owner only; its
 * directory stands beside the data, or in the system's directory for temporary files when the path
 * would be too long for the system or cannot be written in Postgres's own list of directories.
 */
export async function chooseListener(home: string, account: Account | null): Promise<Listener> {
  for (const directory of socketDirectories(home, tmpdir())) {
    if (await canHoldSocket(directory, account)) {
      return { kind: 'socket', directory, port: SOCKET_PORT }
    }
  }
  return { kind: 'loopback', port: await freePort() }
}

/** Directories for the socket in order of preference; none on Windows. */
export function socketDirectories(home: string, temporary: string): readonly string[] {
  if (process.platform === 'win32') return []
  const hash = createHash('sha256').update(home).digest('hex').slice(0, 12)
  const candidates = [join(home, 'socket'), join(temporary, `fetchyard-${hash}`)]
  return candidates.filter(isSocketDirectory)
}

function isSocketDirectory(directory: string): boolean {
  const bytes = Buffer.byteLength(`${directory}/.s.PGSQL.${SOCKET_PORT}`)
  return bytes <= EMBEDDED_BOUNDS.socketPathBytesMax && !/[",\\\n]/.test(directory)
}

/**
 * Makes the directory, or accepts one that is ours and closed to others: in a directory that all
 * may write to, somebody else could have made it first. Whether the file system knows sockets is
 * tried out, not guessed.
 */
async function canHoldSocket(directory: string, account: Account | null): Promise<boolean> {
  try {
    await mkdir(directory, { mode: 0o700 }).catch(() => {})
    const found = await lstat(directory)
    const ours = new Set([process.getuid?.() ?? 0, account?.uid ?? -1])
    if (!found.isDirectory() || !ours.has(found.uid)) return false
    await chmod(directory, 0o700)
    const probe = join(directory, `.probe-${randomBytes(4).toString('hex')}`)
    await listenOnce({ path: probe })
    await rm(probe, { force: true })
    if (account !== null) await chown(directory, account.uid, account.gid)
    return true
  } catch {
    return false
  }
}

export async function freePort(): Promise<number> {
  return listenOnce({ host: LOOPBACK, port: 0, exclusive: true })
}

function listenOnce(where: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(where, () => {
      const bound = server.address()
      const port = typeof bound === 'object' && bound !== null ? bound.port : 0
      server.close(() => resolve(port))
    })
  })
}

export function addressOf(listener: Listener, password: string): ServerAddress {
  const host = listener.kind === 'socket' ? listener.directory : LOOPBACK
  return { host, port: listener.port, user: USER_NAME, password }
}

/** The address as a URL; a socket's directory is percent-encoded in the host's place, as psql reads it. */
export function urlOf(address: ServerAddress, database: string): string {
  const host = encodeURIComponent(address.host)
  return `postgres://${address.user}:${address.password}@${host}:${address.port}/${database}`
}
