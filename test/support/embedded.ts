import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { after, afterEach, before, beforeEach } from 'mocha'
import postgres from 'postgres'
import { findInPasswd } from '../../supervisor/embedded/account.js'
import {
  type EmbeddedDatabase,
  type EmbeddedOptions,
  startEmbedded,
} from '../../supervisor/embedded/index.js'
import { parsePostmasterFile } from '../../supervisor/embedded/postmaster.js'
import { type Account, runProgram } from '../../supervisor/embedded/program.js'

const CHILD = fileURLToPath(new URL('./embedded-child.js', import.meta.url))

export type ChildOptions = Omit<EmbeddedOptions, 'onProgress'>

export interface ChildReport {
  readonly event: 'ready' | 'failed'
  readonly connection: EmbeddedDatabase['connection']
  readonly url: string
  readonly pgDir: string
  readonly adopted: boolean
  readonly code: string
  readonly message: string
}

export interface EmbeddedChild {
  readonly pid: number
  /** What it said when it was ready or had failed. */
  readonly report: ChildReport
  /** Sentences it said before. */
  readonly progress: readonly string[]
  /** Asks it to leave the database, and waits for its end. */
  readonly stop: () => Promise<void>
  /** Sends a signal to its whole process group, and waits for its end. */
  readonly kill: (signal: NodeJS.Signals) => Promise<void>
}

/** Starts such a process and kills it at the moment it says a sentence that begins like this. */
export async function killChildAt(options: ChildOptions, words: string): Promise<void> {
  const child = spawnChild(options, null)
  const ended = once(child, 'exit')
  const report = await readReport(child, (said) => {
    if (said.startsWith(words)) child.kill('SIGKILL')
  }).catch(() => null)
  await ended
  if (report !== null) throw new Error(`The child never said "${words}".`)
}

/** Starts a process in a group of its own and waits until it has the database or has failed. */
export async function startChild(
  options: ChildOptions,
  account: Account | null = null,
): Promise<EmbeddedChild> {
  const child = spawnChild(options, account)
  const ended = once(child, 'exit')
  const progress: string[] = []
  const report = await readReport(child, (words) => progress.push(words))
  const pid = child.pid ?? 0
  return {
    pid,
    report,
    progress,
    stop: async () => {
      child.stdin?.end('stop\n')
      await ended
    },
    kill: async (signal) => {
      process.kill(-pid, signal)
      await ended
    },
  }
}

function spawnChild(options: ChildOptions, account: Account | null): ChildProcess {
  return spawn(process.execPath, [CHILD, JSON.stringify(options)], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
  })
}

async function readReport(
  child: ChildProcess,
  onProgress: (words: string) => void,
): Promise<ChildReport> {
  if (child.stdout === null) throw new Error('The child has no standard output.')
  const lines = createInterface({ input: child.stdout })
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const message = JSON.parse(line)
      if (message.event === 'progress') onProgress(message.words)
      else resolve(message)
    })
    lines.once('close', () => reject(new Error('The child ended without a word.')))
  })
}

/**
 * A directory for one test, which other accounts may enter. Whatever server a test leaves behind in
 * it is stopped, so that a failed test leaks nothing.
 */
export function useDirectory(): { readonly path: string } {
  let path = ''
  beforeEach(async () => {
    path = await makeDirectory()
  })
  afterEach(async () => {
    for (const pid of await postmastersBelow(path)) await killAndWait(pid)
    await rm(path, { recursive: true, force: true, maxRetries: 5 })
  })
  return {
    get path() {
      return path
    },
  }
}

/** The same, with an empty database in it already: a copy is made faster than a database. */
export function useDirectoryWithDatabase(): { readonly path: string } {
  const directory = useDirectory()
  let original = ''
  before(async () => {
    original = await makeDirectory()
    const options = { dataDir: original, purpose: 'prepare', exclusive: true }
    await (await startEmbedded(options)).stop()
  })
  after(() => rm(original, { recursive: true, force: true }))
  beforeEach(async () => {
    // The system's own program keeps the owners of the files.
    const args = ['-a', `${original}/.`, directory.path]
    const { code, stderr } = await runProgram({ file: 'cp', args, account: null })
    if (code !== 0) throw new Error(`The prepared database could not be copied: ${stderr}`)
  })
  return directory
}

async function makeDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'fetchyard-embedded-'))
  await chmod(path, 0o711)
  return path
}

interface ServerProcess {
  readonly pid: number
  readonly parent: number
}

/** Pids of the servers whose data is below a directory, without the processes they forked. */
export async function postmastersBelow(path: string): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => [])
  const seen = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map((name) => serverProcess(Number(name), path)),
  )
  const servers = seen.filter((each) => each !== null)
  const pids = new Set(servers.map((each) => each.pid))
  return servers.filter((each) => !pids.has(each.parent)).map((each) => each.pid)
}

/** A server's working directory is its data directory. */
async function serverProcess(pid: number, path: string): Promise<ServerProcess | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const match = /^\d+ \(postgres\) ([A-Z]) (\d+) /.exec(stat)
  if (match === null || match[1] === 'Z' || match[1] === 'X') return null
  const directory = await readlink(`/proc/${pid}/cwd`).catch(() => '')
  return directory.startsWith(path) ? { pid, parent: Number(match[2]) } : null
}

/** Kills a server without warning and waits until its process is gone. */
export async function killAndWait(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  while ((await stateOf(pid)) === 'running') await new Promise((next) => setImmediate(next))
}

async function stateOf(pid: number): Promise<'running' | 'gone'> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
  return state === '' || state === 'Z' || state === 'X' ? 'gone' : 'running'
}

/** The pid that a data directory names as its server's; 0 when it names none. */
export async function postmasterPid(pgDir: string): Promise<number> {
  const text = await readFile(join(pgDir, 'postmaster.pid'), 'utf8').catch(() => '')
  return parsePostmasterFile(text)?.pid ?? 0
}

/** Runs statements on a database and closes the connection. */
export async function withSql<T>(
  connection: EmbeddedDatabase['connection'],
  work: (sql: postgres.Sql) => PromiseLike<T>,
): Promise<T> {
  const sql = postgres({ ...connection, max: 1, onnotice: () => {} })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** An account without rights, for tests that are run by root; `null` for everybody else. */
export async function ordinaryAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  return findInPasswd(await readFile('/etc/passwd', 'utf8'), 'nobody')
}

export async function giveTo(path: string, account: Account): Promise<void> {
  await chown(path, account.uid, account.gid)
}
