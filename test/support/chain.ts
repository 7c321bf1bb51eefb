import type { ChainOptions } from '../../src/core/chain-options.js'
import type { HandlerContext } from '../../src/workflow/define.js'

/** Choices as the options have them by default. */
export const CHAIN: ChainOptions = {
  selectsResults: true,
  checksDomains: false,
  sitemapsMax: 500,
  sitemapPagesMax: 50_000,
}

/** What a handler under test may use: nothing is fetched but what the test says. */
export function handlerContext(parts: Partial<HandlerContext> = {}): HandlerContext {
  const unasked = () => Promise.reject(new Error('The test fetches nothing.'))
  return {
    fetchPage: unasked,
    streamPage: unasked,
    chain: CHAIN,
    abortSignal: new AbortController().signal,
    attempt: 1,
    leaseId: '1',
    log: () => {},
    ...parts,
  }
}
