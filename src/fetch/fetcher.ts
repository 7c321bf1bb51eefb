import { type Clock, systemClock } from '../core/clock.js'
import type { FetchedPage, StreamedPage, TakeBytes } from '../core/fetched-page.js'
import { LIMITS } from '../core/limits.js'
import type { FetchOptions } from '../core/worker-options.js'
import { createAddressGuard } from './address-guard.js'
import { BodyStream } from './body-stream.js'
import { ByteGate } from './byte-gate.js'
import { decodeText } from './charset.js'
import { createConnector } from './connector.js'
import { ACCEPT_ENCODING, decodeContent } from './content-coding.js'
import { parseContentType } from './content-type.js'
import { startDeadline } from './deadline.js'
import type { Errand, FetchTerms, ReadPage } from './errand.js'
import { Exchange, type RawResponse } from './exchange.js'
import { isStale, wordsOf } from './exchange-end.js'
import { createTally, type FetchFacts, type FetchTally, tallyExchange, toFacts } from './facts.js'
import { FetchFailure } from './failure.js'
import { RedirectTrail } from './redirects.js'
import { type Resolve, systemResolve } from './resolver.js'
import { productTokenOf } from './robots/robots-file.js'
import { ROBOTS_REDIRECTS_MAX, RobotsGate } from './robots/robots-gate.js'
import { type PooledSocket, SocketPool } from './socket-pool.js'
import { checkPort, parseTarget } from './target.js'
import { Turns } from './turns.js'
import { createUpstream } from './upstream/create.js'
import type { EndpointChange } from './upstream/endpoints.js'
import type { Route, Upstream } from './upstream/upstream.js'

export interface FetchRequest {
  /** Ends the fetch; its reason is what `fetchPage` throws then. */
  readonly abortSignal?: AbortSignal
  /** Receives what the fetch cost, request by request, also when it fails. */
  readonly tally?: FetchTally
  /** Headers in place of the usual ones; sent to the URL's own origin and to no other. */
  readonly headers?: { readonly [name: string]: string }
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
  /** Bytes of bodies in memory, and connections, now. */
  readonly held: () => { readonly bodyBytes: number; readonly sockets: number }
  /**
   * The same, its body handed over piece by piece and kept nowhere.
   *
   * @throws {FetchFailure} as above; and whatever `take` throws.
   */
  readonly streamPage: (
    url: string,
    take: TakeBytes,
    request?: FetchRequest,
  ) => Promise<StreamedPage>
  /** Breaks every connection. Fetches under way fail. */
  readonly close: () => Promise<void>
}

/** What tests replace. */
export interface FetcherParts {
  readonly clock?: Clock
  readonly resolve?: Resolve
  /** Bytes of bodies held at once. @default LIMITS.bytesInFlightMax */
  readonly bytesInFlightMax?: number
  /** Called when an endpoint of the upstream goes down or is back. */
  readonly onEndpoint?: (change: EndpointChange) => void
}

/**
 * A fetcher with sockets of its own.
 *
 * @throws {FetchyardError} CONFIG_INVALID when `allowedRanges` holds what is no CIDR.
 */
export function createFetcher(options: FetchOptions, parts: FetcherParts = {}): Fetcher {
  const clock = parts.clock ?? systemClock
  const guard = createAddressGuard(options.allowedRanges)
  const connector = createConnector({
    connectTimeoutMs: options.connectTimeoutMs,
    guard,
    resolve: parts.resolve ?? systemResolve,
    clock,
  })
  const { onEndpoint = () => {} } = parts
  const upstream = createUpstream(options.upstream, { clock, guard, onEndpoint })
  const { unboundedHosts } = upstream
  const pool = new SocketPool({ ...options, unboundedHosts }, connector)
  const gate = new ByteGate(parts.bytesInFlightMax ?? LIMITS.bytesInFlightMax)
  const session = new FetchSession(options, { clock, pool, gate, upstream })
  return {
    fetchPage: (url, request = {}) => session.fetchPage(url, request),
    held: () => ({ bodyBytes: gate.bytesHeld, sockets: pool.size }),
    streamPage: (url, take, request = {}) => session.streamPage(url, take, request),
    close: () => pool.close(),
  }
}

interface SessionParts {
  readonly clock: Clock
  readonly pool: SocketPool
  readonly gate: ByteGate
  readonly upstream: Upstream
}

class FetchSession {
  readonly #options: FetchOptions
  readonly #parts: SessionParts
  readonly #bodyBytesMax: number
  readonly #headers: Readonly<Record<string, string>>
  /** null: robots.txt files are not asked. */
  readonly #robots: RobotsGate | null
  readonly #decodes = new Turns(LIMITS.decodesMax)

