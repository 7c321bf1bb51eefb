import { LIMITS } from '../../src/core/limits.js'
import type { Option } from '../option.js'
import { choice, count, optional, text, withDefault } from '../option.js'
import { names } from '../option-lists.js'

const ALLOW_HOSTS_MAX = 20
const DEFAULT_PORT = 9_310

/** `off` turns the dashboard off; without a word it listens on the port we are known by. */
function portOption(): Option<number | null> {
  const port = count({
    group: 'web',
    name: 'port',
    sentence: 'Port of the dashboard, live channel and metrics; 0 takes any free one.',
    default: DEFAULT_PORT,
    bounds: { min: 0, max: 65_535 },
  })
  return withDefault(optional(port, { meaning: 'off', word: 'off' }), DEFAULT_PORT)
}

export const WEB_OPTIONS = {
  host: text({
    group: 'web',
    name: 'host',
    sentence: 'Address to listen on. Anything but loopback needs a token that you choose.',
    default: '127.0.0.1',
    pattern: /^\S{1,253}$/,
    rule: 'an address or a host name',
  }),
  port: portOption(),
  allowHosts: names({
    group: 'web',
    name: 'allow-hosts',
    sentence:
      'Names by which browsers may address the server beside `localhost`, `host` and addresses, ' +
      'such as that of a proxy in front of it. Others are refused.',
    default: [],
    pattern: /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i,
    max: ALLOW_HOSTS_MAX,
    rule: `1 to ${ALLOW_HOSTS_MAX} host names without port`,
  }),
  liveClients: count({
    group: 'web',
    name: 'live-clients',
    sentence: 'Clients of the live channel at once; one more is refused.',
    default: LIMITS.liveClientsMax,
    bounds: LIMITS.liveClientsBounds,
  }),
  token: optional(
    text({
      group: 'web',
      name: 'token',
      isSecret: true,
      sentence: 'Secret that clients of the dashboard present. It has no flag.',
      default: '',
      pattern: /^\S{16,512}$/,
      rule: 'at least 16 characters without spaces',
    }),
    { meaning: 'made up at each start' },
  ),
  operatorToken: optional(
    text({
      group: 'web',
      name: 'operator-token',
      isSecret: true,
      sentence:
        'Secret that orders over HTTP and from the dashboard need; `token` then only reads. It has ' +
        'no flag.',
      default: '',
      pattern: /^\S{16,512}$/,
      rule: 'at least 16 characters without spaces',
    }),
    { meaning: '`token` does both' },
  ),
} as const

export const LOG_OPTIONS = {
  logLevel: choice({
    group: 'log',
    name: 'log-level',
    sentence:
      'Lines below this level are not written; `debug` also shows where an error came from.',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
  }),
  logFormat: choice({
    group: 'log',
    name: 'log-format',
    sentence: 'Log as JSON lines or as sentences; `auto` writes sentences on a terminal.',
    default: 'auto',
    choices: ['auto', 'json', 'pretty'],
  }),
} as const
