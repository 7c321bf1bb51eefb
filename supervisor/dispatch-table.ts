// Who works what. Items leased and not yet given out wait in the buffer; every free slot of a
// worker is a credit for one of them. No barrier: a slot that frees takes the next item at once.

import { assert } from '../src/core/assert.js'
import type { MonotonicMs } from '../src/core/clock.js'
import { LIMITS } from '../src/core/limits.js'
import type { Outcome } from '../src/core/outcome.js'
import type { HeldItem } from '../src/core/settlement.js'
import type { LeasedPack } from '../src/store/leased-packs.js'
import { type Allowance, EVERYTHING } from './allowance.js'
import { type Assignment, Assignments, Unsent } from './assignments.js'
import type { HostShelf } from './host-shelf.js'
import { Line } from './line.js'
import { parted, startedIn, type Waiting, waitingOf } from './waiting.js'
import type { Leavings, WorkerHands } from './worker-hands.js'
import { emptyHands, hasSequential, leavingsOf, mostFree } from './worker-hands.js'

/** The assignments of one workflow on one node. Deterministic, without effects. */
export class DispatchTable {
  readonly #seats = new Map<string, WorkerHands>()
  readonly #buffer = new Line<Waiting>()
  readonly unsent = new Unsent()
  /** Items of the sequential cohort that met another one under way. */
  #later: Waiting[] = []
  /** Packs whose worker died with them more than once: each runs alone in a worker. */
  readonly #suspects: Waiting[][] = []
  /** Items of hosts whose pace is kept; null when none is. */
  readonly #hosts: HostShelf<Waiting> | null

  constructor(hosts: HostShelf<Waiting> | null = null) {
    this.#hosts = hosts
  }

  /** @param leasedMs when the packs were leased. */
  addPacks(packs: readonly LeasedPack[], leasedMs: MonotonicMs = 0): void {
    for (const pack of packs) {
      const waiting = waitingOf(pack, leasedMs)
      if (waiting.length === 0) continue
      if (pack.crashes >= LIMITS.crashesBeforeIsolation) this.#suspects.push(waiting)
      else for (const one of waiting) this.#put(one)
    }
  }

  /** How an item ended that was taken from a worker, for the pace of its host. */
  noteEnd({ lane = '' }: HeldItem, outcome: Outcome): void {
    if (lane !== '') this.#hosts?.ended(lane, outcome)
  }

