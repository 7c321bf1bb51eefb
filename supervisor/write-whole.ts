// Files that are there whole or not at all, whatever dies while they are written.

import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface Wholeness {
  /** Rights of the file. @default as the process makes files */
  readonly mode?: number
  /** What a draft that cannot be made is refused with. @default the error itself */
  readonly refuse?: (error: unknown) => unknown
}

/**
 * Writes beside the file, makes it durable and renames it: whoever looks sees the old file or the
 * whole new one. The rename replaces a link that stands at `path` instead of following it.
 */
export async function writeWhole<Done>(
  path: string,
  fill: (file: FileHandle) => Promise<Done>,
  { mode = 0o666, refuse = (error) => error }: Wholeness = {},
): Promise<Done> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.part`
  const file = await open(draft, 'wx', mode).catch((error: unknown) => {
    throw refuse(error)
  })
  try {
    const done = await fill(file)
    await file.sync()
    await file.close()
    await renameForGood(draft, path)
    return done
  } catch (error) {
    await file.close().catch(() => {})
    await rm(draft, { force: true })
    throw error
  }
}

/** Renames, and waits until the disk knows the new name, where the system can tell. */
export async function renameForGood(from: string, to: string): Promise<void> {
  await rename(from, to)
  const directory = await open(dirname(to), 'r').catch(() => null)
  if (directory === null) return
  // Windows opens no directories, and some file systems sync none; the rename itself stands.
  await directory.sync().catch(() => {})
  await directory.close()
}
