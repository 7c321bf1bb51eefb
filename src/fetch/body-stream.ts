import { PassThrough, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ContentHead, TakeBytes } from '../core/fetched-page.js'
import { LIMITS } from '../core/limits.js'
import { parseContentType } from './content-type.js'
import { createDecoders, decoderFailure } from './decoders.js'
import { FetchFailure } from './failure.js'

/** Why reading stops before the end of the body: its reader has enough, or something failed. */
export type StreamStop = { readonly error: unknown } | 'enough'

type Headers = { readonly [name: string]: string }

/**
 * A body on its way to a reader: out of its content codings, piece by piece, and never more of it
 * in memory than `LIMITS.streamBufferBytes` and what a coding unfolds at once.
 */
export class BodyStream {
  readonly #take: TakeBytes
  #headers: Headers = {}
  #onStop: (stop: StreamStop) => void = () => {}
  #front: PassThrough | null = null
  #done: Promise<void> = Promise.resolve()
  #bytes = 0
  #hasEnough = false

  constructor(take: TakeBytes) {
    this.#take = take
  }

  /** Whether the reader wanted all of it. */
  get isWhole(): boolean {
    return !this.#hasEnough
  }

  /**
   * The response has begun.
   *
   * @param onStop told when nothing more is wanted, or when the body cannot be read.
   */
  begin(headers: Headers, onStop: (stop: StreamStop) => void): void {
    this.#headers = headers
    this.#onStop = onStop
  }

  /** @returns whether more may come; if not, `resume` is called when it may. */
  write(chunk: Buffer, resume: () => void): boolean {
    if (this.#hasEnough) return true
    this.#front ??= this.#open(chunk)
    if (this.#front.destroyed || this.#front.write(chunk)) return true
    this.#front.once('drain', resume)
    return false
  }

  /** Waits until the reader has taken everything. */
  async end(abortSignal: AbortSignal): Promise<void> {
    const onAbort = () => this.drop()
    abortSignal.addEventListener('abort', onAbort, { once: true })
    try {
      if (!this.#hasEnough) this.#front?.end()
      await this.#done
    } catch (error) {
      abortSignal.throwIfAborted()
      throw error
    } finally {
      abortSignal.removeEventListener('abort', onAbort)
    }
  }

  /** Lets go of what was not taken. */
  drop(): void {
    this.#onStop = () => {}
    this.#front?.destroy()
  }

  #open(chunk: Buffer): PassThrough {
    const front = new PassThrough({ highWaterMark: LIMITS.streamBufferBytes })
    this.#done = this.#run(front, chunk)
    // Whoever waits for the end learns of it; until then the exchange must not go on for nothing.
    this.#done.catch((error: unknown) => {
      front.destroy()
      this.#onStop({ error })
    })
    return front
  }

  async #run(front: PassThrough, chunk: Buffer): Promise<void> {
    const { essence, charset } = parseContentType(this.#headers['content-type'])
    const head: ContentHead = { contentType: essence, charset, headers: this.#headers }
    const sink = new Writable({
      highWaterMark: LIMITS.streamBufferBytes,
      write: (piece: Buffer, _encoding, done) => {
        this.#hand(piece, head).then(() => done(), done)
      },
    })
    try {
      const decoders = createDecoders(this.#headers['content-encoding'], chunk)
      await pipeline([front, ...decoders, sink])
    } catch (error) {
      if (!this.#hasEnough) throw decoderFailure(error) ?? error
    }
  }

  async #hand(piece: Buffer, head: ContentHead): Promise<void> {
    if (this.#hasEnough) return
    this.#bytes += piece.length
    if (this.#bytes > LIMITS.streamContentBytesMax) {
      const most = LIMITS.streamContentBytesMax
      throw new FetchFailure('too_large', `the body goes on; at most ${most} bytes are read`)
    }
    if (await this.#take(piece, head)) return
    this.#hasEnough = true
    this.#onStop('enough')
    this.#front?.destroy()
  }
}
