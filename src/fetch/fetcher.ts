import { type Clock, systemClock } from '../core/clock.js'
import type { FetchedPage } from '../core/fetched-page.js'
import { LIMITS } from '../core/limits.js'
import type { FetchOptions } from '../core/worker-options.js'
import { createAddressGuard } from './address-guard.js'
import { ByteGate } from './byte-gate.js'
import { decodeText } from './charset.js'
import { outcomeOfStatus } from './classify.js'
import { createConnector } from './connector.js'
import { ACCEPT_ENCODING, decodeContent } from './content-coding.js'
import { parseContentType } from './content-type.js'
import { startDeadline } from './deadline.js'
import { Exchange, type RawResponse } from './exchange.js'
import { createTally, type FetchFacts, type FetchTally, tallyExchange, toFacts } from './facts.js'
import { FetchFailure } from './failure.js'
import { RedirectTrail } from './redirects.js'
import { type Resolve, systemResolve } from './resolver.js'
import { parseRetryAfter } from './retry-after.js'
import { productTokenOf } from './robots/robots-file.js'
import { ROBOTS_REDIRECTS_MAX, RobotsGate } from './robots/robots-gate.js'
import { type PooledSocket, SocketPool } from './socket-pool.js'
import { parseTarget } from './target.js'

export interface FetchRequest {
  /** Ends the fetch; its reason is what `fetchPage` throws then. */
  readonly abortSignal?: AbortSignal
  /** Receives what the fetch cost, request by request, also when it fails. */
  readonly tally?: FetchTally
}

export interface Fetcher {
  /**
   * Fetches one page with GET, following redirects.
   *
   * The time in all counts from the first socket, so that waiting for one, which is no fault of the
   * server, is not charged to it.
   *
   * @throws {FetchFailure} for every way in which a page can fail, statuses outside 2xx included.
   */
  readonly fetchPage: (
    url: string,
    request?: FetchRequest,
  ) => Promise<FetchedPage & { readonly facts: FetchFacts }>
  /** Breaks every connection. Fetches under way fail. */
  readonly close: () => Promise<void>
}

/** What tests replace. */
export interface FetcherParts {
  readonly clock?: Clock
  readonly resolve?: Resolve
  /** Bytes of bodies held at once. @default LIMITS.bytesInFlightMax */
  readonly bytesInFlightMax?: number
}

/**
 * A fetcher with sockets of its own.
 *
 * @throws {FetchyardError} CONFIG_INVALID when `allowedRanges` holds what is no CIDR.
 */
export function createFetcher(options: FetchOptions, parts: FetcherParts = {}): Fetcher {
  const clock = parts.clock ?? systemClock
  const connector = createConnector({
    connectTimeoutMs: options.connectTimeoutMs,
    guard: createAddressGuard(options.allowedRanges),
    resolve: parts.resolve ?? systemResolve,
    clock,
  })
  const pool = new SocketPool(options, connector)
  const gate = new ByteGate(parts.bytesInFlightMax ?? LIMITS.bytesInFlightMax)
  const session = new FetchSession(options, { clock, pool, gate })
  return {
    fetchPage: (url, request = {}) => session.fetchPage(url, request),
    close: () => pool.close(),
  }
}

/** A request's own facts, kept while it is retried and redirected. */
interface Errand {
  readonly tally: FetchTally
  readonly abortSignal: AbortSignal
  readonly startClock: () => void
}

/** What a page and a robots.txt differ in. */
interface FetchTerms {
  readonly robots: RobotsGate | null
  readonly redirectsMax: number
}

interface SessionParts {
  readonly clock: Clock
  readonly pool: SocketPool
  readonly gate: ByteGate
}

class FetchSession {
  readonly #options: FetchOptions
  readonly #parts: SessionParts
  readonly #bodyBytesMax: number
  readonly #headers: Readonly<Record<string, string>>
  /** null: robots.txt files are not asked. */
  readonly #robots: RobotsGate | null

