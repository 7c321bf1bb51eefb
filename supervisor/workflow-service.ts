// One workflow on this node: leaser, dispatcher, worker pool and settler, and what flows between
// them. Workflows share nothing but the database connection: what happens in one is not felt in
// another.
//
// The parts are made in `workflow-parts.ts`. How much may start is decided in `start-room.ts`, what
// starts in `dispatcher.ts`, and what becomes of an item in `item-ends.ts`.

import type { LeasedPack } from '../src/store/leased-packs.js'
import type { LaneHold } from '../src/telemetry/live-lanes.js'
import { Dispatcher } from './dispatcher.js'
import { FailureStreak } from './failure-streak.js'
import { ItemEnds } from './item-ends.js'
import { StartRoom } from './start-room.js'
import { createWorkflowParts, type WorkflowParts } from './workflow-parts.js'
import type { WorkflowLoad, WorkflowServiceDeps } from './workflow-service-options.js'
import { creditsOf } from './workflow-service-options.js'

export class WorkflowService {
  readonly #parts: WorkflowParts
  readonly #room: StartRoom
  readonly #dispatcher: Dispatcher
  readonly #ends: ItemEnds
  /** Calls that were begun and are not in the ledger, when everything was dropped. */
  #droppedCalls = 0

  constructor(deps: WorkflowServiceDeps) {
    const streak = new FailureStreak(deps.options.workerOptions.fetch.upstream.kind !== 'direct')
    const wake = () => this.wake()
    const hold = (reason: string, message: string) => void this.#hold(reason, message)
    this.#parts = createWorkflowParts(deps, streak, {
      hold,
      dispatch: () => this.#dispatcher.dispatch(),
      allowed: () => this.#room.allowed(),
      mayStart: () => this.#room.mayStart(),
      situation: () => this.#room.situation(),
      callsInHand: () => this.#room.callsInHand(),
      onPacks: (packs) => this.#onPacks(packs),
      onSettled: (workerId, settled) => {
        this.#ends.onSettled(workerId, settled)
        this.#dispatcher.dispatch()
      },
      onExit: (workerId, death) => this.#ends.onExit(workerId, death),
    })
    this.#room = new StartRoom(this.#parts)
    this.#dispatcher = new Dispatcher(this.#parts, this.#room)
    this.#ends = new ItemEnds(this.#parts, streak, { wake, hold })
  }

  start(): void {
    const { governor, reserver, pool, leaser } = this.#parts
    governor.start()
    reserver.start()
    pool.start()
    leaser.start()
  }

  /**
   * Stops leasing and gives back what no worker has started. What a lease under way still brings is
   * given back when it comes; waiting for its answer would keep the workers from hearing of the
   * end.
   */
  async quiesce(): Promise<void> {
    const { state, hostWatch, breakers, returns, table } = this.#parts
    const { leaser, governor, reserver } = this.#parts
    state.isQuiet = true
    hostWatch?.stop()
    breakers.stop()
    returns.release(table.drainBuffer(), 'drain')
    await Promise.all([leaser.stop(), governor.stop(), reserver.stop()])
  }

  /** Finishes what is in flight within `drainMs` and writes it. */
  async drain(drainMs: number): Promise<void> {
    await Promise.all([this.quiesce(), this.#parts.pool.drain(drainMs)])
    await this.#parts.settler.flush()
  }

  /** Ends the workers at once; their items are given back, what they finished is still written. */
  async halt(): Promise<void> {
    await Promise.all([this.quiesce(), this.#parts.pool.halt()])
    await this.#parts.settler.flush()
  }

  /** The node is fenced: nothing more is written, whatever comes back. */
  abandon(): void {
    const { state, settler } = this.#parts
    this.#droppedCalls += this.#room.callsInHand().open
    state.isQuiet = true
    state.isAbandoned = true
    settler.abandon()
  }

  load(): WorkflowLoad {
    const { deps, table, settler, breakers, governor, settledRate, hosts } = this.#parts
    return {
      workflow: deps.workflow.name,
      slots: table.slots,
      inFlight: table.inFlight,
      buffered: table.buffered,
      settling: settler.pending(),
      limit: this.#room.allowed(),
      reason: breakers.room() === 0 ? 'breaker' : governor.reason(table.active),
      ...this.#ends.fetches(),
      breaker: breakers.view(),
      lanesOpen: breakers.lanesOpen,
      ...governor.pace(),
      perSecond: settledRate.perSecond(),
      isClogged: settler.isFull(),
      hostHold: hosts?.hold() ?? null,
    }
  }

  /** What is in hand for each lane, and why no more of it may start. */
  lanes(): readonly LaneHold[] {
    const { deps, hosts } = this.#parts
    const workflow = deps.workflow.name
    return (hosts?.views() ?? []).map((view) => ({ workflow, ...view }))
  }

  /** The node ends in order: gives its reserve back, unless calls it stands for were dropped. */
  async closeReserve(): Promise<void> {
    const { store, workflow, nodeId } = this.#parts.deps
    if (!this.#parts.reserver.isCounting() || this.#droppedCalls > 0) return
    await store.closeReserve({ nodeId, workflowId: workflow.workflowId })
  }

  /** Looks for work now, and at all of the queue: something may have become ready. */
  wake(): void {
    this.#parts.leaser.lookBack()
    if (!this.#parts.state.isQuiet) this.#dispatcher.dispatch()
  }

  #onPacks(packs: readonly LeasedPack[]): void {
    const { state, pool, table, returns, reserver, deps } = this.#parts
    this.#ends.noteResumed()
    if (!state.isQuiet) pool.rouse()
    const unknown = packs.map((pack) => this.#ends.withoutKnown(pack))
    for (const item of unknown.flatMap(({ items }) => items)) {
      reserver.noteCredits(creditsOf(deps.options, item))
    }
    table.addPacks(unknown, deps.clock.nowMs())
    if (state.isQuiet) returns.release(table.drainBuffer(), 'drain')
    else if (state.isHolding) returns.release(table.drainBuffer(), 'pause')
    else this.#dispatcher.dispatch()
  }

  /**
   * Pauses the workflow for what its next items would meet as well, such as a refused key. Until
   * the database knows, nothing is started here, and what no worker has started is given back.
   */
  async #hold(reason: string, message: string): Promise<void> {
    const { state, returns, table, pauser } = this.#parts
    if (state.isHolding) return
    state.isHolding = true
    returns.release(table.drainBuffer(), 'pause')
    await pauser.pause(reason, message)
    state.isHolding = false
    this.wake()
  }
}
