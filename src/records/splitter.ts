// Splits a document of any size into its records, chunk by chunk, by looking at its tags alone.
//
//   outside ── a start tag at the end of the path ──► inside ── its end tag ──► outside
//
// What a record holds is for the parser to judge, on the workers: a record that is not well-formed
// fails by itself, and the next one is found all the same. Two things are told even within a broken
// record: the start tag of the next one, and the end tag of the element around it.

import { LIMITS } from '../core/limits.js'
import { type Ancestor, readStartTag } from './ancestors.js'
import { BANG, isNameAt, LESS, opaqueEnd, TELLING_BYTES, tagEnd } from './scan.js'

/** Where a split can go on: after a record, in the bytes of the document as they are read. */
export interface SplitPosition {
  readonly offset: number
  /** Records before it. */
  readonly records: number
  readonly ancestors: readonly Ancestor[]
}

export type SplitRecord = { readonly position: SplitPosition } & (
  | {
      readonly bytes: Buffer
      readonly namespaces: Ancestor['namespaces']
      readonly problem?: never
    }
  | { readonly problem: string; readonly bytes?: never }
)

export interface SplitOptions {
  /** Expanded names from the document's root to a record. */
  readonly path: readonly string[]
  /** Whether a record may hold elements of its own name. */
  readonly nests: boolean
  readonly from?: SplitPosition
}

/** The document itself cannot be split any further. */
export class DocumentProblem extends Error {
  override readonly name = 'DocumentProblem'
}

interface OpenRecord {
  readonly name: Buffer
  readonly namespaces: Ancestor['namespaces']
  /** Where it begins in the bytes at hand; null once it is too large to be kept. */
  start: number | null
  depth: number
}

const SLASH = 0x2f

export const START: SplitPosition = { offset: 0, records: 0, ancestors: [] }

export class RecordSplitter {
  readonly #options: SplitOptions
  readonly #ancestors: Ancestor[]
  #bytes: Buffer = Buffer.alloc(0)
  /** Offset of the first byte at hand. */
  #base: number
  /** Bytes at hand that were looked at. */
  #at = 0
  #records: number
  #record: OpenRecord | null = null
  /** The end of a comment, a section or an instruction that is being skipped. */
  #skipTo: Buffer | null = null
  #found: SplitRecord[] = []
  #hasEnded = false

  constructor(options: SplitOptions) {
    const { from = START } = options
    this.#options = options
    this.#ancestors = [...from.ancestors]
    this.#base = from.offset
    this.#records = from.records
  }

  /**
   * Takes the next bytes. @returns the records that end in them.
   *
   * @throws {DocumentProblem} when the tags around the records do not fit; `found` has what was
   * split before.
   */
  push(chunk: Buffer): readonly SplitRecord[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    while (this.#step());
    this.#forget()
    return this.#take()
  }

  /** The document is over. @returns a record that is not. */
  end(): readonly SplitRecord[] {
    if (this.#record !== null) {
      this.#fail('the file ends within the record', this.#bytes.length)
    } else if (!this.#hasEnded) {
      const open = this.#ancestors.at(-1)
      throw new DocumentProblem(
        open === undefined ? 'it holds no element' : `it ends within the element ${open.name}`,
      )
    }
    return this.#take()
  }

  /** What was split and not returned, because of a problem of the document. */
  take(): readonly SplitRecord[] {
    return this.#take()
  }

  /** Where the split stands now, for the end of the document. */
  position(): SplitPosition {
    return this.#positionAt(this.#at)
  }

  #take(): readonly SplitRecord[] {
    const found = this.#found
    this.#found = []
    return found
  }

  #positionAt(at: number): SplitPosition {
    return { offset: this.#base + at, records: this.#records, ancestors: [...this.#ancestors] }
  }

  /** Goes on by one piece of markup. @returns false when the bytes at hand do not hold it all. */
  #step(): boolean {
    if (this.#skipTo !== null) return this.#skip(this.#skipTo)
    const from = this.#bytes.indexOf(LESS, this.#at)
    if (from === -1) {
      this.#at = this.#bytes.length
      return false
    }
    this.#at = from
    // What it begins can be told from a few bytes; a document's last tag may be shorter.
    const isTold =
      this.#bytes.length - from >= TELLING_BYTES || this.#bytes.indexOf('>', from) !== -1
    if (!isTold) return false
    const opaque = opaqueEnd(this.#bytes, from)
    if (opaque === null) return this.#tag(from)
    this.#at = opaque.from
    this.#skipTo = opaque.end
    return true
  }

  #skip(end: Buffer): boolean {
    const found = this.#bytes.indexOf(end, this.#at)
    if (found === -1) {
      this.#at = Math.max(this.#at, this.#bytes.length - end.length + 1)
      return false
    }
    this.#at = found + end.length
    this.#skipTo = null
    return true
  }