  constructor(options: FetchOptions, parts: SessionParts) {
    this.#options = options
    this.#parts = parts
    this.#bodyBytesMax = Math.min(options.bodyBytesMax, LIMITS.bodyBytesMax)
    this.#headers = {
      'user-agent': options.userAgent,
      accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      'accept-encoding': ACCEPT_ENCODING,
    }
    this.#robots = options.robots === 'obey' ? this.#createRobots() : null
  }

  fetchPage(url: string, request: FetchRequest) {
    const { redirectsMax } = this.#options
    return this.#follow(url, request, { robots: this.#robots, redirectsMax })
  }

  #createRobots(): RobotsGate {
    const { clock } = this.#parts
    const product = productTokenOf(this.#options.userAgent)
    const terms = { robots: null, redirectsMax: ROBOTS_REDIRECTS_MAX }
    const fetchPage = (url: string, request: FetchRequest) => this.#follow(url, request, terms)
    return new RobotsGate({ clock, product, fetchPage })
  }

  async #follow(url: string, request: FetchRequest, terms: FetchTerms) {
    const tally = request.tally ?? createTally()
    const deadline = startDeadline(
      this.#parts.clock,
      this.#options.totalTimeoutMs,
      request.abortSignal,
    )
    const errand = { tally, abortSignal: deadline.abortSignal, startClock: deadline.start }
    const trail = new RedirectTrail(Math.min(terms.redirectsMax, LIMITS.redirectsMax))
    try {
      let target: URL | null = parseTarget(url)
      for (;;) {
        trail.enter(target)
        if (terms.robots !== null) {
          const crawlDelayMs = await terms.robots.permit(target, errand.abortSignal)
          tally.crawlDelayMs ??= crawlDelayMs
        }
        const result: FetchedPage | URL = await this.#hop(target, errand)
        if (!(result instanceof URL)) return { ...result, facts: toFacts(tally) }
        target = result
      }
    } finally {
      deadline.stop()
    }
  }

  /** One page, or where it sends us. */
  async #hop(target: URL, errand: Errand): Promise<FetchedPage | URL> {
    const first = await this.#attempt(target, errand, false)
    if (first !== 'stale') return first
    // The server closed an idle connection at the moment we chose it. It has seen no whole request
    // or did not answer it; a GET may be sent again, once, over a connection of its own.
    const second = await this.#attempt(target, errand, true)
    if (second === 'stale') throw new FetchFailure('reset', 'a fresh connection was closed as well')
    return second
  }

  async #attempt(
    target: URL,
    errand: Errand,
    isFresh: boolean,
  ): Promise<FetchedPage | URL | 'stale'> {
    const { abortSignal } = errand
    const socket = await this.#parts.pool.acquire({ url: target, isFresh, abortSignal })
    errand.startClock()
    const exchange = new Exchange(socket, {
      clock: this.#parts.clock,
      gate: this.#parts.gate,
      headersTimeoutMs: this.#options.headersTimeoutMs,
      bodyTimeoutMs: this.#options.bodyTimeoutMs,
      bodyBytesMax: this.#bodyBytesMax,
    })
    try {
      const response = await this.#exchangeOver(socket, exchange, target, errand)
      return await this.#read(target, response, exchange)
    } catch (error) {
      if (!isFresh && isStale(error, exchange)) return 'stale'
      throw error
    } finally {
      this.#parts.gate.release(exchange)
    }
  }

  async #exchangeOver(socket: PooledSocket, exchange: Exchange, target: URL, errand: Errand) {
    let isReusable = false
    try {
      const response = await exchange.run(target, this.#headers, errand.abortSignal)
      isReusable = response.isReusable
      return response
    } finally {
      this.#parts.pool.release(socket, isReusable)
      tallyExchange(errand.tally, exchange.facts)
    }
  }

  async #read(target: URL, response: RawResponse, exchange: Exchange): Promise<FetchedPage | URL> {
    const { status, headers } = response
    const next = RedirectTrail.next(target, status, headers.location)
    if (next !== null) return next
    const retryAfterMs = parseRetryAfter(headers['retry-after'], {
      date: headers.date,
      wallMs: this.#parts.clock.wallMs(),
    })
    const outcome = outcomeOfStatus(status, retryAfterMs !== undefined)
    if (outcome !== 'ok') {
      throw new FetchFailure(outcome, `HTTP ${status}`, { httpStatus: status, retryAfterMs })
    }
    const coding = headers['content-encoding']
    const body = await decodeContent(response.body, coding, this.#bodyBytesMax)
    // What a coding unfolds to is held as well; the answer is of no use to a reader that is done.
    this.#parts.gate.add(exchange, body.length, () => {})
    const type = parseContentType(headers['content-type'])
    const { text, charset } = decodeText(body, type.charset)
    return { url: target.href, status, headers, text, charset, contentType: type.essence }
  }
}

/** Whether a reused connection died under the request before any answer came. */
function isStale(error: unknown, exchange: Exchange): boolean {
  const { isReused, phase } = exchange.facts
  return isReused && phase === 'headers' && error instanceof FetchFailure && error.code === 'reset'
}
