/** Milliseconds on a monotonic clock. Comparable only within one process. */
export type MonotonicMs = number

/** Ends a timer; harmless when it has fired or was cancelled before. */
export type CancelTimer = () => void

/**
 * Time as the program sees it. Production uses `systemClock`; the simulator brings its own, in
 * which a day passes in a millisecond. Liveness in the database is decided by the database's clock
 * alone.
 */
export interface Clock {
  readonly nowMs: () => MonotonicMs
  /**
   * Wall clock in milliseconds since 1970, for people only: never compared with a monotonic one.
   */
  readonly wallMs: () => number
  readonly setTimer: (delayMs: number, fire: () => void) => CancelTimer
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (delayMs, fire) => {
    const timer = setTimeout(fire, delayMs)
    return () => clearTimeout(timer)
  },
}
