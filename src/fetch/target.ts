import { LIMITS } from '../core/limits.js'
import { parseUrl } from '../core/parse-url.js'
import type { PortRange } from '../core/worker-options.js'
import { FetchFailure } from './failure.js'

/**
 * Ports of other protocols, which read an HTTP request as commands (WHATWG Fetch, "bad ports"). A
 * page that sends us to one is after something other than a page.
 */
const BAD_PORTS: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
  103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
  512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
  995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
  6669, 6679, 6697, 10080,
])

/**
 * Refuses a port that the options do not list. Without a list every port is as good as another.
 *
 * @throws {FetchFailure} `ssrf`.
 */
export function checkPort(target: URL, allowed: readonly PortRange[]): void {
  if (allowed.length === 0) return
  const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
  if (allowed.some(([first, last]) => port >= first && port <= last)) return
  throw new FetchFailure('ssrf', `port ${port} is not among the ports that may be fetched from`)
}

/**
 * The URL of a request, without its fragment. User name and password in a URL are refused, not
 * stripped: whoever writes them expects them to be sent, and they would end up in logs.
 *
 * @throws {FetchFailure} `url`, or `ssrf` for a port of another protocol.
 */
export function parseTarget(text: string): URL {
  const target = parseWebUrl(text)
  target.hash = ''
  return target
}

/**
 * Where a redirect leads. `location` is read as Latin-1, as headers come; servers send UTF-8 in it.
 *
 * @throws {FetchFailure} `redirect` for a target that cannot be fetched at all, `ssrf` for a bad
 * port.
 */
export function parseRedirect(location: string, from: URL): URL {
  const text = Buffer.from(location, 'latin1').toString('utf8')
  try {
    return parseTarget(new URL(text.trim(), from).href)
  } catch (error) {
    if (error instanceof FetchFailure && error.code === 'ssrf') throw error
    const why = error instanceof FetchFailure ? error.message : 'it is no URL'
    throw new FetchFailure('redirect', `redirected to ${quoted(text)}: ${why}`)
  }
}

function parseWebUrl(text: string): URL {
  if (text.length > LIMITS.urlMax) {
    throw new FetchFailure('url', `the URL has ${text.length} characters, at most ${LIMITS.urlMax}`)
  }
  const url = parseUrl(text)
  if (url === null) throw new FetchFailure('url', `${quoted(text)} is no absolute URL`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new FetchFailure('url', `${quoted(url.protocol)} is not fetched, only http and https`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new FetchFailure('url', 'the URL carries a user name or password')
  }
  if (url.port !== '' && BAD_PORTS.has(Number(url.port))) {
    throw new FetchFailure('ssrf', `port ${url.port} belongs to another protocol`)
  }
  return url
}

const quoted = (text: string) => JSON.stringify(text.slice(0, 100))
