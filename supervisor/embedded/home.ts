import { createHash, randomBytes } from 'node:crypto'
import { chmod, chown, lstat, mkdir, realpath, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { dataDirectoryError, explaining } from './files.js'
import { type Account, runProgram } from './program.js'

/** Makes the data directory if it is missing. @returns its real path. */
export async function prepareDataDir(dataDir: string): Promise<string> {
  const path = resolve(dataDir)
  return explaining(path, async () => {
    await makeDirectory(path)
    return realpath(path)
  })
}

/**
 * Chooses the directory for the server's files: the data directory, unless we are root and the
 * server's account cannot reach it (a path below /root, a file system that knows no owners).
 *
 * @throws {FetchyardError} DATA_DIRECTORY when the account can write nowhere.
 */
export async function chooseHome(
  dataDir: string,
  account: Account | null,
  onProgress: (message: string) => void,
): Promise<string> {
  if (account === null) return dataDir
  if (await canHoldFiles(dataDir, account)) return dataDir
  for (const home of homesElsewhere(dataDir)) {
    if (!(await canHoldFiles(home, account))) continue
    onProgress(`The account ${account.name} cannot reach ${dataDir}; the files are in ${home}.`)
    return home
  }
  throw dataDirectoryError({
    path: dataDir,
    problem: `cannot be reached by the account ${account.name}, nor can /var/lib or /var/tmp`,
    fix: 'Choose a data directory that other accounts may enter, or run as an ordinary user',
  })
}

/** /var/lib first: what lies in /var/tmp may be cleaned away by the system after a month. */
export function homesElsewhere(dataDir: string): readonly string[] {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12)
  return [`/var/lib/fetchyard-${hash}`, `/var/tmp/fetchyard-${hash}`]
}

/**
 * Tries it out as the account: permissions, access lists, mounts without owners and read-only file
 * systems all have their say. A directory that somebody else made is not trusted.
 */
async function canHoldFiles(home: string, account: Account): Promise<boolean> {
  const probe = join(home, `.probe-${randomBytes(6).toString('hex')}`)
  try {
    await makeDirectory(home)
    const found = await lstat(home)
    if (!found.isDirectory() || (found.mode & 0o002) !== 0) return false
    await mkdir(probe, { mode: 0o700 })
    await chown(probe, account.uid, account.gid)
    const script = 'cd "$1" && : > written && rm written'
    const args = ['-c', script, 'sh', probe]
    return (await runProgram({ file: '/bin/sh', args, account })).code === 0
  } catch {
    return false
  } finally {
    await rm(probe, { recursive: true, force: true }).catch(() => {})
  }
}

/** A directory made by root can be entered, not listed, by the account that runs the server. */
async function makeDirectory(path: string): Promise<void> {
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700
  const made = await mkdir(path, { recursive: true, mode })
  if (made !== undefined) await chmod(path, mode)
}
