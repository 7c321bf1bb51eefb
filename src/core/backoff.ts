import { assert } from './assert.js'
import { LIMITS } from './limits.js'
import type { Random } from './random.js'

export interface BackoffOptions {
  /** Bound of the first delay, in milliseconds. */
  readonly baseMs: number
  /** Growth from one attempt to the next. */
  readonly factor: number
  /** Bound that no delay exceeds, in milliseconds. */
  readonly maxMs: number
}

/**
 * Delay before attempt `attempt + 1`, with full jitter: any time between nothing and the bound of
 * this attempt, so that items which failed together do not come back together.
 *
 * A Retry-After is a floor. Jitter of up to a tenth is put on top of it, for the same reason.
 */
export function backoffDelayMs(
  options: BackoffOptions,
  failed: { readonly attempt: number; readonly retryAfterMs?: number | undefined },
  random: Random,
): number {
  assert(failed.attempt >= 1, 'the first attempt is number 1')
  const bound = Math.min(options.maxMs, options.baseMs * options.factor ** (failed.attempt - 1))
  if (failed.retryAfterMs === undefined) return Math.round(random.next() * bound)
  const asked = Math.min(Math.max(0, failed.retryAfterMs), LIMITS.retryDelayMsMax)
  return Math.round(asked * (1 + random.next() / 10))
}
