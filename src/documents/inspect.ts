// Whether a file is the whole document that it should be, by its own bytes.

import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { FetchFailure } from '../fetch/failure.js'

/** Bytes at both ends of a file in which a PDF has to say that it begins, and ends. */
const EDGE_BYTES = 1_024
const PIECE_BYTES = 1_048_576
/** Pages are counted in files up to here. */
const COUNTED_BYTES_MAX = 16 * 1_048_576

export interface SizeBounds {
  readonly bytesMin: number
  readonly bytesMax: number
}

export interface DocumentFacts {
  readonly bytes: number
  /** Lower-case hexadecimal digits. */
  readonly sha256: string
  /** null: the file does not tell in the open. */
  readonly pages: number | null
}

/**
 * Reads a file to its end.
 *
 * @throws {FetchFailure} `content_type` for what is no PDF, `truncated` for one without its end,
 * `too_large`, or `parse` for one that is too small to be meant.
 */
export async function inspectDocument(
  file: FileHandle,
  bounds: SizeBounds,
): Promise<DocumentFacts> {
  const digest = createHash('sha256')
  const kept: Buffer[] = []
  let head: Buffer = Buffer.alloc(0)
  let tail: Buffer = Buffer.alloc(0)
  let bytes = 0
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, bytes)
    if (bytesRead === 0) break
    const piece = buffer.subarray(0, bytesRead)
    digest.update(piece)
    bytes += bytesRead
    checkLarge(bytes, bounds)
    if (head.length < EDGE_BYTES) head = Buffer.concat([head, piece]).subarray(0, EDGE_BYTES)
    tail = Buffer.concat([tail, piece]).subarray(-EDGE_BYTES)
    if (bytes <= COUNTED_BYTES_MAX) kept.push(piece)
    else kept.length = 0
  }
  checkShape(head, tail, bytes, bounds)
  const pages = bytes > COUNTED_BYTES_MAX ? null : countPages(Buffer.concat(kept))
  return { bytes, sha256: digest.digest('hex'), pages }
}

export function checkLarge(bytes: number, { bytesMax }: SizeBounds): void {
  if (bytes <= bytesMax) return
  throw new FetchFailure('too_large', `the document is larger than ${bytesMax} bytes`)
}

function checkShape(head: Buffer, tail: Buffer, bytes: number, bounds: SizeBounds): void {
  if (!head.includes('%PDF-')) {
    throw new FetchFailure('content_type', `Expected a PDF, got ${wordsFor(head)}.`)
  }
  if (!tail.includes('%%EOF')) {
    throw new FetchFailure('truncated', `the PDF has no end after ${bytes} bytes`)
  }
  if (bytes < bounds.bytesMin) {
    const words = `the document has ${bytes} bytes, expected at least ${bounds.bytesMin}`
    throw new FetchFailure('parse', words)
  }
}

const OTHER_TYPES: readonly (readonly [RegExp, string])[] = [
  [/^\s*(<!doctype html|<html|<\?xml|<[a-z!])/i, 'a page of HTML or XML'],
  [/^\s*[[{]/, 'JSON'],
  [/^PK/, 'a ZIP archive'],
  [/^\x89PNG|^\xff\xd8\xff|^GIF8/, 'a picture'],
]

function wordsFor(head: Buffer): string {
  if (head.length === 0) return 'nothing'
  const text = head.toString('latin1')
  return OTHER_TYPES.find(([pattern]) => pattern.test(text))?.[1] ?? 'something else'
}

/** Pages by the words of the file; those in compressed objects cannot be seen. */
function countPages(body: Buffer): number | null {
  const text = body.toString('latin1')
  const linear = /\/Linearized[^>]{0,300}\/N\s+(\d{1,7})/.exec(text.slice(0, 4 * EDGE_BYTES))
  if (linear !== null) return Number(linear[1])
  const found = text.match(/\/Type\s*\/Page(?![A-Za-z])/g)
  return found === null ? null : found.length
}
