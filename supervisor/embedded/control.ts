import { open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FetchyardError } from '../../src/core/errors.js'
import type { Listener } from './address.js'
import { EMBEDDED_BOUNDS } from './bounds.js'
import { dataDirectoryError, writePrivate } from './files.js'
import type { Binaries } from './hydrate.js'
import { observeProcess } from './identity.js'
import { readPostmasterFile } from './postmaster.js'
import { type Account, type ProgramEnd, runProgram } from './program.js'
import { settingsText } from './settings.js'

/** What is needed to run a server: its programs, its files, its account. */
export interface Cluster {
  readonly binaries: Binaries
  readonly pgDir: string
  readonly account: Account | null
}

/** Name of the settings file; the line that includes it is written once, by `createCluster`. */
export const SETTINGS_FILE = 'fetchyard.conf'
const LOG_FILE = 'pg.log'

/** `in-use`: server processes of a killed postmaster are still ending; they take a moment. */
export type StartEnd = 'started' | 'port-taken' | 'in-use'

/**
 * Starts the server and waits until it takes connections, or until `pg_ctl` loses patience with a
 * recovery that goes on: the caller asks the server itself. `pg_ctl` puts the server into a session
 * of its own under process 1, so neither a signal to our process group nor a manager that kills our
 * descendants reaches it.
 *
 * @throws {FetchyardError} DATA_DIRECTORY with the last lines of the server's log.
 */
export async function startServer(cluster: Cluster, listener: Listener): Promise<StartEnd> {
  const settings = join(cluster.pgDir, SETTINGS_FILE)
  await writePrivate(settings, settingsText(listener), cluster.account)
  const logStart = await rotateLog(cluster.pgDir)
  const end = await control(cluster, ['start', '-l', LOG_FILE])
  if (end.code === 0) return 'started'
  const file = await readPostmasterFile(cluster.pgDir)
  if (file !== null && (await observeProcess(file.pid)).alive) return 'started'
  const log = await readTail(join(cluster.pgDir, LOG_FILE), logStart)
  if (listener.kind === 'loopback' && /could not bind|Address already in use/i.test(log)) {
    return 'port-taken'
  }
  if (/pre-existing shared memory block/i.test(log)) return 'in-use'
  throw startError(cluster.pgDir, log.trim() === '' ? `${end.stderr}\n${end.stdout}` : log)
}

/**
 * Stops the server: clients are sent away, what was committed is written to disk.
 *
 * @throws {FetchyardError} DATABASE_UNAVAILABLE when it does not stop in time; it stays adoptable.
 */
export async function stopServer(cluster: Cluster): Promise<void> {
  const end = await control(cluster, ['stop', '-m', 'fast'])
  if (end.code === 0) return
  const file = await readPostmasterFile(cluster.pgDir)
  if (file === null || !(await observeProcess(file.pid)).alive) return
  const reason = lastLines(linesOf(end.stderr || end.stdout))
  const words = `Postgres (pid ${file.pid}) did not stop: ${reason}`
  throw new FetchyardError('DATABASE_UNAVAILABLE', `${words}. The next start will use it.`)
}

/**
 * The data directory travels in PGDATA and the log's name is relative: `pg_ctl` writes its
 * arguments into a shell command between plain double quotes, and a path may hold any character.
 */
function control(cluster: Cluster, args: readonly string[]): Promise<ProgramEnd> {
  return runProgram({
    file: cluster.binaries.pgCtl,
    args: [...args, '-w', '-t', String(EMBEDDED_BOUNDS.controlSeconds)],
    account: cluster.account,
    cwd: cluster.pgDir,
    environment: { PGDATA: cluster.pgDir },
  })
}

/** Moves a log that has grown aside. @returns the length of the log that will be written to. */
async function rotateLog(pgDir: string): Promise<number> {
  const path = join(pgDir, LOG_FILE)
  const found = await stat(path).catch(() => null)
  if (found === null) return 0
  if (found.size < EMBEDDED_BOUNDS.logBytesMax) return found.size
  await rename(path, `${path}.1`)
  return 0
}

async function readTail(path: string, from: number): Promise<string> {
  const file = await open(path, 'r').catch(() => null)
  if (file === null) return ''
  try {
    const buffer = Buffer.alloc(EMBEDDED_BOUNDS.outputBytesMax)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/** The error of a server that gave up, in its own words. */
export function startError(pgDir: string, output: string): FetchyardError {
  const problem = `holds a database that does not start: ${lastLines(linesOf(output))}`
  const fix = `Read ${join(pgDir, LOG_FILE)}; restore a backup or move the directory away`
  return dataDirectoryError({ path: pgDir, problem, fix: roomFix(output) ?? fix })
}

/** The error of `initdb`, in its own words. */
export function createError(pgDir: string, output: string): FetchyardError {
  const lines = linesOf(output)
  const errors = lines.filter((line) => /\b(FATAL|PANIC|error):/.test(line))
  const problem = `cannot take a new database: ${lastLines(errors.length > 0 ? errors : lines)}`
  const fix = 'Mend that, or choose another data directory'
  return dataDirectoryError({ path: pgDir, problem, fix: roomFix(output) ?? fix })
}

function roomFix(output: string): string | null {
  const isFull = /No space left on device|Disk quota exceeded/i.test(output)
  return isFull ? 'Free some space, then start again' : null
}

function lastLines(lines: readonly string[]): string {
  return lines.slice(-EMBEDDED_BOUNDS.logLinesShown).join(' | ')
}

function linesOf(output: string): readonly string[] {
  return output.split('\n').filter((line) => line.trim() !== '')
}
