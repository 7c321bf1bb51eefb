// What adds items to a run while they are worked, such as the import of a large file.

export interface RunFeed {
  /** Whether items may still come. */
  readonly isOpen: () => boolean
  /** Calls back when the feed fails, or at once when it has. */
  readonly onFailed: (listener: () => void) => void
  /** Resolves when it has added something or is over, rejects when it failed before. */
  readonly begun: Promise<void>
  /** Asks it to add no more. @returns its end, rejected by what it failed of. */
  readonly stop: () => Promise<void>
}

export interface FeedHands {
  readonly isStopped: () => boolean
  /** To be called when items were added. */
  readonly onAdded: () => void
}

/** Starts a feed. It looks at `isStopped` between its steps, and ends by itself. */
export function startFeed(feed: (hands: FeedHands) => Promise<void>): RunFeed {
  let isStopped = false
  let state: 'open' | 'over' | 'failed' = 'open'
  let listeners: (() => void)[] = []
  let onAdded = () => {}
  const added = new Promise<void>((resolve) => {
    onAdded = resolve
  })
  const end = feed({ isStopped: () => isStopped, onAdded }).then(
    () => {
      state = 'over'
    },
    (error: unknown) => {
      state = 'failed'
      for (const listener of listeners) listener()
      listeners = []
      throw error
    },
  )
  // Whoever stops it hears of it; until then it is nobody's.
  end.catch(() => {})
  const begun = Promise.race([added, end])
  begun.catch(() => {})
  return {
    isOpen: () => state === 'open',
    onFailed: (listener) => {
      if (state === 'failed') listener()
      else listeners.push(listener)
    },
    begun,
    stop: () => {
      isStopped = true
      return end
    },
  }
}
