// The embedded Postgres: its programs, its directory and whether it runs. Starts and makes nothing.

import { stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FetchyardError } from '../../src/core/errors.js'
import type { Finding } from '../../src/core/health.js'
import { fine, problem, warning } from '../../src/core/health.js'
import { chooseAccount } from '../embedded/account.js'
import { observeProcess } from '../embedded/identity.js'
import { recall } from '../embedded/memory.js'
import { locateBinaryPackage } from '../embedded/platform.js'
import { readPostmasterFile } from '../embedded/postmaster.js'

export interface EmbeddedState {
  readonly findings: readonly Finding[]
  /** Whether a server runs on the directory: only then it can be asked. */
  readonly isRunning: boolean
}

/** Magic numbers of network file systems: NFS, SMB, CIFS. A database there may be lost. */
const NETWORK_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xff534d42])
const FREE_BYTES_MIN = 1_073_741_824
const FREE_FILES_MIN = 10_000

export async function examineEmbedded(dataDir: string): Promise<EmbeddedState> {
  const findings: Finding[] = [await attempt('binaries', examineBinaries)]
  let pgDir: string
  try {
    pgDir = join((await recall(dataDir))?.home ?? dataDir, 'pg')
  } catch (error) {
    findings.push(refusal('data_dir', error))
    return { findings, isRunning: false }
  }
  findings.push(await attempt('account', () => examineAccount(pgDir)))
  findings.push(...(await examineSpace(pgDir)))
  const server = await examineServer(pgDir)
  return { findings: [...findings, server.finding], isRunning: server.isRunning }
}

/** What the parts of the embedded database refuse, with what they say mends it. */
async function attempt(check: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look()
  } catch (error) {
    return refusal(check, error)
  }
}

/** Messages of operating errors say what mends them. */
function refusal(check: string, error: unknown): Finding {
  if (!(error instanceof FetchyardError)) throw error
  return problem(check, error.message, 'Set DATABASE_URL, or do as the message says.')
}

async function examineBinaries(): Promise<Finding> {
  const root = locateBinaryPackage()
  await stat(join(root, 'native', 'bin'))
  return fine('binaries', `The embedded Postgres is in ${root}`)
}

async function examineAccount(pgDir: string): Promise<Finding> {
  const owner = await stat(pgDir).catch(() => null)
  const account = await chooseAccount(owner === null ? null : pgDir)
  if (account !== null)
    return fine('account', `Postgres runs as ${account.name}, since this is root`)
  const uid = process.getuid?.()
  if (owner === null || uid === undefined || owner.uid === uid)
    return fine('account', 'Postgres runs as this user')
  return problem(
    'account',
    `${pgDir} belongs to the user with the number ${owner.uid}, and this is ${uid}.`,
    `sudo -u '#${owner.uid}' fetchyard ...`,
  )
}

/** The nearest directory that exists: the data directory may be still to be made. */
async function nearest(path: string): Promise<string> {
  const found = await stat(path).catch(() => null)
  return found !== null || dirname(path) === path ? path : nearest(dirname(path))
}

async function examineSpace(pgDir: string): Promise<readonly Finding[]> {
  const place = await nearest(pgDir)
  const disk = await statfs(place)
  const freeBytes = disk.bavail * disk.bsize
  const words = `${(freeBytes / 1_073_741_824).toFixed(1)} GB free at ${place}`
  const findings: Finding[] = []
  if (freeBytes < FREE_BYTES_MIN)
    findings.push(problem('disk', `${words}.`, 'Free some space, or choose another --data-dir.'))
  // Some file systems count no files and say 0 of 0.
  else if (disk.files > 0 && disk.ffree < FREE_FILES_MIN)
    findings.push(problem('disk', `${disk.ffree} files can still be made at ${place}.`, 'df -i'))
  else findings.push(fine('disk', words))
  if (NETWORK_FILE_SYSTEMS.has(disk.type))
    findings.push(
      warning(
        'file_system',
        `${place} is on a network file system, where a database may be damaged.`,
        'Choose a --data-dir on a local disk, or set DATABASE_URL.',
      ),
    )
  return findings
}

async function examineServer(
  pgDir: string,
): Promise<{ readonly finding: Finding; readonly isRunning: boolean }> {
  if ((await stat(pgDir).catch(() => null)) === null) {
    const words = `There is no database in ${pgDir} yet; the first start makes it`
    return { finding: fine('database', words), isRunning: false }
  }
  const file = await readPostmasterFile(pgDir).catch(() => null)
  if (file === null || !(await observeProcess(file.pid)).alive) {
    const words = `The database in ${pgDir} does not run, so it was not looked into`
    return { finding: fine('database', words), isRunning: false }
  }
  return {
    finding: fine('database', `Postgres runs in ${pgDir} (pid ${file.pid})`),
    isRunning: true,
  }
}
