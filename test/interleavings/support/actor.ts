// An actor: a connection of its own that sends one statement in a transaction, and later ends it.

import { codeOf, type Sql } from '../../../src/store/client.js'
import type { Rewrite } from './statements.js'
import { gated, rewriting } from './statements.js'

/** One of those who are at it at the same time. */
export interface Part {
  readonly name: string
  /** It may wait at its gate by itself: an advisory lock of this number. */
  readonly does: (sql: Sql, gate: number) => Promise<unknown>
  /** Whether its snapshot is a step of its own, before its locks. @default false */
  readonly isGated?: boolean
  /** A rollback is a process that died before the commit. @default 'commit' */
  readonly ends?: 'commit' | 'rollback'
  /** A fault built into its statements. */
  readonly fault?: Rewrite
}

export interface Answer {
  readonly name: string
  /** What the statement returned, committed or not. */
  readonly value: unknown
  readonly isCommitted: boolean
}

type Stand = 'fresh' | 'running' | 'answered' | 'failed' | 'ended'

export class Actor {
  readonly part: Part
  readonly pid: number
  readonly gate: number
  #sql: Sql
  #stand: Stand = 'fresh'
  #value: unknown = null
  #error: unknown = null
  /** Server processes it waits for, as last seen in the lock table. */
  blockers: readonly number[] = []
  /** Until its statement has answered or failed. */
  settled: Promise<void> = Promise.resolve()

  constructor(part: Part, connection: { readonly sql: Sql; readonly pid: number }, gate: number) {
    this.part = part
    this.pid = connection.pid
    this.gate = gate
    this.#sql = connection.sql
  }

  get stand(): Stand {
    return this.#stand
  }

  get error(): unknown {
    return this.#error
  }

  get isGated(): boolean {
    return this.part.isGated === true
  }

  get answer(): Answer {
    const isCommitted = this.part.ends !== 'rollback'
    return { name: this.part.name, value: this.#value, isCommitted }
  }

  /** Begins and sends its statement; the answer comes when it comes. */
  send(): void {
    this.#stand = 'running'
    const { fault, isGated = false, does } = this.part
    const rewrite: Rewrite = (text) => {
      const faulty = fault === undefined ? text : fault(text)
      return isGated ? gated(this.gate)(faulty) : faulty
    }
    this.#sql.unsafe('begin').catch(() => {})
    this.settled = does(rewriting(this.#sql, rewrite), this.gate).then(
      (value) => {
        this.#value = value
        this.#stand = 'answered'
      },
      (error: unknown) => {
        this.#error = error
        this.#stand = 'failed'
      },
    )
  }

  async end(): Promise<void> {
    await this.#sql.unsafe(this.part.ends ?? 'commit')
    this.#stand = 'ended'
  }

  /** Whatever it is at, it is at it no more. */
  async abandon(observer: Sql): Promise<void> {
    if (this.#stand === 'running') await observer`select pg_cancel_backend(${this.pid}::int)`
    await this.#sql.unsafe('rollback')
  }

  hasFailedWith(code: string): boolean {
    return this.#stand === 'failed' && codeOf(this.#error) === code
  }
}
