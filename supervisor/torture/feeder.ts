// Keeps the queue of a storm filled, as long as the storm lasts, and lifts the pauses by which the
// program protects itself from what looks like a crash loop, as an operator would.

import { messageOf } from '../../src/core/errors.js'
import type { Sql } from '../../src/store/client.js'
import { enqueueItems } from '../../src/store/enqueue.js'
import { readBacklog } from '../../src/store/torture.js'
import { resumeWorkflow } from '../../src/store/workflows.js'
import type { Misdeed } from '../../src/workflows/torture.js'
import { MISDEED_PREFIX, type Referee } from './origin.js'
import { pause } from './storm.js'

export interface FeederParts {
  readonly sql: Sql
  readonly workflowId: number
  /** null for a workflow that brings its own items. */
  readonly referee: Referee | null
  /** Items are added when fewer than this wait. */
  readonly waitingMin: number
}

const LOOK_MS = 400
/** Before everything that waits. */
const MISDEED_PRIORITY = -1
/** Pauses of the program's own. What an operator paused stays paused. */
const OWN_PAUSES = [
  'restart_intensity',
  'poison',
  'results_refused',
  'module_refused',
  'failing',
] as const

export class Feeder {
  readonly #parts: FeederParts
  readonly #keys: string[] = []
  readonly #resumed = new Map<string, number>()
  readonly #stop = new AbortController()
  #troubles: string | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(parts: FeederParts) {
    this.#parts = parts
  }

  /** Keys that the database said it took. */
  keys(): readonly string[] {
    return this.#keys
  }

  /** Pauses that were lifted, by reason. */
  resumed(): ReadonlyMap<string, number> {
    return this.#resumed
  }

  /** What kept it from looking the last time; null when it could look. */
  troubles(): string | null {
    return this.#troubles
  }

  /** Fills the queue once, and from then on again and again. */
  async start(): Promise<void> {
    await this.#topUp()
    this.#running = this.#run()
  }

  /** Adds nothing any more; pauses are lifted until `end`. */
  readonly stopFeeding = () => {
    this.#isFeeding = false
  }

  #isFeeding = true

  async end(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  readonly enqueueMisdeed = async (misdeed: Misdeed): Promise<string> => {
    const key = `${MISDEED_PREFIX}${misdeed}-${this.#keys.length}`
    await this.#enqueue([key], { misdeed, priority: MISDEED_PRIORITY })
    return key
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await pause(LOOK_MS, this.#stop.signal)
      // The database is one of those that are tortured: whatever fails now is tried again.
      await this.#topUp().then(
        () => {
          this.#troubles = null
        },
        (error: unknown) => {
          this.#troubles = messageOf(error)
        },
      )
    }
  }

  async #topUp(): Promise<void> {
    const { sql, workflowId, waitingMin } = this.#parts
    const { waiting, pausedBy } = await readBacklog(sql, workflowId)
    for (const reason of OWN_PAUSES) {
      if (!pausedBy.includes(reason)) continue
      await resumeWorkflow(sql, { workflowId, reason })
      this.#resumed.set(reason, (this.#resumed.get(reason) ?? 0) + 1)
    }
    if (!this.#isFeeding || this.#parts.referee === null || waiting >= waitingMin) return
    const from = this.#keys.length
    await this.#enqueue(Array.from({ length: waitingMin }, (_, n) => `page-${from + n}`))
  }

  async #enqueue(
    keys: readonly string[],
    how: { readonly misdeed?: Misdeed; readonly priority?: number } = {},
  ): Promise<void> {
    const { sql, workflowId, referee } = this.#parts
    if (referee === null) return
    const { misdeed, priority = 0 } = how
    const items = keys.map((key) => {
      const url = referee.urlOf(key)
      return { key, payload: misdeed === undefined ? { url } : { url, misdeed }, lane: '' }
    })
    await enqueueItems(sql, { workflowId, items, again: 'never', priority })
    this.#keys.push(...keys)
  }
}
