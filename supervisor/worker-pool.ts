// The worker pool: the child processes and threads of one workflow on this node. Starts them,
// listens to their pulse, replaces the dead, and gives up on a crash loop. What items mean is not
// its business.

import type { FromWorker } from '../src/actor/messages.js'
import { PROTOCOL_VERSION } from '../src/actor/messages.js'
import { assertNever } from '../src/core/assert.js'
import type { CancelTimer } from '../src/core/clock.js'
import { LIMITS } from '../src/core/limits.js'
import type { WorkerEvent } from '../src/core/worker-state.js'
import { WORKER_TRANSITIONS } from '../src/core/worker-state.js'
import type { WorkerIdentity } from '../src/telemetry/events.js'
import { Rest } from './rest.js'
import { Restarts } from './restarts.js'
import { SwollenCount } from './swollen-count.js'
import { type LinkExit, NO_LINK, type WorkerLink } from './transport.js'
import { deathReason, hasEndedAsAsked } from './worker-death.js'
import { tellEndpoint, tellLog } from './worker-news.js'
import type { WorkerPoolDeps } from './worker-pool-deps.js'
import type { Worker, WorkerSeatSpec } from './worker-seat.js'
import { newWorker, setupOf } from './worker-seat.js'

const MEGABYTE = 1_048_576

export class WorkerPool {
  readonly #deps: WorkerPoolDeps
  readonly #workers = new Map<string, Worker>()
  readonly #timers = new Set<CancelTimer>()
  readonly #restarts: Restarts
  readonly #swollen: SwollenCount
  #born = 0
  #isStopping = false
  readonly #rest: Rest
  #cancelPing: CancelTimer | null = null
  #allGone: (() => void)[] = []

  constructor(deps: WorkerPoolDeps) {
    this.#deps = deps
    this.#swollen = new SwollenCount(deps.seats.length)
    this.#rest = new Rest(deps)
    this.#restarts = new Restarts(deps.silentMs)
  }

  start(): void {
    if (!this.#rest.isResting) for (const spec of this.#deps.seats) this.#startWorker(spec)
    this.#cancelPing = this.#deps.clock.setTimer(LIMITS.pingIntervalMs, () => this.#pingAll())
  }

  get isResting(): boolean {
    return this.#rest.isResting
  }

  /** There is something to do. */
  rouse(): void {
    if (this.#isStopping || !this.#rest.rouse()) return
    for (const spec of this.#deps.seats) this.#startWorker(spec)
  }

  /** Lets idle workers end; their seats stay empty until there is something to do. */
  #lie(): void {
    this.#stopTimers()
    for (const worker of this.#workers.values()) {
      worker.isExpectedToEnd = true
      worker.isResting = true
      this.#apply(worker, 'drain')
    }
  }

  send(workerId: string, ...words: Parameters<WorkerLink['send']>): void {
    const link = this.#workers.get(workerId)?.link ?? NO_LINK
    link.send(...words)
  }

  /** Asks every worker to finish what it holds and end; resolves when all are gone. */
  drain(drainMs: number): Promise<void> {
    this.#isStopping = true
    this.#stopTimers()
    for (const worker of this.#workers.values()) {
      worker.isExpectedToEnd = true
      this.#apply(worker, 'drain', drainMs)
    }
    return this.#gone()
  }

  /** Ends every worker at once; resolves when all are gone. */
  halt(): Promise<void> {
    this.#isStopping = true
    this.#stopTimers()
    for (const worker of this.#workers.values()) {
      worker.isExpectedToEnd = true
      this.#apply(worker, 'halt')
    }
    return this.#gone()
  }

  #gone(): Promise<void> {
    if (this.#workers.size === 0) {
      this.#cancelPing?.()
      return Promise.resolve()
    }
    return new Promise((resolve) => this.#allGone.push(resolve))
  }

  #stopTimers(): void {
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }

  #startWorker(spec: WorkerSeatSpec): void {
    const { workflow, clock, events, transports, heapMb } = this.#deps
    this.#born += 1
    const workerId = `${workflow}-${this.#born}`
    const identity: WorkerIdentity = { workflow, workerId, kind: spec.kind }
    const worker = newWorker(identity, spec, clock.nowMs())
    this.#workers.set(workerId, worker)
    worker.link = transports[spec.kind].start(
      { workerId, workflow, kind: spec.kind, slots: spec.slots, heapMb },
      {
        onMessage: (message) => this.#onMessage(worker, message),
        onExit: (exit) => this.#onExit(worker, exit),
      },
    )
    events.emit('worker.started', { ...identity, pid: worker.link.pid })
  }

