// A place: a machine's process manager that keeps one supervisor running. Each boot is a new node
// with a process, a store, workers and a clock of its own.

import { NO_PLAN } from '../../src/core/share-plan.js'
import type { NodeIdentity } from '../../src/store/nodes.js'
import type { EventBus } from '../../src/telemetry/events.js'
import { createEventBus } from '../../src/telemetry/events.js'
import type { StopReason } from '../../supervisor/supervisor.js'
import { Supervisor } from '../../supervisor/supervisor.js'
import { CHAIN } from '../support/chain.js'
import type { Dice } from './dice.js'
import type { PlaceSpec, Scenario } from './scenario.js'
import type { SimDatabase } from './sim-database.js'
import { SimProcess } from './sim-process.js'
import type { Cut, SimStore } from './sim-store.js'
import { createSimStore } from './sim-store.js'
import type { SimTransport } from './sim-transport.js'
import { createSimTransport } from './sim-transport.js'
import type { SimWorker, WorkerWeather } from './sim-worker.js'
import { MEMORY_BYTES_MAX } from './sim-worker.js'
import type { Witness } from './witness.js'
import type { World } from './world.js'

export interface Surroundings {
  readonly world: World
  readonly scenario: Scenario
  readonly database: SimDatabase
  readonly witness: Witness
  readonly dice: Dice
  readonly workerWeather: WorkerWeather
  /** Process ids that live, by machine. */
  readonly living: Set<string>
  /** Every boot there was, by its node. */
  readonly boots: Map<string, Boot>
  readonly nextPid: () => number
}

/** A supervisor leaves within its drain and its farewells, the transports' end included. */
const FAREWELL_MS_MAX = 5 * 5_000 + 1_000

const FETCH = {
  connectTimeoutMs: 1_000,
  headersTimeoutMs: 1_000,
  bodyTimeoutMs: 1_000,
  totalTimeoutMs: 1_000,
  keepAliveMs: 1_000,
  bodyBytesMax: 1_000,
  redirectsMax: 1,
  socketsMax: 1,
  socketsPerHostMax: 1,
  userAgent: 'simulated',
  allowedRanges: [],
  robots: 'ignore',
  robotsName: null,
  ports: [],
  upstream: { kind: 'direct' },
} as const

/** One supervisor, from its start to its end. */
export class Boot {
  readonly nodeId: string
  readonly process: SimProcess
  readonly supervisor: Supervisor
  readonly #around: Surroundings
  readonly #identity: NodeIdentity
  readonly #sim: SimStore
  readonly #transports: { readonly process: SimTransport; readonly thread: SimTransport }
  readonly #onEnd: () => void
  /** What of it does not reach the database for now. */
  readonly cut: Cut = { what: 'nothing', isSilent: false }
  #hasSlept = false
  #hasFrozen = false
  #wasCut = false
  #isOver = false
  #stopBy: (() => void) | null = null

  constructor(around: Surroundings, spec: PlaceSpec, onEnd: () => void) {
    const { world, database, witness, dice } = around
    this.#around = around
    this.#onEnd = onEnd
    const pid = around.nextPid()
    this.nodeId = `${spec.name}.${pid}`
    this.#identity = {
      nodeId: this.nodeId,
      name: spec.name,
      host: spec.machine,
      machine: spec.machine,
      pid,
      pidStarted: `${world.nowMs}`,
    }
    this.process = new SimProcess(world, {
      zeroMs: dice.between(0, 1e9),
      rate: spec.clockRate,
      wallSkewMs: dice.between(-60_000, 60_000),
    })
    const { nodeId, process, cut } = this
    const own = { world, database, process, witness, nodeId, cut, poolMax: spec.poolMax }
    this.#sim = createSimStore({ ...own, dice: dice.fork() })
    this.#transports = { process: this.#createTransport(), thread: this.#createTransport() }
    this.supervisor = this.#createSupervisor(spec)
    witness.figures.boots += 1
    around.living.add(this.#processKey)
    around.boots.set(this.nodeId, this)
  }

