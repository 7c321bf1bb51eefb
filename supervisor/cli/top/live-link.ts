// A connection to the live channel that comes back by itself, and the states of its topics.

import { WebSocket } from 'ws'
import type { CancelTimer, Clock, MonotonicMs } from '../../../src/core/clock.js'
import type { Random } from '../../../src/core/random.js'
import { applyPatch, type LiveState } from '../../../src/telemetry/merge-patch.js'
import { CLOSE_CODES, SUBPROTOCOL } from '../../web/frames.js'
import type { LiveAddress } from './address.js'
import { type ReadFrame, readFrame } from './frame.js'

/** `refused`: it does not help to come back. */
export type LinkStatus = 'connecting' | 'live' | 'waiting' | 'refused'

export interface LinkView {
  readonly status: LinkStatus
  /** What is wrong, in words; empty while nothing is. */
  readonly words: string
  readonly name: string
  readonly server: string
  /** Whether it was ever live. */
  readonly hasBeenLive: boolean
  readonly topics: { readonly [topic: string]: LiveState }
  /** Clock of the server at the last frame. */
  readonly serverMs: number
  readonly lastFrameMs: MonotonicMs
}

export interface LiveLink {
  readonly view: () => LinkView
  readonly start: () => void
  readonly stop: () => void
}

export interface LiveLinkDeps {
  readonly clock: Clock
  readonly random: Random
  readonly topics: readonly string[]
  /** Asked before each try; null: nobody runs. */
  readonly locate: () => Promise<LiveAddress | null>
  readonly onChange: () => void
}

const RECONNECT_MS = { base: 500, max: 30_000 }
const HEALTHY_MS = 10_000
/** Three ticks and five seconds without a frame: the other side is gone. */
const SILENT_MS = 8_000
const HANDSHAKE_MS = 10_000
const FRAME_BYTES_MAX = 16 * 1_048_576
const REFUSED = new Set([400, 401, 403, 404])

export function createLiveLink(deps: LiveLinkDeps): LiveLink {
  return new ReturningLink(deps)
}

class ReturningLink implements LiveLink {
  readonly #deps: LiveLinkDeps
  #view: LinkView
  #socket: WebSocket | null = null
  #seqs = new Map<string, number>()
  #epoch = ''
  #failures = 0
  #openedMs: MonotonicMs = 0
  /** What a goodbye asked to wait. */
  #floorMs = 0
  #isStopped = false
  #cancelRetry: CancelTimer = () => {}
  #cancelSilence: CancelTimer = () => {}

  constructor(deps: LiveLinkDeps) {
    this.#deps = deps
    this.#view = {
      ...{ status: 'connecting', words: '', name: '', server: '', hasBeenLive: false },
      ...{ topics: {}, serverMs: 0, lastFrameMs: deps.clock.nowMs() },
    }
  }

  readonly view = (): LinkView => this.#view

  readonly start = (): void => void this.#connect()

  readonly stop = (): void => {
    this.#isStopped = true
    this.#cancelRetry()
    this.#cancelSilence()
    this.#socket?.terminate()
  }

  #change(changed: Partial<LinkView>): void {
    this.#view = { ...this.#view, ...changed }
    if (!this.#isStopped) this.#deps.onChange()
  }

  async #connect(): Promise<void> {
    const address = await this.#deps.locate()
    if (this.#isStopped) return
    if (address === null) return this.#wait('no node runs here')
    this.#change({ name: address.name })
    const socket = new WebSocket(address.url, [SUBPROTOCOL], {
      headers: { authorization: `Bearer ${address.token}` },
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: FRAME_BYTES_MAX,
      perMessageDeflate: false,
    })
    this.#socket = socket
    let words = ''
    socket.on('open', () => this.#open(socket))
    socket.on('message', (data) => this.#receive(socket, readFrame(String(data))))
    socket.on('unexpected-response', (request, response) => {
      const status = response.statusCode ?? 0
      response.resume()
      request.destroy()
      this.#refused(socket, status)
    })
    socket.on('error', (error) => {
      words = error.message
    })
    socket.on('close', (code) => this.#lost(socket, code === CLOSE_CODES.restart ? '' : words))
  }

  #open(socket: WebSocket): void {
    this.#openedMs = this.#deps.clock.nowMs()
    this.#seqs.clear()
    socket.send(JSON.stringify({ t: 'sub', topics: this.#deps.topics, hz: 1 }))
    this.#watchSilence()
  }

  #receive(socket: WebSocket, frame: ReadFrame | null): void {
    if (socket !== this.#socket) return
    this.#watchSilence()
    const lastFrameMs = this.#deps.clock.nowMs()
    if (frame === null) return
    if (frame.t === 'hello') {
      // Another boot: numbers and counters begin anew.
      const topics = frame.epoch === this.#epoch ? this.#view.topics : {}
      this.#epoch = frame.epoch
      const { server } = frame
      this.#change({ status: 'live', words: '', server, topics, lastFrameMs, hasBeenLive: true })
    } else if (frame.t === 'bye') {
      this.#floorMs = frame.retryMs
      this.#failures = 0
    } else this.#take(socket, frame, lastFrameMs)
  }

  #take(
    socket: WebSocket,
    frame: ReadFrame & { readonly t: 'snap' | 'delta' },
    lastFrameMs: MonotonicMs,
  ): void {
    const { topic, seq } = frame
    const known = this.#seqs.get(topic)
    if (frame.t === 'delta' && known !== seq - 1) {
      // A frame is missing: what follows cannot be applied until the whole state has come.
      if (known !== undefined) socket.send(JSON.stringify({ t: 'resync', topic }))
      this.#seqs.delete(topic)
      return
    }
    this.#seqs.set(topic, seq)
    const { topics } = this.#view
    const state = frame.t === 'snap' ? frame.d : applyPatch(topics[topic] ?? {}, frame.d)
    this.#change({ topics: { ...topics, [topic]: state }, serverMs: frame.ts, lastFrameMs })
  }

  #refused(socket: WebSocket, status: number): void {
    if (socket !== this.#socket) return
    if (status === 429) return this.#lost(socket, 'as many clients are connected as may be')
    if (!REFUSED.has(status)) return this.#lost(socket, `answered with HTTP ${status}`)
    this.#socket = null
    const words = status === 401 ? 'the token is wrong' : `refused with HTTP ${status}`
    this.#change({ status: 'refused', words })
  }

  #lost(socket: WebSocket, words: string): void {
    if (socket !== this.#socket) return
    this.#socket = null
    this.#cancelSilence()
    const { clock } = this.#deps
    if (clock.nowMs() - this.#openedMs > HEALTHY_MS) this.#failures = 0
    socket.terminate()
    if (!this.#isStopped) this.#wait(words === '' ? 'the connection ended' : words)
  }

  #wait(words: string): void {
    const { clock, random } = this.#deps
    const boundMs = Math.min(RECONNECT_MS.max, RECONNECT_MS.base * 2 ** this.#failures)
    this.#failures += 1
    const delayMs = this.#floorMs + random.next() * boundMs
    this.#floorMs = 0
    this.#cancelRetry = clock.setTimer(delayMs, () => void this.#connect())
    this.#change({ status: 'waiting', words })
  }

  #watchSilence(): void {
    this.#cancelSilence()
    this.#cancelSilence = this.#deps.clock.setTimer(SILENT_MS, () => {
      const socket = this.#socket
      if (socket !== null) this.#lost(socket, 'nothing was heard for 8 s')
    })
  }
}
