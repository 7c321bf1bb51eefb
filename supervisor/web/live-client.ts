import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { Clock, MonotonicMs } from '../../src/core/clock.js'
import { LIMITS } from '../../src/core/limits.js'
import type { LiveTopic } from '../../src/telemetry/live-topics.js'
import type { Tick } from './cadence.js'
import type { CadenceHz } from './frames.js'
import { WEB_LIMITS } from './web-limits.js'
import type { WireFrame } from './wire.js'

/** One connection of the live channel. */
export interface LiveClient {
  readonly socket: WebSocket
  /** The connection below. Frames are made once for all clients and written here as they are. */
  readonly stream: Duplex
  /** Topics asked for, and how often; null before the first `sub`. */
  subscription: { readonly topics: ReadonlySet<LiveTopic>; readonly hz: CadenceHz } | null
  /** Whether it missed a tick, so that differences are of no use to it. */
  isBehind: boolean
  /** Since when more waits to be sent than a client should have waiting. */
  undrainedSinceMs: MonotonicMs | null
  pingsUnanswered: number
  /** Messages within the present second. */
  inbound: { sinceMs: MonotonicMs; messages: number }
}

export function createLiveClient(
  socket: WebSocket,
  stream: Duplex,
  nowMs: MonotonicMs,
): LiveClient {
  return {
    socket,
    stream,
    subscription: null,
    isBehind: false,
    undrainedSinceMs: null,
    pingsUnanswered: 0,
    inbound: { sinceMs: nowMs, messages: 0 },
  }
}

export type SendPlan = 'send' | 'skip' | 'terminate'

/**
 * Whether a client gets this tick's frames. Slow clients are passed over until they have caught up;
 * those that do not are cut off, for what waits for them is held in our memory.
 */
export function planSend(client: {
  readonly bufferedBytes: number
  /** How long it has had too much waiting, in milliseconds; 0 when it has not. */
  readonly undrainedMs: number
}): SendPlan {
  if (client.bufferedBytes > LIMITS.liveBufferedBytesMax) return 'terminate'
  if (client.undrainedMs >= LIMITS.liveUndrainedMs) return 'terminate'
  return client.bufferedBytes > LIMITS.liveBufferedBytesSkip ? 'skip' : 'send'
}

/** Decides by the socket's buffer and performs a termination. @returns whether to send or skip. */
export function admitFrames(client: LiveClient, clock: Clock): SendPlan {
  const bufferedBytes = client.socket.bufferedAmount
  const nowMs = clock.nowMs()
  const isUndrained = bufferedBytes > LIMITS.liveBufferedBytesSkip
  client.undrainedSinceMs = isUndrained ? (client.undrainedSinceMs ?? nowMs) : null
  const undrainedMs = nowMs - (client.undrainedSinceMs ?? nowMs)
  const plan = planSend({ bufferedBytes, undrainedMs })
  if (plan === 'terminate') client.socket.terminate()
  return plan
}

/** Sends what a tick has for the client. @returns false when the client was passed over. */
export function sendTick(client: LiveClient, tick: Tick, clock: Clock): boolean {
  if (client.subscription === null) return true
  if (admitFrames(client, clock) !== 'send') {
    client.isBehind = true
    return false
  }
  const { topics } = client.subscription
  if (client.isBehind) {
    client.isBehind = false
    for (const topic of topics) sendFrame(client, tick.snapshot(topic))
    return true
  }
  const frames = tick.frames(topics)
  if (frames !== null) sendFrame(client, frames)
  return true
}

/** Nothing is written after a goodbye: the other side would take it for a fault. */
export function sendFrame({ socket, stream }: LiveClient, frame: WireFrame): void {
  if (socket.readyState === WebSocket.OPEN) stream.write(frame)
}

/** Counts a message. @returns whether the client may send that many. */
export function countInbound(client: LiveClient, nowMs: MonotonicMs): boolean {
  if (nowMs - client.inbound.sinceMs >= 1_000) client.inbound = { sinceMs: nowMs, messages: 0 }
  client.inbound.messages += 1
  return client.inbound.messages <= LIMITS.liveInboundPerSecondMax
}

/** Pings the client, or ends its connection when it left earlier pings unanswered. */
export function pingClient(client: LiveClient, clock: Clock): void {
  if (client.pingsUnanswered >= WEB_LIMITS.pingsUnansweredMax) {
    client.socket.terminate()
    return
  }
  if (admitFrames(client, clock) === 'terminate') return
  client.pingsUnanswered += 1
  client.socket.ping()
}
