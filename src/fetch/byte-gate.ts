/**
 * Holds back readers while the bodies in memory exceed a bound. The oldest reader is never held
 * back: it ends by its own cap and then makes room, so that readers cannot wait for each other for
 * ever.
 */
export class ByteGate {
  readonly #bytesMax: number
  /** Readers in order of their first byte, with what they hold and how to wake them. */
  readonly #readers = new Map<object, { bytes: number; resume: (() => void) | null }>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytesHeld(): number {
    return this.#bytes
  }

  /**
   * Books `bytes` for `reader`.
   *
   * @returns whether the reader may go on; if not, it has to stop until `resume` is called.
   */
  add(reader: object, bytes: number, resume: () => void): boolean {
    const held = this.#readers.get(reader) ?? { bytes: 0, resume: null }
    held.bytes += bytes
    this.#bytes += bytes
    this.#readers.set(reader, held)
    if (this.#bytes <= this.#bytesMax || this.#isOldest(reader)) return true
    held.resume = resume
    return false
  }

  /** Frees all that `reader` holds, and wakes the readers that may go on now. */
  release(reader: object): void {
    const held = this.#readers.get(reader)
    if (held === undefined) return
    this.#bytes -= held.bytes
    this.#readers.delete(reader)
    for (const [other, waiting] of this.#readers) {
      if (this.#bytes > this.#bytesMax && !this.#isOldest(other)) return
      // A reader must not be woken from inside another's parser.
      if (waiting.resume !== null) queueMicrotask(waiting.resume)
      waiting.resume = null
    }
  }

  #isOldest(reader: object): boolean {
    return this.#readers.keys().next().value === reader
  }
}
