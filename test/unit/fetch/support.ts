import type { OutcomeCode } from '../../../src/core/outcome.js'
import type { FetchOptions } from '../../../src/core/worker-options.js'
import { FetchFailure } from '../../../src/fetch/failure.js'
import { createFetcher, type Fetcher, type FetcherParts } from '../../../src/fetch/fetcher.js'

export const FETCH_OPTIONS: FetchOptions = {
  connectTimeoutMs: 2_000,
  headersTimeoutMs: 2_000,
  bodyTimeoutMs: 2_000,
  totalTimeoutMs: 10_000,
  keepAliveMs: 60_000,
  bodyBytesMax: 1_048_576,
  redirectsMax: 5,
  socketsMax: 50,
  socketsPerHostMax: 20,
  userAgent: 'fetchyard-test',
  robots: 'ignore',
  robotsName: null,
  allowedRanges: ['127.0.0.0/8'],
  ports: [],
  upstream: { kind: 'direct' },
}

/** A fetcher with defaults fit for a server on this machine. */
export function makeFetcher(
  options: Partial<FetchOptions> = {},
  parts: FetcherParts = {},
): Fetcher {
  return createFetcher({ ...FETCH_OPTIONS, ...options }, parts)
}

/** The failure of a fetch that must fail. */
export async function failureOf(fetch: Promise<unknown>): Promise<FetchFailure> {
  try {
    await fetch
  } catch (error) {
    if (error instanceof FetchFailure) return error
    throw error
  }
  throw new Error('the fetch succeeded, a failure was expected')
}

export async function codeOf(fetch: Promise<unknown>): Promise<OutcomeCode> {
  return (await failureOf(fetch)).code
}
