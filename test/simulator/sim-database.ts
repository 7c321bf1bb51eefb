// The simulated database: the model of the queue, the machines that its nodes name, and its
// weather. A statement takes effect here in one instant, as if its transaction committed then.

import type { FencingRule } from '../../src/core/heartbeat-plan.js'
import type { Settlement } from '../../src/core/settlement.js'
import type { Neighbour, NodeIdentity } from '../../src/store/nodes.js'
import type { WorkflowHandle } from '../../src/store/store.js'
import type { WorkflowRow } from '../../src/store/workflows.js'
import { QueueModel } from '../model/queue-model.js'
import type { Witness } from './witness.js'
import type { World } from './world.js'

/** How the database answers for the time being. */
export interface Weather {
  /** Nobody answers: connections are refused, or go silent. */
  isAway: boolean
  isSilent: boolean
  /** Travel time of a statement or an answer, and by how much a sick disk stretches it. */
  readonly travelMs: { readonly min: number; readonly max: number }
  slowness: number
  /** Share of statements that fail before they take effect, and whose answer is lost after. */
  failedShare: number
  lostShare: number
  /** How long a statement may take effect after its client heard of the loss. */
  lateMs: number
  /** Result tables that are gone for now, by workflow. */
  readonly missingTables: Set<number>
}

export class DatabaseError extends Error {
  readonly code: string

  constructor(code: string) {
    super(`simulated ${code}`)
    this.code = code
  }
}

export class SimDatabase {
  readonly model = new QueueModel()
  readonly weather: Weather
  /** Grows when the database goes away: every connection of before is broken. */
  epoch = 0
  readonly #world: World
  readonly #witness: Witness
  readonly #workflows: readonly string[]
  readonly #reconnectMs: number
  readonly #gapMs: number
  #awaySinceMs = 0
  #awayMs = 0
  readonly #isHale: (nodeId: string) => boolean
  /** When it came back from its last absence, and whether that went without silence or sickness. */
  #backMs = Number.NEGATIVE_INFINITY
  readonly #identities = new Map<string, NodeIdentity>()

  constructor(parts: {
    readonly world: World
    readonly witness: Witness
    readonly weather: Weather
    readonly workflows: readonly string[]
    /** Time in which every node that lives has sent a heartbeat once the database is back. */
    readonly reconnectMs: number
    readonly gapMs: number
    /** Whether nothing but the database itself can have kept a node's heartbeats away. */
    readonly isHale: (nodeId: string) => boolean
  }) {
    this.#world = parts.world
    this.#witness = parts.witness
    this.weather = parts.weather
    this.#workflows = parts.workflows
    this.#reconnectMs = parts.reconnectMs
    this.#gapMs = parts.gapMs
    this.#isHale = parts.isHale
  }

  /** The model with its clock set. */
  at(): QueueModel {
    this.model.nowUs = Math.round(this.#world.nowMs * 1_000)
    return this.model
  }

  goAway(isSilent: boolean): void {
    this.epoch += 1
    if (!this.weather.isAway) this.#awaySinceMs = this.#world.nowMs
    this.weather.isAway = true
    this.weather.isSilent = isSilent
  }

  comeBack(): void {
    this.weather.isAway = false
    this.#backMs = this.#world.nowMs
    this.#awayMs = this.#backMs - this.#awaySinceMs
  }

  registerNode(identity: NodeIdentity, leaseMs: number): void {
    this.#identities.set(identity.nodeId, identity)
    this.at().registerNode({ nodeId: identity.nodeId, name: identity.name }, leaseMs)
  }

  readNeighbours(of: { readonly machine: string; readonly except: string }): readonly Neighbour[] {
    return [...this.#identities.values()].filter(
      ({ nodeId, machine }) =>
        nodeId !== of.except && machine === of.machine && !this.model.isFenced(nodeId),
    )
  }

  fenceNode(nodeId: string, reason: string): boolean {
    const isNew = this.at().fenceNode(nodeId, reason)
    if (isNew) this.#witness.note(`fenced ${nodeId}: ${reason}`)
    return isNew
  }

  fenceExpired(
    by: FencingRule & { readonly nodeId: string },
  ): readonly { readonly nodeId: string; readonly name: string }[] {
    const fenced = this.at().fenceExpired(by)
    for (const nodeId of fenced) {
      this.#witness.mark('fenced')
      this.#checkFence(nodeId)
      this.#witness.note(`fenced ${nodeId}: expired, by ${by.nodeId}`)
    }
    return fenced.map((nodeId) => ({ nodeId, name: nodeId }))
  }

  /**
   * Right after an absence every node looks dead; those that live get the time to say so. One of less
   * than two heartbeats is none: who missed no heartbeat cannot know of it.
   */
  #checkFence(nodeId: string): void {
    const { isSilent, slowness, failedShare, lostShare } = this.weather
    if (isSilent || slowness > 1 || failedShare + lostShare > 0 || !this.#isHale(nodeId)) return
    if (this.#world.nowMs - this.#backMs > this.#reconnectMs || this.#awayMs < this.#gapMs) return
    this.#witness.violation(`${nodeId} was fenced right after the database was away, and it lives`)
  }

  workflowId(name: string): number {
    return this.#workflows.indexOf(name) + 1
  }

  workflowRows(): readonly WorkflowRow[] {
    return this.#workflows.map((name, index) => ({
      workflowId: index + 1,
      name,
      pausedBy: [...(this.model.pausedBy.get(index + 1) ?? [])],
      binding: null,
      boundBy: null,
      backfill: null,
      concurrency: null,
      sinks: null,
    }))
  }

  settle(
    workflow: WorkflowHandle,
    request: {
      readonly nodeId: string
      readonly settlements: readonly Settlement[]
      readonly isBare: boolean
    },
  ): ReadonlySet<string> {
    const { nodeId, settlements, isBare } = request
    if (this.weather.missingTables.has(workflow.workflowId) && !isBare) {
      throw new DatabaseError('42P01')
    }
    const model = this.at()
    const own = model.isFenced(nodeId)
      ? []
      : settlements.filter((settlement) => model.holds(nodeId, settlement))
    // A settle writes the rows of those alone that are still its own.
    if (!isBare && own.some((settlement) => this.#isRefused(settlement))) {
      throw new DatabaseError('23514')
    }
    const applied = model.settle(nodeId, settlements)
    this.#witness.settled(model, nodeId, own)
    if (applied.size !== own.length) {
      this.#witness.violation(`I4: ${nodeId} settled ${applied.size} of ${own.length} it held`)
    }
    return applied
  }

  /** Keys say what the database thinks of their rows. */
  #isRefused({ itemId, event, code }: Settlement): boolean {
    const key = this.model.items.get(itemId)?.key ?? ''
    if (event === 'complete') return key.includes('refused') || key.includes('unsayable')
    return code === 'sink' && key.includes('unsayable')
  }

  releaseNode(
    workflowId: number,
    nodeId: string,
    but: { readonly known: readonly string[]; readonly newest: string | null },
  ) {
    const model = this.at()
    if (model.isFenced(nodeId)) return model.releaseNode(workflowId, nodeId, but.known, but.newest)
    const before = model.leasedBy(workflowId, nodeId).map((pack) => ({ pack, lease: pack.lease }))
    const freed = model.releaseNode(workflowId, nodeId, but.known, but.newest)
    for (const { pack, lease } of before) {
      if (pack.lease !== null || lease === null) continue
      const { leaseId } = lease
      this.#witness.released(pack.itemIds.map((itemId) => ({ itemId, leaseId })))
    }
    return freed
  }
}
