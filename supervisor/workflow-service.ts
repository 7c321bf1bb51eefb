// One workflow on this node: leaser, dispatcher, worker pool and settler, and what flows between
// them. Workflows share nothing but the database connection: what happens in one is not felt in
// another.

import type { Settled } from '../src/actor/messages.js'
import type { LeaseSituation } from '../src/core/lease-plan.js'
import { LIMITS } from '../src/core/limits.js'
import { OUTCOMES, type Outcome } from '../src/core/outcome.js'
import { ownPartitions } from '../src/core/partition-plan.js'
import type { HeldItem } from '../src/core/settlement.js'
import {
  decideSettlement,
  knownFailureSettlement,
  releaseSettlement,
} from '../src/core/settlement.js'
import type { LeasedPack } from '../src/store/lease.js'
import type { LaneHold } from '../src/telemetry/live-lanes.js'
import { Breakers } from './breakers.js'
import { DeathCount } from './death-count.js'
import { DispatchTable } from './dispatch-table.js'
import { FailureStreak } from './failure-streak.js'
import type { Governor } from './governor.js'
import { createGovernor } from './governor.js'
import { createHostShelf } from './host-pace.js'
import type { HostShelf } from './host-shelf.js'
import { HostWatch } from './host-watch.js'
import type { Leaser } from './leaser.js'
import { createLeaser } from './leaser.js'
import { Pauser } from './pauser.js'
import { RateMeter } from './rate-meter.js'
import type { CallsInHand, Reserver } from './reserver.js'
import { createReserver } from './reserver.js'
import { Returns } from './returns.js'
import { RolloutPace } from './rollout-pace.js'
import { RolloutWatch } from './rollout-watch.js'
import type { Settler } from './settler.js'
import { createSettler } from './settler.js'
import type { Waiting } from './waiting.js'
import type { WorkerDeath } from './worker-death.js'
import { WorkerPool } from './worker-pool.js'
import type { WorkflowLoad, WorkflowServiceDeps } from './workflow-service-options.js'
import { deadlineOf } from './workflow-service-options.js'

export class WorkflowService {
  readonly #deps: WorkflowServiceDeps
  readonly #hosts: HostShelf<Waiting> | null
  readonly #table: DispatchTable
  readonly #settledRate: RateMeter
  readonly #pool: WorkerPool
  readonly #leaser: Leaser
  readonly #settler: Settler
  readonly #governor: Governor
  readonly #reserver: Reserver
  readonly #rollout: RolloutWatch
  readonly #breakers: Breakers
  /** Attempts that made a request, and those over connections that were open. */
  readonly #fetches = { fetches: 0, reusedFetches: 0 }
  readonly #pace = new RolloutPace()
  readonly #deaths = new DeathCount()
  readonly #streak: FailureStreak
  readonly #pauser: Pauser
  readonly #returns: Returns
  readonly #hostWatch: HostWatch | null
  readonly #seatSlots: number
  #isQuiet = false
  #isAbandoned = false
  /** Calls that were begun and are not in the ledger, when everything was dropped. */
  #droppedCalls = 0
  /** Every further item would fail for a reason that the workflow is being paused for. */
  #isHolding = false

  constructor(deps: WorkflowServiceDeps) {
    this.#deps = deps
    this.#settledRate = new RateMeter(deps.clock)
    const { options, ...shared } = deps
    this.#seatSlots = options.seats.reduce((sum, { slots }) => sum + slots, 0)
    this.#hosts = this.#createHosts()
    this.#table = new DispatchTable(this.#hosts)
    this.#pauser = new Pauser(deps)
    this.#rollout = new RolloutWatch({ ...shared, rule: options.rollback })
    this.#breakers = this.#createBreakers()
    this.#streak = new FailureStreak(options.workerOptions.fetch.upstream.kind !== 'direct')
    this.#reserver = this.#createReserver()
    this.#governor = this.#createGovernor()
    this.#settler = this.#createSettler()
    this.#returns = this.#createReturns()
    this.#hostWatch = this.#createHostWatch()
    this.#leaser = this.#createLeaser()
    this.#pool = this.#createPool()
  }

  start(): void {
    this.#governor.start()
    this.#reserver.start()
    this.#pool.start()
    this.#leaser.start()
  }

