import type { CancelTimer, Clock } from '../core/clock.js'
import { FetchFailure } from './failure.js'

export interface Deadline {
  /**
   * Aborted by the time in all or by the outer signal, with the reason of the one that came first.
   */
  readonly abortSignal: AbortSignal
  /** Starts the time in all; harmless when it runs already. */
  readonly start: () => void
  /** Gives back timer and listener. */
  readonly stop: () => void
}

/** The time a fetch may take in all, joined with the caller's wish to end it. */
export function startDeadline(clock: Clock, totalMs: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  const onAbort = () => controller.abort(outer?.reason)
  outer?.addEventListener('abort', onAbort, { once: true })
  if (outer?.aborted) onAbort()
  let cancelTimer: CancelTimer | null = null
  return {
    abortSignal: controller.signal,
    start: () => {
      cancelTimer ??= clock.setTimer(totalMs, () => {
        controller.abort(new FetchFailure('timeout_total', `more than ${totalMs} ms in all`))
      })
    },
    stop: () => {
      cancelTimer?.()
      outer?.removeEventListener('abort', onAbort)
    },
  }
}
