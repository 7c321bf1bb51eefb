// Files that are there in whole or not at all, also after the power went.

import { randomBytes } from 'node:crypto'
import { constants, copyFile, link, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode, messageOf } from '../core/errors.js'
import { FetchFailure } from '../fetch/failure.js'
import { ownOwner } from './owner.js'

/** Distinguishes the files of two writers that do not know of each other. */
export const newNonce = () => randomBytes(6).toString('hex')

/** Makes the names in a directory as durable as what they name. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows opens no directory, and writes names down by itself.
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    // Some file systems sync no directory; the rename itself stands.
    await handle.sync().catch((error: unknown) => {
      if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].some((code) => hasCode(error, code))) throw error
    })
  } finally {
    await handle.close()
  }
}

/** Gives a file that is written and synced its final name, in place of what had it. */
export async function moveInPlace(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncDirectory(dirname(to))
}

/**
 * Writes a small file under a temporary name, and makes it durable. One that fails, as on a full
 * disk, leaves nothing. @returns its name.
 */
async function writeAside(path: string, text: string): Promise<string> {
  const aside = `${path}.${ownOwner()}.${newNonce()}.tmp`
  const handle = await open(aside, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } catch (error) {
    await unlink(aside).catch(() => {})
    throw error
  } finally {
    await handle.close()
  }
  return aside
}

export async function replaceFile(path: string, text: string): Promise<void> {
  const aside = await writeAside(path, text)
  try {
    await moveInPlace(aside, path)
  } catch (error) {
    await unlink(aside).catch(() => {})
    throw error
  }
}

/** Writes a file unless one of this name is there. @returns whether it was written. */
export async function createFile(path: string, text: string): Promise<boolean> {
  const aside = await writeAside(path, text)
  try {
    await link(aside, path).catch(async (error: unknown) => {
      if (hasCode(error, 'EEXIST')) throw error
      // Some file systems have no links; a copy that refuses to overwrite is the next best.
      await copyFile(aside, path, constants.COPYFILE_EXCL)
    })
    await syncDirectory(dirname(path))
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await unlink(aside).catch(() => {})
  }
}

const FULL = ['ENOSPC', 'EDQUOT']
const REFUSED = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR']

/**
 * Runs what writes below a directory. What fails because of the disk, and not of the document, ends
 * in a code that pauses the workflow: every other document would fail there as well.
 */
export async function onDisk<Result>(
  directory: string,
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    if (FULL.some((code) => hasCode(error, code))) {
      const words = `The disk that holds ${directory} is full: ${messageOf(error)}`
      throw new FetchFailure('disk_full', words, { cause: error })
    }
    if (REFUSED.some((code) => hasCode(error, code))) {
      const words = `${directory} cannot be written to: ${messageOf(error)}`
      throw new FetchFailure('directory_refused', words, { cause: error })
    }
    throw error
  }
}
