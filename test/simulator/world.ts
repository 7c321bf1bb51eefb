// The simulated world's time. Events wait in a heap, ordered by instant and then by the order in
// which they were planned; one fires when every promise that can go on has gone on. Nothing in here
// or in what it runs reads a real clock or a real timer, so a run is a function of its seed.

export type Cancel = () => void

interface Entry {
  readonly atMs: number
  readonly order: number
  /** null once it has fired or was cancelled. */
  fire: (() => void) | null
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

export class World {
  nowMs = 0
  /** Events that fired so far. */
  fired = 0
  readonly #heap: Entry[] = []
  #order = 0

  /** Plans an event; one of the past happens now. */
  after(delayMs: number, fire: () => void): Cancel {
    this.#order += 1
    const entry: Entry = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order, fire }
    this.#push(entry)
    return () => {
      entry.fire = null
    }
  }

  /**
   * Lets time pass until an instant, or until `isOver`. Between two events a microtask asks for the
   * next tick, and Node begins that tick only when its queue of microtasks is empty: all awaits of
   * the program under test have gone as far as they can, without a turn of the real event loop.
   */
  run(untilMs: number, isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = () => {
        const next = isOver() ? null : this.#next(untilMs)
        if (next === null) {
          if (!isOver()) this.nowMs = Math.max(this.nowMs, untilMs)
          resolve()
          return
        }
        this.nowMs = next.atMs
        this.fired += 1
        const { fire } = next
        next.fire = null
        try {
          fire?.()
        } catch (error) {
          reject(error)
          return
        }
        queueMicrotask(whenDrained)
      }
      const whenDrained = () => process.nextTick(step)
      queueMicrotask(whenDrained)
    })
  }

  /** The next event that still stands; null when there is none until then. */
  #next(untilMs: number): Entry | null {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (top.fire !== null && top.atMs > untilMs) return null
      this.#pop()
      if (top.fire !== null) return top
    }
    return null
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up]
      if (parent === undefined || isBefore(parent, entry)) break
      heap[at] = parent
      at = up
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      let child = heap[down]
      if (child === undefined) break
      const right = heap[down + 1]
      if (right !== undefined && isBefore(right, child)) {
        child = right
        down += 1
      }
      if (!isBefore(child, last)) break
      heap[at] = child
      at = down
    }
    heap[at] = last
  }
}
