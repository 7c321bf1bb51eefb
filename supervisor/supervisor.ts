// The supervisor: one boot of a node. It leases, dispatches and settles through a service a
// workflow, and is itself only their beginning and their end. Everything it touches is handed in,
// so that a simulator can run many of them in one process.
//
// Its life: starting -> running -> draining -> halting -> stopped (src/core/supervisor-state.ts).
// Killed at any line, it leaves nothing that the next boot's first sweep does not set right.

import type { CancelTimer, Clock } from '../src/core/clock.js'
import { messageOf } from '../src/core/errors.js'
import type { HeartbeatTiming } from '../src/core/heartbeat-plan.js'
import { fencingRule } from '../src/core/heartbeat-plan.js'
import type { Json } from '../src/core/outcome.js'
import { OWN_PAUSES } from '../src/core/own-pauses.js'
import { partitionsOf } from '../src/core/partition-plan.js'
import type { Random } from '../src/core/random.js'
import type { PlanFigures } from '../src/core/share-plan.js'
import type { RolloutOrder } from '../src/core/steering-words.js'
import type { SupervisorEvent, SupervisorState } from '../src/core/supervisor-state.js'
import { nextSupervisorState } from '../src/core/supervisor-state.js'
import { type Neighbour, type NodeIdentity, STOPPED_IN_ORDER } from '../src/store/nodes.js'
import type { Store, StoredDefinition, WorkflowHandle } from '../src/store/store.js'
import type { EventBus } from '../src/telemetry/events.js'
import type { LaneHold } from '../src/telemetry/live-lanes.js'
import { fenceDeadNeighbours } from './dead-neighbours.js'
import { askFenceReason } from './fence-reason.js'
import { giveBack } from './give-back.js'
import type { Heartbeater } from './heartbeater.js'
import { createHeartbeater } from './heartbeater.js'
import { createHousekeeper, type Housekeeper } from './housekeeper.js'
import { createReclaimer, type Reclaimer } from './reclaimer.js'
import type { Keep } from './remover.js'
import { heedRollout } from './rollout-option.js'
import { createScheduler, type Scheduler } from './scheduler.js'
import type { WorkerKind, WorkerTransport } from './transport.js'
import { within } from './within.js'
import { WorkflowService } from './workflow-service.js'
import type { WorkflowLoad, WorkflowServiceOptions } from './workflow-service-options.js'

export interface SupervisedWorkflow {
  readonly definition: StoredDefinition
  readonly options: WorkflowServiceOptions
  /** What the options of this node say about the rollout. @default nothing */
  readonly rollout?: RolloutOrder | null
}

export interface SupervisorDeps {
  readonly identity: NodeIdentity
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
  readonly transports: { readonly [kind in WorkerKind]: WorkerTransport }
  readonly isProcessDead: (neighbour: Neighbour) => Promise<boolean>
  readonly timing: HeartbeatTiming
  readonly sweepMs: number
  /** For how long receipts and finished items are kept. */
  readonly keep: Keep
  /** What each heartbeat says of this node beside its loads. @default nothing */
  readonly report?: () => { readonly [field: string]: Json }
  /** Time for what is in flight once the supervisor is asked to stop. */
  readonly drainMs: number
  readonly workflows: readonly SupervisedWorkflow[]
  /** What the account of a workflow's upstream says of its plan. */
  readonly planOf: (workflow: string) => PlanFigures
}

/** Why a supervisor stopped. */
export type StopReason = 'stopped' | 'fenced'

/** Time to write what is decided and to give leases back when the database answers slowly. */
const FAREWELL_MS = 5_000

export class Supervisor {
  readonly #deps: SupervisorDeps
  readonly #heartbeater: Heartbeater
  readonly #reclaimer: Reclaimer
  readonly #housekeeper: Housekeeper
  readonly #scheduler: Scheduler
  #services: WorkflowService[] = []
  #handles: WorkflowHandle[] = []
  #state: SupervisorState = 'starting'
  #cancelDeadline: CancelTimer | null = null
  /** Resolves when it is said why this node was fenced. */
  #explained: Promise<void> = Promise.resolve()
  #isFenced = false
  #fencedWhy: string | null = null
  /** Resolves when `start` has done, or given up, what it was at. */
  #entered: Promise<void> = Promise.resolve()
  #resolveStopped: (reason: StopReason) => void = () => {}
  /** Resolves when everything has ended. */
  readonly stopped: Promise<StopReason>