  #tag(from: number): boolean {
    const next = this.#bytes[from + 1]
    if (this.#record === null) {
      if (next === BANG) throw new DocumentProblem('a document type (DOCTYPE) is not accepted')
      return next === SLASH ? this.#endOutside(from) : this.#startOutside(from)
    }
    return this.#inside(from, next === SLASH, this.#record)
  }

  #wholeTag(from: number): number {
    const end = tagEnd(this.#bytes, from)
    if (end === -1 && this.#bytes.length - from > LIMITS.recordBytesMax) {
      throw new DocumentProblem(`a tag is longer than ${LIMITS.recordBytesMax} bytes`)
    }
    return end
  }

  #startOutside(from: number): boolean {
    const end = this.#wholeTag(from)
    if (end === -1) return false
    const around = this.#ancestors.at(-1)
    const tag = readStartTag(this.#bytes.toString('utf8', from, end), around)
    if (tag === null || this.#hasEnded) {
      throw new DocumentProblem(
        tag === null
          ? 'there is a `<` that begins no tag'
          : `there is more after its end: ${tag.name}`,
      )
    }
    const { path } = this.#options
    const depth = this.#ancestors.length
    const isOnPath = (around?.isOnPath ?? true) && path[depth] === tag.expanded
    this.#at = end
    if (isOnPath && depth === path.length - 1) {
      const { namespaces } = around ?? { namespaces: {} }
      this.#record = { name: Buffer.from(tag.name), namespaces, start: from, depth: 1 }
      if (tag.isEmpty) this.#finish(end)
      return true
    }
    if (!tag.isEmpty) {
      if (depth >= LIMITS.recordDepthMax) throw new DocumentProblem('it is nested too deep')
      this.#ancestors.push({ name: tag.name, isOnPath, namespaces: tag.namespaces })
    } else if (depth === 0) this.#hasEnded = true
    return true
  }

  #endOutside(from: number): boolean {
    const end = this.#wholeTag(from)
    if (end === -1) return false
    const name = this.#bytes.toString('utf8', from + 2, end - 1).trim()
    const open = this.#ancestors.pop()
    if (open?.name !== name) {
      const words = open === undefined ? 'no element is open' : `${open.name} is open`
      throw new DocumentProblem(`there is the end of ${name}, and ${words}`)
    }
    this.#at = end
    this.#hasEnded = this.#ancestors.length === 0
    return true
  }

  /** A tag within a record: only the record's own name, and that of the element around, count. */
  #inside(from: number, isEnd: boolean, record: OpenRecord): boolean {
    const nameAt = from + (isEnd ? 2 : 1)
    // A name may go on beyond the bytes at hand.
    const longest = Math.max(record.name.length, this.#ancestors.at(-1)?.name.length ?? 0) * 4
    const isCut = this.#bytes.length - nameAt <= longest && this.#bytes.indexOf('>', from) === -1
    if (isCut) return false
    if (isNameAt(this.#bytes, nameAt, record.name)) return this.#ownTag(from, isEnd, record)
    const around = this.#ancestors.at(-1)
    if (isEnd && around !== undefined && isNameAt(this.#bytes, nameAt, Buffer.from(around.name))) {
      this.#fail(`its end tag is missing before the end of ${around.name}`, from)
      return true
    }
    this.#at = nameAt
    return true
  }

  #ownTag(from: number, isEnd: boolean, record: OpenRecord): boolean {
    if (!isEnd && !this.#options.nests) {
      this.#fail('its end tag is missing before the next record', from)
      return true
    }
    const end = this.#wholeTag(from)
    if (end === -1) return false
    this.#at = end
    if (isEnd) record.depth -= 1
    else if (this.#bytes[end - 2] !== SLASH) record.depth += 1
    if (record.depth === 0) this.#finish(end)
    return true
  }

  #finish(end: number): void {
    const record = this.#record
    if (record === null) return
    const { start, namespaces } = record
    if (start === null || end - start > LIMITS.recordBytesMax) {
      this.#fail(`the record is larger than ${LIMITS.recordBytesMax} bytes`, end)
      return
    }
    this.#record = null
    this.#records += 1
    this.#hasEnded = this.#ancestors.length === 0
    // A copy: the bytes at hand are large, and a record may be kept for a while.
    const bytes = Buffer.from(this.#bytes.subarray(start, end))
    this.#found.push({ bytes, namespaces, position: this.#positionAt(end) })
  }

  #fail(problem: string, end: number): void {
    this.#record = null
    this.#skipTo = null
    this.#records += 1
    this.#at = end
    this.#hasEnded = this.#ancestors.length === 0
    this.#found.push({ problem, position: this.#positionAt(end) })
  }

  /** Lets go of the bytes that nobody needs any more. */
  #forget(): void {
    const record = this.#record
    if (record !== null && record.start !== null) {
      if (this.#bytes.length - record.start > LIMITS.recordBytesMax) record.start = null
    }
    const kept = record?.start ?? this.#at
    this.#bytes = this.#bytes.subarray(kept)
    this.#base += kept
    this.#at -= kept
    if (record !== null && record.start !== null) record.start = 0
  }
}
