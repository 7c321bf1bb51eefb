// Is a server running on this data, and may we use it?
//
// A postmaster outlives a supervisor that was killed, on purpose: the next start adopts it. A pid
// file alone proves nothing (it survives the power cord, and its pid may have gone to somebody
// else), so three witnesses must agree: the process, the server's own word about its data
// directory and its start, and the file. What is not proven is left to Postgres to judge.

import { realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../src/core/clock.js'
import type { FetchyardError } from '../../src/core/errors.js'
import { askServer, type ServerAddress, type ServerAnswer } from '../../src/store/embedded.js'
import { addressOf } from './address.js'
import { EMBEDDED_BOUNDS } from './bounds.js'
import { dataDirectoryError, readIfThere } from './files.js'
import { type ObservedProcess, observeProcess } from './identity.js'
import { pause } from './lock.js'

/** `postmaster.pid`, which a server writes into its data directory. */
export interface PostmasterFile {
  readonly pid: number
  readonly startedAtSeconds: number
  readonly port: number
  readonly socketDirectory: string
  readonly listenAddress: string
}

/** Reads the lines: pid, data directory, start, port, socket directory, address, memory, status. */
export function parsePostmasterFile(text: string): PostmasterFile | null {
  const [pid, , startedAt, port, socketDirectory = '', listenAddress = ''] = text.split('\n')
  const file = {
    pid: Number(pid),
    startedAtSeconds: Number(startedAt),
    port: Number(port),
    socketDirectory,
    listenAddress,
  }
  const isWhole = Number.isSafeInteger(file.pid) && file.pid > 0 && file.startedAtSeconds > 0
  return isWhole ? file : null
}

export interface Evidence {
  readonly file: PostmasterFile
  readonly seen: ObservedProcess
  readonly answer: ServerAnswer
  /** Real path of the data directory that we mean. */
  readonly pgDir: string
  /** How long we have been waiting for a better answer. */
  readonly waitedMs: number
}

export type Verdict =
  | { readonly kind: 'adopt' }
  /** Nobody runs; a file that is left over is Postgres's to judge. */
  | { readonly kind: 'nobody' }
  /**
   * The pid of the file is in use, but not by a server: another program got it, or its parent has
   * not noticed its death (a container whose first process collects nobody). Postgres would take
   * it for a server, because it only asks whether the pid is there.
   */
  | { readonly kind: 'recycled' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'problem'; readonly words: string }

/** How long an answer may stay as it is before it counts as final. */
const PATIENCE_MS: Readonly<Record<ServerAnswer['kind'], number>> = {
  answered: 0,
  'not-ready': EMBEDDED_BOUNDS.recoveryMs,
  refused: EMBEDDED_BOUNDS.silenceMs,
  silent: EMBEDDED_BOUNDS.silenceMs,
}

export function judgePostmaster(evidence: Evidence): Verdict {
  const { file, seen, answer, waitedMs } = evidence
  if (answer.kind === 'answered' && isOurs(evidence, answer)) {
    if (seen.alive) return { kind: 'adopt' }
    const words = `is served by a Postgres (pid ${file.pid}) of another container or machine`
    return { kind: 'problem', words }
  }
  if (!seen.alive && answer.kind !== 'not-ready') {
    return { kind: seen.hasPid ? 'recycled' : 'nobody' }
  }
  if (seen.alive && !isPostgres(seen)) return { kind: 'recycled' }
  if (waitedMs < PATIENCE_MS[answer.kind]) return { kind: 'wait' }
  const reason = answer.kind === 'answered' ? 'it serves other data' : answer.reason
  return { kind: 'problem', words: `has a Postgres (pid ${file.pid}) that is no use: ${reason}` }
}

function isOurs(evidence: Evidence, answer: ServerAnswer & { kind: 'answered' }): boolean {
  const skew = Math.abs(answer.startedAtSeconds - evidence.file.startedAtSeconds)
  return answer.dataDirectory === evidence.pgDir && skew <= EMBEDDED_BOUNDS.startSkewSeconds
}

/** A system that does not tell the program's name leaves the doubt to Postgres. */
function isPostgres(seen: ObservedProcess): boolean {
  return seen.program === null || seen.program.includes('postgres')
}

export interface RunningServer {
  readonly pid: number
  readonly address: ServerAddress
}

/**
 * Looks for a server on `pgDir` and waits while it starts or recovers.
 *
 * @returns `null` when none runs and a start may be tried.
 * @throws {FetchyardError} DATA_DIRECTORY when a server holds the data that we cannot use.
 */
export async function findRunning(
  pgDir: string,
  password: string,
  onProgress: (message: string) => void,
  clock: Clock = systemClock,
): Promise<RunningServer | null> {
  const sinceMs = clock.nowMs()
  let told = false
  while (true) {
    const file = await readPostmasterFile(pgDir)
    if (file === null) return null
    const evidence = await gather(file, pgDir, password, clock.nowMs() - sinceMs)
    const verdict = judgePostmaster(evidence)
    if (verdict.kind === 'adopt') return { pid: file.pid, address: addressIn(file, password) }
    if (verdict.kind === 'nobody') return null
    if (verdict.kind === 'recycled') return await dropRecycled(pgDir, file)
    if (verdict.kind === 'problem') throw inUse(pgDir, verdict.words)
    if (!told) onProgress(`Waiting for Postgres (pid ${file.pid}) to be ready.`)
    told = true
    await pause(clock, EMBEDDED_BOUNDS.askAgainMs)
  }
}

/** The server's own file, or `null` when no server has left one. */
export async function readPostmasterFile(pgDir: string): Promise<PostmasterFile | null> {
  const text = await readIfThere(join(pgDir, 'postmaster.pid'))
  return text === null ? null : parsePostmasterFile(text)
}

async function gather(
  file: PostmasterFile,
  pgDir: string,
  password: string,
  waitedMs: number,
): Promise<Evidence> {
  const answer = await askServer(addressIn(file, password), EMBEDDED_BOUNDS.connectSeconds)
  const seen = await observeProcess(file.pid)
  return { file, seen, answer: await withRealPath(answer), pgDir: await realpath(pgDir), waitedMs }
}

async function withRealPath(answer: ServerAnswer): Promise<ServerAnswer> {
  if (answer.kind !== 'answered') return answer
  const dataDirectory = await realpath(answer.dataDirectory).catch(() => answer.dataDirectory)
  return { ...answer, dataDirectory }
}

function addressIn(file: PostmasterFile, password: string): ServerAddress {
  const { port, socketDirectory } = file
  return socketDirectory === ''
    ? addressOf({ kind: 'loopback', port }, password)
    : addressOf({ kind: 'socket', directory: socketDirectory, port }, password)
}

/**
 * Removes what the dead server left: its own file, and the lock of its socket, which Postgres
 * believes in the same way. Postgres's second guard, the shared memory that surviving server
 * processes hold, stays.
 */
async function dropRecycled(pgDir: string, file: PostmasterFile): Promise<null> {
  if (file.socketDirectory !== '') {
    const lock = join(file.socketDirectory, `.s.PGSQL.${file.port}.lock`)
    const holder = await readIfThere(lock)
    if (holder !== null && Number(holder.split('\n')[0]) === file.pid) await rm(lock)
  }
  await rm(join(pgDir, 'postmaster.pid'), { force: true })
  return null
}

function inUse(path: string, problem: string): FetchyardError {
  return dataDirectoryError({ path, problem, fix: 'Stop that server, then start again' })
}
