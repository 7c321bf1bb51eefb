// The one place that hears of a wish to stop: SIGINT, SIGTERM, SIGHUP, PM2's message `shutdown`.
// All mean the same. A handler only notes the trigger and wakes the listener's turn; what to do is
// decided there.

import type { Clock, MonotonicMs } from '../src/core/clock.js'

export type StopStage = 'drain' | 'halt'

/** A trigger that comes sooner is an echo: terminals and process managers send to whole groups. */
const ECHO_MS = 1_000

export interface StopState {
  readonly stage: StopStage | null
  readonly firstMs: MonotonicMs
}

export const NOT_STOPPING: StopState = { stage: null, firstMs: 0 }

/** The first trigger drains, the next one that is no echo halts, further ones change nothing. */
export function planStop(state: StopState, nowMs: MonotonicMs): StopState {
  if (state.stage === null) return { stage: 'drain', firstMs: nowMs }
  if (state.stage === 'drain' && nowMs - state.firstMs >= ECHO_MS) {
    return { ...state, stage: 'halt' }
  }
  return state
}

export interface StopRequest {
  readonly stage: StopStage
  /** What asked for it: `SIGINT`, `SIGTERM`, `SIGHUP` or `shutdown`. */
  readonly trigger: string
}

/** The part of `process` that is listened to. */
export interface SignalSource {
  readonly on: (name: NodeJS.Signals | 'message', listener: (word: unknown) => void) => unknown
  readonly off: (name: NodeJS.Signals | 'message', listener: (word: unknown) => void) => unknown
}

export interface StopListener {
  /** The latest request; null while nobody asked. */
  readonly request: () => StopRequest | null
  /** Calls `listen` at each new stage, at once when one was reached before. */
  readonly onRequest: (listen: (request: StopRequest) => void) => void
  /** Gives signals back their usual effect. */
  readonly close: () => void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function listenForStop(deps: {
  readonly source: SignalSource
  readonly clock: Clock
}): StopListener {
  const { source, clock } = deps
  const triggers: { readonly trigger: string; readonly atMs: MonotonicMs }[] = []
  const listeners: ((request: StopRequest) => void)[] = []
  let state = NOT_STOPPING
  let request: StopRequest | null = null
  const takeTurn = () => {
    for (const { trigger, atMs } of triggers.splice(0)) {
      const next = planStop(state, atMs)
      if (next === state || next.stage === null) continue
      state = next
      request = { stage: next.stage, trigger }
      for (const listen of listeners) listen(request)
    }
  }
  const enqueue = (trigger: string) => {
    triggers.push({ trigger, atMs: clock.nowMs() })
    setImmediate(takeTurn)
  }
  const onSignal = (name: unknown) => enqueue(String(name))
  const onMessage = (message: unknown) => {
    if (message === 'shutdown') enqueue('shutdown')
  }
  for (const signal of SIGNALS) source.on(signal, onSignal)
  source.on('message', onMessage)
  return {
    request: () => request,
    onRequest: (listen) => {
      listeners.push(listen)
      if (request !== null) listen(request)
    },
    close: () => {
      for (const signal of SIGNALS) source.off(signal, onSignal)
      source.off('message', onMessage)
    },
  }
}
