// Reads URLs from a file, also one packed by gzip, or from standard input, in a memory that does
// not grow with their number.

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { TextDecoder } from 'node:util'
import { FetchyardError, hasCode, messageOf } from '../../src/core/errors.js'
import { isPackedFile, unpacked } from '../records/packed-file.js'
import type { InputEntry, InputFormat } from './input-format.js'
import { CsvReader, delimiterOf, formatOf, readJsonLine, readLine } from './input-format.js'
import { CsvSplitter, LineSplitter, RECORD_CHARS_MAX } from './records.js'

export interface Input {
  /** The file's absolute path, or `-`. */
  readonly name: string
  readonly chunks: AsyncIterable<Uint8Array>
}

/**
 * Opens what `--input` names; `-` is standard input.
 *
 * @throws {FetchyardError} INPUT_INVALID when it is missing, a directory, or cannot be read.
 */
export async function openInput(
  path: string,
  from: { readonly cwd: string; readonly stdin: Readable & { readonly isTTY?: boolean } },
): Promise<Input> {
  if (path === '-') {
    return { name: '-', chunks: from.stdin }
  }
  const name = resolve(from.cwd, path)
  const found = await stat(name).catch((error: unknown) => {
    throw inputError(path, hasCode(error, 'ENOENT') ? 'there is no such file' : messageOf(error))
  })
  if (found.isDirectory()) throw inputError(path, 'it is a directory; name a file in it')
  return { name, chunks: readFileChunks(name, path) }
}

async function* readFileChunks(name: string, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* unpacked(name, await isPackedFile(name), 0)
  } catch (error) {
    throw inputError(path, messageOf(error))
  }
}

function inputError(path: string, problem: string): FetchyardError {
  return new FetchyardError('INPUT_INVALID', `The input ${path} cannot be read: ${problem}.`)
}

interface EntryReader {
  readonly push: (text: string) => InputEntry[]
  readonly finish: () => InputEntry[]
}

/** Decodes UTF-8, or UTF-16 where a byte order mark says so; the mark itself is dropped. */
export async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let decoder: TextDecoder | null = null
  let head = Buffer.alloc(0)
  for await (const chunk of chunks) {
    let bytes = chunk
    if (decoder === null) {
      head = Buffer.concat([head, chunk])
      if (head.length < 2) continue
      decoder = decoderOf(head)
      bytes = head
    }
    const text = decoder.decode(bytes, { stream: true })
    if (text !== '') yield text
  }
  // An input of one byte has no mark, and is still one to be read.
  const rest = decoder === null ? head.toString() : decoder.decode()
  if (rest !== '') yield rest
}

function decoderOf(head: Uint8Array): TextDecoder {
  const isUtf16 = head[0] === 0xff && head[1] === 0xfe
  return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8')
}

/** Reads an input entry by entry; each slice is what one chunk of it held. */
export async function* readInput(input: Input): AsyncGenerator<readonly InputEntry[]> {
  let head = ''
  let reader: EntryReader | null = null
  for await (const text of decoded(input.chunks)) {
    if (reader !== null) {
      yield reader.push(text)
      continue
    }
    // The first line that is not empty decides the format, so it has to be there in whole.
    head += text
    if (!/\S[^\n]*\n/.test(head) && head.length < RECORD_CHARS_MAX) continue
    reader = createReader(input.name, head)
    yield reader.push(head)
  }
  if (reader === null) {
    reader = createReader(input.name, head)
    yield reader.push(head)
  }
  yield reader.finish()
}

function createReader(name: string, head: string): EntryReader {
  const firstLine = (/[^\n]*\S[^\n]*/.exec(head)?.[0] ?? '').replace(/\r$/, '')
  const format: InputFormat = formatOf(name, firstLine)
  if (format === 'csv') {
    const csv = new CsvReader()
    const splitter = new CsvSplitter(delimiterOf(firstLine))
    return mapped(splitter, (record) => csv.read(record))
  }
  return mapped(new LineSplitter(), format === 'jsonl' ? readJsonLine : readLine)
}

function mapped<Piece>(
  splitter: { readonly push: (text: string) => Piece[]; readonly finish: () => Piece[] },
  read: (piece: Piece) => InputEntry | null,
): EntryReader {
  const entries = (pieces: readonly Piece[]) =>
    pieces.flatMap((piece) => {
      const entry = read(piece)
      return entry === null ? [] : [entry]
    })
  return {
    push: (text) => entries(splitter.push(text)),
    finish: () => entries(splitter.finish()),
  }
}
