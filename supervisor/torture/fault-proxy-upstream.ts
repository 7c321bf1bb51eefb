// The way from the proxy to the database, and the URL by which clients go through the proxy.

import type { Socket } from 'node:net'
import { driverTarget } from '../../src/store/embedded.js'
import type { Encryption, Way } from '../../src/store/socket.js'
import { encryptionOf, openSecured } from '../../src/store/socket.js'

export interface Upstream {
  readonly way: Way
  readonly encryption: Encryption | null
}

/** Parameters of a URL that speak of the way to the database, not of the database. */
const WAY_PARAMETERS = [
  'host',
  'port',
  'ssl',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslnegotiation',
  'channel_binding',
]
const CONNECT_TIMEOUT_MS = 10_000

/** @throws {TypeError} when the URL cannot be read. */
export function readUpstream(url: string): Upstream {
  const target = driverTarget(url)
  const { hostname, port } = new URL(target.url)
  return {
    way: {
      host: decodeURIComponent(hostname).replaceAll(/^\[|\]$/g, '') || 'localhost',
      port: port === '' ? 5432 : Number(port),
      path: target.options.path ?? null,
    },
    encryption: encryptionOf(target.url),
  }
}

/** The URL of the same database for a client that goes through a port of this machine. */
export function urlThrough(url: string, port: number): string {
  const through = new URL(driverTarget(url).url)
  for (const name of WAY_PARAMETERS) through.searchParams.delete(name)
  through.hostname = '127.0.0.1'
  through.port = String(port)
  through.searchParams.set('sslmode', 'disable')
  return through.toString()
}

/** @throws {Error} when the database cannot be reached, or not in the way that is asked for. */
export async function openUpstream({ way, encryption }: Upstream): Promise<Socket> {
  const socket = await openSecured(way, encryption, CONNECT_TIMEOUT_MS)
  // Whoever uses the connection hears of its end by `close`.
  return socket.on('error', () => {}).setNoDelay(true)
}