  /**
   * Stops leasing and gives back what no worker has started. What a lease under way still brings is
   * given back when it comes; waiting for its answer would keep the workers from hearing of the
   * end.
   */
  async quiesce(): Promise<void> {
    this.#isQuiet = true
    this.#hostWatch?.stop()
    this.#breakers.stop()
    this.#returns.release(this.#table.drainBuffer(), 'drain')
    await Promise.all([this.#leaser.stop(), this.#governor.stop(), this.#reserver.stop()])
  }

  /** Finishes what is in flight within `drainMs` and writes it. */
  async drain(drainMs: number): Promise<void> {
    await Promise.all([this.quiesce(), this.#pool.drain(drainMs)])
    await this.#settler.flush()
  }

  /** Ends the workers at once; their items are given back, what they finished is still written. */
  async halt(): Promise<void> {
    await Promise.all([this.quiesce(), this.#pool.halt()])
    await this.#settler.flush()
  }

  /** The node is fenced: nothing more is written, whatever comes back. */
  abandon(): void {
    this.#droppedCalls += this.#callsInHand().open
    this.#isQuiet = true
    this.#isAbandoned = true
    this.#settler.abandon()
  }

  load(): WorkflowLoad {
    return {
      workflow: this.#deps.workflow.name,
      slots: this.#table.slots,
      inFlight: this.#table.inFlight,
      buffered: this.#table.buffered,
      settling: this.#settler.pending(),
      limit: this.#allowed(),
      reason: this.#breakers.room() === 0 ? 'breaker' : this.#governor.reason(this.#table.active),
      ...this.#fetches,
      breaker: this.#breakers.view(),
      lanesOpen: this.#breakers.lanesOpen,
      ...this.#governor.pace(),
      perSecond: this.#settledRate.perSecond(),
      isClogged: this.#settler.isFull(),
      hostHold: this.#hosts?.hold() ?? null,
    }
  }

  /** What is in hand for each lane, and why no more of it may start. */
  lanes(): readonly LaneHold[] {
    const workflow = this.#deps.workflow.name
    return (this.#hosts?.views() ?? []).map((view) => ({ workflow, ...view }))
  }

  /** The node ends in order: gives its reserve back, unless calls it stands for were dropped. */
  async closeReserve(): Promise<void> {
    const { store, workflow, nodeId } = this.#deps
    if (!this.#reserver.isCounting() || this.#droppedCalls > 0) return
    await store.closeReserve({ nodeId, workflowId: workflow.workflowId })
  }

  /** Looks for work now: something was made ready, or may be started again. */
  wake(): void {
    if (!this.#isQuiet) this.#dispatch()
  }

  #createHosts(): HostShelf<Waiting> | null {
    const { nodeId, clock, options } = this.#deps
    const { hosts: limits } = options
    if (limits === null) return null
    const workers = () => this.#governor.steering()?.workers ?? []
    const restMsOf = (host: string) => this.#breakers.restMsOf(host)
    return createHostShelf({ nodeId, clock, limits, workers, restMsOf })
  }

  #createReturns(): Returns {
    const { workflow, events } = this.#deps
    return new Returns({
      workflow: workflow.name,
      events,
      breakers: this.#breakers,
      settler: this.#settler,
      creditsOf: (held) => this.#creditsOf(held),
      isAbandoned: () => this.#isAbandoned,
    })
  }

  #createHostWatch(): HostWatch | null {
    if (this.#hosts === null) return null
    const { workflow, clock, events } = this.#deps
    return new HostWatch({
      workflow: workflow.name,
      hosts: this.#hosts,
      returns: this.#returns,
      clock,
      events,
      isAbandoned: () => this.#isAbandoned,
      wake: () => this.wake(),
    })
  }

  #createBreakers(): Breakers {
    const { workflow, clock, events, options } = this.#deps
    const isDirect = options.workerOptions.fetch.upstream.kind === 'direct'
    return new Breakers({
      workflow: workflow.name,
      scope: isDirect ? 'lane' : 'upstream',
      clock,
      events,
      onProbe: () => this.wake(),
    })
  }

  #createGovernor(): Governor {
    const { store, workflow, nodeId, clock, events, options, plan } = this.#deps
    const { isDatabaseCrowded } = this.#deps
    return createGovernor({
      store,
      workflow,
      nodeId,
      clock,
      events,
      plan,
      isDatabaseCrowded,
      options: options.governor,
      purse: this.#reserver,
      onSteered: (steering) => {
        this.#rollout.steer(steering)
        this.#reserver.noteBudget(steering.creditsLeft !== null)
        this.#table.reconsider()
        this.#hosts?.reconsider()
        // What was leased ahead would wait here for a share that others have.
        if (this.#allowed() === 0) this.#returns.release(this.#table.drainBuffer(), 'no_share')
        this.#dispatch()
      },
      onRoom: () => this.wake(),
    })
  }

  #createReserver(): Reserver {
    const { store, workflow, nodeId, clock, events, options } = this.#deps
    return createReserver({
      store,
      workflow,
      nodeId,
      clock,
      events,
      creditsPerCall: options.creditsPerCall,
      inHand: () => this.#callsInHand(),
      onReserved: () => this.#dispatch(),
    })
  }

  #callsInHand(): CallsInHand {
    const { inFlight, buffered, active } = this.#table
    const limit = this.#governor.limit()
    // A quarter ahead of the free slots: the next items begin before the next reserve is answered.
    const soon = Math.max(0, limit - active) + Math.ceil(limit / 4)
    const startable = this.#isQuiet ? 0 : Math.min(buffered, soon)
    return { open: inFlight + this.#settler.unbooked(), startable }
  }

  #createSettler(): Settler {
    const { store, workflow, nodeId, clock, events } = this.#deps
    return createSettler({
      store,
      workflow,
      nodeId,
      clock,
      events,
      onProgress: () => this.#dispatch(),
      onBlocked: (message) => void this.#pauser.pause('results_refused', message),
      onWritten: (held, settlement) => {
        const order = this.#streak.note(held, settlement)
        if (order !== null) void this.#hold(order.reason, order.message)
      },
    })
  }

  #createLeaser(): Leaser {
    const { store, workflow, nodeId, clock, events, options } = this.#deps
    return createLeaser({
      store,
      workflow,
      nodeId,
      clock,
      events,
      deadlineMs: deadlineOf(options),
      failureAgeMs: options.failureAgeMs,
      situation: () => this.#situation(),
      mayLease: () => this.#mayStart(),
      partitions: () =>
        ownPartitions(options.coordination ?? { way: 'leased' }, {
          nodeId,
          members: this.#governor.steering()?.workers ?? [],
        }),
      knownLeases: () => [...this.#table.leases(), ...this.#settler.leases()],
      lanesToSkip: () => this.#hosts?.laden() ?? [],
      onPacks: (packs) => {
        this.#noteResumed()
        if (!this.#isQuiet) this.#pool.rouse()
        const unknown = packs.map((pack) => this.#withoutKnown(pack))
        for (const { items } of unknown) {
          for (const item of items) this.#reserver.noteCredits(this.#creditsOf(item))
        }
        this.#table.addPacks(unknown, clock.nowMs())
        if (this.#isQuiet) this.#returns.release(this.#table.drainBuffer(), 'drain')
        else if (this.#isHolding) this.#returns.release(this.#table.drainBuffer(), 'pause')
        else this.#dispatch()
      },
    })
  }

  /** What a call for an item may cost, at most, as far as can be told before it is made. */
  #creditsOf({ lane = '' }: Pick<HeldItem, 'lane'>): number {
    const { priceOfHost, creditsPerCall } = this.#deps.options
    return priceOfHost?.(lane) ?? creditsPerCall
  }

  /** Ends the items whose URL is known to fail, without a call. */
  #withoutKnown(pack: LeasedPack): LeasedPack {
    const open = pack.items.filter((item) => {
      if (item.known === undefined) return true
      const { items: _, ...counts } = pack
      const held = { ...counts, itemId: item.itemId, itemKey: item.itemKey }
      const settlement = knownFailureSettlement(held, item.known)
      this.#settler.offer({ held, settlement, facts: null })
      return false
    })
    return open.length === pack.items.length ? pack : { ...pack, items: open }
  }

  #createPool(): WorkerPool {
    const { workflow, transports, clock, events, options } = this.#deps
    return new WorkerPool({
      workflow: workflow.name,
      seats: options.seats,
      workerOptions: options.workerOptions,
      transports,
      heapMb: options.heapMb,
      memoryBytesMax: options.memoryBytesMax,
      silentMs: options.silentMs,
      idleMs: options.workerIdleMs ?? null,
      hasWork: () => this.#table.buffered + this.#settler.pending() > 0,
      clock,
      events,
      onReady: (workerId, slots) => {
        this.#table.openWorker(workerId, slots)
        this.#dispatch()
      },
      onSettled: (workerId, settled) => this.#onSettled(workerId, settled),
      onDelay: (workerId, delayMs) => this.#governor.noteDelay(workerId, delayMs),
      onClosed: (workerId) => this.#table.closeWorker(workerId),
      onExit: (workerId, death) => this.#onExit(workerId, death),
      heldBy: (workerId) => this.#table.heldBy(workerId),
      onGiveUp: (reason, message) => void this.#pauser.pause(reason, message),
    })
  }

  #situation(): Omit<LeaseSituation, 'meanPackItems'> {
    const table = this.#table
    const { buffered } = table
    const isFull = buffered >= LIMITS.bufferedItemsMax
    // What rests is roused by the first lease, which fills the slots that there will be.
    const resting = this.#pool.isResting ? this.#seatSlots : 0
    const situation = {
      freeSlots: Math.min(resting || table.freeSlots, this.#room()),
      slots: Math.min(
        resting || table.slots,
        this.#allowed(),
        this.#governor.ahead(),
        this.#trial(),
      ),
      // What waits for its host fills no slot, so it is no reason to lease less.
      buffered: isFull ? buffered : table.startable(LIMITS.leaseItemsMax),
      settledPerSecond: this.#settledRate.perSecond(),
      batchMax: this.#deps.options.batchSize ?? null,
    }
    return this.#pace.pace(situation, table.heldBack, this.#governor.steering())
  }

  /** Items that may be started now, whatever slots there are. */
  #room(): number {
    return Math.min(this.#governor.room(this.#table.active), this.#breakers.room())
  }

  /** Items worth leasing while the upstream is on trial: one. */
  #trial(): number {
    return Math.max(1, this.#breakers.room())
  }

  #allowed(): number {
    return this.#governor.allowed(this.#table.active)
  }

  /** Whether new work may be started on this node. */
  #mayStart(): boolean {
    const isHeld = this.#isQuiet || this.#isHolding
    if (this.#breakers.room() === 0) return false
    return !isHeld && this.#deps.isTrusted() && !this.#settler.isFull()
  }

  #dispatch(): void {
    if (!this.#mayStart()) return
    this.#releaseStale()
    this.#holdBack()
    this.#hostWatch?.defer()
    const { cohortOf } = this.#governor
    const step = this.#governor.steering()?.step ?? 0
    const items = this.#table.active + this.#room()
    const allowance = { items, starts: this.#reserver.left(), cohortOf, step }
    for (const { workerId, items } of this.#table.assign(allowance)) {
      this.#governor.noteStarts(items.length)
      this.#breakers.noteStart(items.map(({ itemId }) => itemId))
      this.#reserver.noteStarts(items.length)
      this.#pool.send(workerId, { type: 'dispatch', items })
      for (const { itemId, attempt } of items) {
        const workflow = this.#deps.workflow.name
        this.#deps.events.emit('item.dispatched', { workflow, workerId, itemId, attempt })
      }
    }
    this.#hostWatch?.watch()
    this.#reserver.ask()
    this.#leaser.wake()
  }

  /** Items of lanes that are left alone come back when their lane may be asked again. */
  #holdBack(): void {
    const lanes = this.#breakers.openLanes()
    if (lanes.length === 0) return
    const held = this.#table.takeHeldBack(lanes, (item) => this.#breakers.isHeldBack(item))
    for (const item of held) this.#returns.holdBack(item, this.#breakers.waitMsOf(item))
  }

  /** An item that waited for half its pack's time would be worked under a lease that ends. */
  #releaseStale(): void {
    const { clock, options } = this.#deps
    const oldestMs = this.#table.oldestLeasedMs
    if (oldestMs === null || clock.nowMs() - oldestMs < deadlineOf(options) / 2) return
    this.#returns.release(this.#table.drainBuffer(), 'deadline')
  }

  #onSettled(workerId: string, settled: Settled): void {
    for (const { itemId, leaseId, outcome } of settled.items) {
      const { active } = this.#table
      const held = this.#table.finish(workerId, { itemId, leaseId })
      if (held !== null) this.#governor.noteEnd(outcome, active)
      if (held !== null) this.#table.noteEnd(held, outcome)
      // Not held: a late word about an item that was taken from this worker.
      if (held !== null) this.#decide(held, outcome)
      // Nobody asked it to give anything back: it drains by itself, and must get nothing more.
      if (outcome.result === 'release') this.#pool.retire(workerId)
    }
    this.#settledRate.add(settled.items.length)
    this.#dispatch()
  }

  #decide(held: HeldItem, outcome: Outcome): void {
    const { options, random } = this.#deps
    const isSpared = this.#noteBreaker(held, outcome)
    if (outcome.facts?.credits !== undefined) this.#reserver.noteCredits(outcome.facts.credits)
    const settlement =
      outcome.result === 'release'
        ? releaseSettlement(held, this.#returns.costOf(held, outcome.facts ?? null))
        : decideSettlement(held, outcome, { ...options.retry, isSpared }, random)
    if (settlement.event === 'complete') this.#deaths.reset()
    const facts = outcome.result === 'release' ? null : outcome.facts
    if ((facts?.requests ?? 0) > 0) {
      this.#fetches.fetches += 1
      if (facts?.reused === true) this.#fetches.reusedFetches += 1
    }
    this.#settler.offer({ held, settlement, facts })
    if (outcome.result !== 'failed' || OUTCOMES[outcome.code].pauses !== true) return
    void this.#hold(outcome.code, outcome.message)
  }

  /** @returns whether the attempt failed because the other side is down. */
  #noteBreaker(held: HeldItem, outcome: Outcome): boolean {
    if (outcome.result === 'release') {
      this.#breakers.forget(held)
      return false
    }
    const isSpared = this.#breakers.noteEnd(held, outcome.result === 'failed' ? outcome.code : 'ok')
    // What was leased ahead is for others, or for later.
    if (this.#breakers.room() === 0) this.#returns.release(this.#table.drainBuffer(), 'breaker')
    return isSpared
  }

  /**
   * Pauses the workflow for what its next items would meet as well, such as a refused key. Until
   * the database knows, nothing is started here, and what no worker has started is given back.
   */
  async #hold(reason: string, message: string): Promise<void> {
    if (this.#isHolding) return
    this.#isHolding = true
    this.#returns.release(this.#table.drainBuffer(), 'pause')
    await this.#pauser.pause(reason, message)
    this.#isHolding = false
    this.wake()
  }

  #onExit(workerId: string, death: WorkerDeath): { isExcused: boolean } {
    const { held, isAlone, begun } = this.#table.removeWorker(workerId)
    for (const item of held) this.#table.noteEnd(item, { result: 'release' })
    if (death.isExpected) {
      this.#returns.release(held, 'drain', begun)
      return { isExcused: true }
    }
    for (const item of held) this.#breakers.forget(item)
    if (held.length === 0 || this.#isAbandoned) return { isExcused: false }
    const creditsOf = (item: HeldItem) => this.#creditsOf(item)
    const crash = { held, isAlone, reason: death.reason, begun, creditsOf }
    const verdict = this.#deaths.judge(crash)
    void this.#returns.giveUp(held, verdict.settlements).then(() => this.wake())
    if (verdict.pauseMessage !== null)
      void this.#pauser.pause('restart_intensity', verdict.pauseMessage)
    return { isExcused: verdict.isExcused }
  }

  /**
   * Who resumes the workflow has looked into it: deaths count anew. Otherwise a queue in which only
   * poison is left would be paused at each death from then on, and never come to its end.
   */
  #noteResumed(): void {
    if (!this.#pauser.takeResumed()) return
    this.#deaths.reset()
    this.#streak.reset()
  }
}