  get workers(): readonly SimWorker[] {
    return [...this.#transports.process.workers(), ...this.#transports.thread.workers()]
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Nothing but the database itself ever kept its heartbeats away. */
  get isHale(): boolean {
    return !this.#isOver && !this.#hasFrozen && !this.#wasCut
  }

  cutOff(what: Cut['what'], isSilent: boolean): void {
    this.#wasCut = true
    this.cut.what = what
    this.cut.isSilent = isSilent
  }

  start(): void {
    const { supervisor } = this
    this.process.run(() => {
      supervisor.start().catch((error: unknown) => {
        this.#around.witness.note(`${this.nodeId} could not start: ${String(error)}`)
        supervisor.stop('it could not start')
      })
      void supervisor.stopped.then((reason) => this.#onStopped(reason))
    })
  }

  /** Asks the supervisor to stop; the second time it halts. */
  stop(reason: string): void {
    this.process.run(() => {
      this.supervisor.stop(reason)
      this.#expectStop()
    })
  }

  #expectStop(): void {
    const { world, scenario, witness } = this.#around
    this.#stopBy ??= world.after(scenario.drainMs * 1.01 + FAREWELL_MS_MAX, () => {
      if (this.#isOver || this.process.isFrozen || this.#hasFrozen) return
      witness.violation(`I10: ${this.nodeId} did not stop in time, it is ${this.supervisor.state}`)
    })
  }

  freeze(kind: 'process' | 'machine'): void {
    this.#hasFrozen = true
    const isSleep = kind === 'machine'
    this.#hasSlept ||= isSleep
    const workers = isSleep ? this.workers : this.#transports.thread.workers()
    for (const { process } of [this, ...workers]) {
      if (isSleep) process.sleep()
      else process.freeze()
    }
  }

  thaw(): void {
    const isTimersFirst = this.#around.dice.chance(0.5)
    this.process.thaw(isTimersFirst)
    for (const worker of this.workers) worker.process.thaw(isTimersFirst)
  }

  /** SIGKILL: its workers notice. */
  kill(): void {
    if (this.#isOver) return
    this.#around.witness.note(`${this.nodeId} is killed`)
    this.process.kill()
    for (const worker of this.workers) worker.orphan()
    this.#end()
  }

  async isProcessDead(neighbour: { readonly pid: number; readonly pidStarted: string }) {
    const { pid, pidStarted } = neighbour
    return !this.#around.living.has(`${this.#identity.machine} ${pid} ${pidStarted}`)
  }

  get #processKey(): string {
    const { machine, pid, pidStarted } = this.#identity
    return `${machine} ${pid} ${pidStarted}`
  }

  #end(): void {
    this.#isOver = true
    this.#stopBy?.()
    this.#around.living.delete(this.#processKey)
    this.#onEnd()
  }

  /** The supervisor says that all has ended: then nothing of it may be left. */
  #onStopped(reason: StopReason): void {
    const { witness, world } = this.#around
    if (this.#isOver) return
    if (reason === 'stopped' && !this.#hasFrozen) this.#checkLeavings()
    // What was asked before the end may still be answered; nothing else may come.
    world.after(1, () => {
      if (this.process.timers > 0) {
        witness.violation(`${this.nodeId} stopped and left ${this.process.timers} timers`)
      }
      for (const worker of this.workers) worker.orphan()
      this.process.kill()
      this.#end()
    })
  }

  #checkLeavings(): void {
    for (const { inFlight, buffered, settling } of this.supervisor.loads()) {
      if (settling > 0) this.#around.witness.violation(`${this.nodeId} left ${settling} unsettled`)
      if (buffered > 0) this.#around.witness.violation(`${this.nodeId} left ${buffered} buffered`)
      if (inFlight < 0) this.#around.witness.violation(`${this.nodeId} counts ${inFlight}`)
    }
  }

