// What a call costs at the simulated API. Written down here a second time on purpose: the product's
// own table must not be its own referee.

export interface PricedCall {
  readonly target: URL
  readonly isRendered: boolean
  readonly premium: 'off' | 'on' | 'ultra'
}

const SITES: readonly (readonly [RegExp, number])[] = [
  [/(^|\.)linkedin\.com$/, 30],
  [/(^|\.)(google|bing)(\.[a-z]{2,3}){1,2}$/, 25],
  [/(^|\.)amazon(\.[a-z]{2,3}){1,2}$/, 5],
]

const FEATURES = {
  off: { plain: 1, rendered: 10 },
  on: { plain: 10, rendered: 25 },
  ultra: { plain: 30, rendered: 75 },
} as const

/** Hosts behind a bot wall, whose bypass the API adds as it meets it. */
const WALLED = /(^|\.)walled\d*[.-]/
const BYPASS = 10

/** What a call costs beyond its price, which nobody is told before. */
export function bypassOf(target: URL): number {
  return WALLED.test(target.hostname) ? BYPASS : 0
}

/** Credits that a call costs when it is billed, but for a bypass. */
export function priceOf({ target, isRendered, premium }: PricedCall): number {
  const site = SITES.find(([pattern]) => pattern.test(target.hostname))?.[1] ?? 1
  const features = FEATURES[premium]
  return Math.max(site, isRendered ? features.rendered : features.plain)
}
