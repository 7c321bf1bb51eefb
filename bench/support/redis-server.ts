// A Redis of the benchmark's own, set as BullMQ's page on production says: an append-only file that
// is flushed every second, and nothing evicted.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RedisServer {
  readonly port: number
  readonly pid: number
  readonly version: string
  /** Bytes of the append-only file. */
  readonly logBytes: () => number
  readonly close: () => Promise<void>
}

/** @returns null where there is no Redis. */
export function findRedis(): string | null {
  try {
    const said = execFileSync('redis-server', ['--version'], { encoding: 'utf8' })
    return /v=([\d.]+)/.exec(said)?.[1] ?? 'unknown'
  } catch {
    return null
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address === 'object' && address !== null) return address.port
  throw new Error('Expected the address of a listening server.')
}

async function listens(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, { size }, _index) => sum + size, 0)
}

export async function startRedis(version: string): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'fetchyard-bench-redis-'))
  const port = await freePort()
  const options = [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'],
    // A rewrite in mid-run would hide how much was written.
    ...['--auto-aof-rewrite-percentage', '0'],
  ]
  const child = spawn('redis-server', options, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  process.once('exit', () => child.kill('SIGKILL'))
  while (child.exitCode === null && !(await listens(port))) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}.`)
  return {
    port,
    pid: child.pid ?? 0,
    version,
    logBytes: () => sizeOf(folder),
    close: async () => {
      child.kill('SIGTERM')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