  #createTransport(): SimTransport {
    const { world, dice, witness, workerWeather, database, nextPid } = this.#around
    return createSimTransport({
      world,
      dice: dice.fork(),
      witness,
      weather: workerWeather,
      database,
      nextPid,
      home: this.process,
      nodeId: this.nodeId,
      hasSlept: () => this.#hasSlept,
    })
  }

  #createSupervisor(spec: PlaceSpec): Supervisor {
    const { scenario, dice } = this.#around
    return new Supervisor({
      keep: { receiptsMs: null, itemsMs: null },
      identity: this.#identity,
      store: this.#sim.store,
      clock: this.process.clock,
      random: dice.fork(),
      events: this.#createEvents(spec),
      transports: this.#transports,
      isProcessDead: (neighbour) => this.isProcessDead(neighbour),
      timing: scenario.timing,
      sweepMs: scenario.sweepMs,
      drainMs: scenario.drainMs,
      planOf: () => NO_PLAN,
      workflows: scenario.workflows.map((name) => ({
        definition: { name, sinks: {} },
        options: this.#serviceOptions(spec, name),
      })),
    })
  }

  #serviceOptions(spec: PlaceSpec, workflow: string) {
    const { scenario } = this.#around
    const { itemTimeoutMs, attempts, backoffMs, silentMs } = scenario
    return {
      seats: spec.seats.map((seat) => ({ ...seat, sockets: FETCH })),
      heapMb: null,
      memoryBytesMax: MEMORY_BYTES_MAX,
      silentMs,
      retry: { attempts, backoff: { baseMs: backoffMs, factor: 2, maxMs: 5_000 } },
      governor: {
        concurrency: 1_000,
        start: null,
        planConcurrency: null,
        ratePerMinute: null,
        successPauseMs: 0,
        hasOnePlan: true,
        plan: `workflow:${workflow}`,
      },
      hosts: null,
      creditsPerCall: 0,
      failureAgeMs: 0,
      rollback: { errorRateMax: 1, itemsMin: 1_000 },
      workerOptions: {
        workflow,
        moduleUrl: 'simulated',
        itemTimeoutMs,
        fetch: FETCH,
        chain: CHAIN,
      },
    }
  }

  #createEvents(spec: PlaceSpec): EventBus {
    const { witness } = this.#around
    const events = createEventBus((error) => witness.violation(`a listener threw ${String(error)}`))
    const slots = spec.seats.reduce((sum, seat) => sum + seat.slots, 0)
    events.subscribe((event) => {
      if (event.name !== 'worker.pong') witness.note(`${this.nodeId} ${JSON.stringify(event)}`)
      witness.heard(this.nodeId, event)
      if (event.name === 'lease.granted') this.#checkLoads(slots)
    })
    return events
  }

  /** I9: what waits is bounded by what can be worked. */
  #checkLoads(slots: number): void {
    const { witness, scenario } = this.#around
    const rateMax = 1_000
    for (const { buffered, settling } of this.supervisor.loads()) {
      const aheadMax = slots + Math.max(Math.ceil(slots / 2), rateMax / 2) + 1
      if (buffered > aheadMax) witness.violation(`I9: ${this.nodeId} buffers ${buffered}`)
      if (settling > scenario.items * 4 + 2_000) {
        witness.violation(`I9: ${this.nodeId} has ${settling} to settle`)
      }
    }
  }
}

/** The process manager: boots again whatever ends, for as long as it is wanted. */
export class Place {
  readonly spec: PlaceSpec
  readonly #around: Surroundings
  boot: Boot | null = null
  isWanted = true

  constructor(around: Surroundings, spec: PlaceSpec) {
    this.#around = around
    this.spec = spec
  }

  /** The boot that runs; null between two of them. */
  get running(): Boot | null {
    return this.boot === null || this.boot.isOver ? null : this.boot
  }

  start(): void {
    if (!this.isWanted || this.running !== null) return
    const boot = new Boot(this.#around, this.spec, () => {
      this.#around.world.after(this.spec.restartMs, () => this.start())
    })
    this.boot = boot
    boot.start()
  }
}
