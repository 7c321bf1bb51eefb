import { setMaxListeners } from 'node:events'
import type { DispatchedItem, LogLine } from '../src/actor/messages.js'
import type { ChainOptions } from '../src/core/chain-options.js'
import type { CancelTimer, Clock, MonotonicMs } from '../src/core/clock.js'
import type { DocumentOptions } from '../src/core/document-options.js'
import type {
  FetchedPage,
  StreamedPage,
  StreamRequest,
  TakeBytes,
} from '../src/core/fetched-page.js'
import type { AttemptFacts, Json, Outcome } from '../src/core/outcome.js'
import { createTally, toFacts } from '../src/fetch/facts.js'
import { FetchFailure } from '../src/fetch/failure.js'
import type { Fetcher } from '../src/fetch/fetcher.js'
import type { HandlerContext, WorkflowDefinition } from '../src/workflow/define.js'
import { WORKER_BOUNDS } from './bounds.js'
import { failedOutcome } from './failed-outcome.js'
import { logLine } from './log-line.js'
import { checkResult } from './result-rows.js'

const SETTLED = new FetchFailure('cancelled', 'the item is settled')

export interface TaskParts {
  readonly definition: WorkflowDefinition
  readonly fetcher: Fetcher
  readonly clock: Clock
  readonly itemTimeoutMs: number
  readonly chain: ChainOptions
  /** Null for every workflow but the one that saves documents. */
  readonly documents: DocumentOptions | null
  readonly log: (line: LogLine) => void
  /** The item's end. Called once for every task, whatever happens. */
  readonly settle: (item: DispatchedItem, outcome: Outcome) => void
  /**
   * The slot is free. Called once, after `settle`. `isAbandoned`: the handler has not returned and
   * runs on, unheard.
   */
  readonly vacate: (task: Task, isAbandoned: boolean) => void
}

/** The fetches of an item all listen to its signal; how many there are, the socket pool bounds. */
function createController(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/**
 * One item in a slot. The handler's end, the item's timeout and a release race; the first to settle
 * wins, and whatever comes later is dropped.
 */
export class Task {
  readonly item: DispatchedItem
  readonly #parts: TaskParts
  readonly #tally = createTally()
  readonly #startedAtMs: MonotonicMs
  #cancelTimer: CancelTimer
  /** Made when somebody asks for the signal: a handler of a few microseconds never does. */
  #controller: AbortController | null = null
  #abortReason: FetchFailure | null = null
  #isSettled = false
  #isVacated = false
  #logLines = 0

  constructor(item: DispatchedItem, parts: TaskParts) {
    this.item = item
    this.#parts = parts
    this.#startedAtMs = parts.clock.nowMs()
    this.#cancelTimer = parts.clock.setTimer(parts.itemTimeoutMs, () => this.#onTimeout())
  }

  /** Runs the handler. Never rejects. */
  async run(): Promise<void> {
    const { definition } = this.#parts
    const { itemKey: key, payload } = this.item
    let outcome: Outcome
    try {
      const result: unknown = await definition.work({ key, payload }, this.#context())
      const rows = checkResult(result, definition.sinks)
      outcome = { result: 'complete', rows, facts: this.#facts() }
    } catch (error) {
      // Once the item's time is over, that is its outcome, in whatever words the handler gives up.
      outcome = failedOutcome(this.#abortReason ?? error, this.#facts())
    }
    this.#settle(outcome)
    this.#vacate(false)
  }

  /**
   * Gives the item back at once. The slot follows when the handler returns or its grace is over.
   */
  release(reason: string): void {
    this.#settle({ result: 'release', facts: this.#facts() })
    if (this.#isVacated) return
    this.#cancelTimer()
    const { clock } = this.#parts
    this.#cancelTimer = clock.setTimer(WORKER_BOUNDS.abortGraceMs, () => this.#vacate(true))
    this.#abort(new FetchFailure('cancelled', reason))
  }

  #onTimeout(): void {
    const { clock, itemTimeoutMs } = this.#parts
    const failure = new FetchFailure('timeout_total', `the item took more than ${itemTimeoutMs} ms`)
    this.#cancelTimer = clock.setTimer(WORKER_BOUNDS.abortGraceMs, () => {
      this.#settle(failedOutcome(failure, this.#facts()))
      this.#vacate(true)
    })
    this.#abort(failure)
  }

  #abort(reason: FetchFailure): void {
    this.#abortReason ??= reason
    this.#controller?.abort(this.#abortReason)
  }

  #abortSignal(): AbortSignal {
    this.#controller ??= createController()
    if (this.#abortReason !== null) this.#controller.abort(this.#abortReason)
    return this.#controller.signal
  }

  #settle(outcome: Outcome): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#parts.settle(this.item, outcome)
  }

  #vacate(isAbandoned: boolean): void {
    if (this.#isVacated) return
    this.#isVacated = true
    this.#cancelTimer()
    // Whatever the handler left running, its fetches end with it.
    this.#abort(SETTLED)
    this.#parts.vacate(this, isAbandoned)
  }

  #facts(): AttemptFacts {
    const durationMs = Math.round(this.#parts.clock.nowMs() - this.#startedAtMs)
    return { durationMs, ...toFacts(this.#tally) }
  }

  #context(): HandlerContext {
    const abortSignal = () => this.#abortSignal()
    return {
      get abortSignal() {
        return abortSignal()
      },
      attempt: this.item.attempt,
      leaseId: this.item.leaseId,
      fetchPage: (url) => this.#fetchPage(url),
      streamPage: (url, take, request) => this.#streamPage(url, take, request),
      documents: this.#parts.documents,
      chain: this.#parts.chain,
      log: (message, fields) => this.#log(message, fields),
    }
  }

  #fetchPage(url: string): Promise<FetchedPage> {
    const page = this.#parts.fetcher
      .fetchPage(url, { abortSignal: this.#abortSignal(), tally: this.#tally })
      .then(({ facts: _, ...fetched }) => fetched)
    // A handler that does not wait for its fetch must not bring down the worker when it fails.
    page.catch(() => {})
    return page
  }

  #streamPage(url: string, take: TakeBytes, own: StreamRequest = {}): Promise<StreamedPage> {
    const request = { ...own, abortSignal: this.#abortSignal(), tally: this.#tally }
    const page = this.#parts.fetcher.streamPage(url, take, request)
    page.catch(() => {})
    return page
  }

  #log(message: string, fields?: { readonly [key: string]: Json }): void {
    this.#logLines += 1
    if (this.#logLines > WORKER_BOUNDS.logLinesMax || this.#isVacated) return
    const isLast = this.#logLines === WORKER_BOUNDS.logLinesMax
    const words = isLast ? `${message} (further lines of this item are dropped)` : message
    const { itemId, itemKey } = this.item
    this.#parts.log(logLine('info', words, { ...fields, itemId, itemKey }))
  }
}
