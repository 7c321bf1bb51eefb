// Items that wait for their host. Each host has a queue of its own and they take turns, so a host
// that is slow, closed or full holds up nobody else. Of a host that has enough to do, or is left
// alone after failures, no more is leased; what came all the same and cannot start soon goes back
// to the queue of the database.

import type { Clock, MonotonicMs } from '../src/core/clock.js'
import type { HostHold, HostReason } from '../src/core/host-hold.js'
import { whyHeld } from '../src/core/host-hold.js'
import type { HostRules, HostState } from '../src/core/host-plan.js'
import { delayOf, NEW_HOST, onHostEnd, onHostStart, startsAtMs } from '../src/core/host-plan.js'
import { LIMITS } from '../src/core/limits.js'
import type { Outcome } from '../src/core/outcome.js'
import { type Deferred, ENOUGH_MS, PATIENCE_MS, returnMs, roomOf } from './host-room.js'
import { type HostView, viewOf } from './host-view.js'

export interface HostShelfDeps {
  readonly clock: Clock
  /** This node's part of what a host bears; a concurrency of 0 leaves the host to others. */
  readonly rulesOf: (host: string) => HostRules
  /** Time for which a host is left alone after failures; null when it may be asked. */
  readonly restMsOf: (host: string) => number | null
}

interface Host<One> {
  state: HostState
  latencyMs: number
  waiting: One[]
}

/** Part of the buffer that hosts may fill with what waits for them. */
const ITEMS_MAX = LIMITS.bufferedItemsMax / 2
/** A host is taken for a fast one until it was seen to be slow. */
const FIRST_LATENCY_MS = 50
const LATENCY_WEIGHT = 0.3

export class HostShelf<One> {
  readonly #deps: HostShelfDeps
  readonly #hosts = new Map<string, Host<One>>()
  /** Hosts with items that may be able to start, in the order of their turns. */
  readonly #turns = new Set<string>()
  /** Hosts with items that cannot start, and when they can. */
  readonly #shut = new Map<string, MonotonicMs>()
  /** Hosts that may hold more than they should. */
  readonly #touched = new Set<string>()
  /** Hosts of which something went back, and that have had enough to do since then. */
  readonly #sated = new Set<string>()
  #soonestMs: MonotonicMs = Number.POSITIVE_INFINITY
  #size = 0
  #itemsMax = ITEMS_MAX

  constructor(deps: HostShelfDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#size
  }

