// From bytes to a document that is there in whole: claimed, written aside, checked, entered in the
// ledger, renamed. Killed at any point, it leaves no half file under a final name.

import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../core/errors.js'
import { moveInPlace, onDisk } from './durable.js'
import { type DocumentFacts, inspectDocument, type SizeBounds } from './inspect.js'
import { DocumentLedger, type LedgerEntry, type SavedFacts } from './ledger.js'
import { removeLeftovers } from './leftovers.js'
import { DocumentParts, type Part } from './parts.js'

/** Where the bytes came from, as far as it is known. */
export interface Filled {
  readonly url: string | null
  readonly etag: string | null
}

export interface SavedDocument extends SavedFacts {
  readonly file: string
}

/** Moments of a save between which a process may die. */
export type SaveMoment = 'claimed' | 'begun' | 'filled' | 'entered' | 'renamed'

export interface DocumentFilesOptions extends SizeBounds {
  readonly directory: string
  /** Told at each moment. Tests die there. */
  readonly onMoment?: (moment: SaveMoment) => void
}

export interface SaveRequest {
  /** Writes the bytes. What it throws decides nothing about them: they may be gone on from. */
  readonly fill: (part: Part) => Promise<Filled>
  /** Whether bytes of an earlier try are of use. */
  readonly resumes: boolean
}

export class DocumentFiles {
  readonly #options: DocumentFilesOptions
  readonly #ledger: DocumentLedger
  readonly #parts: DocumentParts
  #prepared: Promise<void> | null = null

  constructor(options: DocumentFilesOptions) {
    this.#options = options
    this.#ledger = new DocumentLedger(options.directory)
    this.#parts = new DocumentParts(options.directory)
  }

  /**
   * The document of a reference, if its file is there and is, byte for byte, what the ledger says.
   */
  findVerified(reference: string): Promise<SavedDocument | null> {
    return onDisk(this.#options.directory, async () => {
      const entry = await this.#ledger.find(reference)
      if (entry === null || entry.saved === null) return null
      const facts = await this.#inspectFile(entry, entry.saved)
      if (facts === null || facts.sha256 !== entry.saved.sha256) return null
      return { ...entry.saved, file: entry.file }
    })
  }

  /**
   * Saves a document, in place of what its file held.
   *
   * @throws {FetchFailure} for bytes that are no document, or a disk that takes none.
   */
  async save(reference: string, request: SaveRequest): Promise<SavedDocument> {
    const { directory, onMoment = () => {} } = this.#options
    return onDisk(directory, async () => {
      await this.#prepare()
      const entry = await this.#ledger.claim(reference)
      onMoment('claimed')
      const part = await this.#parts.begin(reference, request.resumes)
      onMoment('begun')
      const filled = await this.#fill(part, request)
      onMoment('filled')
      try {
        const facts = await inspectDocument(part.file, this.#options)
        await part.file.sync()
        const saved = { ...facts, ...filled, savedAt: new Date().toISOString() }
        await this.#ledger.write({ ...entry, saved })
        onMoment('entered')
        await part.file.close()
        await moveInPlace(part.path, join(directory, entry.file))
        onMoment('renamed')
        return { ...saved, file: entry.file }
      } finally {
        await part.clear()
      }
    })
  }

  /** Removes what dead processes left under temporary names; once, at a start. */
  async tidy(): Promise<void> {
    // Whatever is in the way of that tells itself again when something is saved.
    await removeLeftovers(this.#options.directory).catch(() => {})
  }

  async #fill(part: Part, { fill, resumes }: SaveRequest): Promise<Filled> {
    try {
      return await fill(part)
    } catch (error) {
      // A full disk needs the room; everything else may go on later.
      if (resumes && !hasCode(error, 'ENOSPC')) await part.leave()
      else await part.clear()
      throw error
    }
  }

  async #inspectFile(entry: LedgerEntry, saved: SavedFacts): Promise<DocumentFacts | null> {
    const file = await this.#open(entry)
    if (file === null) return null
    try {
      const { size } = await file.stat()
      if (size !== saved.bytes) return null
      return await inspectDocument(file, { bytesMin: 0, bytesMax: saved.bytes })
    } catch {
      // Whatever it is, it is not what was saved.
      return null
    } finally {
      await file.close()
    }
  }

  async #open(entry: LedgerEntry): Promise<FileHandle | null> {
    return open(join(this.#options.directory, entry.file), 'r').catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return null
      throw error
    })
  }

  #prepare(): Promise<void> {
    this.#prepared ??= this.#makeFolders().catch((error: unknown) => {
      this.#prepared = null
      throw error
    })
    return this.#prepared
  }

  async #makeFolders(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true })
    await this.#ledger.prepare()
    await this.#parts.prepare()
  }
}