  constructor(options: FetchOptions, parts: SessionParts) {
    this.#options = options
    this.#parts = parts
    this.#bodyBytesMax = Math.min(options.bodyBytesMax, LIMITS.bodyBytesMax)
    this.#headers = {
      'user-agent': options.userAgent,
      accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      'accept-encoding': ACCEPT_ENCODING,
    }
    // A proxy API fetches on its own account, and a robots.txt through it would cost a call.
    const isAsked = options.robots === 'obey' && options.upstream.kind === 'direct'
    this.#robots = isAsked ? this.#createRobots() : null
  }

  async fetchPage(url: string, request: FetchRequest) {
    const { isWhole: _, ...page } = await this.#follow(url, request, this.#terms())
    return page
  }

  async streamPage(url: string, take: TakeBytes, request: FetchRequest): Promise<StreamedPage> {
    const read = await this.#follow(url, request, { ...this.#terms(), take })
    const { url: finalUrl, status, headers, contentType, isWhole } = read
    return { url: finalUrl, status, headers, contentType, isWhole }
  }

  #terms(): FetchTerms {
    return { robots: this.#robots, redirectsMax: this.#options.redirectsMax, take: null }
  }

  #createRobots(): RobotsGate {
    const { robotsName, userAgent } = this.#options
    const product = robotsName ?? productTokenOf(userAgent)
    const terms = { robots: null, redirectsMax: ROBOTS_REDIRECTS_MAX, take: null }
    const fetchPage = (url: string, request: FetchRequest) => this.#follow(url, request, terms)
    return new RobotsGate({ clock: this.#parts.clock, product, fetchPage })
  }

  async #follow(url: string, request: FetchRequest, terms: FetchTerms) {
    const tally = request.tally ?? createTally()
    const { clock } = this.#parts
    const deadline = startDeadline(clock, this.#options.totalTimeoutMs, request.abortSignal)
    const { abortSignal, start: startClock } = deadline
    const { headers = {} } = request
    const trail = new RedirectTrail(Math.min(terms.redirectsMax, LIMITS.redirectsMax))
    try {
      let target: URL = parseTarget(url)
      const { origin } = target
      const errand = { tally, abortSignal, startClock, take: terms.take, headers, origin }
      for (;;) {
        trail.enter(target)
        checkPort(target, this.#options.ports)
        if (terms.robots !== null) {
          const crawlDelayMs = await terms.robots.permit(target, abortSignal)
          tally.crawlDelayMs ??= crawlDelayMs
        }
        const result: ReadPage | URL = await this.#hop(target, errand)
        if (!(result instanceof URL)) return { ...result, facts: toFacts(tally) }
        target = result
      }
    } finally {
      deadline.stop()
    }
  }

  /**
   * One page, or where it sends us. What never reached one endpoint of the upstream goes to the
   * next.
   */
  async #hop(target: URL, errand: Errand): Promise<ReadPage | URL> {
    const routes = this.#parts.upstream.routesTo(target)
    for (;;) {
      const route = await routes.next(errand.abortSignal)
      const result = await this.#over(route, errand)
      if (result !== 'elsewhere') return result
    }
  }

  async #over(route: Route, errand: Errand): Promise<ReadPage | URL | 'elsewhere'> {
    const first = await this.#attempt(route, errand, false)
    if (first !== 'stale') return first
    // The server closed an idle connection at the moment we chose it. It has seen no whole request
    // or did not answer it; a GET may be sent again, once, over a connection of its own.
    const second = await this.#attempt(route, errand, true)
    if (second === 'stale') throw new FetchFailure('reset', 'a fresh connection was closed as well')
    return second
  }

  async #attempt(
    route: Route,
    errand: Errand,
    isFresh: boolean,
  ): Promise<ReadPage | URL | 'stale' | 'elsewhere'> {
    const socket = await this.#acquire(route, errand, isFresh)
    errand.startClock()
    const stream = errand.take === null ? undefined : new BodyStream(errand.take)
    const exchange = new Exchange(socket, {
      clock: this.#parts.clock,
      gate: this.#parts.gate,
      headersTimeoutMs: this.#options.headersTimeoutMs,
      bodyTimeoutMs: this.#options.bodyTimeoutMs,
      bodyBytesMax: stream === undefined ? this.#bodyBytesMax : LIMITS.streamBytesMax,
      refusalBytesMax: this.#parts.upstream.refusalBytesMax,
      stream,
    })
    try {
      const response = await this.#exchangeOver(socket, exchange, route, errand)
      route.ended({ facts: exchange.facts, error: null })
      await stream?.end(errand.abortSignal)
      const page = await this.#read(route, response, errand.abortSignal)
      return page instanceof URL ? page : { ...page, isWhole: stream?.isWhole ?? true }
    } catch (error) {
      if (!isFresh && isStale(error, exchange)) return 'stale'
      if (route.ended({ facts: exchange.facts, error }) === 'elsewhere') return 'elsewhere'
      throw error
    } finally {
      stream?.drop()
      this.#parts.gate.release(exchange)
    }
  }

  async #acquire(route: Route, errand: Errand, isFresh: boolean): Promise<PooledSocket> {
    const { abortSignal } = errand
    try {
      return await this.#parts.pool.acquire({ url: route.url, isFresh, abortSignal })
    } catch (error) {
      route.ended({ facts: null, error })
      throw error
    }
  }

  async #exchangeOver(socket: PooledSocket, exchange: Exchange, route: Route, errand: Errand) {
    let isReusable = false
    try {
      const own = route.url.origin === errand.origin ? errand.headers : {}
      const headers = { ...this.#headers, ...own, ...route.headers }
      const response = await exchange.run(route.url, headers, errand.abortSignal)
      isReusable = response.isReusable
      return response
    } finally {
      this.#parts.pool.release(socket, isReusable)
      const { facts } = exchange
      tallyExchange(errand.tally, facts, route.chargeOf(facts))
    }
  }

  async #read(
    route: Route,
    response: RawResponse,
    abortSignal: AbortSignal,
  ): Promise<FetchedPage | URL> {
    const { status, headers } = response
    const coding = headers['content-encoding']
    const wallMs = this.#parts.clock.wallMs()
    const verdict = route.judge({ status, headers, wallMs, words: await wordsOf(response) })
    if (verdict instanceof URL) return verdict
    const type = parseContentType(headers['content-type'])
    // What a coding unfolds to is counted only when it is there, so few may unfold at once.
    const { text, charset } = await this.#decodes.run(async () => {
      abortSignal.throwIfAborted()
      const body = await decodeContent(response.body, coding, this.#bodyBytesMax)
      return decodeText(body, type.charset)
    })
    return { ...verdict, status, text, charset, contentType: type.essence }
  }
}
