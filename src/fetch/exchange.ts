import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { CancelTimer, Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { FetchOptions } from '../core/worker-options.js'
import { BodyBuffer } from './body-buffer.js'
import type { BodyStream, StreamStop } from './body-stream.js'
import type { ByteGate } from './byte-gate.js'
import { type Phase, toFailure } from './classify.js'
import { FetchFailure } from './failure.js'
import type { PooledSocket } from './socket-pool.js'

export interface ExchangeOptions
  extends Pick<FetchOptions, 'headersTimeoutMs' | 'bodyTimeoutMs' | 'bodyBytesMax'> {
  readonly clock: Clock
  readonly gate: ByteGate
  /** Bytes kept of the body of a refusal or redirect. */
  readonly refusalBytesMax: number
  /** Where the body of a page goes, instead of being kept. */
  readonly stream?: BodyStream | undefined
}

/**
 * A response, its body still in its content coding. Of refusals and redirects only so much of the
 * body is kept as was asked for.
 */
export interface RawResponse {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: Buffer
  /** Whether the socket may carry another request. */
  readonly isReusable: boolean
}

/** How one request went, also when it failed. */
export interface ExchangeFacts {
  /** Whether the request was written to a socket at all. */
  readonly isSent: boolean
  /** Whether it went over a connection that was open before. */
  readonly isReused: boolean
  readonly bytes: number
  readonly status: number | null
  readonly headers: { readonly [name: string]: string }
  readonly phase: Phase
}

/**
 * One GET over one socket. It ends exactly once, and after its end it holds neither timer nor
 * listener. What undici reports later is ignored. Its bytes stay booked in the gate under its own
 * name until the caller, who holds the body now, releases them.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions
  readonly #socket: PooledSocket
  readonly #connectionsBefore: number | null
  readonly #body = new BodyBuffer()
  #controller: Dispatcher.DispatchController | null = null
  #phase: Phase = 'connect'
  #isReused = false
  #status: number | null = null
  #headers: { readonly [name: string]: string } = {}
  #bytes = 0
  #discarding = false
  #lastByteAtMs: MonotonicMs = 0
  #cancelTimer: CancelTimer = () => {}
  #settle: ((end: RawResponse | FetchFailure | { readonly reason: unknown }) => void) | null = null

  constructor(socket: PooledSocket, options: ExchangeOptions) {
    this.#socket = socket
    this.#connectionsBefore = socket.isOpen ? socket.connections : null
    this.#options = options
  }

  get facts(): ExchangeFacts {
    return {
      isSent: this.#phase !== 'connect',
      isReused: this.#isReused,
      bytes: this.#bytes,
      status: this.#status,
      headers: this.#headers,
      phase: this.#phase,
    }
  }

  /** @throws {FetchFailure} for what went wrong on the wire, or the abort signal's reason. */
  run(
    url: URL,
    headers: Readonly<Record<string, string>>,
    abortSignal: AbortSignal,
  ): Promise<RawResponse> {
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#end({ reason: abortSignal.reason })
      this.#settle = (end) => {
        abortSignal.removeEventListener('abort', onAbort)
        if (end instanceof FetchFailure) reject(end)
        else if ('reason' in end) reject(end.reason)
        else resolve(end)
      }
      abortSignal.addEventListener('abort', onAbort, { once: true })
      if (abortSignal.aborted) return onAbort()
      try {
        const path = `${url.pathname}${url.search}`
        this.#socket.client.dispatch({ path, method: 'GET', headers }, this)
      } catch (error) {
        this.#end(toFailure(error, this.#phase))
      }
    })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#settle === null) {
      controller.abort(new Error('the exchange has ended'))
      return
    }
    this.#phase = 'headers'
    // A connection that broke while it idled is replaced by undici before the request starts.
    this.#isReused = this.#connectionsBefore === this.#socket.connections
    const { headersTimeoutMs } = this.#options
    this.#startTimer(headersTimeoutMs, () => {
      const words = `no response headers in ${headersTimeoutMs} ms`
      this.#end(new FetchFailure('timeout_headers', words))
    })
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // Informational responses come before the real one, within the same headers timeout.
    if (this.#settle === null || status < 200) return
    this.#controller = controller
    this.#phase = 'body'
    this.#status = status
    this.#headers = joinHeaders(headers)
    this.#discarding = status >= 300
    const announced = Number(this.#headers['content-length'])
    if (!this.#discarding && announced > this.#options.bodyBytesMax) {
      this.#end(this.#tooLarge(`the server announces ${announced} bytes`))
      return
    }
    if (!this.#discarding) this.#options.stream?.begin(this.#headers, (stop) => this.#onStop(stop))
    this.#lastByteAtMs = this.#options.clock.nowMs()
    this.#watchBody(this.#options.bodyTimeoutMs)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settle === null) return
    this.#bytes += chunk.length
    if (this.#discarding) {
      const room = this.#options.refusalBytesMax - (this.#bytes - chunk.length)
      if (room > 0) this.#body.add(chunk.subarray(0, room))
      // Reading the rest keeps the connection; beyond some size a new one is cheaper.
      if (this.#bytes > LIMITS.headersBytesMax) this.#end(this.#response(false))
      return
    }
    this.#lastByteAtMs = this.#options.clock.nowMs()
    if (this.#bytes > this.#options.bodyBytesMax) {
      this.#end(this.#tooLarge('the body goes on'))
      return
    }
    if (this.#store(chunk)) return
    // Our own pause is not the server's silence.
    this.#cancelTimer()
    controller.pause()
  }

  /** @returns whether more may come. */
  #store(chunk: Buffer): boolean {
    const { stream, gate } = this.#options
    const resume = () => this.#resume()
    if (stream !== undefined) return stream.write(chunk, resume)
    this.#body.add(chunk)
    return gate.add(this, chunk.length, resume)
  }

  #onStop(stop: StreamStop): void {
    // The rest of the body is not read, so the connection is of no further use.
    if (stop === 'enough') this.#end(this.#response(false))
    else this.#end({ reason: stop.error })
  }

  onResponseEnd(): void {
    this.#end(this.#response(true))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // The outcome of a refusal or redirect stands in its headers; a broken body does not change it.
    if (this.#discarding) this.#end(this.#response(false))
    else this.#end(toFailure(error, this.#phase))
  }

  #response(isReusable: boolean): RawResponse {
    const body = this.#body.take()
    return { status: this.#status ?? 0, headers: this.#headers, body, isReusable }
  }

  #tooLarge(what: string): FetchFailure {
    return new FetchFailure('too_large', `${what}; at most ${this.#options.bodyBytesMax} bytes`)
  }

  #resume(): void {
    if (this.#settle === null) return
    this.#lastByteAtMs = this.#options.clock.nowMs()
    this.#watchBody(this.#options.bodyTimeoutMs)
    this.#controller?.resume()
  }

  /** One timer that looks back is cheaper than one for each chunk. */
  #watchBody(delayMs: number): void {
    const { bodyTimeoutMs, clock } = this.#options
    this.#startTimer(delayMs, () => {
      const quietMs = clock.nowMs() - this.#lastByteAtMs
      if (quietMs < bodyTimeoutMs) return this.#watchBody(bodyTimeoutMs - quietMs)
      if (this.#discarding) return this.#end(this.#response(false))
      this.#end(new FetchFailure('timeout_body', `the body stood still for ${bodyTimeoutMs} ms`))
    })
  }

  #startTimer(delayMs: number, fire: () => void): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#options.clock.setTimer(delayMs, fire)
  }

  #end(end: RawResponse | FetchFailure | { readonly reason: unknown }): void {
    const settle = this.#settle
    if (settle === null) return
    this.#settle = null
    this.#cancelTimer()
    this.#body.clear()
    settle(end)
  }
}

function joinHeaders(headers: IncomingHttpHeaders): { readonly [name: string]: string } {
  const entries = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ])
  return Object.fromEntries(entries)
}
