// The worker pool: the child processes and threads of one workflow on this node. Starts them,
// listens to their pulse, replaces the dead, and gives up on a crash loop. What items mean is not
// its business.

import type { FromWorker, Settled } from '../src/actor/messages.js'
import { PROTOCOL_VERSION } from '../src/actor/messages.js'
import { assertNever } from '../src/core/assert.js'
import type { CancelTimer, Clock, MonotonicMs } from '../src/core/clock.js'
import { LIMITS } from '../src/core/limits.js'
import type { WorkerOptions } from '../src/core/worker-options.js'
import type { FruitlessDeath } from '../src/core/worker-plan.js'
import { planRestart, restartPeriodOf } from '../src/core/worker-plan.js'
import type { WorkerEvent } from '../src/core/worker-state.js'
import { WORKER_TRANSITIONS } from '../src/core/worker-state.js'
import type { EventBus, WorkerIdentity } from '../src/telemetry/events.js'
import { SwollenCount } from './swollen-count.js'
import type { LinkExit, WorkerKind, WorkerLink, WorkerTransport } from './transport.js'
import type { WorkerDeath } from './worker-death.js'
import { deathReason, hasEndedAsAsked } from './worker-death.js'
import { tellEndpoint, tellLog } from './worker-news.js'
import type { Worker, WorkerSeatSpec } from './worker-seat.js'
import { newWorker, setupOf } from './worker-seat.js'

export interface WorkerPoolDeps {
  readonly workflow: string
  readonly seats: readonly WorkerSeatSpec[]
  readonly workerOptions: Omit<WorkerOptions, 'workerId' | 'slots'>
  readonly transports: { readonly [kind in WorkerKind]: WorkerTransport }
  readonly heapMb: number | null
  /** Memory above which a worker is drained and replaced, in bytes. */
  readonly memoryBytesMax: number
  /** Time without an answer to a ping after which a worker is killed. */
  readonly silentMs: number
  readonly clock: Clock
  readonly events: EventBus
  readonly onReady: (workerId: string, slots: number) => void
  readonly onSettled: (workerId: string, settled: Settled) => void
  /** Worst event-loop delay of a worker since its last answer, in milliseconds. */
  readonly onDelay: (workerId: string, eventLoopDelayMs: number) => void
  /** The worker takes nothing more: it drains. */
  readonly onClosed: (workerId: string) => void
  /** Called once a worker is gone. Answers whether it died of an item that is being isolated. */
  readonly onExit: (workerId: string, exit: WorkerDeath) => { readonly isExcused: boolean }
  readonly heldBy: (workerId: string) => number
  /** Workers die without finishing anything, or refuse their workflow: somebody must look. */
  readonly onGiveUp: (reason: 'restart_intensity' | 'module_refused', message: string) => void
}

const MEGABYTE = 1_048_576

export class WorkerPool {
  readonly #deps: WorkerPoolDeps
  readonly #workers = new Map<string, Worker>()
  readonly #timers = new Set<CancelTimer>()
  #fruitless: FruitlessDeath[] = []
  readonly #swollen: SwollenCount
  #born = 0
  #isStopping = false
  #cancelPing: CancelTimer | null = null
  #allGone: (() => void)[] = []

  constructor(deps: WorkerPoolDeps) {
    this.#deps = deps
    this.#swollen = new SwollenCount(deps.seats.length)
  }

  start(): void {
    for (const spec of this.#deps.seats) this.#startWorker(spec)
    this.#cancelPing = this.#deps.clock.setTimer(LIMITS.pingIntervalMs, () => this.#pingAll())
  }

  send(workerId: string, message: Parameters<WorkerLink['send']>[0]): void {
    this.#workers.get(workerId)?.link?.send(message)
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
      { workerId, workflow, kind: spec.kind, heapMb },
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
    const times = this.#swollen.note(this.#deps.clock.nowMs())
    const words = `${times} workers within a minute grew beyond their memory of ${limit}`
    if (times !== null) this.#deps.onGiveUp('restart_intensity', words)
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
    const reason = deathReason(worker, exit)
    const { isExcused } = this.#deps.onExit(workerId, { reason, isExpected })
    if (!isExpected && !isExcused && worker.finished === 0) this.#noteFruitless(nowMs)
    if (this.#isStopping) return this.#noteGone()
    this.#replace(worker.spec, reason, worker.killReason !== null && worker.unanswered > 0)
  }

  #noteFruitless(nowMs: MonotonicMs): void {
    const periodMs = restartPeriodOf(this.#deps.silentMs)
    const recent = this.#fruitless.filter(({ atMs }) => nowMs - atMs < periodMs)
    this.#fruitless = [...recent, { atMs: nowMs }]
  }

  #noteGone(): void {
    if (this.#workers.size > 0) return
    this.#cancelPing?.()
    for (const resolve of this.#allGone.splice(0)) resolve()
  }

  #replace(spec: WorkerSeatSpec, reason: string, wasSilent: boolean): void {
    const nowMs = this.#deps.clock.nowMs()
    const periodMs = wasSilent ? restartPeriodOf(this.#deps.silentMs) : LIMITS.restartPeriodMs
    const plan = planRestart(this.#fruitless, nowMs, periodMs)
    if (plan.action === 'give-up') {
      const within = `${Math.round(periodMs / 1_000)} s`
      const message = `${plan.deaths} workers died within ${within} without finishing an item; the last ${reason}`
      this.#deps.onGiveUp('restart_intensity', message)
    }
    // After giving up the seat is filled slowly, so that a resumed workflow finds a worker.
    const delayMs = plan.action === 'restart' ? plan.delayMs : periodMs
    const cancel = this.#deps.clock.setTimer(delayMs, () => {
      this.#timers.delete(cancel)
      this.#startWorker(spec)
    })
    this.#timers.add(cancel)
  }
}
