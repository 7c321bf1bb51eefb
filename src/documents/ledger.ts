// The ledger on disk: an entry a document, beside the documents themselves, so that a worker, which
// has no database, can tell a file that is right from one that is not, and a directory that was
// moved explains itself.

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../core/errors.js'
import { isFields } from '../core/fields.js'
import { createFile, replaceFile } from './durable.js'
import { digestName, digestOf, fileNameOf, foldName } from './file-name.js'
import type { DocumentFacts } from './inspect.js'

/** What is ours in the directory of documents. */
export const OWN_FOLDER = '.fetchyard'

export interface SavedFacts extends DocumentFacts {
  readonly url: string | null
  readonly etag: string | null
  readonly savedAt: string
}

export interface LedgerEntry {
  readonly reference: string
  readonly file: string
  /**
   * What the file holds; null while there has been none. Written before the file gets its name: a
   * crash in between leaves an entry whose file is missing or of before, and that is seen.
   */
  readonly saved: SavedFacts | null
}

export class DocumentLedger {
  readonly #folder: string

  constructor(directory: string) {
    this.#folder = join(directory, OWN_FOLDER, 'ledger')
  }

  async prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
  }

  /** The entry of a reference, if it has one. */
  async find(reference: string): Promise<LedgerEntry | null> {
    for (const file of candidatesOf(reference)) {
      const entry = await this.#read(file)
      if (entry?.reference === reference) return entry
    }
    return null
  }

  /** The entry of a reference; made when there is none, with a file name that no other has. */
  async claim(reference: string): Promise<LedgerEntry> {
    for (const file of candidatesOf(reference)) {
      const entry: LedgerEntry = { reference, file, saved: null }
      const path = this.#pathOf(file)
      const found = await this.#read(file)
      if (found?.reference === reference) return found
      if (found === null && (await createFile(path, JSON.stringify(entry)))) return entry
      const other = await this.#read(file)
      if (other?.reference === reference) return other
      // An entry that cannot be read says nothing: whoever comes next makes it anew.
      if (other === null) {
        await replaceFile(path, JSON.stringify(entry))
        return entry
      }
    }
    throw new Error(`No file name is left for ${JSON.stringify(reference.slice(0, 100))}.`)
  }

  async write(entry: LedgerEntry): Promise<void> {
    await replaceFile(this.#pathOf(entry.file), JSON.stringify(entry))
  }

  /** By the folded name: two names that a file system takes for one have one entry. */
  #pathOf(file: string): string {
    return join(this.#folder, `${digestOf(foldName(file))}.json`)
  }

  async #read(file: string): Promise<LedgerEntry | null> {
    try {
      return parseEntry(JSON.parse(await readFile(this.#pathOf(file), 'utf8')))
    } catch (error) {
      if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return null
      throw error
    }
  }
}

function candidatesOf(reference: string): readonly string[] {
  const { name, isPlain } = fileNameOf(reference)
  return isPlain ? [name, digestName(reference)] : [name]
}

function parseEntry(value: unknown): LedgerEntry | null {
  if (!isFields(value)) return null
  const { reference, file, saved } = value
  if (typeof reference !== 'string' || typeof file !== 'string') return null
  // The name is ours to choose, whatever stands in the entry.
  if (!candidatesOf(reference).includes(file)) return null
  return { reference, file, saved: parseSaved(saved) }
}

function parseSaved(value: unknown): SavedFacts | null {
  if (!isFields(value)) return null
  const { bytes, sha256, pages, url, etag, savedAt } = value
  if (typeof bytes !== 'number' || typeof sha256 !== 'string') return null
  return {
    bytes,
    sha256,
    pages: typeof pages === 'number' ? pages : null,
    url: typeof url === 'string' ? url : null,
    etag: typeof etag === 'string' ? etag : null,
    savedAt: typeof savedAt === 'string' ? savedAt : '',
  }
}
