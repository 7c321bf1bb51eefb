// One direction of a connection: what comes in is held back as long as the faults of the moment
// ask, and goes out in order.

import type { Socket } from 'node:net'

/** Bytes held back in one direction; then nothing more is read, and the kernel's buffers fill. */
const HELD_BYTES_MAX = 256 * 1_024

/** The faults that hold things back, for all connections together. */
export class Brake {
  #delayMs = 0
  #isFrozen = false
  readonly #waiting = new Set<() => void>()

  isFrozen(): boolean {
    return this.#isFrozen
  }

  setDelay(ms: number): void {
    this.#delayMs = ms
    this.#wake()
  }

  setFrozen(isFrozen: boolean): void {
    this.#isFrozen = isFrozen
    this.#wake()
  }

  /** Resolves when what arrived then may go on, or when `abortSignal` says that it need not. */
  async untilDue(arrivedMs: number, abortSignal: AbortSignal): Promise<void> {
    while (!abortSignal.aborted) {
      const leftMs = arrivedMs + this.#delayMs - performance.now()
      if (!this.#isFrozen && leftMs <= 0) return
      await this.#change(this.#isFrozen ? null : leftMs, abortSignal)
    }
  }

  /** The next change of the faults, or the end of so many milliseconds. */
  #change(leftMs: number | null, abortSignal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = leftMs === null ? undefined : setTimeout(() => done(), leftMs)
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        abortSignal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      abortSignal.addEventListener('abort', done)
    })
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done()
  }
}

/** What came out of a socket: bytes, or how it ended. */
type Arrival =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly arrivedMs: number }
  | { readonly kind: 'end' | 'close'; readonly arrivedMs: number }

export interface LaneDeps {
  readonly source: Socket
  readonly brake: Brake
  /** Ends the lane at once, and what it holds is thrown away. */
  readonly abortSignal: AbortSignal
  readonly onBytes: (bytes: Buffer) => Promise<void>
  /** The source has said its last word; it may still listen. */
  readonly onEnd: () => void
  /** The source is gone. */
  readonly onClose: () => void
}

/**
 * Reads a socket to its end. Its end is held back like its bytes: through a frozen network nobody
 * hears that the other side has gone.
 */
export function runLane(deps: LaneDeps): void {
  const { source } = deps
  const held: Arrival[] = []
  let heldBytes = 0
  let isRunning = false

  const pass = async (arrival: Arrival): Promise<void> => {
    await deps.brake.untilDue(arrival.arrivedMs, deps.abortSignal)
    if (deps.abortSignal.aborted) return
    if (arrival.kind === 'bytes') await deps.onBytes(arrival.bytes)
    else if (arrival.kind === 'end') deps.onEnd()
    else deps.onClose()
  }
  const run = async (): Promise<void> => {
    if (isRunning) return
    isRunning = true
    for (let next = held.shift(); next !== undefined; next = held.shift()) {
      await pass(next)
      if (next.kind !== 'bytes') continue
      heldBytes -= next.bytes.length
      if (heldBytes < HELD_BYTES_MAX) source.resume()
    }
    isRunning = false
  }
  const arrive = (arrival: Arrival): void => {
    held.push(arrival)
    void run()
  }
  source.on('data', (bytes) => {
    heldBytes += bytes.length
    if (heldBytes >= HELD_BYTES_MAX) source.pause()
    arrive({ kind: 'bytes', bytes, arrivedMs: performance.now() })
  })
  source.on('end', () => arrive({ kind: 'end', arrivedMs: performance.now() }))
  source.on('close', () => arrive({ kind: 'close', arrivedMs: performance.now() }))
}

/** Writes, and waits while the other side does not read. */
export async function writeAll(sink: Socket, bytes: Buffer): Promise<void> {
  if (bytes.length === 0 || !sink.writable) return
  if (sink.write(bytes)) return
  await new Promise<void>((resolve) => {
    const done = () => {
      sink.off('drain', done)
      sink.off('close', done)
      resolve()
    }
    sink.on('drain', done)
    sink.on('close', done)
  })
}
