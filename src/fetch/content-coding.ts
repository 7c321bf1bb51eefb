import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'
import { messageOf } from '../core/errors.js'
import { FetchFailure } from './failure.js'

/** What we ask for. No zstd: Node 20 cannot read it. */
export const ACCEPT_ENCODING = 'gzip, deflate, br'

/** Codings laid over each other; more than this is no server's honest work. */
const LAYERS_MAX = 3
const CHUNK_BYTES = 64 * 1_024

const unzip = { gzip: promisify(gunzip), br: promisify(brotliDecompress) }
const inflateZlib = promisify(inflate)
const inflateBare = promisify(inflateRaw)

/** Codings of a Content-Encoding header in the order they were applied, without `identity`. */
function parseContentEncoding(header: string | undefined): string[] {
  const names = (header ?? '').split(',').map((name) => name.trim().toLowerCase())
  return names.filter((name) => name !== '' && name !== 'identity' && name !== 'none')
}

/**
 * The same, refused when they are too many.
 *
 * @throws {FetchFailure} `decode`.
 */
export function readableCodings(header: string | undefined): string[] {
  const codings = parseContentEncoding(header)
  if (codings.length <= LAYERS_MAX) return codings
  const words = `${codings.length} content codings, at most ${LAYERS_MAX} read`
  throw new FetchFailure('decode', words)
}

/**
 * Undoes the content codings of a body, never making more than `bytesMax` bytes of it.
 *
 * @throws {FetchFailure} `too_large` for a bomb, `truncated` when a coding breaks off, `decode`
 * when it is broken or unknown.
 */
export async function decodeContent(
  body: Buffer,
  header: string | undefined,
  bytesMax: number,
): Promise<Buffer> {
  const codings = readableCodings(header)
  let decoded = body
  for (const coding of codings.reverse()) {
    // A 204 or an empty page may carry the header all the same.
    if (decoded.length > 0) decoded = await decodeLayer(decoded, coding, bytesMax)
  }
  return decoded
}

async function decodeLayer(body: Buffer, coding: string, bytesMax: number): Promise<Buffer> {
  const options = { maxOutputLength: bytesMax, chunkSize: CHUNK_BYTES }
  try {
    if (coding === 'gzip' || coding === 'x-gzip') return await unzip.gzip(body, options)
    if (coding === 'br') return await unzip.br(body, options)
    if (coding === 'deflate') {
      return await (hasZlibHeader(body) ? inflateZlib(body, options) : inflateBare(body, options))
    }
  } catch (error) {
    throw codingFailure(error, coding, bytesMax)
  }
  throw unknownCoding(coding)
}

export function unknownCoding(coding: string): FetchFailure {
  return new FetchFailure('decode', `unknown content coding ${JSON.stringify(coding.slice(0, 40))}`)
}

/** "deflate" means zlib, but some servers send it bare. RFC 1950, 2.2: method 8, checked by 31. */
export function hasZlibHeader(body: Buffer): boolean {
  const [first = 0, second = 0] = body
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0
}

function codingFailure(error: unknown, coding: string, bytesMax: number): FetchFailure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ERR_BUFFER_TOO_LARGE') {
    return new FetchFailure('too_large', `more than ${bytesMax} bytes after ${coding}`)
  }
  if (code === 'Z_BUF_ERROR') return new FetchFailure('truncated', `the ${coding} body breaks off`)
  return new FetchFailure('decode', `the ${coding} body is broken: ${messageOf(error)}`)
}
