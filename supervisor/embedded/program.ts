import { spawn } from 'node:child_process'
import { messageOf } from '../../src/core/errors.js'
import { EMBEDDED_BOUNDS } from './bounds.js'

/** The user a program runs as; `null` is ourselves. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

export interface Program {
  readonly file: string
  readonly args: readonly string[]
  readonly account: Account | null
  /** Working directory; `/` unless told, because ours may be closed to `account`. */
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
}

export interface ProgramEnd {
  /** `null` when a signal ended it or it could not be started. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end. It gets a session of its own, so that Ctrl-C in our terminal does not
 * interrupt a half-written data directory or a stop, and a small environment, so that a PGDATA or
 * a locale of the user cannot bend it.
 *
 * @returns the end, also of a program that could not be started (code `null`, the reason in stderr).
 */
export function runProgram(program: Program): Promise<ProgramEnd> {
  return new Promise<ProgramEnd>((resolve, reject) => {
    // Some failures are thrown here (no right to become another user), others come as an event.
    const child = start(program)
    // Not spawn's own time limit: its timer outlives a program that could not be started, and would
    // keep us from ending.
    const limit = setTimeout(() => child.kill(), EMBEDDED_BOUNDS.programMs)
    child.once('error', (error) => {
      clearTimeout(limit)
      reject(error)
    })
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    child.once('close', (code) => {
      clearTimeout(limit)
      resolve({ code, stdout: stdout(), stderr: stderr() })
    })
  }).catch((error: unknown) => ({ code: null, stdout: '', stderr: messageOf(error) }))
}

function start(program: Program) {
  const { account } = program
  return spawn(program.file, program.args, {
    cwd: program.cwd ?? rootDirectory(),
    detached: true,
    env: environmentFor(program),
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
  })
}

function environmentFor(program: Program): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    LANG: 'C',
    ...(process.platform === 'win32' ? windowsEnvironment() : {}),
    ...program.environment,
  }
}

/** Windows programs do not load without these names. */
function windowsEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP, TMP } = process.env
  return { PATH, SystemRoot, TEMP, TMP }
}

function rootDirectory(): string {
  return process.platform === 'win32' ? process.cwd() : '/'
}

/** Keeps the first bytes of a stream and drains the rest, so that the writer never blocks. */
function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    if (size < EMBEDDED_BOUNDS.outputBytesMax) chunks.push(chunk)
    size += chunk.length
  })
  return () => Buffer.concat(chunks).toString('utf8', 0, EMBEDDED_BOUNDS.outputBytesMax)
}
