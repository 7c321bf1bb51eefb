// How an exchange with a server ended, beyond its status.

import { LIMITS } from '../core/limits.js'
import { decodeContent } from './content-coding.js'
import type { Exchange, RawResponse } from './exchange.js'
import { FetchFailure } from './failure.js'

/** The text of a refusal, as far as it was kept and can be read. */
export async function wordsOf({ status, headers, body }: RawResponse): Promise<string> {
  if (status < 300 || body.length === 0) return ''
  const coding = headers['content-encoding']
  const decoded = await decodeContent(body, coding, LIMITS.headersBytesMax).catch(() => null)
  return decoded === null ? '' : decoded.toString('utf8')
}

/** Whether a reused connection died under the request before any answer came. */
export function isStale(error: unknown, exchange: Exchange): boolean {
  const { isReused, phase } = exchange.facts
  return isReused && phase === 'headers' && error instanceof FetchFailure && error.code === 'reset'
}
