// What a call to the simulated API asks for, and what is refused before it begins.

import { parseUrl } from '../../../src/core/parse-url.js'
import { bypassOf, type PricedCall, priceOf } from './prices.js'

export interface AskedCall extends PricedCall {
  readonly country: string | null
  readonly session: number | null
  readonly maxCost: number | null
  readonly keepsHeaders: boolean
  /** As it is told before the call. */
  readonly price: number
  /** As it is billed. */
  readonly charge: number
}

/** Words of the real API, or close to them: products have to tell refusals apart by these. */
export const WORDS = {
  key: 'Unauthorized request, please make sure your API key is valid.',
  limit:
    'You are sending requests too fast, and exceeding the concurrency limit of your plan. ' +
    'Please slow down or upgrade your plan.',
  credits: 'You have used up all your API credits. Please upgrade or renew your subscription.',
  cost: 'This request would cost more than your max_cost. Raise it, or ask for less.',
  request: 'Please provide a valid url parameter, percent-encoded, as the last of all.',
  failed:
    'Request failed. You will not be charged for this request. Please make sure your url is ' +
    'correct and try the request again.',
} as const

/** The call that a query asks for; null when it names no usable URL. */
export function readCall(query: URLSearchParams): AskedCall | null {
  const target = parseUrl(query.get('url') ?? '')
  if (target === null) return null
  if (target.protocol !== 'http:' && target.protocol !== 'https:') return null
  const isRendered = isOn(query, 'render')
  const premium = isOn(query, 'ultra_premium') ? 'ultra' : isOn(query, 'premium') ? 'on' : 'off'
  const price = priceOf({ target, isRendered, premium })
  return {
    target,
    isRendered,
    premium,
    country: query.get('country_code'),
    session: wholeNumber(query.get('session_number')),
    maxCost: wholeNumber(query.get('max_cost')),
    keepsHeaders: isOn(query, 'keep_headers'),
    price,
    charge: price + bypassOf(target),
  }
}

const isOn = (query: URLSearchParams, name: string) => query.get(name) === 'true'

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null
}
