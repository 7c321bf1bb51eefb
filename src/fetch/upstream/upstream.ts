// An upstream turns the URL of a page into requests, and what comes back into a page or a failure.
// The fetcher does the rest: sockets, timeouts, caps, content coding, charset.

import type { FetchedPage } from '../../core/fetched-page.js'
import type { ExchangeFacts } from '../exchange.js'

export interface Upstream {
  /** Hosts that stand for all others and may have every socket there is. */
  readonly unboundedHosts: ReadonlySet<string>
  /** Bytes of a refusal's body that it wants to read. */
  readonly refusalBytesMax: number
  /** @throws {FetchFailure} for a target that may not go this way. */
  readonly routesTo: (target: URL) => Routes
}

/** The ways to one page, tried one after the other. */
export interface Routes {
  /**
   * The next way. Waits when there is none at the moment.
   *
   * @throws {FetchFailure} when none is left; the abort signal's reason.
   */
  readonly next: (abortSignal: AbortSignal) => Promise<Route>
}

/** What a request is charged; null when the upstream charges nothing. */
export type Charge = {
  readonly credits: number
  /** For a request without an answer, which may be charged all the same: at most so much. */
  readonly atMost: number
} | null

/** One request for a page. */
export interface Route {
  /** Where the request is sent. It may hold a secret: no message names it. */
  readonly url: URL
  /** Headers of its own, which may hold a secret as well. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Told how the request went, once; later calls change nothing. 'elsewhere': it never left, and
   * another way is left to try.
   */
  readonly ended: (end: RouteEnd) => 'final' | 'elsewhere'
  readonly chargeOf: (facts: ExchangeFacts) => Charge
  /**
   * What a response means: a page, by its own URL and headers, or where it sends us.
   *
   * @throws {FetchFailure} for every other response.
   */
  readonly judge: (answer: Answer) => PageHead | URL
}

export interface RouteEnd {
  /** null: no socket was to be had. */
  readonly facts: ExchangeFacts | null
  /** null: there is a response. */
  readonly error: unknown
}

export interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly wallMs: number
  /** Text of a refusal, as far as `refusalBytesMax` goes; '' otherwise. */
  readonly words: string
}

export type PageHead = Pick<FetchedPage, 'url' | 'headers'>
