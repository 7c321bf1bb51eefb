// The fetch loop: what a worker does, whether it is a child process or a thread.
//
//   starting ── setup ──► loading ── module is sound ──► working ── drain ──► draining ──► finished
//       └──────────────────┴──────── refused ─────────────────────────────────────────────►┘
//
// Items come by `dispatch`, take a slot or wait for one, and each is answered by exactly one entry
// of a `settled`: by its handler, by its timeout, or by a release. The host is the thin shell
// around this: it carries messages and ends the process or the thread.

import {
  type Dispatch,
  type DispatchedItem,
  type FromWorker,
  PROTOCOL_VERSION,
  type Setup,
} from '../src/actor/messages.js'
import { assertNever } from '../src/core/assert.js'
import type { CancelTimer, Clock } from '../src/core/clock.js'
import { EXIT_CODES, messageOf } from '../src/core/errors.js'
import { LIMITS } from '../src/core/limits.js'
import type { Outcome } from '../src/core/outcome.js'
import type { WorkerOptions } from '../src/core/worker-options.js'
import { createFetcher, type Fetcher } from '../src/fetch/fetcher.js'
import type { WorkflowDefinition } from '../src/workflow/define.js'
import { validateWorkflow } from '../src/workflow/validate.js'
import { logLine } from './log-line.js'
import { Outbox } from './outbox.js'
import { parseToWorker, protocolVersionOf } from './parse-message.js'
import { Task, type TaskParts } from './task.js'

/** What surrounds the loop: a process, a thread, or a test. */
export interface WorkerHost {
  readonly pid: number
  readonly clock: Clock
  readonly send: (message: FromWorker) => void
  /** The loop has said its last word and holds nothing any more. Called once. */
  readonly finish: (exitCode: number) => void
  /** Default export of a module. */
  readonly load: (moduleUrl: string) => Promise<unknown>
  readonly memoryBytes: () => number
  /** Worst event-loop delay since the last call. */
  readonly takeWorstDelayMs: () => number
  /** Runs something when this turn of the event loop is over. @default setImmediate */
  readonly defer?: (run: () => void) => void
}

interface Engine {
  readonly options: WorkerOptions
  readonly fetcher: Fetcher
  readonly parts: TaskParts
}

export class FetchLoop {
  readonly #host: WorkerHost
  readonly #outbox: Outbox
  #stage: 'starting' | 'loading' | 'working' | 'draining' | 'finished' = 'starting'
  #engine: Engine | null = null
  /** Items without a slot, in the order they came. */
  readonly #waiting = new Map<string, DispatchedItem>()
  /**
   * Tasks that have a slot, those whose item was given back but whose handler still runs included.
   */
  readonly #tasks = new Set<Task>()
  /** Items that were dispatched and not answered. */
  readonly #held = new Map<string, Task | null>()
  /** Handlers that did not return after their abort and lost their slot. */
  #abandoned = 0
  #cancelDrainTimer: CancelTimer = () => {}

  constructor(host: WorkerHost) {
    this.#host = host
    this.#outbox = new Outbox((message) => this.#host.send(message), host.defer)
  }

  /** Says hello. */
  start(): void {
    this.#host.send({ type: 'hello', protocolVersion: PROTOCOL_VERSION, pid: this.#host.pid })
  }

