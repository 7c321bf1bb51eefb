// Items that wait for their host. Each host has a queue of its own and they take turns, so a host
// that is slow, closed or full holds up nobody else. What cannot start soon goes back to the queue
// of the database for about as long as its host needs for what is before it.

import type { Clock, MonotonicMs } from '../src/core/clock.js'
import type { HostRules, HostState } from '../src/core/host-plan.js'
import { delayOf, NEW_HOST, onHostEnd, onHostStart, startsAtMs } from '../src/core/host-plan.js'
import { LIMITS } from '../src/core/limits.js'
import type { Outcome } from '../src/core/outcome.js'

export interface HostShelfDeps {
  readonly clock: Clock
  /** This node's part of what a host bears; a concurrency of 0 leaves the host to others. */
  readonly rulesOf: (host: string) => HostRules
  readonly onBreaker: (change: { readonly host: string; readonly isOpen: boolean }) => void
}

/** An item that goes back to the queue for a while. */
export interface Deferred<One> {
  readonly one: One
  readonly delayMs: number
}

interface Host<One> {
  state: HostState
  latencyMs: number
  waiting: One[]
  /** When items that went back are due again. */
  away: MonotonicMs[]
}

/** Work that is kept here for a host: what it gets through in this time. */
const KEEP_MS = 2_000
/** A host is taken for a fast one until it was seen to be slow. */
const FIRST_LATENCY_MS = 50
const LATENCY_WEIGHT = 0.3
const DEFER_MS = { min: 1_000, max: LIMITS.retryDelayMsMax }

export class HostShelf<One> {
  readonly #deps: HostShelfDeps
  readonly #hosts = new Map<string, Host<One>>()
  /** Hosts with items that may be able to start, in the order of their turns. */
  readonly #turns = new Set<string>()
  /** Hosts with items that cannot start, and when they can. */
  readonly #shut = new Map<string, MonotonicMs>()
  /** Hosts that may hold more than they should. */
  readonly #touched = new Set<string>()
  #soonestMs: MonotonicMs = Number.POSITIVE_INFINITY
  #size = 0

  constructor(deps: HostShelfDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#size
  }

