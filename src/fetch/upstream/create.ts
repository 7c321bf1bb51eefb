import { assert, assertNever } from '../../core/assert.js'
import type { ProxyApiOptions, UpstreamOptions } from '../../core/upstream-options.js'
import { DIRECT } from './direct.js'
import { createPlacesApi } from './places-api.js'
import { createProxyApis, type ProxyApiParts } from './proxy-api.js'
import { TIER_OPTIONS } from './tier-options.js'
import { createTiers } from './tiers.js'
import type { Upstream } from './upstream.js'

/** The upstream that the options name. A new kind is a row here and a file beside this one. */
export function createUpstream(options: UpstreamOptions, parts: ProxyApiParts): Upstream {
  switch (options.kind) {
    case 'direct':
      return DIRECT
    case 'proxy-api':
      return createApi(options, parts)
    case 'places-api':
      return createPlacesApi(options)
    default:
      return assertNever(options)
  }
}

function createApi(options: ProxyApiOptions, parts: ProxyApiParts): Upstream {
  const { tiers } = options
  const paid = tiers.filter((tier) => tier !== 'direct')
  const variants = paid.map((tier) => ({ ...options, ...TIER_OPTIONS[tier] }))
  const apis = createProxyApis(variants.length === 0 ? [options] : variants, parts)
  const ways = tiers.includes('direct') ? [DIRECT, ...apis] : apis
  const [first, ...rest] = ways
  assert(first !== undefined, 'there is a way to fetch')
  return rest.length === 0 ? first : createTiers([first, ...rest], parts.guard)
}
