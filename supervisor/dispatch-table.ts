// Who works what. Items leased and not yet given out wait in the buffer; every free slot of a
// worker is a credit for one of them. No barrier: a slot that frees takes the next item at once.

import type { DispatchedItem } from '../src/actor/messages.js'
import { assert } from '../src/core/assert.js'
import type { MonotonicMs } from '../src/core/clock.js'
import { LIMITS } from '../src/core/limits.js'
import type { HeldItem } from '../src/core/settlement.js'
import type { LeasedPack } from '../src/store/lease.js'
import { type Allowance, EVERYTHING } from './allowance.js'
import { parted, type Waiting, waitingOf } from './waiting.js'

interface WorkerSeat {
  readonly slots: number
  readonly held: Map<string, HeldItem>
  /** Takes no new items: it drains, or it is kept free for a pack that must run alone. */
  isClosed: boolean
  isReserved: boolean
  /** The worker has one pack that crashed before, and nothing else. */
  isAlone: boolean
}

export interface Assignment {
  readonly workerId: string
  readonly items: readonly DispatchedItem[]
}

/** What a worker held when it went. */
export interface Leavings {
  /** In the order in which it was given them, and begins them. */
  readonly held: readonly HeldItem[]
  readonly isAlone: boolean
  /** How many of them it has begun, at most: the first ones. */
  readonly begun: number
}

/** The assignments of one workflow on one node. Deterministic, without effects. */
export class DispatchTable {
  readonly #seats = new Map<string, WorkerSeat>()
  #buffer: Waiting[] = []
  #next = 0
  /** Items of the sequential cohort that met another one under way. */
  #later: Waiting[] = []
  /** Packs whose worker died with them more than once: each runs alone in a worker. */
  readonly #suspects: Waiting[][] = []

  /** @param leasedMs when the packs were leased. */
  addPacks(packs: readonly LeasedPack[], leasedMs: MonotonicMs = 0): void {
    for (const pack of packs) {
      const waiting = waitingOf(pack, leasedMs)
      if (waiting.length === 0) continue
      if (pack.crashes >= LIMITS.crashesBeforeIsolation) this.#suspects.push(waiting)
      else for (const one of waiting) this.#buffer.push(one)
    }
  }

