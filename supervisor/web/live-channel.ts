// The live channel: clients that subscribed, in groups of one rhythm each. It sends states and
// takes subscriptions; it offers no action: nothing that arrives here can change the cluster.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import type { CancelTimer, Clock } from '../../src/core/clock.js'
import { LIMITS } from '../../src/core/limits.js'
import type { EventBus } from '../../src/telemetry/events.js'
import { LIVE_TOPICS, type LiveTopic } from '../../src/telemetry/live-topics.js'
import type { Access } from './access.js'
import { type Cadence, createCadence, type Tick } from './cadence.js'
import {
  type ByeFrame,
  type CadenceHz,
  CLOSE_CODES,
  type ClientMessage,
  type CloseReason,
  DEFAULT_HZ,
  LIVE_VERSION,
  parseClientMessage,
  SUBPROTOCOL,
} from './frames.js'
import {
  admitFrames,
  countInbound,
  createLiveClient,
  type LiveClient,
  pingClient,
  sendFrame,
  sendTick,
} from './live-client.js'
import type { LiveSource } from './live-source.js'
import { WEB_LIMITS } from './web-limits.js'
import { serialise } from './wire.js'

export interface LiveChannelOptions {
  readonly source: LiveSource
  readonly version: string
  readonly clock: Clock
  readonly onEvent: EventBus['emit']
}

/** Serves clients whose upgrade was allowed before; see `gate.ts`. */
export class LiveChannel {
  readonly #options: LiveChannelOptions
  readonly #clients = new Set<LiveClient>()
  readonly #cadences = new Map<CadenceHz, Cadence>()
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LIMITS.liveInboundBytesMax,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  #cancelPing: CancelTimer | null = null
  #isClosing = false
  #onEmpty: (() => void) | null = null

  constructor(options: LiveChannelOptions) {
    this.#options = options
  }

  get clients(): number {
    return this.#clients.size
  }

  get isClosing(): boolean {
    return this.#isClosing
  }

  start(): void {
    this.#cancelPing ??= this.#options.clock.setTimer(WEB_LIMITS.pingIntervalMs, () => {
      this.#cancelPing = null
      this.start()
      for (const client of this.#clients) pingClient(client, this.#options.clock)
    })
  }

  /** Upgrades a connection and greets its client. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, access: Access): void {
    this.#server.handleUpgrade(request, socket, head, (upgraded) => {
      this.#greet(upgraded, socket, access)
    })
  }

  /** Says goodbye to all clients; those that do not leave within a second are cut off. */
  async close(reason: CloseReason): Promise<void> {
    this.#isClosing = true
    this.#cancelPing?.()
    for (const cadence of this.#cadences.values()) cadence.stop()
    this.#cadences.clear()
    const bye = serialise(byeFrame(reason))
    for (const client of this.#clients) {
      sendFrame(client, bye)
      client.socket.close(CLOSE_CODES[reason], reason)
    }
    await this.#emptied()
  }

  #emptied(): Promise<void> {
    if (this.#clients.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#options.clock.setTimer(WEB_LIMITS.closeMs, () => {
        for (const client of this.#clients) client.socket.terminate()
      })
      this.#onEmpty = () => {
        cancel()
        resolve()
      }
    })
  }

  #greet(socket: WebSocket, stream: Duplex, access: Access): void {
    const { clock, source, version, onEvent } = this.#options
    const client = createLiveClient(socket, stream, clock.nowMs())
    this.#clients.add(client)
    const cancelWait = clock.setTimer(WEB_LIMITS.subscribeMs, () => {
      if (client.subscription === null) socket.close(CLOSE_CODES.noSubscription, 'no subscription')
    })
    socket.on('message', (data, isBinary) => this.#onMessage(client, data, isBinary))
    socket.on('pong', () => {
      client.pingsUnanswered = 0
    })
    // Broken frames end the connection; the library closes it with the code that fits.
    socket.on('error', () => {})
    socket.on('close', (code) => {
      cancelWait()
      this.#forget(client, code)
    })
    const hello = { v: LIVE_VERSION, epoch: source.epoch, server: version, hz: DEFAULT_HZ } as const
    sendFrame(client, serialise({ t: 'hello', ...hello, topics: LIVE_TOPICS, access }))
    onEvent('live.client_connected', { clients: this.#clients.size })
  }

  #forget(client: LiveClient, code: number): void {
    this.#clients.delete(client)
    this.#leave(client)
    this.#options.onEvent('live.client_closed', { clients: this.#clients.size, code })
    if (this.#clients.size === 0) this.#onEmpty?.()
  }

  #onMessage(client: LiveClient, data: RawData, isBinary: boolean): void {
    if (this.#isClosing) return
    if (!countInbound(client, this.#options.clock.nowMs())) {
      client.socket.close(CLOSE_CODES.tooManyMessages, 'too many messages')
      return
    }
    const message = isBinary ? null : parseClientMessage(textOf(data))
    if (message === null) client.socket.close(CLOSE_CODES.badFrame, 'bad frame')
    else this.#obey(client, message)
  }

  #obey(client: LiveClient, message: ClientMessage): void {
    if (message.t === 'sub') {
      this.#leave(client)
      const topics = LIVE_TOPICS.filter((topic) => message.topics.includes(topic))
      client.subscription = { topics: new Set(topics), hz: message.hz }
      this.#sendSnapshots(client, topics)
    } else if (message.t === 'resync') {
      const topics = [...(client.subscription?.topics ?? [])]
      this.#sendSnapshots(
        client,
        topics.filter((topic) => message.topic === null || message.topic === topic),
      )
    }
  }

  /** A client that is too slow for its snapshots gets them with the first tick that it can take. */
  #sendSnapshots(client: LiveClient, topics: readonly LiveTopic[]): void {
    if (client.subscription === null) return
    const cadence = this.#cadence(client.subscription.hz)
    if (admitFrames(client, this.#options.clock) !== 'send') {
      client.isBehind = true
      return
    }
    for (const topic of topics) sendFrame(client, cadence.snapshot(topic))
  }

  #cadence(hz: CadenceHz): Cadence {
    const known = this.#cadences.get(hz)
    if (known !== undefined) return known
    const { clock, source } = this.#options
    const onTick = (tick: Tick) => this.#onTick(hz, tick)
    const cadence = createCadence({ hz, clock, read: source.states, onTick })
    this.#cadences.set(hz, cadence)
    cadence.start()
    return cadence
  }

  #onTick(hz: CadenceHz, tick: Tick): void {
    const { clock, onEvent } = this.#options
    for (const client of this.#clients) {
      if (client.subscription?.hz !== hz) continue
      if (!sendTick(client, tick, clock)) {
        onEvent('live.frame_skipped', { clients: this.#clients.size })
      }
    }
  }

  /** Takes a client out of its rhythm, which ends with its last client. */
  #leave(client: LiveClient): void {
    const hz = client.subscription?.hz
    client.subscription = null
    if (hz === undefined) return
    if ([...this.#clients].some((other) => other.subscription?.hz === hz)) return
    this.#cadences.get(hz)?.stop()
    this.#cadences.delete(hz)
  }
}

function byeFrame(reason: CloseReason): ByeFrame {
  const retry = reason === 'restart' ? { retryMs: WEB_LIMITS.retryMs } : {}
  return { t: 'bye', reason, ...retry }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8')
  return data instanceof ArrayBuffer ? Buffer.from(data).toString('utf8') : data.toString('utf8')
}
