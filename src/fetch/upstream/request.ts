import type { ProxyApiOptions } from '../../core/upstream-options.js'

/**
 * Where a call for `target` goes: key and parameters first, the target last and percent-encoded, so
 * that no parameter of its own can be taken for one of the API's.
 */
export function callUrl(endpoint: string, options: ProxyApiOptions, target: URL): URL {
  const url = new URL(endpoint)
  url.hash = ''
  const words = [['api_key', options.key] as const, ...parametersOf(options)].map(
    ([name, value]) => `${name}=${encodeURIComponent(value)}`,
  )
  url.search = [...words, `url=${encodeURIComponent(target.href)}`].join('&')
  return url
}

/** What the options ask of the API, by its own names. */
function parametersOf(options: ProxyApiOptions): (readonly [string, string])[] {
  const { isRendered, country, premium, session, maxCost, keepsHeaders } = options
  const parameters: (readonly [string, string] | null)[] = [
    isRendered ? ['render', 'true'] : null,
    country === null ? null : ['country_code', country],
    premium === 'on' ? ['premium', 'true'] : null,
    premium === 'ultra' ? ['ultra_premium', 'true'] : null,
    session === null ? null : ['session_number', String(session)],
    maxCost === null ? null : ['max_cost', String(maxCost)],
    keepsHeaders ? ['keep_headers', 'true'] : null,
  ]
  return parameters.filter((parameter) => parameter !== null)
}
