// Reads the account of a proxy API, once a node however many workers there are: at the start, every
// 15 s, every 5 s while the plan is used up, and soon after a refusal. Whoever divides the plan
// asks `plan`.

import type { Clock, MonotonicMs } from '../../src/core/clock.js'
import { messageOf } from '../../src/core/errors.js'
import type { PlanFigures } from '../../src/core/share-plan.js'
import type { ProxyApiOptions } from '../../src/core/upstream-options.js'
import type { FetchOptions } from '../../src/core/worker-options.js'
import { createFetcher, type Fetcher } from '../../src/fetch/fetcher.js'
import { createScrubber } from '../../src/fetch/upstream/secret.js'
import type { EventBus } from '../../src/telemetry/events.js'
import { createTicker } from '../ticker.js'
import { type AccountFigures, parseAccount } from './account.js'

export interface AccountReading extends AccountFigures {
  /** Time since the figures were read, in milliseconds. */
  readonly ageMs: number
}

export interface AccountReader {
  readonly start: () => void
  readonly stop: () => Promise<void>
  /** The plan may have changed: reads now, unless it was read a moment ago. */
  readonly refresh: () => void
  /** The last figures with their age; null before the first. */
  readonly account: () => AccountReading | null
  /** What is known of the plan. */
  readonly plan: () => PlanFigures
}

export interface AccountReaderDeps {
  readonly upstream: ProxyApiOptions
  /** Timeouts, user agent and allowed ranges of its requests. */
  readonly fetch: FetchOptions
  readonly clock: Clock
  readonly events: EventBus
}

export const ACCOUNT_READ_MS = 15_000
/** The same while the plan is used up: then it pays to hear soon of a larger one. */
export const FULL_ACCOUNT_READ_MS = 5_000
/** A plan is used up from this share on: a slot that is refilled may be free at the very moment. */
const FULL_SHARE = 0.9
/** Refusals come in bursts: one reading answers all of a second. */
const REFRESH_MS = 1_000
/** An account answers at once or not at all; its answer is some hundred bytes. */
const TIMEOUT_MS = 10_000
const BODY_BYTES_MAX = 65_536

export function createAccountReader(deps: AccountReaderDeps): AccountReader {
  const reader = new Reader(deps)
  const ticker = createTicker(deps.clock, () => reader.read())
  return {
    start: ticker.start,
    // A read under way is broken off: nobody needs its answer.
    stop: async () => {
      await reader.close()
      await ticker.stop()
    },
    refresh: () => {
      if (reader.isOlderThan(REFRESH_MS)) ticker.wake()
    },
    account: reader.account,
    plan: reader.plan,
  }
}

class Reader {
  readonly #deps: AccountReaderDeps
  readonly #fetcher: Fetcher
  readonly #scrub: (text: string) => string
  #last: { readonly figures: AccountFigures; readonly atMs: MonotonicMs } | null = null
  #isClosed = false
  #startedMs: MonotonicMs = Number.NEGATIVE_INFINITY
  /** Until when the first reading is worth waiting for. */
  #awaitedUntilMs: MonotonicMs

  constructor(deps: AccountReaderDeps) {
    this.#deps = deps
    this.#awaitedUntilMs = deps.clock.nowMs() + TIMEOUT_MS
    this.#scrub = createScrubber(deps.upstream.key)
    const bounds = { headersTimeoutMs: TIMEOUT_MS, totalTimeoutMs: TIMEOUT_MS }
    const sockets = { socketsMax: 1, socketsPerHostMax: 1 }
    this.#fetcher = createFetcher(
      {
        ...{ ...deps.fetch, ...bounds, ...sockets },
        ...{ bodyBytesMax: BODY_BYTES_MAX, redirectsMax: 0, upstream: { kind: 'direct' } },
        // `ports` is about pages; the endpoint is the operator's own word.
        ports: [],
      },
      { clock: deps.clock },
    )
  }

  /** Never rejects. @returns when to read again. */
  readonly read = async (): Promise<number> => {
    const { clock, events } = this.#deps
    this.#startedMs = clock.nowMs()
    try {
      const figures = await this.#readAny()
      const limitBefore = this.#last?.figures.limit ?? null
      this.#last = { figures, atMs: clock.nowMs() }
      events.emit('upstream.account', { ...figures, limitBefore })
      const { inUse, limit } = figures
      const isFull = inUse !== null && limit !== null && inUse >= FULL_SHARE * limit
      if (isFull) return FULL_ACCOUNT_READ_MS
    } catch (error) {
      if (this.#isClosed) return ACCOUNT_READ_MS
      const message = this.#scrub(messageOf(error))
      events.emit('upstream.account_failed', { message, ageMs: this.account()?.ageMs ?? null })
    } finally {
      this.#awaitedUntilMs = Number.NEGATIVE_INFINITY
    }
    return ACCOUNT_READ_MS
  }

  readonly account = (): AccountReading | null => {
    if (this.#last === null) return null
    const ageMs = Math.round(this.#deps.clock.nowMs() - this.#last.atMs)
    return { ...this.#last.figures, ageMs }
  }

  readonly plan = (): PlanFigures => {
    const { limit = null, inUse = null } = this.#last?.figures ?? {}
    return { limit, inUse, isAwaited: this.#deps.clock.nowMs() < this.#awaitedUntilMs }
  }

  /** Whether so much time has passed since the last reading began. */
  readonly isOlderThan = (ageMs: number): boolean =>
    this.#deps.clock.nowMs() - this.#startedMs >= ageMs

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#fetcher.close()
  }

  /** From the first endpoint that answers: they share one account. */
  async #readAny(): Promise<AccountFigures> {
    const { endpoints, key } = this.#deps.upstream
    let failure: unknown = new Error('there is no endpoint')
    for (const endpoint of endpoints) {
      try {
        const page = await this.#fetcher.fetchPage(accountUrl(endpoint, key))
        const figures = parseAccount(page.text)
        if (figures !== null) return figures
        failure = new Error('the answer holds no figures of an account')
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }
}

function accountUrl(endpoint: string, key: string): string {
  const url = new URL(endpoint)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/account`
  url.search = `api_key=${encodeURIComponent(key)}`
  url.hash = ''
  return url.href
}
