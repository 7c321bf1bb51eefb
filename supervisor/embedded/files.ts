import { type FileHandle, readFile } from 'node:fs/promises'
import { FetchyardError, hasCode, messageOf } from '../../src/core/errors.js'
import { writeWhole } from '../write-whole.js'

/** What to do about the causes that a person can mend, by the code of the file system's error. */
const FIXES: Readonly<Record<string, string>> = {
  EACCES: 'Give this user the right to write there, or choose another data directory',
  EPERM: 'Give this user the right to write there, or choose another data directory',
  EROFS: 'The file system is read-only: choose a data directory on another one',
  ENOSPC: 'The disk is full: free some space, then start again',
  EDQUOT: 'The disk quota is used up: free some space, then start again',
  ENOTDIR: 'A file stands where a directory is needed: move it away',
  EEXIST: 'A file stands where a directory is needed: move it away',
  ENAMETOOLONG: 'Choose a data directory with a shorter path',
}

/** The one error of a data directory that cannot be used. It names the path, the rule and the fix. */
export function dataDirectoryError(facts: {
  readonly path: string
  readonly problem: string
  readonly fix: string
  readonly cause?: unknown
}): FetchyardError {
  const options = facts.cause === undefined ? {} : { cause: facts.cause }
  return new FetchyardError(
    'DATA_DIRECTORY',
    `The data directory ${facts.path} ${facts.problem}. ${facts.fix}.`,
    options,
  )
}

/** Turns an error of the file system below the data directory into words; others pass unchanged. */
function explainFileError(path: string, error: unknown): unknown {
  const code = codeOf(error)
  const fix = code === null ? undefined : FIXES[code]
  if (fix === undefined) return error
  const problem = `cannot be used (${messageOf(error)})`
  return dataDirectoryError({ path, problem, fix, cause: error })
}

/** Runs `work`, whose errors of the file system concern `path`. */
export async function explaining<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw explainFileError(path, error)
  }
}

export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** The text of a file, or `null` when there is none. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

/** Writes a file whole or not at all, readable by its owner alone. */
export async function writePrivate(
  path: string,
  text: string,
  owner?: { readonly uid: number; readonly gid: number } | null,
): Promise<void> {
  const fill = async (file: FileHandle) => {
    await file.writeFile(text)
    if (owner) await file.chown(owner.uid, owner.gid)
  }
  await writeWhole(path, fill, { mode: 0o600 })
}
