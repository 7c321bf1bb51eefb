import type { FromWorker, SettledItem } from '../src/actor/messages.js'
import { LIMITS } from '../src/core/limits.js'
import { resultBytes } from '../src/core/result-size.js'

/**
 * Gathers ends of items and sends those of one turn of the event loop together: thousands of short
 * items would otherwise cost a message each. It never holds more than one message's worth.
 */
export class Outbox {
  readonly #send: (message: FromWorker) => void
  readonly #defer: (run: () => void) => void
  #items: SettledItem[] = []
  #bytes = 0
  #isFlushDue = false

  constructor(
    send: (message: FromWorker) => void,
    defer: (run: () => void) => void = (run) => void setImmediate(run),
  ) {
    this.#send = send
    this.#defer = defer
  }

  add(item: SettledItem): void {
    this.#items.push(item)
    this.#bytes += bytesOf(item)
    if (this.#items.length >= LIMITS.settleItemsMax || this.#bytes >= LIMITS.settleBytesMax) {
      this.flush()
      return
    }
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    this.#defer(() => {
      this.#isFlushDue = false
      this.flush()
    })
  }

  flush(): void {
    if (this.#items.length === 0) return
    const items = this.#items
    this.#items = []
    this.#bytes = 0
    this.#send({ type: 'settled', items })
  }
}

function bytesOf({ outcome }: SettledItem): number {
  return outcome.result === 'complete' ? resultBytes(outcome.rows) : 0
}
