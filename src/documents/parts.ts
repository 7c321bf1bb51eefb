// Documents on their way: files under temporary names, in the directory that they end in, so that a
// rename is all that is left to do. What a dead worker left of one is taken over by its bytes,
// never by its file: who is thought dead may still write.

import {
  copyFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { isFields } from '../core/fields.js'
import { newNonce, replaceFile } from './durable.js'
import { digestOf } from './file-name.js'
import { OWN_FOLDER } from './ledger.js'
import { ownOwner } from './owner.js'

/** What a server said of the body that a part is of: enough to ask for the rest. */
export interface PartOrigin {
  readonly url: string
  /** A strong ETag, or the date of the last change. */
  readonly validator: string
}

export interface Part {
  readonly path: string
  readonly file: FileHandle
  /** Bytes that it began with, of an earlier try. */
  readonly begunBytes: number
  readonly origin: PartOrigin | null
  /** Notes what the bytes are of, so that another try can go on from them. */
  readonly note: (origin: PartOrigin) => Promise<void>
  /** Lets go of the file and keeps it for a later try if that can use it. */
  readonly leave: () => Promise<void>
  /** Removes it, and whatever tries before it left. */
  readonly clear: () => Promise<void>
}

const PREFIX = '.fetchyard-'
const EXTENSION = '.part'
const NOTE_EXTENSION = '.json'

const idsIn = (names: readonly string[]) =>
  names
    .filter((name) => name.endsWith(NOTE_EXTENSION))
    .map((name) => name.slice(0, -NOTE_EXTENSION.length))

export class DocumentParts {
  readonly #directory: string
  readonly #notes: string

  constructor(directory: string) {
    this.#directory = directory
    this.#notes = join(directory, OWN_FOLDER, 'parts')
  }

  async prepare(): Promise<void> {
    await mkdir(this.#notes, { recursive: true })
  }

  /** A new part, beginning with what an earlier try left when its origin is known. */
  async begin(reference: string, resumes: boolean): Promise<Part> {
    const digest = digestOf(reference)
    const id = `${digest}-${ownOwner()}-${newNonce()}`
    const path = this.pathOf(id)
    // Parts that are begun later are not this one's to remove.
    const before = await this.#idsOf(digest)
    const left = resumes ? await this.#findLeft(before) : null
    const file = await this.#create(id, left?.id ?? null)
    const { size } = await file.stat()
    return {
      path,
      file,
      begunBytes: left === null ? 0 : size,
      origin: left?.origin ?? null,
      note: (origin) => replaceFile(this.noteOf(id), JSON.stringify(origin)),
      leave: () => file.close(),
      clear: async () => {
        await file.close().catch(() => {})
        for (const old of [id, ...before]) await this.remove(old)
      },
    }
  }

  /** A file that begins with the bytes of another part, if there is one. */
  async #create(id: string, begins: string | null): Promise<FileHandle> {
    const path = this.pathOf(id)
    try {
      // First the note, by which the part is found again: nothing is left behind for ever.
      await writeFile(this.noteOf(id), '{}')
      if (begins !== null) await copyFile(this.pathOf(begins), path)
      return await open(path, begins === null ? 'wx+' : 'r+', 0o644)
    } catch (error) {
      // A full disk may have taken half of it.
      await this.remove(id)
      throw error
    }
  }

  pathOf(id: string): string {
    return join(this.#directory, `${PREFIX}${id}${EXTENSION}`)
  }

  noteOf(id: string): string {
    return join(this.#notes, `${id}${NOTE_EXTENSION}`)
  }

  async #idsOf(digest: string): Promise<readonly string[]> {
    const names = await readdir(this.#notes)
    return idsIn(names).filter((id) => id.startsWith(digest))
  }

  /** All that are on their way or were left, by whomever. */
  async ids(): Promise<readonly string[]> {
    const notes = await readdir(this.#notes).catch(() => [])
    const files = await readdir(this.#directory).catch(() => [])
    const parts = files
      .filter((name) => name.startsWith(PREFIX) && name.endsWith(EXTENSION))
      .map((name) => name.slice(PREFIX.length, -EXTENSION.length))
    return [...new Set([...idsIn(notes), ...parts])]
  }

  /** Whether a later try can go on from it. */
  async isOfUse(id: string): Promise<boolean> {
    return (await this.#readNote(id)) !== null && (await this.#sizeOf(id)) > 0
  }

  /** The longest part that an earlier try left. */
  async #findLeft(
    ids: readonly string[],
  ): Promise<{ readonly id: string; readonly origin: PartOrigin } | null> {
    let longest: { id: string; origin: PartOrigin; bytes: number } | null = null
    for (const id of ids) {
      const bytes = await this.#sizeOf(id)
      const origin = await this.#readNote(id)
      if (origin === null || bytes === 0) continue
      if (longest === null || bytes > longest.bytes) longest = { id, origin, bytes }
    }
    return longest
  }

  async #sizeOf(id: string): Promise<number> {
    const file = await open(this.pathOf(id), 'r').catch(() => null)
    if (file === null) return 0
    const { size } = await file.stat()
    await file.close()
    return size
  }

  async #readNote(id: string): Promise<PartOrigin | null> {
    try {
      const value: unknown = JSON.parse(await readFile(this.noteOf(id), 'utf8'))
      if (!isFields(value)) return null
      const { url, validator } = value
      return typeof url === 'string' && typeof validator === 'string' ? { url, validator } : null
    } catch {
      return null
    }
  }

  async remove(id: string): Promise<void> {
    await unlink(this.pathOf(id)).catch(() => {})
    await unlink(this.noteOf(id)).catch(() => {})
  }
}
