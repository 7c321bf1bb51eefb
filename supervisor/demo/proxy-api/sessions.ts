import type { Clock, MonotonicMs } from '../../../src/core/clock.js'

/** Time without use after which a session loses its exit. */
const SESSION_MS = 15 * 60_000
/** Sessions remembered; the one unused for longest goes first. */
const SESSIONS_MAX = 10_000

/** Which exit a call leaves by: always the same for a session, another each time without one. */
export class Sessions {
  readonly #clock: Clock
  readonly #lifeMs: number
  readonly #pinned = new Map<number, { readonly exit: number; readonly usedMs: MonotonicMs }>()
  #exits = 0

  constructor(clock: Clock, timeScale: number) {
    this.#clock = clock
    this.#lifeMs = SESSION_MS * timeScale
  }

  exitOf(session: number | null): number {
    if (session === null) return this.#nextExit()
    const usedMs = this.#clock.nowMs()
    const pinned = this.#pinned.get(session)
    const isFresh = pinned !== undefined && usedMs - pinned.usedMs < this.#lifeMs
    const exit = isFresh ? pinned.exit : this.#nextExit()
    this.#pinned.delete(session)
    this.#pinned.set(session, { exit, usedMs })
    const [oldest] = this.#pinned.keys()
    if (this.#pinned.size > SESSIONS_MAX && oldest !== undefined) this.#pinned.delete(oldest)
    return exit
  }

  #nextExit(): number {
    this.#exits += 1
    return this.#exits
  }
}
