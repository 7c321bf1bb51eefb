import type { Socket } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { PROTOCOL_MISDEEDS } from './hostile-protocol.js'

export interface HostileRequest {
  readonly path: string
  readonly head: string
  readonly connection: number
  /** Number of this request on its connection, from 1. */
  readonly onConnectionCount: number
}

type Behaviour = (socket: Socket, request: HostileRequest) => void

export const PAGE = '<!doctype html><title>Ok</title><p>Grüße, 5 €'
const HTML = 'content-type: text/html; charset=utf-8\r\n'

function respond(socket: Socket, headers: string, body: Buffer | string, status = '200 OK'): void {
  const bytes = Buffer.from(body)
  socket.write(`HTTP/1.1 ${status}\r\n${headers}content-length: ${bytes.length}\r\n\r\n`)
  socket.write(bytes)
}

function coded(coding: string, body: Buffer): Behaviour {
  return (socket) => respond(socket, `${HTML}content-encoding: ${coding}\r\n`, body)
}

function redirect(location: (request: HostileRequest) => string, status = 302): Behaviour {
  return (socket, request) => {
    respond(socket, `location: ${location(request)}\r\n`, 'moved', `${status} Moved`)
  }
}

/** Writes for as long as the other side takes it. */
function pour(socket: Socket, chunk: Buffer): void {
  const write = () => {
    let takes = true
    while (takes && !socket.destroyed) takes = socket.write(chunk)
    if (!socket.destroyed) socket.once('drain', write)
  }
  write()
}

function drip(socket: Socket, byte: string): void {
  const timer = setInterval(() => socket.write(byte), 20)
  socket.on('close', () => clearInterval(timer))
}

const query = (request: HostileRequest) =>
  new URL(request.path, 'http://server.invalid').searchParams

const MEGABYTE = 1_048_576
const FULL_SIZE = gzipSync(Buffer.alloc(10 * MEGABYTE, 0x85))
const gzipped = gzipSync(PAGE)
const ok: Behaviour = (socket) => respond(socket, HTML, PAGE)