  /** When the first host that is shut opens by itself; null when none will. */
  get opensAtMs(): MonotonicMs | null {
    return Number.isFinite(this.#soonestMs) ? this.#soonestMs : null
  }

  add(name: string, one: One): void {
    this.#hostOf(name).waiting.push(one)
    this.#size += 1
    this.#touched.add(name)
    if (!this.#shut.has(name)) this.#turns.add(name)
  }

  /** The next item of the next host that may start one. The caller says when it has started. */
  take(): One | null {
    const nowMs = this.#deps.clock.nowMs()
    this.#reopen(nowMs)
    for (const name of this.#turns) {
      const host = this.#hostOf(name)
      this.#turns.delete(name)
      const atMs = startsAtMs(host.state, this.#deps.rulesOf(name), nowMs)
      if (atMs > nowMs) {
        this.#shut.set(name, atMs)
        this.#soonestMs = Math.min(this.#soonestMs, atMs)
        continue
      }
      const one = host.waiting.shift()
      if (one === undefined) continue
      this.#size -= 1
      // Its next turn comes after everybody else's.
      if (host.waiting.length > 0) this.#turns.add(name)
      return one
    }
    return null
  }

  started(name: string): void {
    const host = this.#hostOf(name)
    host.state = onHostStart(host.state, this.#deps.rulesOf(name), this.#deps.clock.nowMs())
  }

  ended(name: string, outcome: Outcome): void {
    const host = this.#hostOf(name)
    const { clock, onBreaker } = this.#deps
    const wasOpen = host.state.breaker.openings > 0
    const rules = this.#deps.rulesOf(name)
    host.state = onHostEnd(host.state, rules, { outcome, nowMs: clock.nowMs() })
    const isOpen = host.state.breaker.openings > 0
    if (isOpen !== wasOpen) onBreaker({ host: name, isOpen })
    if (outcome.result !== 'release') {
      host.latencyMs += LATENCY_WEIGHT * (outcome.facts.durationMs - host.latencyMs)
    }
    if (outcome.result === 'failed') this.#touched.add(name)
    this.#shut.delete(name)
    if (host.waiting.length > 0) this.#turns.add(name)
    if (this.#hosts.size > LIMITS.hostsMax) this.#forget()
  }

  /** Takes out what cannot start soon, with the time after which it should come back. */
  surplus(): readonly Deferred<One>[] {
    const nowMs = this.#deps.clock.nowMs()
    const deferred: Deferred<One>[] = []
    for (const name of this.#touched) {
      const host = this.#hostOf(name)
      const rules = this.#deps.rulesOf(name)
      host.away = host.away.filter((dueMs) => dueMs > nowMs)
      for (const one of host.waiting.splice(roomOf(host, rules, nowMs))) {
        deferred.push({ one, delayMs: defer(host, rules, nowMs) })
      }
      if (host.waiting.length === 0) {
        this.#turns.delete(name)
        this.#shut.delete(name)
      }
    }
    this.#touched.clear()
    this.#size -= deferred.length
    return deferred
  }

  /** Items that could start now if there were slots; stops counting at `most`. */
  startable(most: number): number {
    const nowMs = this.#deps.clock.nowMs()
    this.#reopen(nowMs)
    let items = 0
    for (const name of this.#turns) {
      if (items >= most) break
      const { state, waiting } = this.#hostOf(name)
      const rules = this.#deps.rulesOf(name)
      if (startsAtMs(state, rules, nowMs) > nowMs) continue
      const room = delayOf(state, rules) > 0 ? 1 : rules.concurrency - state.active
      items += Math.min(waiting.length, room)
    }
    return Math.min(items, most)
  }

  *all(): Generator<One> {
    for (const { waiting } of this.#hosts.values()) yield* waiting
  }

  drain(): readonly One[] {
    const all = [...this.all()]
    for (const host of this.#hosts.values()) host.waiting = []
    this.#turns.clear()
    this.#shut.clear()
    this.#touched.clear()
    this.#size = 0
    return all
  }

  #hostOf(name: string): Host<One> {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = { state: NEW_HOST, latencyMs: FIRST_LATENCY_MS, waiting: [], away: [] }
      this.#hosts.set(name, host)
    }
    return host
  }

  #reopen(nowMs: MonotonicMs): void {
    if (nowMs < this.#soonestMs) return
    this.#soonestMs = Number.POSITIVE_INFINITY
    for (const [name, untilMs] of this.#shut) {
      if (untilMs <= nowMs) {
        this.#shut.delete(name)
        this.#turns.add(name)
      } else {
        this.#soonestMs = Math.min(this.#soonestMs, untilMs)
      }
    }
  }

  /** Hosts that nobody waits for, and that are not being spared, are met anew next time. */
  #forget(): void {
    const nowMs = this.#deps.clock.nowMs()
    for (const [name, { state, waiting }] of this.#hosts) {
      const isSpared = state.breaker.openings > 0 || state.closedUntilMs > nowMs
      if (waiting.length > 0 || state.active > 0 || isSpared || state.nextMs > nowMs) continue
      this.#hosts.delete(name)
    }
  }
}

/** Time between two ends at a host that is kept busy. */
function spacingOf(host: { state: HostState; latencyMs: number }, rules: HostRules): number {
  return Math.max(1, delayOf(host.state, rules), host.latencyMs / Math.max(1, rules.concurrency))
}

function roomOf<One>(host: Host<One>, rules: HostRules, nowMs: MonotonicMs): number {
  if (rules.concurrency === 0) return 0
  const atMs = startsAtMs(host.state, rules, nowMs)
  if (Number.isFinite(atMs) && atMs - nowMs > KEEP_MS) return 0
  return Math.max(2 * rules.concurrency, Math.ceil(KEEP_MS / spacingOf(host, rules)))
}

/**
 * Half of the time that what is before it needs: an estimate that is twice too long leaves the
 * host no gap, and the second half is waited for in ever smaller parts. Dues are rounded, ever
 * more coarsely, so that what goes back together is one pack.
 */
function defer<One>(host: Host<One>, rules: HostRules, nowMs: MonotonicMs): number {
  const atMs = startsAtMs(host.state, rules, nowMs)
  const shutMs = Number.isFinite(atMs) ? Math.max(0, atMs - nowMs) : 0
  const before = host.waiting.length + host.away.length
  // What went back may be worked by any node that asks this host.
  const spacingMs = spacingOf(host, rules) / (rules.delayTimes ?? 1)
  const wantedMs = Math.max(shutMs, (before * spacingMs) / 2)
  const delayMs = Math.min(DEFER_MS.max, Math.max(DEFER_MS.min, wantedMs))
  const stepMs = Math.max(DEFER_MS.min, 2 ** Math.floor(Math.log2(delayMs)) / 4)
  const dueMs = Math.ceil((nowMs + delayMs) / stepMs) * stepMs
  if (host.away.length < LIMITS.awayItemsMax) host.away.push(dueMs)
  return Math.min(DEFER_MS.max, dueMs - nowMs)
}
