import type { OutcomeCode } from '../core/outcome.js'

export interface FailureDetail {
  readonly httpStatus?: number | undefined
  /** Time the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/**
 * Why an attempt failed, by outcome code. Handlers may throw it too, to end an attempt by a code of
 * their choice. The fields are read by shape, so that a second copy of the package is understood.
 */
export class FetchFailure extends Error {
  override readonly name = 'FetchFailure'
  readonly code: OutcomeCode
  readonly httpStatus?: number
  readonly retryAfterMs?: number

  constructor(code: OutcomeCode, message: string, detail: FailureDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    if (detail.httpStatus !== undefined) this.httpStatus = detail.httpStatus
    if (detail.retryAfterMs !== undefined) this.retryAfterMs = detail.retryAfterMs
  }
}
