// What the simulated API does between taking a call and answering it: it waits as long as the seed
// says, fetches the target again while that fails, and gives up after 70 s.

import { setMaxListeners } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../../src/core/clock.js'
import { randomFor } from '../site/dealing.js'
import { drawLatencyMs, PATIENCE_MS, type ResolvedLatency } from './latency.js'
import type { AskedCall } from './request.js'
import { type FoundPage, fetchLocal, isLocal } from './target.js'

/** Calls in a thousand that go wrong at the API itself. */
export interface Faults {
  /** Answered 500 and not billed. */
  readonly failPerMille: number
  /** Billed, but the body breaks off. */
  readonly cutPerMille: number
}

export interface FinishedCall {
  readonly status: number
  /** null: the API has nothing but words. */
  readonly page: FoundPage | null
  readonly isCut: boolean
}

interface WorkOptions {
  readonly clock: Clock
  readonly seed: number
  readonly timeScale: number
  readonly latency: ResolvedLatency
  readonly faults: Partial<Faults>
  /** The page of a host that this machine does not serve. */
  readonly web: (target: URL) => FoundPage
}

interface Surroundings {
  readonly exit: number
  readonly request: IncomingMessage
  readonly abortSignal: AbortSignal
}

const TRIES_MAX = 3
/** Targets whose calls are counted; beyond, every call is as the first. */
const TARGETS_MAX = 200_000
const FAILED: FinishedCall = { status: 500, page: null, isCut: false }
/** Headers of the caller that `keep_headers` hands on. */
const FORWARDED = ['user-agent', 'accept', 'accept-language', 'cookie', 'referer']

export class CallWork {
  readonly #options: WorkOptions
  readonly #stop = new AbortController()
  /** Calls by target so far: another try of the same page has a fate of its own. */
  readonly #visits = new Map<string, number>()
  #latency: ResolvedLatency
  #faults: Faults

  constructor(options: WorkOptions) {
    this.#options = options
    this.#latency = options.latency
    this.#faults = { failPerMille: 0, cutPerMille: 0, ...options.faults }
    // Every call under way listens to it.
    setMaxListeners(0, this.#stop.signal)
  }

  setFaults(faults: Partial<Faults>): void {
    this.#faults = { ...this.#faults, ...faults }
  }

  setLatency(latency: ResolvedLatency): void {
    this.#latency = latency
  }

  stop(): void {
    this.#stop.abort()
  }

  /** Never rejects. */
  async run(call: AskedCall, around: Surroundings): Promise<FinishedCall> {
    const { href } = call.target
    const visit = (this.#visits.get(href) ?? 0) + 1
    if (visit > 1 || this.#visits.size < TARGETS_MAX) this.#visits.set(href, visit)
    const name = `${href} ${visit}`
    const latencyMs = drawLatencyMs(this.#latency, this.#options.seed, name)
    await this.#wait(latencyMs, around.abortSignal)
    const fate = randomFor(this.#options.seed, `fate of ${name}`).next() * 1_000
    const { failPerMille, cutPerMille } = this.#faults
    const isOver = latencyMs >= PATIENCE_MS || this.#isEnded(around)
    if (isOver || fate < failPerMille) return FAILED
    const page = await this.#find(call, around, PATIENCE_MS - latencyMs)
    if (page === null) return FAILED
    return { status: page.status, page, isCut: fate < failPerMille + cutPerMille }
  }

  #isEnded({ abortSignal }: Surroundings): boolean {
    return abortSignal.aborted || this.#stop.signal.aborted
  }

  /** The target's page, or its 404. What else it answers is tried again, then given up. */
  async #find(call: AskedCall, around: Surroundings, leftMs: number): Promise<FoundPage | null> {
    if (!isLocal(call.target)) return this.#options.web(call.target)
    const patience = new AbortController()
    const cancel = this.#options.clock.setTimer(leftMs * this.#options.timeScale, () =>
      patience.abort(),
    )
    const abortSignal = AbortSignal.any([patience.signal, around.abortSignal, this.#stop.signal])
    try {
      for (let tries = 0; tries < TRIES_MAX && !abortSignal.aborted; tries += 1) {
        const headers = headersOf(call, around)
        const page = await fetchLocal(call.target, { abortSignal, headers }).catch(() => null)
        if (page?.status === 404) return page
        if (page !== null && page.status >= 200 && page.status < 300) {
          return { ...page, status: 200 }
        }
      }
      return null
    } finally {
      cancel()
    }
  }

  #wait(delayMs: number, abortSignal: AbortSignal): Promise<void> {
    const { clock, timeScale } = this.#options
    return new Promise((resolve) => {
      const signals = [abortSignal, this.#stop.signal]
      const end = () => {
        cancel()
        for (const signal of signals) signal.removeEventListener('abort', end)
        resolve()
      }
      const cancel = clock.setTimer(delayMs * timeScale, end)
      for (const signal of signals) signal.addEventListener('abort', end, { once: true })
      if (signals.some((signal) => signal.aborted)) end()
    })
  }
}

function headersOf(call: AskedCall, { request, exit }: Surroundings): Record<string, string> {
  const kept = FORWARDED.flatMap((name) => {
    const value = request.headers[name]
    return typeof value === 'string' && call.keepsHeaders ? [[name, value] as const] : []
  })
  return {
    'user-agent': `Mozilla/5.0 (simulated exit ${exit})`,
    ...(call.country === null ? {} : { 'accept-language': call.country }),
    ...Object.fromEntries(kept),
  }
}