/** Misdeeds by the first part of the path. */
export const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  ...PROTOCOL_MISDEEDS,
  ok,
  'ok-close': (socket) => {
    respond(socket, `${HTML}connection: close\r\n`, PAGE)
    socket.end()
  },
  empty: (socket) => respond(socket, `${HTML}content-encoding: gzip\r\n`, ''),
  'no-content': (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'),
  hints: (socket, request) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x.css>\r\n\r\n')
    ok(socket, request)
  },
  // Time.
  hang: () => {},
  'slow-headers': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx-slow: ')
    drip(socket, 'a')
  },
  'slow-body': (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${HTML}content-length: 100000\r\n\r\n`)
    drip(socket, 'a')
  },
  'stalled-body': (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${HTML}content-length: 100\r\n\r\nhalf`)
  },
  'stalled-refusal': (socket) => {
    socket.write(`HTTP/1.1 500 No\r\n${HTML}content-length: 100\r\n\r\nhalf`)
  },
  // Size.
  endless: (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${HTML}\r\n`)
    pour(socket, Buffer.alloc(16_384, 'e'))
  },
  'endless-refusal': (socket) => {
    socket.write(`HTTP/1.1 404 No\r\n${HTML}\r\n`)
    pour(socket, Buffer.alloc(16_384, 'e'))
  },
  'endless-redirect': (socket) => {
    socket.write('HTTP/1.1 302 Moved\r\nlocation: /ok\r\n\r\n')
    pour(socket, Buffer.alloc(16_384, 'e'))
  },
  announced: (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${HTML}content-length: 99999999999\r\n\r\n`)
  },
  'many-headers': (socket) => {
    const headers = Array.from({ length: 1_000 }, (_, n) => `x-${n}: ${'h'.repeat(90)}\r\n`)
    respond(socket, headers.join(''), PAGE)
  },
  'some-headers': (socket) => {
    const headers = Array.from({ length: 1_000 }, (_, n) => `x-${n}: h\r\n`)
    respond(socket, HTML + headers.join(''), PAGE)
  },
  'long-header': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx-long: ')
    pour(socket, Buffer.alloc(16_384, 'h'))
  },
  // A byte in each chunk, alone and beside much padding: 6 and 60 000 bytes on the wire.
  'tiny-chunks': (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${HTML}transfer-encoding: chunked\r\n\r\n`)
    pour(socket, Buffer.from('1\r\na\r\n'.repeat(2_048)))
  },
  'padded-chunks': (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${HTML}transfer-encoding: chunked\r\n\r\n`)
    pour(socket, Buffer.from(`1;${'x'.repeat(60_000)}\r\na\r\n`))
  },
  'endless-trailers': (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${HTML}transfer-encoding: chunked\r\n\r\n0\r\n`)
    pour(socket, Buffer.from('x-trailer: t\r\n'.repeat(1_000)))
  },
  large: (socket) => respond(socket, HTML, Buffer.alloc(400_000, 'x')),
  // Content codings.
  gzip: coded('gzip', gzipped),
  'x-gzip': coded('x-gzip', gzipped),
  deflate: coded('deflate', deflateSync(PAGE)),
  'deflate-raw': coded('deflate', deflateRawSync(PAGE)),
  br: coded('br', brotliCompressSync(PAGE)),
  twice: coded('gzip, br', brotliCompressSync(gzipped)),
  zstd: coded('zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])),
  'gzip-bomb': coded('gzip', gzipSync(Buffer.alloc(64 * MEGABYTE))),
  'br-bomb': coded('br', brotliCompressSync(Buffer.alloc(64 * MEGABYTE))),
  'deflate-bomb': coded('deflate', deflateSync(Buffer.alloc(64 * MEGABYTE))),
  'nested-bomb': coded('gzip, gzip', gzipSync(gzipSync(Buffer.alloc(64 * MEGABYTE)))),
  // As large as a page may be, all of it letters that windows-1252 has and Latin-1 has not.
  'full-size': (socket) => {
    const headers = 'content-type: text/html; charset=latin1\r\ncontent-encoding: gzip\r\n'
    respond(socket, headers, FULL_SIZE)
  },
  'gzip-truncated': coded('gzip', gzipped.subarray(0, gzipped.length - 12)),
  'br-truncated': coded('br', brotliCompressSync(PAGE).subarray(0, 20)),
  'gzip-broken': coded('gzip', Buffer.from('this is no gzip at all')),
  // Cut and closed.
  short: (socket) => {
    socket.end(`HTTP/1.1 200 OK\r\n${HTML}content-length: 1000\r\n\r\nhalf`)
  },
  'chunked-cut': (socket) => {
    socket.end(`HTTP/1.1 200 OK\r\n${HTML}transfer-encoding: chunked\r\n\r\n10\r\nhalf`)
  },
  chunked: (socket) => {
    const body = '3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n'
    socket.write(`HTTP/1.1 200 OK\r\n${HTML}transfer-encoding: chunked\r\n\r\n${body}`)
  },
  // Node says goodbye before it resets, so the client sees an orderly end that comes too early.
  'reset-body': (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${HTML}content-length: 1000\r\n\r\nhalf`, () => {
      socket.resetAndDestroy()
    })
  },
  reset: (socket) => void socket.resetAndDestroy(),
  closed: (socket) => socket.end(),
  'half-headers': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-ty'),
  'ssh-banner': (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
  // Answers the first request of a connection, then closes it under the next one.
  'keep-alive-lie': (socket, request) => {
    if (request.onConnectionCount === 1) ok(socket, request)
    else socket.end()
  },
  'keep-alive-reset': (socket, request) => {
    if (request.onConnectionCount === 1) ok(socket, request)
    else socket.resetAndDestroy()
  },
  'http-1-0': (socket) => socket.end(`HTTP/1.0 200 OK\r\n${HTML}\r\n${PAGE}`),
  // Redirects.
  loop: redirect(() => '/loop'),
  'loop-of-two': redirect(({ path }) => (path.endsWith('b') ? '/loop-of-two' : '/loop-of-two/b')),
  chain: redirect(({ path }) => {
    const left = Number(path.split('/')[2] ?? 0)
    return left > 1 ? `/chain/${left - 1}` : '/ok'
  }, 301),
  to: (socket, request) => {
    const target = Buffer.from(query(request).get('url') ?? '', 'utf8').toString('latin1')
    const status = query(request).get('status') ?? '302'
    socket.write(Buffer.from(`HTTP/1.1 ${status} M\r\nlocation: ${target}\r\n`, 'latin1'))
    socket.write('content-length: 0\r\n\r\n')
  },
  'nowhere-redirect': (socket) => respond(socket, '', '', '302 Found'),
  // Statuses.
  status: (socket, request) => {
    const after = query(request).get('retry-after')
    const headers = after === null ? HTML : `${HTML}retry-after: ${after}\r\n`
    respond(socket, headers, 'no', `${request.path.split(/[/?]/)[2]} Status`)
  },
  // Charsets.
  'meta-charset': (socket) => {
    const body = Buffer.from('<meta charset="windows-1251"><p>\xcf\xf0\xe8\xe2\xe5\xf2', 'latin1')
    respond(socket, 'content-type: text/html\r\n', body)
  },
  'unknown-charset': (socket) => {
    respond(socket, 'content-type: text/html; charset=klingon\r\n', PAGE)
  },
}
