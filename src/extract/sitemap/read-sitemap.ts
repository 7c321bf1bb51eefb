// A sitemap of any kind, from bytes to entries, without ever holding more than a piece of it.

import { messageOf } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import {
  type EntryTaker,
  FileFault,
  type FormatReader,
  type SitemapEntry,
  type SitemapKind,
} from './entry.js'
import { LinesReader } from './lines-reader.js'
import { MarkupReader } from './markup-reader.js'
import { textPieces } from './text-pieces.js'
import { unfold } from './unfold.js'

export interface SitemapRequest {
  /** Charset that the server names; null for none. */
  readonly charset: string | null
  /** Entries at the beginning that were taken before. */
  readonly skip: number
  /** Entries of the file that may be taken in all, those skipped included. */
  readonly entriesMax: number
}

export interface SitemapReading {
  readonly kind: SitemapKind
  readonly entries: readonly SitemapEntry[]
  /** Entries passed, those skipped included: where the next part begins. */
  readonly seen: number
  /** Bytes read, unfolded. */
  readonly bytes: number
  /** The file goes on, and another part may take what follows. */
  readonly hasMore: boolean
  /** The file goes on beyond what may be read of it at all. */
  readonly isCut: boolean
  /** What is wrong with the file, in words; null when nothing is. */
  readonly problem: string | null
}

/** Reads a sitemap. What came before it broke off, or became too large, counts. */
export async function readSitemap(
  source: AsyncIterable<Buffer>,
  request: SitemapRequest,
): Promise<SitemapReading> {
  const basket = new Basket(request)
  let problem: string | null = null
  try {
    const texts = textPieces(measured(unfold(source), basket), request.charset)
    problem = await readTexts(texts, basket)
  } catch (error) {
    // A stream that was cut is the source's failure; what is wrong inside of the file is a finding.
    if (!isFilesFault(error)) throw error
    problem = problemOf(error)
  }
  return basket.reading(problem)
}

async function* measured(pieces: AsyncIterable<Buffer>, basket: Basket) {
  for await (const piece of pieces) {
    if (!basket.hasRoomFor(piece.length)) return
    yield piece
  }
}

async function readTexts(texts: AsyncIterable<string>, basket: Basket): Promise<string | null> {
  let reader: FormatReader | null = null
  for await (const text of texts) {
    reader ??= readerFor(text, basket)
    reader?.write(text)
    if (basket.isFull) return null
  }
  return reader === null ? 'it is empty' : reader.end()
}

/** Markup begins with a bracket; null for blanks, which tell nothing. */
function readerFor(text: string, basket: Basket): FormatReader | null {
  const [first] = text.replace(/^[\s\uFEFF\0]+/, '')
  if (first === undefined) return null
  return first === '<' ? new MarkupReader(basket) : new LinesReader(basket)
}

function isFilesFault(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return error instanceof FileFault || (typeof code === 'string' && code.startsWith('Z_'))
}

function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'Z_BUF_ERROR') return 'the gzip breaks off'
  return code === undefined ? messageOf(error) : `the gzip is broken: ${messageOf(error)}`
}

/** What is taken of a file, within its bounds. */
class Basket implements EntryTaker {
  readonly #request: SitemapRequest
  readonly #entries: SitemapEntry[] = []
  #kind: SitemapKind = 'unknown'
  #seen = 0
  #bytes = 0
  #characters = 0
  #end: 'open' | 'part' | 'cut' = 'open'

  constructor(request: SitemapRequest) {
    this.#request = request
  }

  /** Nothing more is wanted. */
  get isFull(): boolean {
    return this.#end !== 'open'
  }

  hasRoomFor(bytes: number): boolean {
    this.#bytes += bytes
    if (this.#bytes > LIMITS.sitemapBytesMax) this.#end = 'cut'
    return !this.isFull
  }

  onKind(kind: SitemapKind): void {
    this.#kind = kind
  }

  onEntry(entry: SitemapEntry): void {
    if (this.isFull) return
    const { skip, entriesMax } = this.#request
    const isSkipped = this.#seen < skip
    if (this.#seen >= Math.min(entriesMax, LIMITS.sitemapUrlsMax)) this.#end = 'cut'
    else if (!isSkipped && !this.#fits(entry)) this.#end = 'part'
    if (this.isFull) return
    this.#seen += 1
    if (isSkipped) return
    this.#characters += entry.url.length
    this.#entries.push(entry)
  }

  #fits(entry: SitemapEntry): boolean {
    const isFew = this.#entries.length < LIMITS.sitemapPartMax
    return isFew && this.#characters + entry.url.length <= LIMITS.sitemapPartCharactersMax
  }

  reading(problem: string | null): SitemapReading {
    return {
      kind: this.#kind,
      entries: this.#entries,
      seen: this.#seen,
      bytes: this.#bytes,
      hasMore: this.#end === 'part',
      isCut: this.#end === 'cut',
      problem,
    }
  }
}
