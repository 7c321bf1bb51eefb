export const UPSTREAM_KINDS = ['direct', 'proxy-api', 'places-api'] as const
export type UpstreamKind = (typeof UPSTREAM_KINDS)[number]

export const PREMIUM_LEVELS = ['off', 'on', 'ultra'] as const
/** Which pool of addresses the API fetches from; better ones cost more. */
export type PremiumLevel = (typeof PREMIUM_LEVELS)[number]

export const TIERS = ['direct', 'flat', 'render', 'premium', 'ultra'] as const
/** A way to fetch pages, by what it costs: the site itself, then the API at rising prices. */
export type Tier = (typeof TIERS)[number]

/** A scraping proxy API that fetches pages for us, in the convention of ScraperAPI. */
export interface ProxyApiOptions {
  readonly kind: 'proxy-api'
  /** Secret. It travels in messages, never on a command line, and into no text that is kept. */
  readonly key: string
  /** URLs of the API in order of preference: regional instances of one account. */
  readonly endpoints: readonly string[]
  readonly isRendered: boolean
  /** Country to fetch from, two letters in lower case; null: any. */
  readonly country: string | null
  readonly premium: PremiumLevel
  /** Number that pins all calls to one address; null: another one for each call. */
  readonly session: number | null
  /** Credits that a call may cost; null: any. */
  readonly maxCost: number | null
  /** Whether the API passes our own headers on to the site. */
  readonly keepsHeaders: boolean
  /** Ways to use for each host, cheapest first; none: the one that the options above name. */
  readonly tiers: readonly Tier[]
}

/** An API that tells about places, in the convention of the Google Places API (New). */
export interface PlacesApiOptions {
  readonly kind: 'places-api'
  /** Secret, as that of a proxy API; null: none was given, and every call is refused here. */
  readonly key: string | null
  /** URL of the API: scheme, host, port and the path before `/v1`. */
  readonly endpoint: string
  /** Fields that are asked for; the dearest of them decides what a call costs. */
  readonly fields: readonly string[]
  /** BCP 47 tag of the language of the answer; null: the API's choice. */
  readonly language: string | null
  /** Country, two letters, whose habits addresses follow; null: none. */
  readonly region: string | null
}

export type UpstreamOptions = { readonly kind: 'direct' } | ProxyApiOptions | PlacesApiOptions
