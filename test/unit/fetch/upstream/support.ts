import type { ProxyApiOptions } from '../../../../src/core/upstream-options.js'

export const PROXY_API: ProxyApiOptions = {
  kind: 'proxy-api',
  key: 'se&cret/key 1',
  endpoints: ['https://api.scraperapi.com/'],
  isRendered: false,
  country: null,
  premium: 'off',
  session: null,
  maxCost: null,
  keepsHeaders: false,
  tiers: [],
}