  /** Takes a message of the supervisor. What cannot be understood is told and ignored. */
  receive(received: unknown): void {
    if (this.#stage === 'finished') return
    const version = protocolVersionOf(received)
    if (version !== null && version !== PROTOCOL_VERSION) {
      this.#refuse(`This worker speaks protocol ${PROTOCOL_VERSION}, the supervisor ${version}.`)
      return
    }
    const message = parseToWorker(received)
    if (message === null) {
      if (version !== null) this.#refuse('The setup cannot be read.')
      else this.#log('error', 'A message that cannot be understood was ignored.')
      return
    }
    switch (message.type) {
      case 'setup':
        void this.#setup(message)
        break
      case 'dispatch':
        this.#dispatch(message)
        break
      case 'abort':
        for (const itemId of message.itemIds)
          this.#release(itemId, 'the supervisor dropped the item')
        break
      case 'drain':
        this.#drain(message.drainMs)
        break
      case 'ping':
        this.#host.send({
          type: 'pong',
          sequence: message.sequence,
          eventLoopDelayMs: this.#host.takeWorstDelayMs(),
          memoryBytes: this.#host.memoryBytes(),
          active: this.#tasks.size,
          ...this.#engine?.fetcher.held(),
        })
        break
      default:
        assertNever(message)
    }
  }

  /** Gives everything back and finishes at once: the supervisor is gone or the host must end. */
  halt(exitCode: number): void {
    if (this.#stage === 'finished') return
    this.#releaseAll('the worker halts')
    this.#finish(exitCode)
  }

  async #setup({ options }: Setup): Promise<void> {
    if (this.#stage !== 'starting') {
      this.#log('error', 'A second setup was ignored.')
      return
    }
    this.#stage = 'loading'
    try {
      const definition = await this.#loadWorkflow(options)
      // A drain or a halt may have come while the module was loading.
      if (this.#stage === 'loading') this.#begin(options, definition)
    } catch (error) {
      this.#refuse(messageOf(error))
    }
  }

  async #loadWorkflow(options: WorkerOptions): Promise<WorkflowDefinition> {
    const exported = await this.#host.load(options.moduleUrl)
    const definition = validateWorkflow(exported, options.moduleUrl)
    if (definition.name === options.workflow) return definition
    throw new Error(
      `The module ${options.moduleUrl} defines the workflow ${definition.name}, ` +
        `expected ${options.workflow}.`,
    )
  }

  #begin(options: WorkerOptions, definition: WorkflowDefinition): void {
    const fetcher = createFetcher(options.fetch, {
      clock: this.#host.clock,
      onEndpoint: (change) => this.#host.send({ type: 'endpoint', ...change }),
    })
    const parts: TaskParts = {
      definition,
      fetcher,
      clock: this.#host.clock,
      itemTimeoutMs: options.itemTimeoutMs,
      chain: options.chain,
      documents: options.documents ?? null,
      log: (line) => this.#host.send(line),
      settle: (item, outcome) => this.#settle(item, outcome),
      vacate: (task, isAbandoned) => this.#vacate(task, isAbandoned),
    }
    this.#engine = { options, fetcher, parts }
    this.#stage = 'working'
    this.#host.send({ type: 'ready', slots: options.slots })
  }

  #dispatch({ items }: Dispatch): void {
    for (const item of items) {
      const isRefused =
        this.#stage !== 'working' ||
        this.#held.has(item.itemId) ||
        this.#waiting.size >= LIMITS.bufferedItemsMax
      // Not through `#settle`: an item that is held already keeps its own answer.
      if (isRefused) this.#answer(item, { result: 'release' })
      else this.#accept(item)
    }
    this.#fillSlots()
  }

  #accept(item: DispatchedItem): void {
    this.#held.set(item.itemId, null)
    this.#waiting.set(item.itemId, item)
  }

  #fillSlots(): void {
    const engine = this.#engine
    if (engine === null) return
    for (const [itemId, item] of this.#waiting) {
      if (this.#stage !== 'working' || this.#tasks.size >= engine.options.slots) return
      this.#waiting.delete(itemId)
      const task = new Task(item, engine.parts)
      this.#tasks.add(task)
      this.#held.set(itemId, task)
      void task.run()
    }
  }

  #vacate(task: Task, isAbandoned: boolean): void {
    this.#tasks.delete(task)
    if (isAbandoned) this.#noteAbandoned(task)
    if (this.#stage === 'draining' && this.#tasks.size === 0) this.#finish(EXIT_CODES.ok)
    else this.#fillSlots()
  }

  /**
   * A handler that ignores its abort goes on holding memory and perhaps sockets. Some are borne;
   * when there are as many as slots, the worker drains, and its successor starts clean.
   */
  #noteAbandoned(task: Task): void {
    this.#abandoned += 1
    const fields = { itemId: task.item.itemId, itemKey: task.item.itemKey }
    this.#log('warn', 'A handler did not return after its abort; its slot was given up.', fields)
    const { slots = 0, itemTimeoutMs = 0 } = this.#engine?.options ?? {}
    if (this.#stage !== 'working' || this.#abandoned < slots) return
    this.#log('error', `${this.#abandoned} handlers ignore their abort; the worker drains.`)
    this.#drain(itemTimeoutMs)
  }

  #release(itemId: string, reason: string): void {
    const task = this.#held.get(itemId)
    const waiting = this.#waiting.get(itemId)
    if (task) task.release(reason)
    else if (waiting !== undefined) this.#settle(waiting, { result: 'release' })
  }

  #releaseAll(reason: string): void {
    for (const itemId of [...this.#held.keys()]) this.#release(itemId, reason)
  }

  #settle(item: DispatchedItem, outcome: Outcome): void {
    this.#held.delete(item.itemId)
    this.#waiting.delete(item.itemId)
    this.#answer(item, outcome)
  }

  #answer({ itemId, packId, leaseId }: DispatchedItem, outcome: Outcome): void {
    this.#outbox.add({ itemId, packId, leaseId, outcome })
  }

  #drain(drainMs: number): void {
    if (this.#stage !== 'working' && this.#stage !== 'draining') {
      // Nothing was begun, so nothing has to end.
      this.#finish(EXIT_CODES.ok)
      return
    }
    this.#stage = 'draining'
    for (const itemId of [...this.#waiting.keys()]) this.#release(itemId, 'the worker drains')
    if (this.#tasks.size === 0) {
      this.#finish(EXIT_CODES.ok)
      return
    }
    // A second drain replaces the deadline of the first.
    this.#cancelDrainTimer()
    this.#cancelDrainTimer = this.#host.clock.setTimer(drainMs, () => this.halt(EXIT_CODES.ok))
  }

  #refuse(message: string): void {
    if (this.#stage === 'finished') return
    this.#host.send({ type: 'refused', message })
    this.halt(EXIT_CODES.configuration)
  }

  #finish(exitCode: number): void {
    if (this.#stage === 'finished') return
    this.#stage = 'finished'
    this.#cancelDrainTimer()
    this.#outbox.flush()
    // Fetches that nobody waits for must not keep the worker alive.
    this.#engine?.fetcher.close().catch(() => {})
    this.#host.finish(exitCode)
  }

  #log(
    level: 'warn' | 'error',
    message: string,
    fields?: { readonly [key: string]: string },
  ): void {
    this.#host.send(logLine(level, message, fields))
  }
}
