import { readDuration } from '../../src/core/duration.js'
import { LIMITS } from '../../src/core/limits.js'
import { count, duration, ranges, size, text } from '../option.js'
import { portRanges } from '../port-option.js'
import { showDuration } from '../units.js'

const group = 'fetch'
const TIMEOUT_BOUNDS = { min: 10, max: 600_000 }
const MEGABYTE = 1_048_576

export const FETCH_OPTIONS = {
  connectTimeoutMs: duration({
    group,
    name: 'connect-timeout',
    sentence: 'Time to make a connection, with name look-up and TLS.',
    default: 10_000,
    bounds: TIMEOUT_BOUNDS,
  }),
  headersTimeoutMs: duration({
    group,
    name: 'headers-timeout',
    sentence: 'Time until the headers of a response are there.',
    default: 70_000,
    bounds: TIMEOUT_BOUNDS,
  }),
  bodyTimeoutMs: duration({
    group,
    name: 'body-timeout',
    sentence: 'Time that a body may stand still.',
    default: 30_000,
    bounds: TIMEOUT_BOUNDS,
  }),
  totalTimeoutMs: duration({
    group,
    name: 'total-timeout',
    sentence: 'Time for a fetch in all, redirects included; shorter than the item timeout.',
    default: 70_000,
    aliases: [
      {
        name: 'HTTP_CONNECTION_TIMEOUT',
        // A plain number is seconds under this name, as its users have always meant it.
        read: (given) => {
          const seconds = /^\d+(\.\d+)?$/.test(given.trim()) ? Number(given) * 1_000 : given
          const value = readDuration(seconds)
          const { min, max } = TIMEOUT_BOUNDS
          if (value !== undefined && value >= min && value <= max) return { value }
          return { rule: `seconds, from ${showDuration(min)} to ${showDuration(max)}` }
        },
        note: 'a plain number is seconds',
      },
    ],
    bounds: TIMEOUT_BOUNDS,
  }),
  keepAliveMs: duration({
    group,
    name: 'keep-alive',
    sentence: 'How long an idle connection is kept for the next request.',
    default: 60_000,
    bounds: { min: 1_000, max: 600_000 },
  }),
  sockets: count({
    group,
    name: 'sockets',
    sentence:
      'Connections of a workflow to all hosts, on this node; at least as many as its concurrency.',
    default: 50,
    environment: ['HTTP_CONNECTION_POOL_SIZE'],
    bounds: { min: 1, max: LIMITS.socketsMax },
  }),
  socketsPerHost: count({
    group,
    name: 'sockets-per-host',
    sentence: 'Connections of a workflow to one host, on this node.',
    default: 20,
    environment: ['HTTP_CONNECTIONS_PER_HOST'],
    bounds: { min: 1, max: LIMITS.socketsPerHostMax },
  }),
  bodyMb: size({
    group,
    name: 'body-max',
    sentence: 'Size of a response body, decompressed, above which the item has failed.',
    default: LIMITS.bodyBytesMax / MEGABYTE,
    bounds: { min: 1, max: LIMITS.bodyBytesMax / MEGABYTE },
  }),
  redirects: count({
    group,
    name: 'redirects',
    sentence: 'Redirects followed for one item.',
    default: LIMITS.redirectsMax,
    bounds: { min: 0, max: LIMITS.redirectsMax },
  }),
  userAgent: text({
    group,
    name: 'user-agent',
    sentence: 'How we introduce ourselves to servers. Say who you are and how you can be reached.',
    default: 'Mozilla/5.0 (compatible; Fetchyard/0.1)',
    pattern: /^[\x20-\x7e]{1,500}$/,
    rule: '1 to 500 printable ASCII characters',
  }),
  allowRanges: ranges({
    group,
    name: 'allow-ranges',
    sentence:
      'Addresses that may be fetched although they are not public. Everything private, loopback ' +
      'and link-local is refused otherwise.',
    default: [],
  }),
  ports: portRanges({
    group,
    name: 'ports',
    sentence:
      'Ports that pages may be fetched from. Ports of other protocols, such as 22 and 25, are ' +
      'refused in any case.',
    default: [],
  }),
} as const
