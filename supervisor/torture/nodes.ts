// The supervisors of a storm, run as a process manager runs them: each is the real program, and
// whoever ends is started again a moment later.

import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { EXIT_CODES } from '../../src/core/errors.js'
import { signalProcess } from './processes.js'

/** The supervisors as the storm sees them, whoever manages them. */
export interface StormNodes {
  /** Pids of the supervisors that live, seat by seat. */
  readonly living: () => Promise<readonly number[]>
  /** Ends of supervisors that nobody asked for, in words. */
  readonly strangeEnds: () => readonly string[]
  /** Tells who was frozen and who thawed, so that nobody stays frozen when the storm is killed. */
  readonly keep: (pid: number, isKept: boolean) => void
  /** Lets all drain and end, and starts nobody again. */
  readonly drain: () => Promise<void>
  /** Ends all at once. */
  readonly kill: () => void
}

export interface NodesRequest {
  readonly count: number
  /** Words after the program's name, for a seat. */
  readonly words: (seat: number) => readonly string[]
  readonly environment: { readonly [name: string]: string | undefined }
  readonly cwd: string
  /** Time that supervisors have to end once they are asked to. */
  readonly drainBoundMs: number
}

interface Seat {
  readonly number: number
  child: ChildProcess | null
  isReady: boolean
}

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url))
const KEEPER = fileURLToPath(new URL('./keeper.js', import.meta.url))
const RESTART_MS = 200
/** A supervisor is met only when it has had time to do something: of boots alone nobody learns. */
const SETTLED_MS = 1_000
const TALK_CHARACTERS = 4_000
/** Lines of it that are told, from the error on. */
const TALK_LINES = 12
const STRANGE_ENDS_MAX = 20

/**
 * Exit codes that a storm explains: drained, fenced, and a database that was away at the start.
 * Anything else is a defect.
 */
const EXPLAINED: ReadonlySet<number | null> = new Set([
  EXIT_CODES.ok,
  EXIT_CODES.temporary,
  EXIT_CODES.databaseUnavailable,
])

export class ManagedNodes implements StormNodes {
  readonly #request: NodesRequest
  readonly #seats: readonly Seat[]
  readonly #strange: string[] = []
  readonly #keeper: { readonly child: ChildProcess; readonly pipe: Writable | null }
  #isEnding = false
  #onEmpty: () => void = () => {}

  constructor(request: NodesRequest) {
    this.#request = request
    this.#keeper = startKeeper()
    this.#seats = Array.from({ length: request.count }, (_, number) => ({
      number,
      child: null,
      isReady: false,
    }))
    for (const seat of this.#seats) this.#start(seat)
  }

  readonly living = async (): Promise<readonly number[]> =>
    this.#seats.flatMap(({ child, isReady }) =>
      isReady && child?.pid !== undefined ? [child.pid] : [],
    )

  readonly strangeEnds = () => this.#strange

  readonly keep = (pid: number, isKept: boolean) => {
    this.#keeper.pipe?.write(`${isKept ? '+' : '-'}${pid}\n`)
  }

  readonly drain = async (): Promise<void> => {
    this.#isEnding = true
    for (const { child } of this.#seats) child?.kill('SIGTERM')
    if (this.#seats.some(({ child }) => child !== null)) {
      const limit = setTimeout(() => {
        this.#strange.push(`supervisors did not end ${this.#request.drainBoundMs} ms after SIGTERM`)
        this.kill()
      }, this.#request.drainBoundMs)
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve
      })
      clearTimeout(limit)
    }
    // Nothing is left to keep: the end of the pipe is the keeper's own.
    this.#keeper.pipe?.end()
  }

  readonly kill = () => {
    this.#isEnding = true
    for (const { child } of this.#seats) {
      if (child?.pid !== undefined) signalProcess(child.pid, 'SIGKILL')
    }
  }

  #start(seat: Seat): void {
    const { environment, cwd, words } = this.#request
    // A group of its own: Ctrl-C in the terminal is for the storm, which decides what follows.
    const child = spawn(process.execPath, [MAIN, ...words(seat.number)], {
      cwd,
      env: environment,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    Object.assign(seat, { child, isReady: false })
    if (child.pid !== undefined) this.keep(child.pid, true)
    let talk = ''
    child.once('message', () => {
      setTimeout(() => {
        if (seat.child === child && child.exitCode === null && child.signalCode === null) {
          seat.isReady = true
        }
      }, SETTLED_MS)
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      talk = `${talk}${chunk}`.slice(-TALK_CHARACTERS)
    })
    child.on('error', (error) => {
      talk = error.message
    })
    // Not 'close': workers hold the same pipe, and one that is frozen would hold it for long.
    child.once('exit', (code, signal) => {
      seat.isReady = false
      this.keep(child.pid ?? 0, false)
      this.#later(() => {
        if (signal === null && !EXPLAINED.has(code)) this.#noteStrange(child, code, talk)
        this.#onEnd(seat)
      })
    })
  }

  #noteStrange(child: ChildProcess, code: number | null, talk: string): void {
    if (this.#strange.length >= STRANGE_ENDS_MAX) return
    const lines = talk.split('\n').filter((line) => line.trim() !== '')
    const from = Math.max(
      0,
      lines.findLastIndex((line) => /Error\b/.test(line)),
    )
    const told = lines.slice(from, from + TALK_LINES).map((line) => line.trim())
    this.#strange.push(`supervisor ${child.pid} ended with code ${code}: ${told.join(' | ')}`)
  }

  #onEnd(seat: Seat): void {
    seat.child = null
    if (!this.#isEnding) this.#start(seat)
    else if (this.#seats.every(({ child }) => child === null)) this.#onEmpty()
  }

  /** After a moment, as a manager does; by then what the process said last has been read. */
  #later(next: () => void): void {
    setTimeout(next, RESTART_MS)
  }
}

function startKeeper() {
  const child = spawn(process.execPath, [KEEPER], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  child.stdin?.on('error', () => {})
  return { child, pipe: child.stdin }
}
