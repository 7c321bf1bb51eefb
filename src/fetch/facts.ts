import type { AttemptFacts } from '../core/outcome.js'
import type { ExchangeFacts } from './exchange.js'
import type { Charge } from './upstream/upstream.js'

/** Running account of what fetches cost. One may be shared by all fetches of an item. */
export interface FetchTally {
  /** Requests written to a socket, redirects and repetitions included. */
  requests: number
  /** Those of them that went over a connection that was open before. */
  reusedRequests: number
  /** Bytes of bodies received, before content decoding. */
  bytes: number
  /** Status of the last response; null when none came. */
  httpStatus: number | null
  /** Credits charged by the upstream; null when none of the requests went to one that charges. */
  credits: number | null
  /** What requests without a known end may have been charged beyond that, at most. */
  creditsAtMost: number
}

/** What fetches cost. `reused`: every request went over a connection that was open before. */
export type FetchFacts = Omit<AttemptFacts, 'durationMs'>

export const createTally = (): FetchTally => ({
  requests: 0,
  reusedRequests: 0,
  bytes: 0,
  httpStatus: null,
  credits: null,
  creditsAtMost: 0,
})

export function tallyExchange(tally: FetchTally, facts: ExchangeFacts, charge: Charge): void {
  if (!facts.isSent) return
  tally.requests += 1
  tally.reusedRequests += facts.isReused ? 1 : 0
  tally.bytes += facts.bytes
  tally.httpStatus = facts.status
  if (charge === null) return
  tally.credits = (tally.credits ?? 0) + charge.credits
  tally.creditsAtMost += charge.atMost
}

export function toFacts(tally: FetchTally): FetchFacts {
  if (tally.requests === 0) return {}
  return {
    requests: tally.requests,
    bytes: tally.bytes,
    reused: tally.reusedRequests === tally.requests,
    ...(tally.httpStatus === null ? {} : { httpStatus: tally.httpStatus }),
    ...(tally.credits === null ? {} : { credits: tally.credits }),
    ...(tally.creditsAtMost === 0 ? {} : { creditsAtMost: tally.creditsAtMost }),
  }
}