  constructor(deps: SupervisorDeps) {
    this.#deps = deps
    const { store, clock, events, identity } = deps
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve
    })
    this.#heartbeater = createHeartbeater({
      store,
      clock,
      events,
      nodeId: identity.nodeId,
      timing: deps.timing,
      stats: () => this.#stats(),
      onFenced: () => this.#onFenced(),
      onTrustRegained: () => {
        for (const service of this.#services) service.wake()
      },
    })
    this.#reclaimer = createReclaimer({
      store,
      clock,
      events,
      nodeId: identity.nodeId,
      sweepMs: deps.sweepMs,
      fencing: fencingRule(deps.timing),
      onReclaimed: () => {
        for (const service of this.#services) service.wake()
      },
    })
    const { keep, random } = deps
    this.#scheduler = createScheduler({ schedules: store.schedules, clock, random, events })
    this.#housekeeper = createHousekeeper({ store, clock, events, nodeId: identity.nodeId, keep })
  }

  get state(): SupervisorState {
    return this.#state
  }

  get isTrusted(): boolean {
    return this.#heartbeater.isTrusted()
  }

  /** Why this node was fenced, for whoever reads the end; it is known once all has stopped. */
  get fencedWhy(): string | null {
    return this.#fencedWhy
  }

  /** What each workflow has in hand on this node. */
  loads(): readonly WorkflowLoad[] {
    return this.#services.map((service) => service.load())
  }

  /** What this node has in hand for each lane. */
  lanes(): readonly LaneHold[] {
    return this.#services.flatMap((service) => service.lanes())
  }

  /** Enters the cluster, sets right what dead boots left on this machine, and begins to lease. */
  start(): Promise<void> {
    const starting = this.#enter()
    this.#entered = starting.catch(() => {})
    return starting
  }

  async #enter(): Promise<void> {
    const { store, identity, timing, clock, events, workflows } = this.#deps
    const sentMs = clock.nowMs()
    await store.registerNode(identity, timing.leaseMs)
    if (this.#state !== 'starting') return
    this.#heartbeater.start(sentMs)
    await fenceDeadNeighbours(this.#deps)
    for (const workflow of workflows) {
      if (this.#state === 'starting') await this.#openWorkflow(workflow)
    }
    if (this.#state === 'starting') await this.#reclaimer.sweep()
    if (this.#state !== 'starting') return
    this.#reclaimer.start()
    this.#housekeeper.start()
    this.#scheduler.start()
    for (const service of this.#services) service.start()
    this.#apply('ready')
    events.emit('supervisor.started', {
      nodeId: identity.nodeId,
      pid: identity.pid,
      workflows: this.#handles.map((handle) => handle.name),
    })
  }

  /** Drains at the first call, halts at the second. */
  stop(reason: string): void {
    const before = this.#state
    this.#apply('stop')
    if (this.#state === before) return
    this.#announce(reason)
    if (this.#state === 'draining') void this.#drain()
    else void this.#halt()
  }

  #apply(event: SupervisorEvent): void {
    this.#state = nextSupervisorState(this.#state, event)
  }

  #announce(reason: string): void {
    const inFlight = this.loads().reduce((sum, load) => sum + load.inFlight, 0)
    const stage = this.#state === 'draining' ? 'drain' : 'halt'
    this.#deps.events.emit('supervisor.stopping', { stage, reason, inFlight })
  }

  async #openWorkflow({ definition, options, rollout }: SupervisedWorkflow): Promise<void> {
    const { store } = this.#deps
    const partitions = partitionsOf(definition, options.coordination)
    const workflow = await store.openWorkflow({ ...definition, partitions })
    const { workflowId } = workflow
    for (const reason of OWN_PAUSES) await store.resumeWorkflow({ workflowId, reason })
    if (rollout) await heedRollout(this.#deps, workflow, rollout)
    this.#handles.push(workflow)
    const service = this.#serviceOf(workflow, options)
    this.#services.push(service)
    this.#scheduler.add({ workflow, definition: definition.schedule, wake: () => service.wake() })
  }

  #serviceOf(workflow: WorkflowHandle, options: WorkflowServiceOptions): WorkflowService {
    const { store, clock, random, events, transports, identity, planOf } = this.#deps
    return new WorkflowService({
      ...{ workflow, nodeId: identity.nodeId, store, clock, random, events, transports, options },
      isTrusted: () => this.#heartbeater.isTrusted(),
      plan: () => planOf(workflow.name),
      isDatabaseCrowded: () => this.#housekeeper.isDatabaseCrowded(),
    })
  }

  #stats(): Json {
    const workflows = this.loads().map(({ breaker, hostHold, ...load }) => {
      return { ...load, breaker: breaker && { ...breaker }, hostHold: hostHold && { ...hostHold } }
    })
    return { state: this.#state, workflows, ...this.#deps.report?.() }
  }

  #onFenced(): void {
    if (this.#isFenced || this.#state === 'halting' || this.#state === 'stopped') return
    this.#isFenced = true
    // First everything is dropped; only then is asked why.
    for (const service of this.#services) service.abandon()
    this.#apply('fenced')
    this.#explained = this.#explainFence()
    void this.#halt()
  }

  /** Says who fenced us and why. */
  async #explainFence(): Promise<void> {
    const { identity, events } = this.#deps
    const { nodeId } = identity
    this.#fencedWhy = await askFenceReason(this.#deps, nodeId)
    events.emit('supervisor.fenced', { nodeId, reason: this.#fencedWhy })
  }

  async #drain(): Promise<void> {
    const { clock, drainMs } = this.#deps
    this.#cancelDeadline = clock.setTimer(drainMs, () => {
      if (this.#state !== 'draining') return
      this.#apply('deadline')
      this.#announce('the drain deadline passed')
      void this.#halt()
    })
    await Promise.all(this.#services.map((service) => service.drain(drainMs)))
    if (this.#state !== 'draining') return
    this.#apply('drained')
    await this.#halt()
  }

  async #halt(): Promise<void> {
    this.#cancelDeadline?.()
    const { clock, events, transports } = this.#deps
    // Stopped while it starts: what the start still brings forth is ended with the rest.
    await within(clock, FAREWELL_MS, this.#entered)
    await within(clock, FAREWELL_MS, Promise.all(this.#services.map((service) => service.halt())))
    for (const service of this.#services) service.abandon()
    await Promise.all(
      [this.#reclaimer, this.#housekeeper, this.#scheduler, this.#heartbeater].map((service) =>
        within(clock, FAREWELL_MS, service.stop()),
      ),
    )
    if (!this.#isFenced) await within(clock, FAREWELL_MS, this.#leave())
    await Promise.all([transports.process.close(), transports.thread.close(), this.#explained])
    this.#apply('ended')
    const reason: StopReason = this.#isFenced ? 'fenced' : 'stopped'
    events.emit('supervisor.stopped', { reason })
    this.#resolveStopped(reason)
  }

  /**
   * Gives back whatever is still leased. Fencing ourselves comes first, so that no late lease of
   * our own slips in behind; when the database is away, the next boot's sweep does the same.
   */
  async #leave(): Promise<void> {
    const { store, identity, events } = this.#deps
    try {
      // Before the fence: from then on whoever finds a reserve takes it for that of a lost node.
      await Promise.all(this.#services.map((service) => service.closeReserve()))
      await store.fenceNode({ nodeId: identity.nodeId, reason: STOPPED_IN_ORDER })
    } catch (error) {
      events.emit('reclaim.failed', { message: messageOf(error) })
      return
    }
    await Promise.all(this.#handles.map((handle) => giveBack(this.#deps, handle)))
  }
}