  #onMessage(worker: Worker, message: FromWorker): void {
    const { events } = this.#deps
    switch (message.type) {
      case 'hello':
        return this.#onHello(worker, message.protocolVersion)
      case 'ready':
        return this.#apply(worker, 'ready')
      case 'refused':
        this.#deps.onGiveUp('module_refused', message.message)
        return this.#kill(worker, 'refused', `refused its workflow: ${message.message}`)
      case 'settled':
        worker.finished += message.items.length
        return this.#deps.onSettled(worker.identity.workerId, message)
      case 'pong':
        return this.#onPong(worker, message)
      case 'endpoint':
        return tellEndpoint(events, worker.identity, message)
      case 'log':
        return tellLog(events, worker.identity, message)
      default:
        return assertNever(message)
    }
  }

  #onHello(worker: Worker, protocolVersion: number): void {
    if (protocolVersion !== PROTOCOL_VERSION) {
      this.#deps.events.emit('worker.replaced', { ...worker.identity, reason: 'protocol' })
      return this.#kill(worker, 'silent', `speaks protocol ${protocolVersion}`)
    }
    worker.link?.send(setupOf(worker, this.#deps.workerOptions))
  }

  #onPong(worker: Worker, pong: Extract<FromWorker, { type: 'pong' }>): void {
    worker.unanswered = 0
    const { type: _, sequence: _s, ...health } = pong
    const { eventLoopDelayMs, memoryBytes } = health
    const { memoryBytesMax, events, onDelay } = this.#deps
    onDelay(worker.identity.workerId, eventLoopDelayMs)
    events.emit('worker.pong', { ...worker.identity, pid: worker.link?.pid ?? 0, ...health })
    if (memoryBytes <= memoryBytesMax) return
    const isGorging = memoryBytes > LIMITS.memoryTimesMax * memoryBytesMax
    if (worker.state !== 'ready' && !(isGorging && worker.state === 'draining')) return
    events.emit('worker.replaced', { ...worker.identity, reason: 'memory' })
    const limit = `${Math.round(memoryBytesMax / MEGABYTE)} MB`
    worker.isSwollen = !isGorging
    if (!isGorging) return this.#drainToReplace(worker)
    this.#kill(worker, 'silent', `took more than twice its memory of ${limit}`)
  }

  /**
   * Lets the worker finish what it has, for as long as an item may take, and fills its seat again:
   * its memory is over the limit, or it said by itself that it takes nothing more.
   */
  retire(workerId: string): void {
    const worker = this.#workers.get(workerId)
    if (worker?.state === 'ready') this.#drainToReplace(worker)
  }

  #drainToReplace(worker: Worker): void {
    worker.isExpectedToEnd = true
    this.#apply(worker, 'swollen', this.#deps.workerOptions.itemTimeoutMs + LIMITS.pingIntervalMs)
  }

  /**
   * A silent worker is found by pings that went unanswered, not by the clock: when this very
   * process was asleep, one ping is open afterwards, not ten seconds' worth.
   */
  #pingAll(): void {
    const silentPings = Math.ceil(this.#deps.silentMs / LIMITS.pingIntervalMs)
    const nowMs = this.#deps.clock.nowMs()
    const isBusy = [...this.#workers.values()].some(
      ({ identity, state }) => state === 'starting' || this.#deps.heldBy(identity.workerId) > 0,
    )
    if (!this.#isStopping && this.#rest.look(nowMs, isBusy)) this.#lie()
    for (const worker of this.#workers.values()) {
      if (worker.state === 'killed') continue
      if (worker.state === 'starting') {
        if (nowMs - worker.startedMs <= LIMITS.workerStartMs) continue
        this.#deps.events.emit('worker.replaced', { ...worker.identity, reason: 'start' })
        this.#kill(worker, 'silent', 'was not ready in time')
      } else if (worker.unanswered >= silentPings) {
        this.#deps.events.emit('worker.replaced', { ...worker.identity, reason: 'silent' })
        this.#kill(worker, 'silent', `gave no answer for ${this.#deps.silentMs / 1_000} s`)
      } else {
        worker.unanswered += 1
        worker.sequence += 1
        worker.link?.send({ type: 'ping', sequence: worker.sequence })
      }
    }
    this.#cancelPing = this.#deps.clock.setTimer(LIMITS.pingIntervalMs, () => this.#pingAll())
  }

  #kill(worker: Worker, event: WorkerEvent, reason: string): void {
    worker.killReason ??= reason
    this.#apply(worker, event)
  }

  #apply(worker: Worker, event: WorkerEvent, drainMs: number = LIMITS.workerStartMs): void {
    const cell = WORKER_TRANSITIONS[worker.state][event]
    worker.state = cell.next
    const { workerId } = worker.identity
    switch (cell.action) {
      case 'open':
        this.#deps.events.emit('worker.ready', {
          ...worker.identity,
          pid: worker.link?.pid ?? 0,
          slots: worker.spec.slots,
          startMs: this.#deps.clock.nowMs() - worker.startedMs,
        })
        return this.#deps.onReady(workerId, worker.spec.slots)
      case 'drain':
        this.#deps.onClosed(workerId)
        return worker.link?.send({ type: 'drain', drainMs })
      case 'kill':
        this.#deps.onClosed(workerId)
        return worker.link?.kill()
      default:
        return
    }
  }

  #onExit(worker: Worker, exit: LinkExit): void {
    const isExpected = hasEndedAsAsked(worker, exit)
    this.#apply(worker, 'exit')
    const { workerId } = worker.identity
    const { clock, events } = this.#deps
    const itemsHeld = this.#deps.heldBy(workerId)
    this.#workers.delete(workerId)
    const nowMs = clock.nowMs()
    events.emit('worker.exited', {
      ...worker.identity,
      pid: worker.link?.pid ?? 0,
      exitCode: exit.exitCode,
      signal: exit.signal,
      expected: isExpected,
      itemsHeld,
      uptimeMs: nowMs - worker.startedMs,
    })
    if (isExpected && worker.isSwollen) this.#noteSwollen()
    const reason = deathReason(worker, exit)
    const { isExcused } = this.#deps.onExit(workerId, { reason, isExpected })
    if (!isExpected && !isExcused && worker.finished === 0) this.#restarts.note(nowMs)
    if (this.#isStopping) return this.#noteGone()
    if (worker.isResting) return
    const wasSilent = worker.killReason !== null && worker.unanswered > 0
    this.#replace(worker.spec, { wasSilent, reason })
  }

  /** Only of one that could end in good order: the item that kills workers is searched for. */
  #noteSwollen(): void {
    const times = this.#swollen.note(this.#deps.clock.nowMs())
    const limit = `${Math.round(this.#deps.memoryBytesMax / MEGABYTE)} MB`
    const words = `${times} workers within a minute grew beyond their memory of ${limit}`
    if (times !== null) this.#deps.onGiveUp('restart_intensity', words)
  }

  #noteGone(): void {
    if (this.#workers.size > 0) return
    this.#cancelPing?.()
    for (const resolve of this.#allGone.splice(0)) resolve()
  }

  #replace(
    spec: WorkerSeatSpec,
    end: { readonly wasSilent: boolean; readonly reason: string },
  ): void {
    const { delayMs, giveUp } = this.#restarts.plan(this.#deps.clock.nowMs(), end)
    if (giveUp !== null) this.#deps.onGiveUp('restart_intensity', giveUp)
    const cancel = this.#deps.clock.setTimer(delayMs, () => {
      this.#timers.delete(cancel)
      this.#startWorker(spec)
    })
    this.#timers.add(cancel)
  }
}
