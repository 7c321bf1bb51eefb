// The pages of failures that are kept below a directory of documents, for whoever shows them. Which
// files there are is read from the folder itself: nothing that is asked for becomes a path.

import { constants, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { failureStemOf } from './file-name.js'
import { OWN_FOLDER } from './ledger.js'

export const FAILURES_FOLDER = join(OWN_FOLDER, 'failures')

export const FAILURE_PARTS = ['picture', 'html'] as const
export type FailurePart = (typeof FAILURE_PARTS)[number]

export interface KeptFailure {
  readonly attempt: number
  /** When it was kept. */
  readonly at: string
  /** What there is of it, with its size in bytes. */
  readonly parts: { readonly [part in FailurePart]?: number }
}

const EXTENSIONS: { readonly [part in FailurePart]: string } = { picture: 'png', html: 'html' }
const NAME = /^(.+)-attempt-(\d{1,9})\.(png|html)$/s
/** Larger files are none of those that we keep. */
const BYTES_MAX = 8 * 1_048_576

interface Found {
  readonly name: string
  readonly attempt: number
  readonly part: FailurePart
}

export class KeptFailures {
  readonly #folder: string

  constructor(directory: string) {
    this.#folder = join(directory, FAILURES_FOLDER)
  }

  /** The attempts at a document of which a page is kept, in their order. */
  async list(reference: string): Promise<readonly KeptFailure[]> {
    const attempts = new Map<number, { at: number; parts: { [part in FailurePart]?: number } }>()
    for (const { name, attempt, part } of await this.#find(reference)) {
      const { size, mtimeMs } = (await stat(join(this.#folder, name)).catch(() => null)) ?? {}
      if (size === undefined || mtimeMs === undefined) continue
      const known = attempts.get(attempt) ?? { at: 0, parts: {} }
      known.at = Math.max(known.at, mtimeMs)
      known.parts[part] = size
      attempts.set(attempt, known)
    }
    return [...attempts]
      .sort(([one], [other]) => one - other)
      .map(([attempt, { at, parts }]) => ({ attempt, at: new Date(at).toISOString(), parts }))
  }

  /** @returns null for what is not there. */
  async read(
    reference: string,
    of: { readonly attempt: number; readonly part: FailurePart },
  ): Promise<Buffer | null> {
    const found = await this.#find(reference)
    const one = found.find(({ attempt, part }) => attempt === of.attempt && part === of.part)
    if (one === undefined) return null
    // A link would lead out of the folder.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)
    const file = await open(join(this.#folder, one.name), flags).catch(() => null)
    if (file === null) return null
    try {
      const facts = await file.stat()
      return facts.isFile() && facts.size <= BYTES_MAX ? await file.readFile() : null
    } finally {
      await file.close()
    }
  }

  async #find(reference: string): Promise<readonly Found[]> {
    const stem = failureStemOf(reference)
    const names = await readdir(this.#folder).catch(() => [])
    return names.flatMap((name) => {
      const [, own, attempt, extension] = NAME.exec(name) ?? []
      const part = FAILURE_PARTS.find((known) => EXTENSIONS[known] === extension)
      return own === stem && part !== undefined ? [{ name, attempt: Number(attempt), part }] : []
    })
  }
}
