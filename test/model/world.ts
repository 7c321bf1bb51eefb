// One store on a real database and the model beside it. A command is done to both; then their
// answers and all of their tables must be the same.

import { expect } from 'chai'
import type { HeldItem, Settlement } from '../../src/core/settlement.js'
import type { Sql } from '../../src/store/client.js'
import type { Store, WorkflowHandle } from '../../src/store/store.js'
import { createStore } from '../../src/store/store.js'
import type { ClockedDatabase } from '../support/database-clock.js'
import { BoundTable } from './bound-table.js'
import type { Highest } from './compare.js'
import { Adoption, expectSame, PROVISIONAL } from './compare.js'
import { QueueModel } from './queue-model.js'
import type { Flow } from './steps.js'
import { FENCED } from './steps.js'
import { emptyTables, readSnapshot, SINKS, SOURCE } from './tables.js'

/** Far from any partition and from the machine's own time. */
const START_US = Date.UTC(2040, 0, 1) * 1_000
/** Time that passes with every command. No two transactions of a server begin at one instant. */
export const TICK_US = 7
const NODES = 3
const NODE_LEASE_MS = 30_000
const SEQUENCES_UNTIL_TRUNCATED = 50

/** What a node was given by one lease, for as long as the sequence goes on. */
export interface Grant {
  readonly flow: Flow
  readonly nodeId: string
  readonly held: readonly HeldItem[]
}

/** A settle as it was sent. */
export interface Sent {
  readonly flow: Flow
  readonly nodeId: string
  readonly settlements: readonly Settlement[]
}

/**
 * What a command answered: by the store, and by the model once it knows the real numbers. A command
 * that found nothing to send answers null.
 */
export interface Answer {
  readonly real: unknown
  readonly expected: () => unknown
  /** The statement may put the items of a new pack in any order. */
  readonly isOrderFree?: boolean
}

/** A database that serves one sequence after the other. */
export class Ground {
  readonly sql: Sql
  readonly store: Store
  readonly clocked: ClockedDatabase
  readonly flows: { readonly [flow in Flow]: WorkflowHandle }
  readonly highest: Highest = { pack: 0, lease: 0 }
  /** How many commands of each kind were answered with something. */
  readonly effects = new Map<string, number>()
  #sequences = 0

  private constructor(
    clocked: ClockedDatabase,
    sql: Sql,
    flows: { readonly [flow in Flow]: WorkflowHandle },
  ) {
    this.clocked = clocked
    this.sql = sql
    this.store = createStore(sql)
    this.flows = flows
  }

  /**
   * Opens the workflows on the user's tables.
   *
   * @param sql connections of the clocked database, perhaps with something in between.
   */
  static async open(clocked: ClockedDatabase, sql: Sql = clocked.sql): Promise<Ground> {
    const store = createStore(sql)
    const bound = await store.openWorkflow({ name: 'bound', source: SOURCE, sinks: SINKS })
    const pushed = await store.openWorkflow({ name: 'pushed', sinks: SINKS })
    return new Ground(clocked, sql, { bound, pushed })
  }

  async world(): Promise<World> {
    const isFull = this.#sequences % SEQUENCES_UNTIL_TRUNCATED === SEQUENCES_UNTIL_TRUNCATED - 1
    this.#sequences += 1
    await emptyTables(this.clocked.sql, isFull ? 'truncate' : 'delete')
    await this.clocked.setUs(START_US)
    const world = new World(this)
    for (let n = 0; n < NODES; n += 1) await world.boot(NODE_LEASE_MS)
    await world.check({ real: null, expected: () => null })
    return world
  }
}

export class World {
  readonly ground: Ground
  readonly model = new QueueModel(PROVISIONAL)
  readonly table = new BoundTable()
  readonly nodes: string[] = []
  readonly grants: Grant[] = []
  readonly sent: Sent[] = []
  tallyRows = 0
  #tokens = 0
  readonly #adoption: Adoption

  constructor(ground: Ground) {
    this.ground = ground
    this.model.nowUs = START_US
    this.model.bound.set(ground.flows.bound.workflowId, this.table)
    this.#adoption = new Adoption(this.model, ground.highest)
  }

  get store(): Store {
    return this.ground.store
  }

  get sql(): Sql {
    return this.ground.sql
  }

  flow(flow: Flow): WorkflowHandle {
    return this.ground.flows[flow]
  }

  node(n: number): string {
    const fits = this.nodes.filter((id) => this.model.isFenced(id) === (n === FENCED))
    return pickOf(fits, n) ?? this.nodes[0] ?? ''
  }

  /** A word that no settlement had before. */
  token(): string {
    this.#tokens += 1
    return `token-${this.#tokens}`
  }

  /** Starts another node. */
  async boot(leaseMs: number): Promise<string> {
    const n = this.nodes.length + 1
    const nodeId = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
    const identity = { name: `node-${n}`, host: 'host', machine: 'machine', pid: n }
    await this.store.registerNode({ nodeId, ...identity, pidStarted: '7' }, leaseMs)
    this.model.registerNode({ nodeId, name: identity.name }, leaseMs)
    this.nodes.push(nodeId)
    return nodeId
  }

  async setUs(us: number): Promise<void> {
    await this.ground.clocked.setUs(us)
    this.model.nowUs = us
  }

  /** Holds the store against the model after a command. */
  async check(answer: Answer): Promise<void> {
    const snapshot = await readSnapshot(this.ground.clocked.sql, TICK_US)
    this.#adoption.adopt(snapshot, answer.isOrderFree ?? false)
    const ids = [this.flow('bound').workflowId, this.flow('pushed').workflowId]
    expectSame(snapshot, this.model, ids)
    expect(answer.real, 'the answer').to.deep.equal(answer.expected())
    expect(this.model.faults(), 'I1 and I3').to.deep.equal([])
    const strayed = this.model
      .wordFaults(this.flow('bound').workflowId)
      .filter((key) => this.table.rows.get(key)?.isForged === false)
    expect(strayed, 'I5: rows whose word is not the state of their item').to.deep.equal([])
    this.tallyRows = snapshot.tallyRows
    this.model.nowUs += TICK_US
  }
}

export function pickOf<T>(list: readonly T[], n: number): T | undefined {
  return list.length === 0 ? undefined : list[n % list.length]
}
