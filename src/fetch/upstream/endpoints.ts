// The endpoints of an upstream as one worker sees them: the plan's states, and the waiting.

import type { Clock } from '../../core/clock.js'
import {
  type EndpointEnd,
  type EndpointPlan,
  type EndpointState,
  onCallEnd,
  onCallStart,
  planEndpoint,
  UP,
} from './endpoint-plan.js'

/** An endpoint went down, or is back. */
export interface EndpointChange {
  /** Scheme, host and port: neither path nor query. */
  readonly endpoint: string
  readonly state: 'down' | 'up'
  /** Why it is down, or how it showed that it is up. */
  readonly reason: string
  /** How long it is left alone; 0 when it is up. */
  readonly coolDownMs: number
}

/** One call to an endpoint. */
export interface EndpointCall {
  readonly index: number
  readonly endpoint: string
  readonly isProbe: boolean
}

export class Endpoints {
  readonly #urls: readonly string[]
  readonly #states: EndpointState[]
  readonly #clock: Clock
  readonly #onChange: (change: EndpointChange) => void

  constructor(
    urls: readonly string[],
    parts: { readonly clock: Clock; readonly onChange: (change: EndpointChange) => void },
  ) {
    this.#urls = urls
    this.#states = urls.map(() => UP)
    this.#clock = parts.clock
    this.#onChange = parts.onChange
  }

  /** Decides and begins a call, in one step: a probe is given to one caller alone. */
  begin(tried: ReadonlySet<number>): EndpointCall | Exclude<EndpointPlan, { action: 'use' }> {
    const plan = planEndpoint(this.#states, this.#clock.nowMs(), tried)
    if (plan.action !== 'use') return plan
    const { index, isProbe } = plan
    this.#states[index] = onCallStart(this.#states[index] ?? UP, isProbe)
    return { index, isProbe, endpoint: this.#urls[index] ?? '' }
  }

  end({ index, isProbe }: EndpointCall, end: EndpointEnd, reason: string): void {
    const nowMs = this.#clock.nowMs()
    const before = this.#states[index] ?? UP
    const after = onCallEnd(before, end, { isProbe, nowMs })
    this.#states[index] = after
    const wasUp = before.downUntilMs === null
    const isUp = after.downUntilMs === null
    if (wasUp === isUp) return
    const coolDownMs = isUp ? 0 : Math.round((after.downUntilMs ?? nowMs) - nowMs)
    const endpoint = new URL(this.#urls[index] ?? '').origin
    this.#onChange({ endpoint, state: isUp ? 'up' : 'down', reason, coolDownMs })
  }

  /** Waits, unless the signal aborts first; then with its reason. */
  wait(delayMs: number, abortSignal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        cancel()
        reject(abortSignal.reason)
      }
      const cancel = this.#clock.setTimer(delayMs, () => {
        abortSignal.removeEventListener('abort', onAbort)
        resolve()
      })
      abortSignal.addEventListener('abort', onAbort, { once: true })
      if (abortSignal.aborted) onAbort()
    })
  }
}
