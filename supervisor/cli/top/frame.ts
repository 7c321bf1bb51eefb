// Frames of the live channel as a client reads them. What is no frame, or of a later version, is
// null: readers ignore what they do not know.

import type {
  LivePatch,
  LiveState,
  LiveValue,
  PatchValue,
} from '../../../src/telemetry/merge-patch.js'

export type ReadFrame =
  | {
      readonly t: 'hello'
      readonly server: string
      readonly epoch: string
      readonly topics: readonly string[]
    }
  | {
      readonly t: 'snap'
      readonly topic: string
      readonly seq: number
      readonly ts: number
      readonly d: LiveState
    }
  | {
      readonly t: 'delta'
      readonly topic: string
      readonly seq: number
      readonly ts: number
      readonly d: LivePatch
    }
  | { readonly t: 'bye'; readonly retryMs: number }

type Fields = { readonly [name: string]: unknown }

export function readFrame(text: string): ReadFrame | null {
  const frame = fieldsOf(parseJson(text))
  if (frame === null) return null
  if (frame.t === 'hello') return readHello(frame)
  if (frame.t === 'bye') return { t: 'bye', retryMs: Number(frame.retryMs ?? 0) || 0 }
  const { topic, seq, ts, d } = frame
  if (typeof topic !== 'string' || typeof seq !== 'number' || typeof ts !== 'number') return null
  if (frame.t === 'snap' && isState(d)) return { t: 'snap', topic, seq, ts, d }
  if (frame.t === 'delta' && isPatch(d)) return { t: 'delta', topic, seq, ts, d }
  return null
}

function readHello({ server, epoch, topics }: Fields): ReadFrame | null {
  if (typeof server !== 'string' || typeof epoch !== 'string') return null
  const named: readonly unknown[] = Array.isArray(topics) ? topics : []
  return { t: 'hello', server, epoch, topics: named.filter((topic) => typeof topic === 'string') }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function fieldsOf(value: unknown): Fields | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return Object.fromEntries(Object.entries(value))
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((entry) => typeof entry !== 'object')
  return ['string', 'number', 'boolean'].includes(typeof value)
}

function isState(value: unknown): value is LiveState {
  const fields = fieldsOf(value)
  return (
    fields !== null &&
    Object.values(fields).every((entry): entry is LiveValue => {
      return isPlain(entry) || isState(entry)
    })
  )
}

function isPatch(value: unknown): value is LivePatch {
  const fields = fieldsOf(value)
  return (
    fields !== null &&
    Object.values(fields).every((entry): entry is PatchValue => {
      return entry === null || isPlain(entry) || isPatch(entry)
    })
  )
}
