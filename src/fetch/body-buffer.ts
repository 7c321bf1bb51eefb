/** Room for small chunks, taken at once. */
const BLOCK_BYTES = 16 * 1_024
/**
 * Room of a body's first block at least; each block has twice the room of the one before. Most
 * bodies of an API are short, and what was allocated for one is given back late: at 300 a second,
 * whole blocks kept 45 MB of a worker.
 */
const FIRST_BLOCK_BYTES = 512

/**
 * Gathers the chunks of a body in memory of about its own size.
 *
 * A chunk is a view of what was read from the socket at once. A server that sends a byte in each
 * chunk would have us keep an object for every byte, and 64 KiB of padding beside it; so chunks
 * that are small, or a small part of what they are a view of, are copied together.
 */
export class BodyBuffer {
  readonly #parts: Buffer[] = []
  #block = Buffer.alloc(0)
  #blockUsed = 0
  #room = FIRST_BLOCK_BYTES

  add(chunk: Buffer): void {
    const isWhole = chunk.length >= BLOCK_BYTES && chunk.length * 2 >= chunk.buffer.byteLength
    if (isWhole) {
      this.#closeBlock()
      this.#parts.push(chunk)
      return
    }
    for (let at = 0; at < chunk.length; ) {
      if (this.#blockUsed === this.#block.length) this.#openBlock(chunk.length - at)
      const copied = chunk.copy(this.#block, this.#blockUsed, at)
      this.#blockUsed += copied
      at += copied
    }
  }

  /** The body so far. The buffer is empty afterwards. */
  take(): Buffer {
    this.#closeBlock()
    const [first, second] = this.#parts
    const body = first !== undefined && second === undefined ? first : Buffer.concat(this.#parts)
    this.clear()
    return body
  }

  clear(): void {
    this.#parts.length = 0
    this.#block = Buffer.alloc(0)
    this.#blockUsed = 0
    this.#room = FIRST_BLOCK_BYTES
  }

  /** @param bytes how many there are to take now */
  #openBlock(bytes: number): void {
    this.#closeBlock()
    const room = Math.min(BLOCK_BYTES, Math.max(this.#room, bytes))
    this.#block = Buffer.allocUnsafeSlow(room)
    this.#blockUsed = 0
    this.#room = 2 * room
  }

  #closeBlock(): void {
    if (this.#blockUsed > 0) this.#parts.push(this.#block.subarray(0, this.#blockUsed))
    this.#block = this.#block.subarray(this.#blockUsed)
    this.#blockUsed = 0
  }
}
