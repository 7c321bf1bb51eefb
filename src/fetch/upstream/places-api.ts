// An API that tells about places, in the convention of the Google Places API (New): the key and the
// fields that are asked for travel in headers, and the fields decide what a call costs.

import { LIMITS } from '../../core/limits.js'
import type { PlacesApiOptions } from '../../core/upstream-options.js'
import type { ExchangeFacts } from '../exchange.js'
import { FetchFailure } from '../failure.js'
import { parseRetryAfter } from '../retry-after.js'
import { refusalOf } from './places-answer.js'
import { createScrubber } from './secret.js'
import type { Answer, Charge, PageHead, Route, Upstream } from './upstream.js'

/** Where places are asked for, whatever endpoint answers. */
const PLACES_ORIGIN = 'https://places.googleapis.com'

/** A place's URL in the API. */
export function placeUrl(placeId: string): string {
  return `${PLACES_ORIGIN}/v1/places/${encodeURIComponent(placeId)}`
}

export function createPlacesApi(options: PlacesApiOptions): Upstream {
  const { key, endpoint } = options
  const scrub = key === null ? (text: string) => text : createScrubber(key)
  return {
    unboundedHosts: new Set([new URL(endpoint).hostname]),
    refusalBytesMax: LIMITS.refusalBytesMax,
    routesTo: (target) => {
      if (target.origin !== PLACES_ORIGIN) {
        throw new FetchFailure('url', 'The places API is asked for places alone.')
      }
      const route = routeTo(target, options, scrub)
      return { next: () => Promise.resolve(route) }
    },
  }
}

function routeTo(target: URL, options: PlacesApiOptions, scrub: (text: string) => string): Route {
  const { key, fields } = options
  if (key === null) {
    const words = 'No key of the places API is given: set FETCHYARD_PLACES_KEY'
    throw new FetchFailure('key_refused', words)
  }
  return {
    url: callUrl(target, options),
    headers: {
      accept: 'application/json',
      'x-goog-api-key': key,
      'x-goog-fieldmask': fields.join(','),
    },
    ended: () => 'final',
    chargeOf,
    judge: (answer) => judge(target, answer, scrub),
  }
}

function callUrl(target: URL, { endpoint, language, region }: PlacesApiOptions): URL {
  const url = new URL(endpoint)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${target.pathname}`
  if (language !== null) url.searchParams.set('languageCode', language)
  if (region !== null) url.searchParams.set('regionCode', region)
  return url
}

/** A place that was told is charged once; a refusal is free. What never came may be charged. */
function chargeOf({ status }: ExchangeFacts): Charge {
  if (status === null) return { credits: 0, atMost: 1 }
  return { credits: status >= 200 && status < 300 ? 1 : 0, atMost: 0 }
}

/** A redirect is not followed: it would take the key to whom it was not given. */
function judge(target: URL, answer: Answer, scrub: (text: string) => string): PageHead {
  const { status, headers, wallMs, words } = answer
  if (status >= 200 && status < 300) return { url: target.href, headers }
  const asked = parseRetryAfter(headers['retry-after'], { date: headers.date, wallMs })
  const { code, message, retryAfterMs = asked } = refusalOf(status, words)
  throw new FetchFailure(code, scrub(message), { httpStatus: status, retryAfterMs })
}
