// A scraping proxy API in the convention of ScraperAPI: the page's URL is a parameter, the API
// fetches it, follows redirects itself, answers within 70 s, and charges 200 and 404.

import type { Clock } from '../../core/clock.js'
import { messageOf } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { OutcomeCode } from '../../core/outcome.js'
import { parseUrl } from '../../core/parse-url.js'
import type { ProxyApiOptions } from '../../core/upstream-options.js'
import type { AddressGuard } from '../address-guard.js'
import type { ExchangeFacts } from '../exchange.js'
import { FetchFailure } from '../failure.js'
import { parseRetryAfter } from '../retry-after.js'
import { isGatewayFailure, outcomeOfAnswer } from './answer.js'
import { creditsOfAnswer, estimateCost } from './credit-cost.js'
import { type EndpointCall, type EndpointChange, Endpoints } from './endpoints.js'
import { checkRemoteTarget } from './remote-target.js'
import { callUrl } from './request.js'
import { createScrubber } from './secret.js'
import type { Answer, Charge, PageHead, Route, RouteEnd, Routes, Upstream } from './upstream.js'

export interface ProxyApiParts {
  readonly clock: Clock
  readonly guard: AddressGuard
  readonly onEndpoint: (change: EndpointChange) => void
}

/** Characters of the API's own words that a message repeats. */
const WORDS_MAX = 200

/**
 * A way through the API for each of the options given. They differ in what they ask for; key and
 * endpoints, with what is known of their health, are those of the first.
 */
export function createProxyApis(
  variants: readonly ProxyApiOptions[],
  parts: ProxyApiParts,
): readonly Upstream[] {
  const { clock, guard, onEndpoint } = parts
  const [options] = variants
  if (options === undefined) return []
  const scrub = createScrubber(options.key)
  const onChange = (change: EndpointChange) =>
    onEndpoint({ ...change, reason: scrub(change.reason) })
  const endpoints = new Endpoints(options.endpoints, { clock, onChange })
  const unboundedHosts = new Set(options.endpoints.map((url) => new URL(url).hostname))
  return variants.map((variant) => {
    const parcel: Parcel = { options: variant, endpoints, scrub }
    return {
      unboundedHosts,
      refusalBytesMax: LIMITS.refusalBytesMax,
      routesTo: (target) => {
        checkRemoteTarget(target, guard)
        return new ProxyRoutes(target, parcel)
      },
    }
  })
}

interface Parcel {
  readonly options: ProxyApiOptions
  readonly endpoints: Endpoints
  readonly scrub: (text: string) => string
}

class ProxyRoutes implements Routes {
  readonly #target: URL
  readonly #parcel: Parcel
  /** Endpoints that could not be reached for this page. */
  readonly #tried = new Set<number>()
  #lastWords = ''

  constructor(target: URL, parcel: Parcel) {
    this.#target = target
    this.#parcel = parcel
  }

  readonly next = async (abortSignal: AbortSignal): Promise<Route> => {
    const { endpoints } = this.#parcel
    for (let waitedMs = 0; ; ) {
      const begun = endpoints.begin(this.#tried)
      if (!('action' in begun)) return this.#route(begun)
      if (begun.action === 'give-up') throw unreachable(this.#lastWords)
      const leftMs = LIMITS.endpointWaitMs - waitedMs
      // A short outage is sat out in the slot: without that, the queue would be snoozed through it.
      if (leftMs <= 0) throw unreachable('all are down', begun.waitMs)
      const waitMs = Math.min(begun.waitMs, leftMs)
      await endpoints.wait(waitMs, abortSignal)
      waitedMs += waitMs
    }
  }

  #route(call: EndpointCall): Route {
    const { options, endpoints, scrub } = this.#parcel
    const target = this.#target
    let isOver = false
    return {
      url: callUrl(call.endpoint, options, target),
      ended: (end) => {
        if (isOver) return 'final'
        isOver = true
        const { health, words } = healthOf(end)
        endpoints.end(call, health, words)
        const isUnsent = health === 'failed' && end.facts?.isSent === false
        if (!isUnsent) return 'final'
        this.#tried.add(call.index)
        this.#lastWords = scrub(words)
        return 'elsewhere'
      },
      chargeOf: (facts) => chargeOf(facts, target, options),
      judge: (answer) => judge(target, answer, scrub),
    }
  }
}

function unreachable(words: string, retryAfterMs?: number): FetchFailure {
  return new FetchFailure('upstream_down', `no endpoint can be reached: ${words}`, { retryAfterMs })
}

/**
 * Failures that say something about the endpoint. A body that breaks off does not: it answered.
 * `ssrf` is an endpoint whose address may not be connected to.
 */
const SICK: ReadonlySet<OutcomeCode> = new Set([
  'dns',
  'connect',
  'tls',
  'timeout_connect',
  'timeout_headers',
  'timeout_total',
  'reset',
  'ssrf',
])

function healthOf({ facts, error }: RouteEnd) {
  if (facts === null) return { health: 'unknown', words: 'no socket' } as const
  const { status } = facts
  if (status !== null) {
    const words = `HTTP ${status}`
    return { health: isGatewayFailure(status) ? 'failed' : 'answered', words } as const
  }
  const isSick = error instanceof FetchFailure && SICK.has(error.code)
  return { health: isSick ? 'failed' : 'unknown', words: messageOf(error) } as const
}

/** An answer that never came may have been charged: the API goes on when nobody waits any more. */
function chargeOf(facts: ExchangeFacts, target: URL, options: ProxyApiOptions): Charge {
  const { status, headers } = facts
  if (status === null) return { credits: 0, atMost: estimateCost(target, options) }
  const costHeader = headers['sa-credit-cost']
  return { credits: creditsOfAnswer({ status, costHeader }, target, options), atMost: 0 }
}

function judge(target: URL, answer: Answer, scrub: (text: string) => string): PageHead {
  const { status, headers, wallMs } = answer
  const outcome = outcomeOfAnswer(status, answer.words)
  if (outcome === 'ok') {
    const shown = Object.entries(headers).map(([name, value]) => [name, scrub(value)])
    return { url: finalUrl(target, headers, scrub), headers: Object.fromEntries(shown) }
  }
  const retryAfterMs = parseRetryAfter(headers['retry-after'], { date: headers.date, wallMs })
  const said = scrub(answer.words).replaceAll(/\s+/g, ' ').trim().slice(0, WORDS_MAX)
  const message = said === '' ? `HTTP ${status} of the API` : `HTTP ${status} of the API: ${said}`
  throw new FetchFailure(outcome, message, { httpStatus: status, retryAfterMs })
}

/**
 * Where redirects led the API, by its own word; the target's URL without one, or where it names a
 * call to itself, with the key: this URL is written into results.
 */
function finalUrl(
  target: URL,
  headers: { readonly [name: string]: string },
  scrub: (text: string) => string,
): string {
  const named = headers['sa-final-url'] ?? ''
  const url = parseUrl(named)
  if (url === null || named.length > LIMITS.urlMax || scrub(named) !== named) return target.href
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : target.href
}
