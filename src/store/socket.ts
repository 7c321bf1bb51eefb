// The way to the database, as its URL asks for it: TCP or a Unix socket, in plain or under TLS.
//
// The driver could put TLS over a socket itself, but it takes all listeners off the socket when it
// does: a connection under TLS that died without a word would then hold its statement for ever.

import { once } from 'node:events'
import { connect as connectSocket, isIP, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { parseUrl } from '../core/parse-url.js'

export interface Way {
  readonly host: string
  readonly port: number
  /** Unix socket; null for TCP. */
  readonly path: string | null
}

/**
 * How `sslmode` is read, which is how the driver reads it: `require`, `allow` and `prefer` encrypt
 * and trust any certificate, every other word checks it; `prefer` alone goes on in plain when the
 * server has no TLS.
 */
export interface Encryption {
  readonly isChecked: boolean
  readonly isOptional: boolean
  /** TLS from the first byte on, without asking for it (Postgres 17). */
  readonly isDirect: boolean
}

const NO_TLS = ['', 'disable', 'false']
const WEAK_TLS = ['require', 'allow', 'prefer']
/** The packet that asks for TLS, and the letter by which the server agrees. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const AGREED = 'S'

/** What a database URL says about TLS; null when it wants none. */
export function encryptionOf(url: string): Encryption | null {
  const parsed = parseUrl(url)
  if (parsed === null) return null
  const { searchParams } = parsed
  const hasSystemRoots = searchParams.get('sslrootcert') === 'system'
  const asked = searchParams.get('sslmode') || searchParams.get('ssl') || ''
  const mode = hasSystemRoots ? 'verify-full' : asked
  if (NO_TLS.includes(mode)) return null
  return {
    isChecked: !WEAK_TLS.includes(mode),
    isOptional: mode === 'prefer',
    isDirect: searchParams.get('sslnegotiation') === 'direct',
  }
}

/** A failure of the connection itself, with the code by which `classifyFault` knows it. */
class ConnectionError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** A socket on its way; what is written to it meanwhile waits in it. */
function openPlain({ host, port, path }: Way): Socket {
  return path === null ? connectSocket({ host, port }) : connectSocket({ path })
}

/**
 * A socket that is connected and, if that is asked for, encrypted.
 *
 * @throws {Error} when the database cannot be reached in this way within the time.
 */
export async function openSecured(
  way: Way,
  encryption: Encryption | null,
  timeoutMs: number,
): Promise<Socket> {
  const socket = openPlain(way)
  const timer = setTimeout(() => {
    const words = `no connection to the database within ${timeoutMs} ms`
    socket.destroy(new ConnectionError('CONNECT_TIMEOUT', words))
  }, timeoutMs)
  try {
    await once(socket, 'connect')
    if (encryption === null) return socket
    if (encryption.isDirect || (await agreesToTls(socket))) {
      return await encrypted(socket, way.host, encryption)
    }
    // Nothing is said before the client's first packet, so nothing can be missed here.
    if (encryption.isOptional) return socket.resume()
    throw new Error('the server has no TLS, and sslmode asks for it')
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** The server answers with one byte and waits then: nothing of what follows is read here. */
function agreesToTls(socket: Socket): Promise<boolean> {
  socket.write(SSL_REQUEST)
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      socket.off('data', onData).off('end', onEnd).off('error', onError).pause()
      done()
    }
    const onData = (answer: Buffer) => settle(() => resolve(answer.toString('latin1') === AGREED))
    const onError = (error: Error) => settle(() => reject(error))
    const onEnd = () => onError(closedByServer())
    socket.on('data', onData).on('end', onEnd).on('error', onError)
  })
}

async function encrypted(socket: Socket, host: string, encryption: Encryption): Promise<Socket> {
  const secured = connectTls({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(encryption.isDirect ? { ALPNProtocols: ['postgresql'] } : {}),
    rejectUnauthorized: encryption.isChecked,
  })
  await once(secured, 'secureConnect')
  return secured
}

function closedByServer(): ConnectionError {
  return new ConnectionError('CONNECTION_CLOSED', 'the database closed the connection')
}

/** Where the driver wants to go: its lists, of which the first is taken. */
export interface SocketTarget {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path?: string | false | undefined
}

export interface SocketOptions {
  readonly encryption: Encryption | null
  readonly timeoutMs: number
  /** Silence after which the connection counts as dead; null for never. */
  readonly silenceMs: number | null
}

/**
 * Makes the sockets of a pool. In plain a socket is handed over before it is connected: the driver
 * hears of its failure by its events. Of a promise that is rejected it would never recover, so a
 * failure under TLS is handed over as a socket that fails.
 */
export function socketMaker(
  options: SocketOptions,
): (target: SocketTarget) => Socket | Promise<Socket> {
  const { encryption, timeoutMs, silenceMs } = options
  return ({ host, port, path }) => {
    const way = { host: host[0] ?? 'localhost', port: port[0] ?? 5432, path: path || null }
    if (encryption === null) return watched(openPlain(way), silenceMs)
    return openSecured(way, encryption, timeoutMs).then(
      (socket) => watched(socket, silenceMs),
      (error: Error) => failing(error),
    )
  }
}

/**
 * A connection that the server ends is an error, however politely it does so: before the first
 * statement the driver would take it for nothing and connect again, at once and for ever, while
 * whoever waits for the statement hears nothing.
 */
function watched(socket: Socket, silenceMs: number | null): Socket {
  if (silenceMs !== null) {
    socket.setTimeout(silenceMs, () => {
      const words = `no word from the database for ${silenceMs} ms`
      socket.destroy(new ConnectionError('CONNECTION_SILENT', words))
    })
  }
  socket.on('end', () => {
    if (!socket.writableEnded) socket.destroy(closedByServer())
  })
  // A statement that the driver sends between the error and the close of a connection would wait
  // for ever: the driver hears of the error once more, at the close.
  return socket.on('close', (hadError) => {
    if (hadError) socket.emit('error', closedByServer())
  })
}

function failing(error: Error): Socket {
  const socket = new Socket()
  // Later, when the driver listens.
  setImmediate(() => socket.destroy(error))
  return socket
}
