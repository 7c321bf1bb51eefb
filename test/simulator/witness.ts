// The witness: sees every statement that took effect, every item that was given out, begun and
// ended, and every event; and says what should not have been.

import type { Settlement } from '../../src/core/settlement.js'
import type { AnyEvent, ItemSettled } from '../../src/telemetry/events.js'
import type { QueueModel } from '../model/queue-model.js'
import type { Trace } from './trace.js'
import type { World } from './world.js'

const VIOLATIONS_MAX = 20

/** An item under one lease. */
export interface Errand {
  readonly itemId: string
  readonly leaseId: string
}

/** Ends that are announced exactly once. A release leaves no receipt to ask after a lost answer. */
const COUNTED = ['complete', 'retry', 'snooze', 'discard'] as const

const keyOf = ({ itemId, leaseId }: Errand) => `${itemId}/${leaseId}`

/** An event with the word that tells its kinds apart. */
function wordsOf(event: AnyEvent): string {
  const { name } = event
  if ('state' in event) return `${name} ${event.state}`
  if ('stage' in event) return `${name} ${event.stage}`
  if (name === 'supervisor.fenced' || !('reason' in event)) return name
  return `${name} ${event.reason.split(':')[0]}`
}

/** Counts by node and word. */
class Tallies {
  readonly #counts = new Map<string, number>()

  add(nodeId: string, word: string): void {
    this.#counts.set(`${nodeId} ${word}`, this.of(nodeId, word) + 1)
  }

  of(nodeId: string, word: string): number {
    return this.#counts.get(`${nodeId} ${word}`) ?? 0
  }
}

export class Witness {
  readonly violations: string[] = []
  readonly figures = {
    begun: 0,
    completed: 0,
    /** Attempts that were settled, whatever became of their items. */
    settled: 0,
    statements: 0,
    /** Statements that the node saw fail. */
    faults: 0,
    deaths: 0,
    boots: 0,
  }
  readonly marks = new Map<string, number>()
  readonly #world: World
  readonly #trace: Trace
  /** Errands whose handler was called, is running, or has given a result. */
  readonly #begun = new Set<string>()
  readonly #underWay = new Set<string>()
  readonly #computed = new Set<string>()
  /** Errands that were settled. */
  readonly #settled = new Set<string>()
  /** Who completed an item. */
  readonly #completedBy = new Map<string, string>()
  readonly #announced = new Set<string>()
  readonly #acceptedEnds = new Tallies()
  readonly #announcedEnds = new Tallies()
  /** Ends that took effect and of which their node has not heard, by node and item. */
  readonly #unheard = new Map<string, string>()
  /** Deaths of workers that had this item alone, for which it is not to blame. */
  readonly #innocentDeaths = new Map<string, number>()

  constructor(world: World, trace: Trace) {
    this.#world = world
    this.#trace = trace
  }

  note(text: string): void {
    this.#trace.note(this.#world.nowMs, text)
  }

  violation(text: string): void {
    this.note(`VIOLATION ${text}`)
    if (this.violations.length < VIOLATIONS_MAX) {
      this.violations.push(`at ${this.#world.nowMs.toFixed(3)}: ${text}`)
    }
  }

  begun(workerId: string, errand: Errand): void {
    const key = keyOf(errand)
    this.figures.begun += 1
    this.note(`${workerId} begins ${key}`)
    if (this.#begun.has(key)) this.violation(`I7: ${key} was begun twice, now by ${workerId}`)
    this.#begun.add(key)
    this.#underWay.add(key)
  }

  ended(errand: Errand, isComputed: boolean): void {
    const key = keyOf(errand)
    this.#underWay.delete(key)
    if (isComputed) this.#computed.add(key)
  }

  /** A worker died while an item was all it had, and the item did not do it. */
  diedLonely(itemId: string): void {
    this.#innocentDeaths.set(itemId, (this.#innocentDeaths.get(itemId) ?? 0) + 1)
  }

  /** A settle took effect; `accepted` are those that were the node's to settle. */
  settled(model: QueueModel, nodeId: string, accepted: readonly Settlement[]): void {
    for (const one of accepted) {
      const key = keyOf(one)
      if (this.#settled.has(key)) this.violation(`I3: ${key} was settled twice`)
      this.#settled.add(key)
      this.#acceptedEnds.add(nodeId, one.event)
      this.#unheard.set(`${nodeId} ${one.itemId}`, one.event)
      this.figures.settled += 1
      if (one.event === 'complete') this.#checkResult(model, nodeId, one)
      if (one.code === 'poison') this.#checkPoison(model, one)
      if (one.event === 'reclaim' && one.next !== null && one.next.attempt !== one.attempt - 1) {
        this.violation(`${key} was charged an attempt for a crash`)
      }
    }
  }

  /** A node got the answer that these items are settled. */
  heardOf(nodeId: string, itemIds: Iterable<string>): void {
    for (const itemId of itemIds) this.#unheard.delete(`${nodeId} ${itemId}`)
  }

  #checkResult(model: QueueModel, nodeId: string, one: Settlement): void {
    this.figures.completed += 1
    this.#completedBy.set(one.itemId, nodeId)
    if (!this.#computed.has(keyOf(one))) this.violation(`${keyOf(one)} was never computed`)
    const rows = model.results.get(one.itemId)?.length ?? 0
    if (rows !== 1) this.violation(`I3: item ${one.itemId} has ${rows} results`)
  }

  #checkPoison(model: QueueModel, one: Settlement): void {
    this.mark('poison')
    const key = model.items.get(one.itemId)?.key ?? ''
    if (key.includes('poison') || (this.#innocentDeaths.get(one.itemId) ?? 0) >= 3) return
    this.violation(`the innocent item ${one.itemId} (${key}) was quarantined`)
  }

  /** Packs of a node that lives are given back: nobody may be at them. */
  released(errands: readonly Errand[]): void {
    for (const errand of errands) {
      if (!this.#underWay.has(keyOf(errand))) continue
      this.violation(`${keyOf(errand)} was given back while it was worked`)
    }
  }

  mark(name: string): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + 1)
  }

  heard(nodeId: string, event: AnyEvent): void {
    this.mark(wordsOf(event))
    if (event.name === 'item.settled') this.#checkAnnouncement(nodeId, event)
  }

  #checkAnnouncement(nodeId: string, event: ItemSettled): void {
    const { itemId, state, code } = event
    this.#announcedEnds.add(nodeId, state)
    const isOwn = this.#completedBy.get(itemId) === nodeId
    if (state === 'complete') {
      if (!isOwn) this.violation(`${nodeId} announced item ${itemId} and did not complete it`)
      if (this.#announced.has(itemId)) this.violation(`item ${itemId} was announced twice`)
      this.#announced.add(itemId)
    }
    if (state === 'rejected' && code === 'ok' && isOwn) {
      this.violation(`${nodeId} announced item ${itemId} as rejected and had completed it`)
    }
  }

  /**
   * A node stopped in order: all it settled was announced, by the same words. What it had not heard
   * of when its time to leave was over, it could not announce.
   */
  checkAnnounced(nodeId: string): void {
    for (const word of COUNTED) {
      const accepted = this.#acceptedEnds.of(nodeId, word)
      const announced = this.#announcedEnds.of(nodeId, word)
      const unheard = [...this.#unheard].filter(([key, event]) => {
        return event === word && key.startsWith(`${nodeId} `)
      }).length
      if (announced <= accepted && accepted - announced <= unheard) continue
      this.violation(`${nodeId} settled ${accepted} as ${word} and announced ${announced}`)
    }
  }
}
