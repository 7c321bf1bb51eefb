// Where a leaser looks in its queue. Rows that died cannot be removed while anybody's transaction
// may still see them, and a look from the beginning passes all of them. So a look begins where the
// last lease ended, and all of the queue is looked at once in a while.

import type { MonotonicMs } from './clock.js'

/** A place in the queue of a workflow, in the order in which packs are leased. */
export interface QueuePosition {
  readonly priority: number
  /** As the server writes it, to the microsecond. */
  readonly runAt: string
  readonly packId: string
}

/** How long what becomes ready ahead of the last lease may wait to be seen. */
const LOOK_BACK_MS = 1_000

export class LeasePlace {
  #reached: QueuePosition | null = null
  /** Something became ready while a look was under way, which may not have seen it. */
  #isTold = false
  #lookedBackMs: MonotonicMs = Number.NEGATIVE_INFINITY

  /**
   * Where the next look begins; null: at the beginning.
   *
   * @param isWhole whether the look takes whatever is ready. One that passes packs by has to see
   * them again.
   */
  from(nowMs: MonotonicMs, isWhole: boolean): QueuePosition | null {
    const reached = nowMs - this.#lookedBackMs < LOOK_BACK_MS && isWhole ? this.#reached : null
    if (reached === null) this.#lookedBackMs = nowMs
    this.#reached = null
    this.#isTold = false
    return reached
  }

  /** A look took all that is ready up to here. */
  reach(position: QueuePosition | null): void {
    this.#reached = this.#isTold ? null : position
  }

  /** Something may have become ready ahead of the last lease: the next look sees all. */
  lookBack(): void {
    this.#reached = null
    this.#isTold = true
  }
}
