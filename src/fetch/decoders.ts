// Content codings undone piece by piece, for bodies that are never held as a whole.

import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { messageOf } from '../core/errors.js'
import { hasZlibHeader, readableCodings, unknownCoding } from './content-coding.js'
import { FetchFailure } from './failure.js'

const CHUNK = { chunkSize: 64 * 1_024 }

/**
 * What undoes the codings of a body, outermost first; nothing for a body without any.
 *
 * @param first the first bytes: "deflate" is told from what it is not by them.
 * @throws {FetchFailure} `decode` for a coding that nobody here knows.
 */
export function createDecoders(header: string | undefined, first: Buffer): Transform[] {
  return readableCodings(header)
    .reverse()
    .map((coding, layer) => {
      if (coding === 'gzip' || coding === 'x-gzip') return createGunzip(CHUNK)
      if (coding === 'br') return createBrotliDecompress(CHUNK)
      if (coding !== 'deflate') throw unknownCoding(coding)
      const isBare = layer === 0 && !hasZlibHeader(first)
      return isBare ? createInflateRaw(CHUNK) : createInflate(CHUNK)
    })
}

/** Codes of errors that zlib and brotli give for what is wrong with their input. */
const CODING_ERROR = /^(Z_|ERR__ERROR_|ERR_BROTLI|ERR_PADDING)/

/** What an error of a decoder says about the body; null for an error of another kind. */
export function decoderFailure(error: unknown): FetchFailure | null {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code !== 'string' || !CODING_ERROR.test(code)) return null
  if (code === 'Z_BUF_ERROR') return new FetchFailure('truncated', 'the coded body breaks off')
  return new FetchFailure('decode', `the coded body is broken: ${messageOf(error)}`)
}