  openWorker(workerId: string, slots: number): void {
    assert(!this.#seats.has(workerId), `worker ${workerId} opens once`)
    this.#seats.set(workerId, emptyHands(slots))
  }

  /** Gives the worker nothing more. */
  closeWorker(workerId: string): void {
    const seat = this.#seats.get(workerId)
    if (seat !== undefined) seat.isClosed = true
  }

  /** Takes the worker out and returns what it still held. */
  removeWorker(workerId: string): Leavings {
    const seat = this.#seats.get(workerId)
    this.#seats.delete(workerId)
    return leavingsOf(seat ?? emptyHands(0))
  }

  /**
   * Frees the slot of an item. @returns the item, or null for one that this worker does not hold.
   */
  finish(workerId: string, done: { itemId: string; leaseId: string }): HeldItem | null {
    const seat = this.#seats.get(workerId)
    const held = seat?.held.get(done.itemId)
    if (seat === undefined || held === undefined || held.leaseId !== done.leaseId) return null
    seat.held.delete(done.itemId)
    if (seat.held.size === 0) seat.isAlone = false
    return held
  }

  /** Moves waiting items to free slots, as far as the allowance goes. */
  assign(allowance: Allowance = EVERYTHING): readonly Assignment[] {
    const { starts = Number.POSITIVE_INFINITY } = allowance
    const given = new Assignments()
    this.#assignSuspects(given, { allowed: allowance.items, starts })
    const open = [...this.#seats].filter(
      ([, seat]) => !seat.isClosed && !seat.isReserved && !seat.isAlone,
    )
    const free = Math.min(allowance.items - this.active, starts - given.items)
    for (let room = free; room > 0; room -= 1) {
      const best = mostFree(open)
      const one = best === null ? null : this.#shift(allowance.cohortOf)
      if (best === null || one === null) break
      const [workerId, seat] = best
      this.#hold(seat, one, allowance.step)
      given.add(workerId, one)
    }
    this.unsent.add(given.all)
    return given.all
  }

  /** The cohorts changed: what was held back is looked at again, before everything else. */
  reconsider(): void {
    if (this.#later.length === 0) return
    this.#buffer.fill([...this.#later, ...this.#buffer.rest()])
    this.#later = []
  }

  /**
   * Takes those that wait and are to be held back out, wherever they wait.
   *
   * @param lanes those of which something may have to be held back.
   */
  takeHeldBack(
    lanes: readonly string[],
    isHeldBack: (held: HeldItem) => boolean,
  ): readonly HeldItem[] {
    const later = parted(this.#later, isHeldBack)
    const next = parted(this.#buffer.rest(), isHeldBack)
    this.#later = later.kept
    this.#buffer.fill(next.kept)
    const shelved = this.#hosts?.takeHeldBack(lanes, ({ held }) => isHeldBack(held)) ?? []
    return [...later.taken, ...next.taken, ...shelved.map(({ held }) => held)]
  }

  /** Empties the buffer, for items that go back to the queue unstarted. */
  drainBuffer(): readonly HeldItem[] {
    const waiting = [...this.#inLine(), ...(this.#hosts?.drain() ?? [])]
    this.#buffer.fill([])
    this.#later = []
    this.#suspects.length = 0
    return waiting.map((one) => one.held)
  }

  /** When the item that waits longest was leased; null when none waits. */
  get oldestLeasedMs(): MonotonicMs | null {
    const first = this.#later[0] ?? this.#buffer.first ?? this.#suspects[0]?.[0]
    let oldestMs = first?.leasedMs ?? Number.POSITIVE_INFINITY
    for (const { leasedMs } of this.#hosts?.firsts() ?? []) oldestMs = Math.min(oldestMs, leasedMs)
    return Number.isFinite(oldestMs) ? oldestMs : null
  }

  /** Leases of everything that waits or is worked. */
  leases(): Set<string> {
    const leases = new Set<string>()
    for (const one of this.#inLine()) leases.add(one.held.leaseId)
    for (const one of this.#hosts?.all() ?? []) leases.add(one.held.leaseId)
    for (const seat of this.#seats.values()) {
      for (const held of seat.held.values()) leases.add(held.leaseId)
    }
    return leases
  }

  get buffered(): number {
    return this.#lined + (this.#hosts?.size ?? 0)
  }

  /** Waiting items that need nothing but a slot; those of hosts are counted up to `most`. */
  startable(most: number): number {
    return this.#lined + (this.#hosts?.startable(most) ?? 0)
  }

  /** Those of the buffered items that wait for another one of the sequential cohort. */
  get heldBack(): number {
    return this.#later.length
  }

  get inFlight(): number {
    let held = 0
    for (const seat of this.#seats.values()) held += seat.held.size
    return held
  }

  /**
   * Items that run: a pack that runs alone is given whole, and waits in its worker for the slots.
   */
  get active(): number {
    let active = 0
    for (const seat of this.#seats.values()) active += Math.min(seat.held.size, seat.slots)
    return active
  }

  get slots(): number {
    let slots = 0
    for (const seat of this.#seats.values()) slots += seat.isClosed ? 0 : seat.slots
    return slots
  }

  get freeSlots(): number {
    let free = 0
    for (const seat of this.#seats.values()) {
      if (!seat.isClosed && !seat.isAlone) free += Math.max(0, seat.slots - seat.held.size)
    }
    return free
  }

  /** Items that a worker holds, for its exit's report. */
  heldBy(workerId: string): number {
    return this.#seats.get(workerId)?.held.size ?? 0
  }

  get #lined(): number {
    const suspects = this.#suspects.reduce((sum, { length }) => sum + length, 0)
    return this.#buffer.length + this.#later.length + suspects
  }

  #inLine(): Waiting[] {
    return [...this.#later, ...this.#buffer.rest(), ...this.#suspects.flat()]
  }

  #put(one: Waiting): void {
    const { lane = '' } = one.held
    if (lane === '' || this.#hosts === null) this.#buffer.push(one)
    else this.#hosts.add(lane, one)
  }

  #hold(seat: WorkerHands, { held }: Waiting, step?: number): void {
    seat.held.set(held.itemId, step === undefined ? held : startedIn(held, step))
    const { lane = '' } = held
    if (lane !== '') this.#hosts?.started(lane)
  }

  /** The next item that may start; those of the sequential cohort wait for each other. */
  #shift(cohortOf: Allowance['cohortOf']): Waiting | null {
    if (this.#later.length > 0 && !hasSequential(this.#seats.values()))
      return this.#later.shift() ?? null
    for (let one = this.#take(); one !== null; one = this.#take()) {
      const cohort = cohortOf(one.held.itemKey)
      const isMarked = one.held.cohort !== undefined
      if (cohort === 'concurrent' && !isMarked) return one
      const marked = { ...one, held: { ...one.held, cohort } }
      const isNext = this.#later.length === 0 && !hasSequential(this.#seats.values())
      if (cohort === 'concurrent' || isNext) return marked
      this.#later.push(marked)
    }
    return null
  }

  #take(): Waiting | null {
    return this.#buffer.take() ?? this.#hosts?.take() ?? null
  }

  /** The first suspect pack, or as many of its items; the rest of it comes next. */
  #takeSuspects(itemsMax: number): Waiting[] {
    const pack = this.#suspects.shift() ?? []
    if (pack.length <= itemsMax) return pack
    this.#suspects.unshift(pack.slice(itemsMax))
    return pack.slice(0, itemsMax)
  }

  /**
   * A suspect pack waits for a worker with nothing in hand, so that a death blames that pack alone.
   * One worker is kept free for it, lest it wait for ever behind steady work. It is given whole,
   * and waits in its worker for the slots, unless fewer items may be started than there are slots.
   */
  #assignSuspects(
    given: Assignments,
    most: { readonly allowed: number; readonly starts: number },
  ): void {
    for (const seat of this.#seats.values()) seat.isReserved = false
    let room = most.allowed - this.active
    let left = most.starts
    while (this.#suspects.length > 0 && room > 0 && left > 0) {
      const open = [...this.#seats].filter(([, seat]) => !seat.isClosed && !seat.isAlone)
      const idle = open.find(([, seat]) => seat.held.size === 0)
      if (idle === undefined) {
        const [least] = open.sort(([, a], [, b]) => a.held.size - b.held.size)
        if (least !== undefined) least[1].isReserved = true
        break
      }
      const [workerId, seat] = idle
      const fitting = room < seat.slots ? room : Number.POSITIVE_INFINITY
      const pack = this.#takeSuspects(Math.min(left, fitting))
      left -= pack.length
      for (const one of pack) {
        this.#hold(seat, one)
        given.add(workerId, one)
      }
      room -= Math.min(pack.length, seat.slots)
      seat.isAlone = true
    }
  }
}
