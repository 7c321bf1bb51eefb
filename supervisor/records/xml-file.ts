// A document in a file, as bytes that can be split: plain or packed by gzip, in any encoding that
// is known. Offsets count in those bytes, so that reading can go on from one.

import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { FetchyardError, messageOf } from '../../src/core/errors.js'
import { type Encoding, HEAD_BYTES, readEncoding } from '../../src/records/encoding.js'
import { DocumentProblem } from '../../src/records/splitter.js'
import { isGzip, unpacked } from './packed-file.js'

export interface XmlFile {
  readonly path: string
  readonly isPacked: boolean
  readonly encoding: Encoding
  /** What the bytes of a record are in. */
  readonly label: string
  readonly bytes: number
}

const EDGE_BYTES = 64 * 1_024

async function readAt(file: FileHandle, from: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, from)
  return buffer.subarray(0, bytesRead)
}

async function headOf(path: string, isPacked: boolean): Promise<Buffer> {
  let head = Buffer.alloc(0)
  for await (const chunk of unpacked(path, isPacked, 0)) {
    head = Buffer.concat([head, chunk])
    if (head.length >= HEAD_BYTES) break
  }
  return head
}

/**
 * Looks at a file.
 *
 * @throws {DocumentProblem} when it is in no encoding that is known, or cannot be unpacked.
 * @throws {FetchyardError} INPUT_INVALID when it cannot be read, which may pass.
 */
export async function openXmlFile(path: string): Promise<XmlFile> {
  const file = await openFile(path)
  try {
    const isPacked = isGzip(await readAt(file, 0, 2))
    const refused = (error: unknown) => refuse(path, error)
    const encoding = readEncoding(await headOf(path, isPacked).catch(refused))
    if ('problem' in encoding) throw new DocumentProblem(encoding.problem)
    const label = encoding.isWide ? 'utf-8' : encoding.label
    return { path, isPacked, encoding, label, bytes: (await file.stat()).size }
  } finally {
    await file.close()
  }
}

/**
 * What the bytes of a file are is its own problem, and the same at every try. That they cannot be
 * had at this moment is not.
 */
function refuse(path: string, error: unknown): never {
  if (error instanceof Error && 'syscall' in error) {
    const message = `${path} cannot be read: ${error.message}.`
    throw new FetchyardError('INPUT_INVALID', message, { cause: error })
  }
  throw new DocumentProblem(`it cannot be read: ${messageOf(error)}`)
}

async function openFile(path: string): Promise<FileHandle> {
  return open(path).catch((error: unknown) => refuse(path, error))
}

/** A word that changes when a file does: its size, and what stands at both of its ends. */
export async function fingerprintOf(path: string): Promise<string> {
  const file = await openFile(path)
  try {
    const { size } = await file.stat()
    const hash = createHash('sha256').update(`${size}\0`)
    hash.update(await readAt(file, 0, EDGE_BYTES))
    hash.update(await readAt(file, Math.max(0, size - EDGE_BYTES), EDGE_BYTES))
    return `${size}-${hash.digest('hex').slice(0, 32)}`
  } finally {
    await file.close()
  }
}

/**
 * The bytes of a document from an offset on. A plain file is read from there; what is packed or of
 * two bytes a sign is made readable from its beginning again.
 *
 * @throws {DocumentProblem} for what cannot be unpacked or is not in its encoding.
 */
export async function* readXml(file: XmlFile, from: number): AsyncGenerator<Buffer> {
  const { path, isPacked, encoding } = file
  try {
    if (!encoding.isWide) {
      yield* unpacked(path, isPacked, from)
      return
    }
    let left = from
    for await (const bytes of narrowed(unpacked(path, isPacked, 0), encoding.label)) {
      if (left < bytes.length) yield bytes.subarray(left)
      left = Math.max(0, left - bytes.length)
    }
  } catch (error) {
    throw error instanceof DocumentProblem ? error : refuse(path, error)
  }
}

/** UTF-16 as UTF-8. */
async function* narrowed(wide: AsyncGenerator<Buffer>, label: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(label, { fatal: true })
  for await (const chunk of wide) {
    const text = decoder.decode(chunk, { stream: true })
    if (text !== '') yield Buffer.from(text)
  }
  const rest = decoder.decode()
  if (rest !== '') yield Buffer.from(rest)
}
