import type { CancelTimer, Clock } from '../src/core/clock.js'

/** Runs one piece of work again and again, never twice at once. */
export interface Ticker {
  readonly start: () => void
  /** Runs now, or once more right after the run that is under way. */
  readonly wake: () => void
  /** Lets the run under way end, and runs no more. */
  readonly stop: () => Promise<void>
}

/**
 * @param run does the work and answers after how many milliseconds it wants to run again. It
 * handles its own errors: one that escapes is a broken promise and ends the process.
 */
export function createTicker(clock: Clock, run: () => Promise<number>): Ticker {
  let cancel: CancelTimer | null = null
  let underWay: Promise<void> | null = null
  let isWoken = false
  let isStopped = true

  const turn = async () => {
    try {
      do {
        isWoken = false
        const delayMs = await run()
        if (!isWoken && !isStopped) cancel = clock.setTimer(delayMs, begin)
      } while (isWoken && !isStopped)
    } finally {
      // In the same step as the last look at `isWoken`: a wake-up in between would find a run under
      // way that no longer looks, take the timer away, and nothing would ever run again.
      underWay = null
    }
  }
  const begin = () => {
    cancel = null
    if (isStopped || underWay !== null) return
    underWay = turn()
  }
  return {
    start: () => {
      if (!isStopped) return
      isStopped = false
      begin()
    },
    wake: () => {
      if (isStopped) return
      isWoken = true
      cancel?.()
      begin()
    },
    stop: async () => {
      isStopped = true
      cancel?.()
      cancel = null
      await underWay
    },
  }
}
