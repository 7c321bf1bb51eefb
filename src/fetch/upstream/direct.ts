import { outcomeOfStatus } from '../classify.js'
import { FetchFailure } from '../failure.js'
import { RedirectTrail } from '../redirects.js'
import { parseRetryAfter } from '../retry-after.js'
import type { Answer, PageHead, Route, Upstream } from './upstream.js'

/** Asks the site itself. Redirects are the fetcher's to follow; nothing is charged. */
export const DIRECT: Upstream = {
  unboundedHosts: new Set(),
  refusalBytesMax: 0,
  routesTo: (target) => ({ next: () => Promise.resolve(routeTo(target)) }),
}

function routeTo(target: URL): Route {
  return {
    url: target,
    ended: () => 'final',
    chargeOf: () => null,
    judge: (answer) => judge(target, answer),
  }
}

function judge(target: URL, { status, headers, wallMs }: Answer): PageHead | URL {
  const next = RedirectTrail.next(target, status, headers.location)
  if (next !== null) return next
  const retryAfterMs = parseRetryAfter(headers['retry-after'], { date: headers.date, wallMs })
  const outcome = outcomeOfStatus(status, retryAfterMs !== undefined)
  if (outcome === 'ok') return { url: target.href, headers }
  throw new FetchFailure(outcome, `HTTP ${status}`, { httpStatus: status, retryAfterMs })
}
