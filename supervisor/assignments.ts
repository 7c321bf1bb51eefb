// What is given out in one turn: for each worker its items, in messages that are not too large.

import type { DispatchedItem } from '../src/actor/messages.js'
import { LIMITS } from '../src/core/limits.js'
import type { Waiting } from './waiting.js'

/** Items for one worker, in one message. */
export interface Assignment {
  readonly workerId: string
  readonly items: readonly DispatchedItem[]
  /** Of its items, as they came. */
  readonly characters: number
}

interface Growing extends Assignment {
  readonly items: DispatchedItem[]
  characters: number
}

export class Assignments {
  readonly #all: Growing[] = []
  /** The last one of each worker. */
  readonly #last = new Map<string, Growing>()

  add(workerId: string, { item, characters }: Waiting): void {
    const last = this.#last.get(workerId)
    if (last !== undefined && last.characters + characters <= LIMITS.dispatchCharactersMax) {
      last.items.push(item)
      last.characters += characters
      return
    }
    const next = { workerId, items: [item], characters }
    this.#last.set(workerId, next)
    this.#all.push(next)
  }

  get all(): readonly Assignment[] {
    return this.#all
  }

  get items(): number {
    return this.#all.reduce((sum, { items }) => sum + items.length, 0)
  }
}

/** What was assigned and takes memory of ours until its worker has it, or is gone. */
export class Unsent {
  #characters = 0

  get characters(): number {
    return this.#characters
  }

  add(assignments: readonly Assignment[]): void {
    for (const { characters } of assignments) this.#characters += characters
  }

  noteSent({ characters }: Assignment): void {
    this.#characters -= characters
  }
}