  /** When the first host that is shut opens by itself; null when none will. */
  get opensAtMs(): MonotonicMs | null {
    // One whose time has come waits for a slot, and not for its time.
    this.#reopen(this.#deps.clock.nowMs())
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
      const atMs = startsAtMs(host.state, this.#deps.rulesOf(name))
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
    const { clock, rulesOf } = this.#deps
    host.state = onHostEnd(host.state, rulesOf(name), { outcome, nowMs: clock.nowMs() })
    if (outcome.result !== 'release') {
      host.latencyMs += LATENCY_WEIGHT * (outcome.facts.durationMs - host.latencyMs)
    }
    this.#shut.delete(name)
    if (host.waiting.length > 0) {
      this.#turns.add(name)
      this.#touched.add(name)
    }
    if (this.#hosts.size > LIMITS.hostsMax) this.#forget()
  }

  /** Items that may wait here, at most: fewer than usual when they are large. */
  bound(items: number): void {
    if (items < this.#itemsMax) this.reconsider()
    this.#itemsMax = Math.min(ITEMS_MAX, items)
  }

  /** Hosts may have become others': what waits for each is looked at again. */
  reconsider(): void {
    for (const name of this.#turns) this.#touched.add(name)
    for (const name of this.#shut.keys()) this.#touched.add(name)
  }

  /** Takes out what cannot start soon, with the time after which it should come back. */
  surplus(): readonly Deferred<One>[] {
    const nowMs = this.#deps.clock.nowMs()
    const deferred: Deferred<One>[] = []
    for (const name of this.#touched) {
      const host = this.#hostOf(name)
      const rules = this.#deps.rulesOf(name)
      const room = Math.min(roomOf(host, rules, { nowMs, forMs: PATIENCE_MS }), this.#roomEach)
      if (host.waiting.length <= room) continue
      const surplus = host.waiting.splice(room)
      const delayMs = returnMs(host, rules, nowMs)
      for (const one of surplus) deferred.push({ one, delayMs })
      this.#noteReturned(name, host)
    }
    this.#touched.clear()
    this.#size -= deferred.length
    return deferred
  }

  /** Takes out what must not be started of these hosts; others are not looked at. */
  takeHeldBack(names: readonly string[], isHeldBack: (one: One) => boolean): readonly One[] {
    const taken: One[] = []
    for (const name of names) {
      const host = this.#hosts.get(name)
      if (host === undefined || host.waiting.length === 0) continue
      const kept: One[] = []
      for (const one of host.waiting) (isHeldBack(one) ? taken : kept).push(one)
      if (kept.length === host.waiting.length) continue
      host.waiting = kept
      this.#noteReturned(name, host)
    }
    this.#size -= taken.length
    return taken
  }

  /** Hosts that have enough to do, or are left alone: more of their items would only wait here. */
  laden(): readonly string[] {
    const nowMs = this.#deps.clock.nowMs()
    const names: string[] = []
    for (const name of new Set([...this.#sated, ...this.#turns, ...this.#shut.keys()])) {
      const host = this.#hostOf(name)
      const room = roomOf(host, this.#deps.rulesOf(name), { nowMs, forMs: ENOUGH_MS })
      const isFull = host.waiting.length >= Math.min(room, this.#roomEach)
      if (isFull || this.#deps.restMsOf(name) !== null) names.push(name)
      else this.#sated.delete(name)
      if (names.length >= LIMITS.lanesSkippedMax) break
    }
    return names
  }

  /** The host that holds back most of what is here, or of what it had to give back. */
  hold(): HostHold | null {
    const nowMs = this.#deps.clock.nowMs()
    let most: HostHold | null = null
    let held = 0
    let hosts = 0
    for (const name of new Set([...this.#sated, ...this.#turns, ...this.#shut.keys()])) {
      const { waiting } = this.#hostOf(name)
      const reason = this.#whyHeld(name, nowMs)
      if (reason === null) continue
      hosts += 1
      held += waiting.length
      if (most !== null && most.waiting >= waiting.length) continue
      most = { host: name, waiting: waiting.length, held, hosts, ...reason }
    }
    return most === null ? null : { ...most, held, hosts }
  }

  /** Every host that something is under way at, or waits for. */
  views(): readonly HostView[] {
    const nowMs = this.#deps.clock.nowMs()
    const busy = [...this.#hosts].filter(([, host]) => host.state.active + host.waiting.length > 0)
    return busy.map(([lane, host]) => {
      const rules = this.#deps.rulesOf(lane)
      const reason = this.#whyHeld(lane, nowMs)
      return viewOf(lane, host, { rules, nowMs, reason, restMs: this.#deps.restMsOf(lane) })
    })
  }

  #whyHeld(name: string, nowMs: MonotonicMs): HostReason | null {
    const restMs = this.#deps.restMsOf(name)
    if (restMs !== null) return { limit: 'spared', figure: restMs }
    return whyHeld(this.#hostOf(name).state, this.#deps.rulesOf(name), nowMs)
  }

  /** Something of it went back. */
  #noteReturned(name: string, { waiting }: Host<One>): void {
    this.#sated.add(name)
    if (waiting.length > 0) return
    this.#turns.delete(name)
    this.#shut.delete(name)
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
      if (startsAtMs(state, rules) > nowMs) continue
      const isFirst = rules.isMetFirst === true && !state.isMet && state.active === 0
      const isOne = delayOf(state, rules) > 0 || isFirst
      const room = isOne ? 1 : rules.concurrency - state.active
      items += Math.min(waiting.length, room)
    }
    return Math.min(items, most)
  }

  /** Of each host the one that waits longest. */
  *firsts(): Generator<One> {
    for (const name of [...this.#turns, ...this.#shut.keys()]) {
      const [first] = this.#hostOf(name).waiting
      if (first !== undefined) yield first
    }
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

  /** What one of the hosts that wait may hold, so that many do not fill the buffer. */
  get #roomEach(): number {
    return Math.max(1, Math.floor(this.#itemsMax / Math.max(1, this.#turns.size + this.#shut.size)))
  }

  #hostOf(name: string): Host<One> {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = { state: NEW_HOST, latencyMs: FIRST_LATENCY_MS, waiting: [] }
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
      const isClosed = state.closedUntilMs > nowMs || this.#deps.restMsOf(name) !== null
      if (waiting.length > 0 || state.active > 0 || isClosed || state.nextMs > nowMs) continue
      this.#hosts.delete(name)
      this.#sated.delete(name)
    }
  }
}
