import { assertNever } from '../../core/assert.js'
import type { UpstreamOptions } from '../../core/upstream-options.js'
import { DIRECT } from './direct.js'
import { createProxyApi, type ProxyApiParts } from './proxy-api.js'
import type { Upstream } from './upstream.js'

/** The upstream that the options name. A new kind is a row here and a file beside this one. */
export function createUpstream(options: UpstreamOptions, parts: ProxyApiParts): Upstream {
  switch (options.kind) {
    case 'direct':
      return DIRECT
    case 'proxy-api':
      return createProxyApi(options, parts)
    default:
      return assertNever(options)
  }
}