  openWorker(workerId: string, slots: number): void {
    assert(!this.#seats.has(workerId), `worker ${workerId} opens once`)
    this.#seats.set(workerId, {
      slots,
      held: new Map(),
      isClosed: false,
      isReserved: false,
      isAlone: false,
    })
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
    const held = [...(seat?.held.values() ?? [])]
    const begun = Math.min(held.length, seat?.slots ?? 0)
    return { held, begun, isAlone: seat?.isAlone ?? false }
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
    const lonely = this.#assignSuspects({ allowed: allowance.items, starts })
    const lonelyItems = lonely.reduce((sum, { items }) => sum + items.length, 0)
    const open = [...this.#seats].filter(
      ([, seat]) => !seat.isClosed && !seat.isReserved && !seat.isAlone,
    )
    const given = new Map<string, DispatchedItem[]>()
    const free = Math.min(allowance.items - this.active, starts - lonelyItems)
    for (let room = free; room > 0; room -= 1) {
      const best = mostFree(open)
      const one = best === null ? null : this.#shift(allowance.cohortOf)
      if (best === null || one === null) break
      const [workerId, seat] = best
      seat.held.set(one.held.itemId, { ...one.held, step: allowance.step })
      const items = given.get(workerId)
      if (items === undefined) given.set(workerId, [one.item])
      else items.push(one.item)
    }
    const shared = [...given].map(([workerId, items]) => ({ workerId, items }))
    return [...lonely, ...shared]
  }

  /** The cohorts changed: what was held back is looked at again, before everything else. */
  reconsider(): void {
    if (this.#later.length === 0) return
    this.#buffer = [...this.#later, ...this.#buffer.slice(this.#next)]
    this.#next = 0
    this.#later = []
  }

  /** Takes those that wait and are to be held back out of the buffer. */
  takeHeldBack(isHeldBack: (held: HeldItem) => boolean): readonly HeldItem[] {
    const later = parted(this.#later, isHeldBack)
    const next = parted(this.#buffer.slice(this.#next), isHeldBack)
    this.#later = later.kept
    this.#buffer = next.kept
    this.#next = 0
    return [...later.taken, ...next.taken]
  }

  /** Empties the buffer, for items that go back to the queue unstarted. */
  drainBuffer(): readonly HeldItem[] {
    const waiting = [...this.#later, ...this.#buffer.slice(this.#next), ...this.#suspects.flat()]
    this.#buffer = []
    this.#later = []
    this.#next = 0
    this.#suspects.length = 0
    return waiting.map((one) => one.held)
  }

  /** When the item that waits longest was leased; null when none waits. */
  get oldestLeasedMs(): MonotonicMs | null {
    const first = this.#later[0] ?? this.#buffer[this.#next] ?? this.#suspects[0]?.[0]
    return first?.leasedMs ?? null
  }

  /** Leases of everything that waits or is worked. */
  leases(): Set<string> {
    const leases = new Set<string>()
    for (const one of this.#later) leases.add(one.held.leaseId)
    for (const one of this.#buffer.slice(this.#next)) leases.add(one.held.leaseId)
    for (const one of this.#suspects.flat()) leases.add(one.held.leaseId)
    for (const seat of this.#seats.values()) {
      for (const held of seat.held.values()) leases.add(held.leaseId)
    }
    return leases
  }

  get buffered(): number {
    return this.#buffer.length - this.#next + this.#later.length + this.#suspectItems
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

  get #suspectItems(): number {
    return this.#suspects.flat().length
  }

  /** The next item that may start; those of the sequential cohort wait for each other. */
  #shift(cohortOf: Allowance['cohortOf']): Waiting | null {
    if (this.#later.length > 0 && !this.#isSequentialHeld()) return this.#later.shift() ?? null
    for (let one = this.#take(); one !== null; one = this.#take()) {
      const cohort = cohortOf(one.held.itemKey)
      const isMarked = one.held.cohort !== undefined
      if (cohort === 'concurrent' && !isMarked) return one
      const marked = { ...one, held: { ...one.held, cohort } }
      const isNext = this.#later.length === 0 && !this.#isSequentialHeld()
      if (cohort === 'concurrent' || isNext) return marked
      this.#later.push(marked)
    }
    return null
  }

  #take(): Waiting | null {
    const one = this.#buffer[this.#next]
    if (one === undefined) return null
    this.#next += 1
    // Shifting an array of thousands item by item would move the rest each time.
    if (this.#next >= 1_024) {
      this.#buffer = this.#buffer.slice(this.#next)
      this.#next = 0
    }
    return one
  }

  #isSequentialHeld(): boolean {
    for (const seat of this.#seats.values()) {
      for (const held of seat.held.values()) if (held.cohort === 'sequential') return true
    }
    return false
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
  #assignSuspects(most: { readonly allowed: number; readonly starts: number }): Assignment[] {
    const assignments: Assignment[] = []
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
      for (const one of pack) seat.held.set(one.held.itemId, one.held)
      room -= Math.min(pack.length, seat.slots)
      seat.isAlone = true
      assignments.push({ workerId, items: pack.map((one) => one.item) })
    }
    return assignments
  }
}

/** The open worker with most free slots: load stays even without counting turns. */
function mostFree(open: readonly [string, WorkerSeat][]): [string, WorkerSeat] | null {
  let best: [string, WorkerSeat] | null = null
  let most = 0
  for (const entry of open) {
    const free = entry[1].slots - entry[1].held.size
    if (free > most) {
      most = free
      best = entry
    }
  }
  return best
}
