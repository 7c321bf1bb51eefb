// Answers that get lost: a statement reaches the server and takes effect, and its client never
// hears of it.

import type { ClientEvents } from './pg-wire.js'
import { MessageReader } from './pg-wire.js'

/** What is asked for: so many answers of statements whose text matches. */
export interface DropRequest {
  readonly statement: RegExp
  readonly times: number
}

/** The losses that are ordered, for all connections together. */
export class DropOrders {
  #open: { readonly pattern: RegExp; left: number }[] = []

  add({ statement, times }: DropRequest): void {
    // Without the flags by which a pattern remembers where it was.
    const pattern = new RegExp(statement.source, statement.flags.replaceAll(/[gy]/g, ''))
    this.#open = [...this.#open.filter(({ left }) => left > 0), { pattern, left: times }]
  }

  /** @returns the way to give the loss back when nothing took effect; null when none is due. */
  take(text: string): (() => void) | null {
    const order = this.#open.find(({ pattern, left }) => left > 0 && pattern.test(text))
    if (order === undefined) return null
    order.left -= 1
    return () => {
      order.left += 1
      if (!this.#open.includes(order)) this.#open.push(order)
    }
  }
}

/** Statements up to one at which the server says that it is ready. */
interface Turn {
  /** Gives the loss back; null when the answer of this turn is delivered. */
  giveBack: (() => void) | null
}

export interface FromServer {
  readonly pass: Buffer
  /** The server has answered, and its answer must not arrive. */
  readonly isLost: boolean
}

/** Follows the turns of one connection, and withholds the answers that are to be lost. */
export class AnswerWatch implements ClientEvents {
  readonly #orders: DropOrders
  readonly #messages = new MessageReader()
  /** Turns that the server has not answered to their end. */
  readonly #turns: Turn[] = []
  #current: Turn | null = null
  #isInTransaction = false

  constructor(orders: DropOrders) {
    this.#orders = orders
  }

  readonly onExecute = (text: string): void => {
    const turn = this.#openTurn()
    // Within a transaction nothing takes effect before its end.
    if (this.#isInTransaction && !/^\s*(?:commit|end)\b/i.test(text)) return
    turn.giveBack ??= this.#orders.take(text)
  }

  readonly onTurnEnd = (): void => {
    this.#openTurn()
    this.#current = null
  }

  /** @returns what the client may see of what the server said. */
  read(chunk: Buffer): FromServer {
    const seen: Buffer[] = []
    for (const { type, bytes, head } of this.#messages.split(chunk)) {
      const [turn] = this.#turns
      // A statement that was refused took no effect: its client is told, and the next one is lost.
      if (type === 'E') giveBack(turn)
      if (turn?.giveBack == null) seen.push(bytes)
      if (type !== 'Z' || head === null) continue
      this.#isInTransaction = head.toString('latin1') !== 'I'
      this.#turns.shift()
      if (turn?.giveBack != null) return { pass: Buffer.concat(seen), isLost: true }
    }
    return { pass: seen.length === 1 ? (seen[0] ?? chunk) : Buffer.concat(seen), isLost: false }
  }

  /** The connection ended: what was to be lost on it and was not answered is still to be lost. */
  end(): void {
    for (const turn of this.#turns.splice(0)) giveBack(turn)
  }

  #openTurn(): Turn {
    if (this.#current === null) {
      this.#current = { giveBack: null }
      this.#turns.push(this.#current)
    }
    return this.#current
  }
}

function giveBack(turn: Turn | undefined): void {
  turn?.giveBack?.()
  if (turn !== undefined) turn.giveBack = null
}
