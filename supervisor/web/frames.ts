// The frames of the live channel, version 1. Described with examples in docs/live-protocol.md.
//
// Only additions are made within a version: readers ignore types and fields that they do not know.
// Anything that an old reader would misread gets a new subprotocol.

import type { LivePatch, LiveState } from '../../src/telemetry/merge-patch.js'
import type { Access } from './access.js'

export const SUBPROTOCOL = 'fetchyard.v1.json'
/** Prefix of the subprotocol that carries the token, in base64url; never echoed. */
export const BEARER_PREFIX = 'fetchyard.bearer.'
export const LIVE_VERSION = 1

/** Ticks a second that a client may ask for. Other figures are rounded down to one of these. */
export const CADENCES_HZ = [0.2, 0.5, 1, 2, 4] as const
export type CadenceHz = (typeof CADENCES_HZ)[number]
export const DEFAULT_HZ: CadenceHz = 1

/** Why a connection was closed by the server. */
export const CLOSE_CODES = {
  /** The supervisor stops for good. */
  stop: 1001,
  /** The supervisor restarts: come back after `retryMs` of the `bye`. */
  restart: 1012,
  /** More messages than a client may send: come back later and say less. */
  tooManyMessages: 1013,
  /** A frame that is no message of this protocol. */
  badFrame: 4400,
  /** No `sub` within the time for it. */
  noSubscription: 4408,
} as const

/** First frame of the server. */
export interface HelloFrame {
  readonly t: 'hello'
  readonly v: typeof LIVE_VERSION
  /** Differs after every start of the supervisor: sequence numbers and uptimes begin anew. */
  readonly epoch: string
  readonly server: string
  readonly hz: CadenceHz
  readonly topics: readonly string[]
  /** Whether the token that opened the connection also gives orders over HTTP. */
  readonly access: Access
}

/** The whole state of a topic. */
export interface SnapFrame {
  readonly t: 'snap'
  readonly topic: string
  readonly seq: number
  /** Wall clock of the server in milliseconds. */
  readonly ts: number
  readonly d: LiveState
}

/** What changed since the frame before, as a JSON merge patch. `seq` is one more than before. */
export interface DeltaFrame {
  readonly t: 'delta'
  readonly topic: string
  readonly seq: number
  readonly ts: number
  readonly d: LivePatch
}

/** Last frame of the server. */
export interface ByeFrame {
  readonly t: 'bye'
  readonly reason: CloseReason
  /** When to try again, in milliseconds; absent when there is no use. */
  readonly retryMs?: number
}

export type CloseReason = 'restart' | 'stop'
export type ServerFrame = HelloFrame | SnapFrame | DeltaFrame | ByeFrame

export type ClientMessage =
  /** Asks for topics, instead of those asked for before. */
  | { readonly t: 'sub'; readonly topics: readonly string[]; readonly hz: CadenceHz }
  /** Asks for a snapshot of one topic, or of all that are subscribed. */
  | { readonly t: 'resync'; readonly topic: string | null }
  /** Of a type that this version does not know. */
  | { readonly t: 'unknown' }

const TOPICS_MAX = 32

/** @returns null for what is no message: the connection is not worth keeping. */
export function parseClientMessage(text: string): ClientMessage | null {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || !('t' in value)) return null
  if (typeof value.t !== 'string') return null
  if (value.t === 'sub') return parseSub(value)
  if (value.t === 'resync') return parseResync(value)
  return { t: 'unknown' }
}

function parseSub(value: object): ClientMessage | null {
  if (!('topics' in value) || !Array.isArray(value.topics)) return null
  const given: readonly unknown[] = value.topics
  const topics = given.filter((topic) => typeof topic === 'string')
  if (topics.length !== given.length || topics.length > TOPICS_MAX) return null
  if (!('hz' in value)) return { t: 'sub', topics, hz: DEFAULT_HZ }
  if (typeof value.hz !== 'number') return null
  return { t: 'sub', topics, hz: cadenceOf(value.hz) }
}

function parseResync(value: object): ClientMessage | null {
  if (!('topic' in value)) return { t: 'resync', topic: null }
  return typeof value.topic === 'string' ? { t: 'resync', topic: value.topic } : null
}

/** The fastest cadence that is not faster than what was asked for; the slowest one at least. */
function cadenceOf(hz: number): CadenceHz {
  return CADENCES_HZ.findLast((cadence) => cadence <= hz) ?? CADENCES_HZ[0]
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
